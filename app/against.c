/* against: see against.h. */
#include "app/against.h"

#include "alerting/load_figures.h"
#include "app/both_sites.h"
#include "app/event_match.h"
#include "app/load_print.h"
#include "app/replay.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/trace.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct side {
    struct against_side given;
    struct replay *replay;
    const uint32_t *both_alarms;
    struct match_list events;
    struct load *load;
    uint64_t not_given; /* rows whose point or alarm this site does not know */
};

struct against {
    const struct against_config *config;
    struct both_sites both;
    struct side sides[BOTH];
    uint64_t rows, set_aside;
};

/* ---- one pass ---------------------------------------------------------------------------------------------------- */

static void take_event(void *self, const struct event *event, const char *json, size_t len)
{
    (void)json;
    (void)len;
    struct side *side = self;
    match_add(&side->events, event, side->both_alarms[event->alarm]);
    load_event(side->load, side->given.site->alarms[event->alarm].name, (enum event_kind)event->kind,
               (enum level)event->level, event->time_ns);
}

static void tell_aside(void *self, const char *file, uint64_t line, const char *reason)
{
    (void)self;
    (void)fprintf(stderr, "%s: line %llu: set aside: %s\n", file, (unsigned long long)line, reason);
}

static void tell_refused(const struct side *side, const char *file, const struct trace_row *row, const struct err *err)
{
    char time[TEXT_TIME_MAX];
    (void)text_format_time(row->time_ns, time);
    (void)fprintf(stderr, "%s: act %s at %s refused with %s: %s\n", file, act_name(row->act.kind), time,
                  side->given.name, err->text);
}

static enum err_code give_row(struct against *against, const char *file, const struct trace_row *row, struct err *err)
{
    for (int which = 0; which < BOTH; which++) {
        struct side *side = &against->sides[which];
        struct trace_row own;
        if (!both_sites_row(&against->both, which, row, &own)) {
            side->not_given++;
            continue;
        }
        enum err_code code = replay_row(side->replay, &own, err);
        if (code == ERR_NO) {
            tell_refused(side, file, &own, err);
        } else if (code != ERR_NONE) {
            return code;
        }
    }
    return ERR_NONE;
}

static enum err_code replay_file(struct against *against, const char *file, struct err *err)
{
    struct trace_reader *reader = NULL;
    enum err_code code = trace_open(file, &against->both.site, tell_aside, NULL, &reader, err);
    if (code != ERR_NONE) {
        return code;
    }
    struct trace_row row;
    while (code == ERR_NONE && trace_next(reader, &row)) {
        code = give_row(against, file, &row, err);
    }
    if (code == ERR_NONE && trace_error(reader) != NULL) {
        *err = *trace_error(reader);
        code = err->code;
    }
    against->rows += trace_rows(reader);
    against->set_aside += trace_set_aside(reader);
    trace_close(reader);
    return code;
}

/* ---- what came of it --------------------------------------------------------------------------------------------- */

/* "raised orange tank-high:tank-7/level #2" */
static void print_event(FILE *out, const struct against *against, const struct match_event *event)
{
    (void)fprintf(out, "%s", event_name((enum event_kind)event->kind));
    if (event->level != LEVEL_NONE) {
        (void)fprintf(out, " %s", level_name((enum level)event->level));
    }
    (void)fprintf(out, "  %s", against->both.site.alarms[event->alarm].name);
    if (event->occurrence > 0) {
        (void)fprintf(out, " #%u", event->occurrence);
    }
}

static void print_difference(FILE *out, const struct against *against, const struct match_difference *difference)
{
    char time[TEXT_TIME_MAX];
    char by[TEXT_DURATION_MAX];
    (void)text_format_time(difference->event.time_ns, time);
    (void)fprintf(out, "%s  %-8s", time, match_name(difference->kind));
    if (difference->kind == MATCH_EARLIER || difference->kind == MATCH_LATER) {
        (void)text_format_duration(difference->by_ns, by);
        (void)fprintf(out, " by %-8s ", by);
    } else {
        (void)fprintf(out, "    %-8s ", "");
    }
    print_event(out, against, &difference->event);
    if (difference->kind != MATCH_ADDED && difference->kind != MATCH_LOST &&
        difference->other.level != difference->event.level) {
        (void)fprintf(out, ", now %s", level_name((enum level)difference->other.level));
    }
    (void)fprintf(out, "\n");
}

static void print_table(FILE *out, const struct against *against, const struct match_result *result,
                        const struct load_figures figures[BOTH])
{
    const char *const names[BOTH] = {against->sides[0].given.name, against->sides[1].given.name};
    (void)fprintf(out,
                  "events of %s against those of %s:\n%llu the same, %llu lost, %llu added, %llu earlier, %llu later, "
                  "%llu of another level\n\n",
                  names[1], names[0], (unsigned long long)result->same, (unsigned long long)result->sums[MATCH_LOST],
                  (unsigned long long)result->sums[MATCH_ADDED], (unsigned long long)result->sums[MATCH_EARLIER],
                  (unsigned long long)result->sums[MATCH_LATER], (unsigned long long)result->sums[MATCH_LEVEL]);
    for (size_t i = 0; i < result->count; i++) {
        print_difference(out, against, &result->items[i]);
    }
    (void)fprintf(out, "%s", result->count > 0 ? "\n" : "");
    load_print_table(out, names, figures, BOTH);
}

static void put_time(struct buf *line, const char *key, int64_t time_ns)
{
    char time[TEXT_TIME_MAX];
    (void)text_format_time(time_ns, time);
    buf_printf(line, ",\"%s\":\"%s\"", key, time);
}

