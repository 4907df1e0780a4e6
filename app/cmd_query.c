/*
 * cmd_query: `davy query SITE POINT...`, stored samples, aggregates or newest
 * readings.
 *
 * One point after the other, each by time; prints as it reads, in constant
 * memory, beside a running monitor.
 */
#include "app/args.h"
#include "app/command.h"
#include "app/provenance.h"
#include "app/query_out.h"

#include "base/clock.h"
#include "base/text.h"
#include "store/store.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct words {
    const char *from, *to, *every, *agg, *format;
    bool last, provenance, changes;
};

struct query {
    const struct site *site;
    const char *const *points; /* ids and patterns, as given */
    size_t point_count;
    int64_t from_ns, to_ns, every_ns;
    struct store *store;
    struct query_out out;
    bool any; /* a line was asked for of some point */
};

/* ---- the call ---------------------------------------------------------------------------------------------------- */

static bool is_pattern(const char *point)
{
    return strpbrk(point, "*?") != NULL;
}

/* What is asked for; of these there can be one. */
static enum err_code read_kind(const struct words *words, enum query_kind *ret_kind, struct err *err)
{
    const bool buckets = words->every != NULL;
    if (words->last + words->provenance + words->changes + buckets > 1) {
        return err_set(err, ERR_INPUT, "--every, --last, --provenance and --changes exclude each other");
    }
    if (words->last && (words->from != NULL || words->to != NULL)) {
        return err_set(err, ERR_INPUT, "--last asks for the newest reading; --from and --to go without it");
    }
    if (!buckets && words->agg != NULL) {
        return err_set(err, ERR_INPUT, "--agg needs --every: over which time to aggregate, like --every 1m");
    }
    *ret_kind = words->last         ? QUERY_NEWEST
                : words->provenance ? QUERY_PROVENANCE
                : words->changes    ? QUERY_CHANGES
                : buckets           ? QUERY_BUCKETS
                                    : QUERY_SAMPLES;
    return ERR_NONE;
}

/* The last hour when nothing is said; of changes, which are few, all there were. */
static enum err_code read_times(const struct words *words, struct query *query, struct err *err)
{
    struct clock clock;
    clock_init(&clock);
    const int64_t now_ns = clock_now_ns(&clock);
    const bool changes = query->out.kind == QUERY_CHANGES;
    query->from_ns = changes ? INT64_MIN : now_ns - 3600 * NS_PER_S;
    query->to_ns = changes ? INT64_MAX : now_ns;
    if ((words->from != NULL && args_time(words->from, now_ns, &query->from_ns, err) != ERR_NONE) ||
        (words->to != NULL && args_time(words->to, now_ns, &query->to_ns, err) != ERR_NONE) ||
        (words->every != NULL && args_duration(words->every, &query->every_ns, err) != ERR_NONE)) {
        return ERR_INPUT;
    }
    if (args_in_order(query->from_ns, query->to_ns, err) != ERR_NONE) {
        return ERR_INPUT;
    }
    return words->every != NULL && query->every_ns <= 0 ? err_set(err, ERR_INPUT, "--every must be more than nothing")
                                                        : ERR_NONE;
}

static enum err_code read_words(const struct words *words, const struct args *args, struct query *query,
                                struct err *err)
{
    struct query_out *out = &query->out;
    query->points = args->positional + 1;
    query->point_count = args->count - 1;
    if (read_kind(words, &out->kind, err) != ERR_NONE || read_times(words, query, err) != ERR_NONE) {
        return ERR_INPUT;
    }
    if (query->point_count == 0 && out->kind != QUERY_NEWEST && out->kind != QUERY_CHANGES) {
        return err_set(err, ERR_INPUT, "which point? name one or more, or a pattern such as 'face-501/*'");
    }
    out->ndjson = strcmp(words->format, "ndjson") == 0;
    if (!out->ndjson && strcmp(words->format, "csv") != 0) {
        return err_set(err, ERR_INPUT, "--format \"%s\" is not known; csv or ndjson", words->format);
    }
    out->with_point = query->point_count != 1 || is_pattern(query->points[0]);
    if (out->kind != QUERY_BUCKETS) {
        return ERR_NONE;
    }
    return query_out_aggs(out, words->agg != NULL ? words->agg : "mean,min,max,count,first,last", err);
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

static enum err_code print_provenance(struct query *query, const char *point, struct err *err)
{
    struct provenance *provenance = NULL;
    enum err_code code = provenance_load(query->store, point, &query->out, &provenance, err);
    if (code == ERR_NONE) {
        code = store_read(query->store, point, query->from_ns, query->to_ns, provenance_print, provenance, err);
    }
    provenance_free(provenance);
    return code;
}

static enum err_code print_point(struct query *query, const char *point, struct err *err)
{
    query->out.point = point;
    query->out.point_len = strlen(point);
    query->any = true;
    if (query->out.kind == QUERY_BUCKETS) {
        return store_aggregate(query->store, point, query->from_ns, query->to_ns, query->every_ns, query_out_bucket,
                               &query->out, err);
    }
    if (query->out.kind == QUERY_PROVENANCE) {
        return print_provenance(query, point, err);
    }
    return store_read(query->store, point, query->from_ns, query->to_ns, query_out_sample, &query->out, err);
}

/* All points of the site that match, in its order; those of which nothing was stored yet are passed over. */
static enum err_code print_pattern(struct query *query, const char *pattern, struct err *err)
{
    enum err_code code = ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && i < query->site->point_count; i++) {
        if (text_glob(pattern, query->site->points[i].id)) {
            code = print_point(query, query->site->points[i].id, err);
            code = code == ERR_NO ? ERR_NONE : code;
        }
    }
    return code;
}

