/*
 * cmd_export: `davy export SITE`, a stretch of history as a trace.
 *
 * Points are read one after the other, each in order of time; what comes out
 * is in the order of receipt (trace) or of time (csv) over all of them, put so
 * by sample_sort in bounded memory.  Works beside a running monitor: it shows
 * the store as it stood when the command began.
 *
 * Order of receipt is known to the millisecond.  Within one, a late sample
 * comes after those in order, as it did; else the earlier, then the point that
 * stands first in the site.
 */
#include "app/args.h"
#include "app/command.h"
#include "app/sample_sort.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/trace.h"
#include "store/store.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct export
{
    const struct site *site;
    struct sample_sort *sort;
    bool with_seen;
    uint32_t point; /* being read */
    uint64_t samples, points;
    enum err_code code; /* of adding */
    struct err err;
};

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_time(const void *a, const void *b)
{
    const struct sample *x = a;
    const struct sample *y = b;
    int order = compare(x->time_ns, y->time_ns);
    return order != 0 ? order : compare(x->point, y->point);
}

static int by_receipt(const void *a, const void *b)
{
    const struct sample *x = a;
    const struct sample *y = b;
    int order = compare(x->seen_ns, y->seen_ns);
    if (order == 0) {
        order = compare(x->status & ST_LATE, y->status & ST_LATE);
    }
    return order != 0 ? order : by_time(a, b);
}

static bool take_row(void *self, const struct store_row *row)
{
    struct export *export = self;
    struct sample sample = {
        .time_ns = row->time_ns,
        .seen_ns = row->seen_ns,
        .value = row->value,
        .point = export->point,
        .status = row->status,
    };
    export->samples++;
    export->code = sample_sort_add(export->sort, &sample, &export->err);
    return export->code == ERR_NONE;
}

static bool put_row(void *self, const struct sample *sample)
{
    struct export *export = self;
    trace_write_sample(stdout, export->site->points[sample->point].id, sample, export->with_seen);
    return ferror(stdout) == 0;
}

static enum err_code read_point(struct export *export, struct store *store, int64_t from_ns, int64_t to_ns,
                                struct err *err)
{
    uint64_t before = export->samples;
    struct err why = {0};
    enum err_code code =
        store_read(store, export->site->points[export->point].id, from_ns, to_ns, take_row, export, &why);
    export->points += export->samples > before;
    if (export->code != ERR_NONE) {
        *err = export->err;
        return export->code;
    }
    if (code != ERR_NONE && code != ERR_NO) {
        *err = why;
        return code;
    }
    return ERR_NONE; /* nothing of it was stored yet */
}

struct words {
    const char *from, *to, *points, *format;
};

struct stretch {
    int64_t from_ns, to_ns;
};

static enum err_code read_words(const struct words *words, struct stretch *stretch, bool *ret_trace, struct err *err)
{
    struct clock clock;
    clock_init(&clock);
    int64_t now_ns = clock_now_ns(&clock);
    if ((words->from != NULL && args_time(words->from, now_ns, &stretch->from_ns, err) != ERR_NONE) ||
        (words->to != NULL && args_time(words->to, now_ns, &stretch->to_ns, err) != ERR_NONE)) {
        return ERR_INPUT;
    }
    if (args_in_order(stretch->from_ns, stretch->to_ns, err) != ERR_NONE) {
        return ERR_INPUT;
    }
    *ret_trace = strcmp(words->format, "trace") == 0;
    if (!*ret_trace && strcmp(words->format, "csv") != 0) {
        return err_set(err, ERR_INPUT, "--format \"%s\" is not known; trace or csv", words->format);
    }
    return ERR_NONE;
}

static enum err_code read_points(struct export *export, struct store *store, const char *glob,
                                 const struct stretch *stretch, struct err *err)
{
    enum err_code code = ERR_NONE;
    bool any = false;
    for (size_t i = 0; code == ERR_NONE && i < export->site->point_count; i++) {
        if (glob == NULL || text_glob(glob, export->site->points[i].id)) {
            any = true;
            export->point = (uint32_t)i;
            code = read_point(export, store, stretch->from_ns, stretch->to_ns, err);
        }
    }
    if (code == ERR_NONE && !any) {
        return err_set(err, ERR_NO, "--points \"%s\" matches no point of the site; * is any run of characters",
                       glob == NULL ? "*" : glob);
    }
    return code;
}

static enum err_code export_all(struct export *export, const char *glob, const struct stretch *stretch, struct err *err)
{
    char path[PATH_MAX];
    struct store *store = NULL;
    enum err_code code = store_open_reader(command_store_path(export->site, path, sizeof path), &store, err);
    if (code != ERR_NONE) {
        return code;
    }
    export->sort = sample_sort_new(SAMPLE_SORT_ROWS, export->with_seen ? by_receipt : by_time);
    code = read_points(export, store, glob, stretch, err);
    store_close(store);
    if (code == ERR_NONE) {
        trace_write_header(stdout, export->with_seen);
        code = sample_sort_finish(export->sort, put_row, export, err);
    }
    sample_sort_free(export->sort);
    if (code == ERR_NONE && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        code = err_set(err, ERR_ENV, "stdout: %s", strerror(errno));
    }
    return code;
}

int cmd_export(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    struct words words = {.format = "trace"};
    struct stretch stretch = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct export export = {0};
    const struct arg_option options[] = {
        {.name = "from", .ret_value = &words.from},
        {.name = "to", .ret_value = &words.to},
        {.name = "points", .ret_value = &words.points},
        {.name = "format", .ret_value = &words.format},
    };
    if (args_parse(argc, argv, options, sizeof options / sizeof *options, 1, 1, &args, &err) != ERR_NONE ||
        read_words(&words, &stretch, &export.with_seen, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    struct site *site = NULL;
    struct rules *rules = NULL;
    int code = command_load(self, args.positional[0], &site, &rules);
    if (code == ERR_NONE) {
        (void)setvbuf(stdout, NULL, _IOFBF, 1 << 16);
        export.site = site;
        code = (int)export_all(&export, words.points, &stretch, &err);
        if (code == ERR_NONE) {
            (void)fprintf(stderr, "exported %llu samples of %llu points\n", (unsigned long long)export.samples,
                          (unsigned long long)export.points);
        } else {
            (void)command_fail(self, &err);
        }
    }
    rules_free(rules);
    site_free(site);
    return code;
}
