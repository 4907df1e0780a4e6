/* query_out: see query_out.h. */
#include "app/query_out.h"
#include "app/provenance.h"

#include "base/text.h"
#include "model/sample.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const agg_names[QUERY_AGGS] = {
    [AGG_MEAN] = "mean",   [AGG_MIN] = "min",   [AGG_MAX] = "max",         [AGG_COUNT] = "count",
    [AGG_FIRST] = "first", [AGG_LAST] = "last", [QUERY_STATUS] = "status",
};

static enum err_code read_agg(const char *word, size_t len, int *ret_agg, struct err *err)
{
    for (int i = 0; i < QUERY_AGGS; i++) {
        if (strlen(agg_names[i]) == len && memcmp(agg_names[i], word, len) == 0) {
            *ret_agg = i;
            return ERR_NONE;
        }
    }
    return err_set(err, ERR_INPUT, "aggregate \"%.*s\" is not known; mean, min, max, count, first, last and status are",
                   (int)len, word);
}

enum err_code query_out_aggs(struct query_out *out, const char *list, struct err *err)
{
    for (const char *at = list; at != NULL; at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL) {
        if (out->agg_count == QUERY_AGGS) {
            return err_set(err, ERR_INPUT, "--agg names more than the %d aggregates there are", QUERY_AGGS);
        }
        if (read_agg(at, strcspn(at, ","), &out->aggs[out->agg_count++], err) != ERR_NONE) {
            return ERR_INPUT;
        }
    }
    return ERR_NONE;
}

void query_out_header(const struct query_out *out)
{
    static const char *const columns[] = {
        [QUERY_SAMPLES] = ",value,status\n",
        [QUERY_NEWEST] = ",value,status\n",
        [QUERY_PROVENANCE] = "," PROVENANCE_COLUMNS "\n",
    };
    if (out->ndjson) {
        return;
    }
    if (out->kind == QUERY_CHANGES) {
        printf("%s\n", CHANGES_COLUMNS);
        return;
    }
    printf(out->with_point ? "time,point" : "time");
    if (out->kind != QUERY_BUCKETS) {
        printf("%s", columns[out->kind]);
        return;
    }
    for (size_t i = 0; i < out->agg_count; i++) {
        printf(",%s", agg_names[out->aggs[i]]);
    }
    printf("\n");
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void put_time(struct query_out *out, int64_t time_ns)
{
    char time[TEXT_TIME_MAX];
    (void)text_format_time(time_ns, time);
    buf_printf(&out->line, out->ndjson ? "\"%s\"" : "%s", time);
}

void query_out_begin(struct query_out *out, int64_t time_ns)
{
    buf_clear(&out->line);
    buf_text(&out->line, out->ndjson ? "{\"time\":" : "");
    put_time(out, time_ns);
    if (out->with_point) { /* no id has a character that CSV or JSON would mind */
        buf_printf(&out->line, out->ndjson ? ",\"point\":\"%.*s\"" : ",%.*s", (int)out->point_len, out->point);
    }
}

bool query_out_end(struct query_out *out)
{
    buf_text(&out->line, out->ndjson ? "}\n" : "\n");
    return fwrite(out->line.data, 1, out->line.len, stdout) == out->line.len;
}

static void put_name(struct query_out *out, const char *name)
{
    if (out->ndjson) {
        buf_printf(&out->line, ",\"%s\":", name);
    } else {
        buf_text(&out->line, ",");
    }
}

void query_out_time(struct query_out *out, const char *name, int64_t time_ns)
{
    put_name(out, name);
    put_time(out, time_ns);
}

void query_out_value(struct query_out *out, const char *name, double value)
{
    put_name(out, name);
    if (isfinite(value)) {
        buf_number(&out->line, value);
    } else if (out->ndjson) {
        buf_text(&out->line, "null");
    }
}

void query_out_status(struct query_out *out, uint16_t status)
{
    char text[STATUS_TEXT_MAX];
    (void)status_format(status, text);
    put_name(out, "status");
    buf_printf(&out->line, out->ndjson ? "\"%s\"" : "%s", text);
}

bool query_out_sample(void *self, const struct store_row *row)
{
    struct query_out *out = self;
    query_out_begin(out, row->time_ns);
    query_out_value(out, "value", row->value);
    query_out_status(out, row->status);
    return query_out_end(out);
}

bool query_out_bucket(void *self, const struct store_bucket *bucket)
{
    struct query_out *out = self;
    query_out_begin(out, bucket->start_ns);
    for (size_t i = 0; i < out->agg_count; i++) {
        if (out->aggs[i] == QUERY_STATUS) {
            query_out_status(out, bucket->status);
        } else {
            put_name(out, agg_names[out->aggs[i]]);
            buf_number(&out->line, bucket->agg[out->aggs[i]]);
        }
    }
    return query_out_end(out);
}

void query_out_done(struct query_out *out)
{
    buf_done(&out->line);
}
