/*
 * shard_run: the short ways of a sample, for runs of them.
 *
 * Quiet.  The alarms that read an own point read its value and nothing else,
 * nor do they read any other point.  While what they compare stays within the
 * spans that quiet_begin found, no comparison turns; while no delay runs, none
 * can end.  Then of a good sample in order remains: the newest reading, for the
 * point itself, the board and the store.
 *
 * An alarm's time goes on with every sample of its point.  For quiet samples
 * that is made up for by quiet_end, before anything looks at the alarm again:
 * by then the alarm has seen nothing but quiet samples, rising in time, so the
 * last says it all.
 *
 * At once.  Any other good sample in order, before which no delay ends, is
 * judged where it stands, when there is room for all it can cause.
 *
 * Everything else (flags, late, skewed, no room) goes the long way of shard.c,
 * whose outcome is the same.
 */
#include "rules/conditions.h"
#include "rules/shard_private.h"

/* How far ahead points, and then what hangs on them, are fetched: a batch hides the memory's latency behind itself. */
enum { POINTS_AHEAD = 24, READERS_AHEAD = 12, WINDOWS_AHEAD = 8, ENTRIES_AHEAD = 4 };

static inline bool in_order(const struct point_state *point, const struct sample *sample)
{
    int64_t ahead_ns = 0;
    return (sample->status & ~SAMPLE_OPEN) == 0 && sample->time_ns > point->newest_ns &&
           sample->seen_ns >= point->seen_ns && !__builtin_sub_overflow(sample->time_ns, sample->seen_ns, &ahead_ns) &&
           ahead_ns <= SHARD_SKEW_NS;
}

/* Whether all that the alarms of a quiet point compare stays within its spans. */
static bool terms_stay(const struct shard *shard, const struct point_state *point, double value)
{
    for (uint32_t k = 0; k < point->readers.count; k++) {
        struct instance *inst = &shard->instances[reader_of(shard, point->readers, k)];
        const struct conditions *conditions = &shard->rules[inst->rule].code->conditions;
        const struct span *spans = instance_spans(shard, inst, conditions);
        for (unsigned t = 0; t < conditions->term_count; t++) {
            if (!span_has(&spans[t], term_calculate(&conditions->terms[t], value))) {
                return false;
            }
        }
    }
    return true;
}

/* A NaN is in no span. */
static inline bool is_quiet(const struct shard *shard, const struct point_state *point, const struct sample *sample)
{
    return span_has(&point->quiet, sample->value) && in_order(point, sample) &&
           (point->plain || terms_stay(shard, point, sample->value));
}

bool quiet_is(const struct shard *shard, const struct sample *sample)
{
    return is_quiet(shard, &shard->points[local_of(shard, sample->point)], sample);
}

static inline void take_clock(struct shard *shard, const struct sample *sample)
{
    shard->clock_ns = sample->seen_ns > shard->clock_ns ? sample->seen_ns : shard->clock_ns;
}

static inline void take_quiet(struct shard *shard, struct point_state *point, const struct sample *sample)
{
    take_clock(shard, sample);
    point->value = sample->value;
    point->newest_ns = sample->time_ns;
    point->seen_ns = sample->seen_ns;
    point->clock_ns = shard->clock_ns;
    point->behind = true;
    if (shard->config.board != NULL && point->home) {
        shard_write_board(shard, (uint32_t)(point - shard->points), sample->value);
    }
}

/* Whether the sample can be judged at once. */
static bool is_simple(const struct shard *shard, struct point_state *point, const struct sample *sample)
{
    return in_order(point, sample) && point->range_lo <= sample->value && sample->value <= point->range_hi &&
           ring_has_room(shard->config.verdicts, (size_t)point->readers.count * VERDICTS_PER_INSTANCE) &&
           shard_first_end(shard, point->readers, sample->time_ns) == TIME_NEVER;
}

/* Whether the alarm, steady and without a delay that runs, stays so at the sample that its point has just taken. */
static inline bool stays_steady(struct shard *shard, struct instance *inst, int64_t time_ns)
{
    if (!inst->steady || inst->end_ns != TIME_NEVER || inst->group != SITE_NONE) {
        return false;
    }
    const struct judge_rule *rule = &shard->rules[inst->rule];
    const struct conditions *conditions = &rule->code->conditions;
    const struct span *spans = instance_spans(shard, inst, conditions);
    const int64_t t_ns = time_ns > inst->now_ns ? time_ns : inst->now_ns;
    const struct frame frame = judge_frame(shard, inst, rule, t_ns);
    for (unsigned t = 0; t < conditions->term_count; t++) {
        if (!span_has(&spans[t], term_read(&conditions->terms[t], &frame))) {
            return false;
        }
    }
    inst->now_ns = t_ns;
    inst->offset_ns = shard->clock_ns - t_ns;
    return true;
}

