/*
 * cmd_query: `davy query SITE POINT`, stored samples or aggregates of a point.
 *
 * Reads beside a running monitor; prints as it reads, in constant memory.
 */
#include "app/args.h"
#include "app/command.h"
#include "app/provenance.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/store.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const agg_names[AGG_KINDS] = {
    [AGG_MEAN] = "mean",   [AGG_MIN] = "min",     [AGG_MAX] = "max",
    [AGG_COUNT] = "count", [AGG_FIRST] = "first", [AGG_LAST] = "last",
};

struct query {
    bool ndjson;
    bool provenance, changes;
    enum store_agg aggs[AGG_KINDS]; /* in the order asked */
    size_t agg_count;
    struct buf line;
};

static bool put_line(struct query *query)
{
    buf_text(&query->line, "\n");
    return fwrite(query->line.data, 1, query->line.len, stdout) == query->line.len;
}

static void put_time(struct query *query, int64_t time_ns)
{
    char time[TEXT_TIME_MAX];
    (void)text_format_time(time_ns, time);
    buf_clear(&query->line);
    buf_printf(&query->line, query->ndjson ? "{\"time\":\"%s\"" : "%s", time);
}

static bool put_sample(void *self, const struct store_row *row)
{
    struct query *query = self;
    char status[STATUS_TEXT_MAX];
    (void)status_format(row->status, status);
    put_time(query, row->time_ns);
    buf_text(&query->line, query->ndjson ? ",\"value\":" : ",");
    if (isfinite(row->value)) {
        buf_number(&query->line, row->value);
    } else if (query->ndjson) {
        buf_text(&query->line, "null");
    }
    buf_printf(&query->line, query->ndjson ? ",\"status\":\"%s\"}" : ",%s", status);
    return put_line(query);
}

static bool put_bucket(void *self, const struct store_bucket *bucket)
{
    struct query *query = self;
    put_time(query, bucket->start_ns);
    for (size_t i = 0; i < query->agg_count; i++) {
        if (query->ndjson) {
            buf_printf(&query->line, ",\"%s\":", agg_names[query->aggs[i]]);
        } else {
            buf_text(&query->line, ",");
        }
        buf_number(&query->line, bucket->agg[query->aggs[i]]);
    }
    if (query->ndjson) {
        buf_text(&query->line, "}");
    }
    return put_line(query);
}

static void put_header(const struct query *query)
{
    if (query->ndjson || query->changes) {
        return;
    }
    if (query->agg_count == 0) {
        printf("%s", query->provenance ? provenance_header() : "time,value,status\n");
        return;
    }
    printf("time");
    for (size_t i = 0; i < query->agg_count; i++) {
        printf(",%s", agg_names[query->aggs[i]]);
    }
    printf("\n");
}

static enum err_code read_agg(const char *word, size_t len, enum store_agg *ret_agg, struct err *err)
{
    for (int i = 0; i < AGG_KINDS; i++) {
        if (strlen(agg_names[i]) == len && memcmp(agg_names[i], word, len) == 0) {
            *ret_agg = (enum store_agg)i;
            return ERR_NONE;
        }
    }
    return err_set(err, ERR_INPUT, "aggregate \"%.*s\" is not known; mean, min, max, count, first and last are",
                   (int)len, word);
}

static enum err_code read_aggs(const char *list, struct query *query, struct err *err)
{
    for (const char *at = list; at != NULL; at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL) {
        if (query->agg_count == AGG_KINDS) {
            return err_set(err, ERR_INPUT, "--agg names more than the %d aggregates there are", AGG_KINDS);
        }
        if (read_agg(at, strcspn(at, ","), &query->aggs[query->agg_count++], err) != ERR_NONE) {
            return ERR_INPUT;
        }
    }
    return ERR_NONE;
}

struct words {
    const char *from, *to, *every, *agg, *format;
};

struct span {
    int64_t from_ns, to_ns, every_ns; /* every_ns 0: samples as they are */
};