static enum err_code print_points(struct query *query, struct err *err)
{
    enum err_code code = ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && i < query->point_count; i++) {
        code = is_pattern(query->points[i]) ? print_pattern(query, query->points[i], err)
                                            : print_point(query, query->points[i], err);
    }
    return code;
}

/* ---- newest readings --------------------------------------------------------------------------------------------- */

static bool is_asked_for(const struct query *query, const char *id)
{
    for (size_t i = 0; i < query->point_count; i++) {
        if (text_glob(query->points[i], id)) { /* an id is a pattern of itself */
            return true;
        }
    }
    return query->point_count == 0;
}

static bool print_newest(void *self, const char *id, size_t id_len, const struct board_entry *entry)
{
    struct query *query = self;
    char text[1024];
    (void)snprintf(text, sizeof text, "%.*s", (int)id_len, id); /* an id has at most 512 bytes */
    if (!is_asked_for(query, text)) {
        return true;
    }
    query->out.point = id;
    query->out.point_len = id_len;
    query->any = true;
    const struct store_row row = {.time_ns = entry->time_ns, .value = entry->value, .status = entry->status};
    return query_out_sample(&query->out, &row);
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

/* Points and rules as the chain of changes names them, whatever the site has by now; there may be none. */
static enum err_code print_changes(struct query *query, struct err *err)
{
    enum err_code code = ERR_NONE;
    query->any = true;
    for (size_t i = 0; code == ERR_NONE && (i == 0 || i < query->point_count); i++) {
        code = provenance_print_changes(query->store, query->point_count == 0 ? NULL : query->points[i], query->from_ns,
                                        query->to_ns, query->out.ndjson, err);
    }
    return code;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static enum err_code print_kind(struct query *query, struct err *err)
{
    switch (query->out.kind) {
    case QUERY_NEWEST:
        return store_last_all(query->store, print_newest, query, err);
    case QUERY_CHANGES:
        return print_changes(query, err);
    case QUERY_SAMPLES:
    case QUERY_BUCKETS:
    case QUERY_PROVENANCE:
        break;
    }
    return print_points(query, err);
}

static enum err_code print_all(struct query *query, struct err *err)
{
    char path[PATH_MAX];
    enum err_code code = store_open_reader(command_store_path(query->site, path, sizeof path), &query->store, err);
    if (code != ERR_NONE) {
        return code;
    }
    (void)setvbuf(stdout, NULL, _IOFBF, 1 << 16); /* many short lines */
    query_out_header(&query->out);
    code = print_kind(query, err);
    if (code == ERR_NONE && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        code = err_set(err, ERR_ENV, "stdout: %s", strerror(errno));
    }
    if (code == ERR_NONE && !query->any) {
        code = err_set(err, ERR_NO,
                       query->out.kind == QUERY_NEWEST
                           ? "nothing was stored of such a point yet"
                           : "the pattern matches no point of the site; * is any run of characters");
    }
    store_close(query->store);
    return code;
}

int cmd_query(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    struct words words = {.format = "csv"};
    const struct arg_option options[] = {
        {.name = "from", .ret_value = &words.from},      {.name = "to", .ret_value = &words.to},
        {.name = "every", .ret_value = &words.every},    {.name = "agg", .ret_value = &words.agg},
        {.name = "last", .ret_flag = &words.last},       {.name = "provenance", .ret_flag = &words.provenance},
        {.name = "changes", .ret_flag = &words.changes}, {.name = "format", .ret_value = &words.format},
    };
    struct query query = {0};
    if (args_parse(argc, argv, options, sizeof options / sizeof *options, 1, ARGS_MAX, &args, &err) != ERR_NONE ||
        read_words(&words, &args, &query, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    struct site *site = NULL;
    struct rules *rules = NULL;
    int code = command_load(self, args.positional[0], &site, &rules);
    if (code == ERR_NONE) {
        query.site = site;
        code = (int)print_all(&query, &err);
        if (code != ERR_NONE) {
            (void)command_fail(self, &err);
        }
    }
    query_out_done(&query.out);
    rules_free(rules);
    site_free(site);
    return code;
}