static void put_level(struct buf *line, const char *key, uint8_t level)
{
    if (level != LEVEL_NONE) {
        buf_printf(line, ",\"%s\":\"%s\"", key, level_name((enum level)level));
    }
}

static void put_difference(struct buf *line, const struct against *against, const struct match_difference *difference)
{
    const struct match_event *event = &difference->event;
    const bool paired = difference->kind != MATCH_ADDED && difference->kind != MATCH_LOST;
    buf_printf(line, "{\"difference\":\"%s\",\"event\":\"%s\",\"alarm\":", match_name(difference->kind),
               event_name((enum event_kind)event->kind));
    buf_json_string(line, against->both.site.alarms[event->alarm].name);
    if (event->occurrence > 0) {
        buf_printf(line, ",\"occurrence\":%u", event->occurrence);
    }
    put_level(line, "level", event->level);
    put_time(line, "time", event->time_ns);
    if (paired) {
        put_level(line, "other_level", difference->other.level);
        put_time(line, "other_time", difference->other.time_ns);
        buf_text(line, ",\"by_s\":");
        buf_number(line, (double)difference->by_ns / (double)NS_PER_S);
    }
    buf_text(line, "}\n");
}

static void print_ndjson(FILE *out, const struct against *against, const struct match_result *result,
                         const struct load_figures figures[BOTH])
{
    struct buf line = {0};
    for (size_t i = 0; i < result->count; i++) {
        buf_clear(&line);
        put_difference(&line, against, &result->items[i]);
        (void)fwrite(line.data, 1, line.len, out);
    }
    for (int which = 0; which < BOTH; which++) {
        buf_clear(&line);
        load_print_json(&line, against->sides[which].given.name, &figures[which]);
        (void)fprintf(out, "%s\n", line.data);
    }
    buf_done(&line);
}

/* The stretch of the rows of either; the last row belongs to it. */
static void span(const struct against *against, int64_t *ret_from_ns, int64_t *ret_to_ns)
{
    int64_t from_ns = INT64_MAX;
    int64_t last_ns = INT64_MIN;
    for (int which = 0; which < BOTH; which++) {
        const struct replay_figures *figures = replay_figures(against->sides[which].replay);
        if (figures->samples + figures->acts > 0) {
            from_ns = figures->first_ns < from_ns ? figures->first_ns : from_ns;
            last_ns = figures->last_ns > last_ns ? figures->last_ns : last_ns;
        }
    }
    const bool none = from_ns > last_ns; /* no row at all, or nothing but clock rows */
    *ret_from_ns = none ? 0 : from_ns;
    *ret_to_ns = none ? 0 : last_ns < INT64_MAX - NS_PER_MS ? last_ns + NS_PER_MS : INT64_MAX;
}

static void print_summary(const struct against *against)
{
    (void)fprintf(stderr, "replayed %llu rows, %llu set aside;", (unsigned long long)against->rows,
                  (unsigned long long)against->set_aside);
    for (int which = 0; which < BOTH; which++) {
        const struct side *side = &against->sides[which];
        const struct replay_figures *figures = replay_figures(side->replay);
        (void)fprintf(stderr, " %s: %llu samples, %llu acts (%llu refused), %llu rows not known to it, %llu events%s",
                      side->given.name, (unsigned long long)figures->samples, (unsigned long long)figures->acts,
                      (unsigned long long)figures->refused, (unsigned long long)side->not_given,
                      (unsigned long long)figures->events, which == 0 ? ";" : "\n");
    }
}

static enum err_code print_all(struct against *against, struct err *err)
{
    struct match_result result;
    struct load_figures figures[BOTH];
    int64_t from_ns = 0;
    int64_t to_ns = 0;
    span(against, &from_ns, &to_ns);
    for (int which = 0; which < BOTH; which++) {
        load_figures(against->sides[which].load, from_ns, to_ns, &figures[which]);
    }
    event_match(&against->sides[0].events, &against->sides[1].events, &result);
    (against->config->ndjson ? print_ndjson : print_table)(stdout, against, &result, figures);
    const bool same = result.count == 0;
    match_result_done(&result);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        return err_set(err, ERR_ENV, "stdout: %s", strerror(errno));
    }
    print_summary(against);
    return same ? ERR_NONE : ERR_NO;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static enum err_code side_init(struct side *side, const struct against_side *given, const uint32_t *both_alarms,
                               unsigned shards, struct err *err)
{
    *side = (struct side){.given = *given, .both_alarms = both_alarms, .load = load_new()};
    return replay_new(given->site, given->rules, shards, RUN_EXERCISE, take_event, side, &side->replay, err);
}

static void side_done(struct side *side)
{
    replay_free(side->replay);
    load_free(side->load);
    match_list_done(&side->events);
}

enum err_code against_run(const struct against_config *config, struct err *err)
{
    struct against against = {.config = config};
    const struct site *const sites[BOTH] = {config->sides[0].site, config->sides[1].site};
    both_sites_init(&against.both, sites);
    enum err_code code = ERR_NONE;
    for (int which = 0; which < BOTH && code == ERR_NONE; which++) {
        code = side_init(&against.sides[which], &config->sides[which], against.both.both_alarms[which], config->shards,
                         err);
    }
    for (size_t i = 0; i < config->trace_count && code == ERR_NONE; i++) {
        code = replay_file(&against, config->traces[i], err);
    }
    if (code == ERR_NONE) {
        code = print_all(&against, err);
    }
    for (int which = 0; which < BOTH; which++) {
        side_done(&against.sides[which]);
    }
    both_sites_done(&against.both);
    return code;
}