/* Takes a good reading that is in order; quiet samples before it are made up for. */
static inline void take_simple(struct shard *shard, struct point_state *point, const struct sample *sample)
{
    const uint32_t local = (uint32_t)(point - shard->points);
    if (!point->heard || !point->timed) {
        struct sample plain = *sample;
        plain.status = 0;
        shard_take_reading(shard, local, &plain);
        return;
    }
    point->newest_ns = sample->time_ns;
    point->seen_ns = sample->seen_ns;
    point->status = 0;
    point->unknown = false;
    shard_take_good(shard, local, sample->value, sample->time_ns);
    shard_write_board(shard, local, sample->value);
}

static void judge_at_once(struct shard *shard, struct point_state *point, const struct sample *sample)
{
    const uint32_t local = (uint32_t)(point - shard->points);
    quiet_end(shard, local);
    take_clock(shard, sample);
    shard->open = sample->status != 0;
    shard->step += 2; /* as the long way counts: what ended before a sample is a step of its own */
    take_simple(shard, point, sample);
    for (uint32_t k = 0; k < point->readers.count; k++) {
        const uint32_t i = reader_of(shard, point->readers, k);
        if (!stays_steady(shard, &shard->instances[i], sample->time_ns)) {
            judge_by_sample(shard, i, sample->time_ns);
        }
    }
    judge_group_end(shard);
    quiet_begin(shard, local);
}

static inline bool take_shortly(struct shard *shard, struct point_state *point, const struct sample *sample)
{
    if (is_quiet(shard, point, sample)) {
        take_quiet(shard, point, sample);
        return true;
    }
    if (is_simple(shard, point, sample)) {
        judge_at_once(shard, point, sample);
        return true;
    }
    return false;
}

bool run_one(struct shard *shard, const struct sample *sample)
{
    struct point_state *point = &shard->points[local_of(shard, sample->point)];
    if (!take_shortly(shard, point, sample)) {
        return false;
    }
    if (point->home) {
        struct sample plain = *sample;
        plain.status = 0;
        shard_keep(shard, &plain);
    }
    if (point->home && shard->samples != NULL) {
        counter_add(shard->samples, 1);
    }
    return true;
}

/* What a run uses of its shard, which the compiler cannot know to stay the same. */
struct run_view {
    struct point_state *points;
    const uint32_t *local; /* NULL: site and local indices are the same */
    const struct board *board;
    bool all_plain, any_windows;
};

static inline struct point_state *point_of(const struct run_view *view, const struct sample *sample)
{
    return &view->points[view->local == NULL ? sample->point : view->local[sample->point]];
}

/* Fetches in two steps: the point, then, when that has come, as much of its first alarm as a quiet sample will need.
 * Always inline: gcc 12 takes a function that only fetches ahead for one without effect and drops the calls. */
static inline __attribute__((always_inline)) void look_ahead(const struct shard *shard, const struct run_view *view,
                                                             const struct sample *sample)
{
    if (sample[POINTS_AHEAD].point != POINT_MARK) {
        __builtin_prefetch(point_of(view, &sample[POINTS_AHEAD]), 1);
        if (view->board != NULL) {
            __builtin_prefetch(board_place(view->board, sample[POINTS_AHEAD].point), 1);
        }
    }
    if (!view->all_plain && sample[READERS_AHEAD].point != POINT_MARK) {
        const struct point_state *point = point_of(view, &sample[READERS_AHEAD]);
        if (!point->plain && point->readers.count > 0) {
            const struct instance *inst = &shard->instances[reader_of(shard, point->readers, 0)];
            __builtin_prefetch((const char *)inst + 64, 1);
            if (!point->own) {
                __builtin_prefetch((const char *)point + 64, 1);
                __builtin_prefetch(inst, 1);
            }
        }
    }
}

/* The windows of points that have any, in steps too: the list's entry, the window, the ends of its entries. */
static inline __attribute__((always_inline)) void
look_ahead_windows(const struct shard *shard, const struct run_view *view, const struct sample *sample)
{
    if (sample[POINTS_AHEAD].point != POINT_MARK) {
        __builtin_prefetch(&shard->point_windows[point_of(view, &sample[POINTS_AHEAD]) - view->points]);
    }
    static const int steps[] = {READERS_AHEAD, WINDOWS_AHEAD, ENTRIES_AHEAD};
    for (int step = 0; step < 3; step++) {
        const struct sample *ahead = &sample[steps[step]];
        const struct point_state *point = ahead->point != POINT_MARK ? point_of(view, ahead) : NULL;
        if (point == NULL || !point->has_windows) {
            continue;
        }
        struct window *const *window = &shard->windows[shard->point_windows[point - view->points].first];
        if (step == 0) {
            __builtin_prefetch(window);
        } else if (step == 1) {
            window_fetch(*window);
        } else {
            window_fetch_entries(*window);
        }
    }
}