static enum err_code read_words(const struct words *words, struct query *query, struct span *span, struct err *err)
{
    struct clock clock;
    clock_init(&clock);
    int64_t now_ns = clock_now_ns(&clock);
    span->from_ns = query->changes ? INT64_MIN : now_ns - 3600 * NS_PER_S;
    span->to_ns = query->changes ? INT64_MAX : now_ns;
    if ((words->from != NULL && args_time(words->from, now_ns, &span->from_ns, err) != ERR_NONE) ||
        (words->to != NULL && args_time(words->to, now_ns, &span->to_ns, err) != ERR_NONE) ||
        (words->every != NULL && args_duration(words->every, &span->every_ns, err) != ERR_NONE)) {
        return ERR_INPUT;
    }
    if (words->every != NULL && span->every_ns <= 0) {
        return err_set(err, ERR_INPUT, "--every must be more than nothing");
    }
    if (words->every == NULL && words->agg != NULL) {
        return err_set(err, ERR_INPUT, "--agg needs --every: over which time to aggregate, like --every 1m");
    }
    if ((query->provenance || query->changes) && (words->every != NULL || query->provenance == query->changes)) {
        return err_set(err, ERR_INPUT, "--provenance, --changes and --every exclude each other");
    }
    query->ndjson = strcmp(words->format, "ndjson") == 0;
    if (!query->ndjson && strcmp(words->format, "csv") != 0) {
        return err_set(err, ERR_INPUT, "--format \"%s\" is not known; csv or ndjson", words->format);
    }
    if (words->every == NULL) {
        return ERR_NONE;
    }
    return read_aggs(words->agg != NULL ? words->agg : "mean,min,max,count,first,last", query, err);
}

static enum err_code print_provenance(struct store *store, const char *point, const struct query *query,
                                      const struct span *span, struct err *err)
{
    struct provenance *provenance = NULL;
    enum err_code code = provenance_load(store, point, query->ndjson, &provenance, err);
    if (code == ERR_NONE) {
        code = store_read(store, point, span->from_ns, span->to_ns, provenance_print, provenance, err);
    }
    provenance_free(provenance);
    return code;
}

static enum err_code print_span(const struct site *site, const char *point, struct query *query,
                                const struct span *span, struct err *err)
{
    char path[PATH_MAX];
    struct store *store = NULL;
    enum err_code code = store_open_reader(command_store_path(site, path, sizeof path), &store, err);
    if (code != ERR_NONE) {
        return code;
    }
    put_header(query);
    if (query->changes) {
        code = provenance_print_changes(store, point, span->from_ns, span->to_ns, query->ndjson, err);
    } else if (query->provenance) {
        code = print_provenance(store, point, query, span, err);
    } else if (span->every_ns > 0) {
        code = store_aggregate(store, point, span->from_ns, span->to_ns, span->every_ns, put_bucket, query, err);
    } else {
        code = store_read(store, point, span->from_ns, span->to_ns, put_sample, query, err);
    }
    if (code == ERR_NONE && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        code = err_set(err, ERR_ENV, "stdout: %s", strerror(errno));
    }
    store_close(store);
    return code;
}

int cmd_query(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    struct words words = {.format = "csv"};
    struct query query = {0};
    struct span span = {0};
    const struct arg_option options[] = {
        {.name = "from", .ret_value = &words.from},      {.name = "to", .ret_value = &words.to},
        {.name = "every", .ret_value = &words.every},    {.name = "agg", .ret_value = &words.agg},
        {.name = "format", .ret_value = &words.format},  {.name = "provenance", .ret_flag = &query.provenance},
        {.name = "changes", .ret_flag = &query.changes},
    };
    if (args_parse(argc, argv, options, sizeof options / sizeof *options, 1, 2, &args, &err) != ERR_NONE ||
        read_words(&words, &query, &span, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    if (args.count < 2 && !query.changes) {
        (void)err_set(&err, ERR_INPUT, "which point? after the site");
        return command_fail(self, &err);
    }
    struct site *site = NULL;
    struct rules *rules = NULL;
    int code = command_load(self, args.positional[0], &site, &rules);
    if (code == ERR_NONE) {
        code = (int)print_span(site, args.count < 2 ? NULL : args.positional[1], &query, &span, &err);
        if (code != ERR_NONE) {
            (void)command_fail(self, &err);
        }
    }
    buf_done(&query.line);
    rules_free(rules);
    site_free(site);
    return code;
}