/* Where a run gives its home points' samples to the store, all at once at its end. */
struct run_out {
    struct sample *kept; /* NULL: not kept */
    size_t room, home;
};

static inline void keep_home(struct run_out *out, const struct point_state *point, const struct sample *sample)
{
    if (point->home) {
        if (out->kept != NULL) {
            out->kept[out->home] = *sample;
            out->kept[out->home].status = 0; /* as in_order says, but for SAMPLE_OPEN */
        }
        out->home++;
    }
}

/* As many quiet samples as come first. */
static size_t run_quiet(struct shard *shard, const struct run_view *view, const struct sample *samples, size_t n,
                        int64_t before_ns, struct run_out *out)
{
    size_t taken = 0;
    for (; taken < n && out->home < out->room; taken++) {
        const struct sample *sample = &samples[taken];
        if (taken + POINTS_AHEAD < n) {
            look_ahead(shard, view, sample);
            if (view->any_windows) {
                look_ahead_windows(shard, view, sample);
            }
        }
        if (sample->point == POINT_MARK || sample->seen_ns >= before_ns) {
            break;
        }
        struct point_state *point = point_of(view, sample);
        if (!is_quiet(shard, point, sample)) {
            break;
        }
        take_quiet(shard, point, sample);
        keep_home(out, point, sample);
    }
    return taken;
}

/* The sample that was not quiet, if it can be judged at once. */
static bool run_simple(struct shard *shard, const struct run_view *view, const struct sample *sample, int64_t before_ns,
                       struct run_out *out)
{
    if (sample->point == POINT_MARK || sample->seen_ns >= before_ns) {
        return false;
    }
    struct point_state *point = point_of(view, sample);
    if (!is_simple(shard, point, sample)) {
        return false;
    }
    judge_at_once(shard, point, sample);
    keep_home(out, point, sample);
    return true;
}

static void end_run(struct shard *shard, const struct run_out *out)
{
    if (out->home == 0) {
        return;
    }
    if (out->kept != NULL) {
        ring_publish(shard->config.store, out->home);
        shard->kept_new = true;
    }
    if (shard->samples != NULL) {
        counter_add(shard->samples, out->home);
    }
}

size_t run_samples(struct shard *shard, const struct sample *samples, size_t n, int64_t before_ns)
{
    const struct run_view view = {.points = shard->points,
                                  .local = shard->all_local ? NULL : shard->local,
                                  .board = shard->config.board,
                                  .all_plain = shard->all_plain,
                                  .any_windows = shard->window_count > 0};
    struct run_out out = {.room = n};
    if (shard->config.store != NULL) {
        out.kept = ring_claim(shard->config.store, &out.room);
    }
    size_t taken = 0;
    for (;;) {
        const int64_t due_ns = shard_next_due(shard); /* what was judged may have set a delay */
        const int64_t until_ns = due_ns < before_ns ? due_ns : before_ns;
        taken += run_quiet(shard, &view, samples + taken, n - taken, until_ns, &out);
        if (taken == n || out.home == out.room || !run_simple(shard, &view, samples + taken, until_ns, &out)) {
            break;
        }
        taken++;
    }
    end_run(shard, &out);
    return taken;
}

/* ---- when a point is quiet ---- */

void quiet_end(struct shard *shard, uint32_t local)
{
    struct point_state *point = &shard->points[local];
    point->quiet = SPAN_NONE;
    if (!point->behind) {
        return;
    }
    point->behind = false;
    point->good_ns = point->newest_ns;
    for (uint32_t k = 0; k < point->readers.count; k++) {
        struct instance *inst = &shard->instances[reader_of(shard, point->readers, k)];
        inst->now_ns = point->newest_ns > inst->now_ns ? point->newest_ns : inst->now_ns;
        inst->offset_ns = point->clock_ns - inst->now_ns;
    }
}

/* Outside these values an alarm of the point may turn a truth, or the reading gets a status. */
static bool find_span(const struct shard *shard, const struct point_state *point, struct span *ret_span)
{
    struct span span = {point->range_lo, point->range_hi};
    for (uint32_t k = 0; k < point->readers.count; k++) {
        const struct instance *inst = &shard->instances[reader_of(shard, point->readers, k)];
        if (!inst->steady || inst->end_ns != TIME_NEVER) {
            return false;
        }
        if (point->plain && shard->rules[inst->rule].code->conditions.term_count > 0) {
            span.lo = inst->spans[0].lo > span.lo ? inst->spans[0].lo : span.lo;
            span.hi = inst->spans[0].hi < span.hi ? inst->spans[0].hi : span.hi;
        }
    }
    *ret_span = span;
    return true;
}

void quiet_begin(struct shard *shard, uint32_t local)
{
    struct point_state *point = &shard->points[local];
    struct span span;
    if (point->own && point->heard && !point->unknown && point->status == 0 && find_span(shard, point, &span)) {
        point->quiet = span;
    }
}
