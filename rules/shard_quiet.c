/*
 * shard_quiet: the short way of the samples that change nothing, nearly all.
 *
 * A plain point's alarms compare its value with constants and read nothing else
 * of it, nor of any other point.  While the value stays within the span that
 * quiet_begin found, no comparison turns; while no delay runs, none can end.
 * Then of a good sample in order remains: the newest reading, for the point
 * itself, the board and the store.
 *
 * An alarm's time goes on with every sample of its point.  That is made up for
 * by quiet_end, before anything looks at the alarm again: by then the alarm has
 * seen nothing but quiet samples, rising in time, so the last says it all.
 */
#include "rules/shard_private.h"

/* How far ahead points, and then what hangs on them, are fetched: a batch hides the memory's latency behind itself. */
enum { POINTS_AHEAD = 24, READERS_AHEAD = 10 };

#define SKEW_NS (60 * NS_PER_S) /* contract 3: more than 60 s in the future */

/* In the order of likeliness to fail; a NaN is in no span. */
static inline bool is_quiet(const struct point_state *point, const struct sample *sample)
{
    int64_t ahead_ns = 0;
    return span_has(&point->quiet, sample->value) && sample->status == 0 && sample->time_ns > point->newest_ns &&
           sample->seen_ns >= point->seen_ns &&
           !__builtin_sub_overflow(sample->time_ns, sample->seen_ns, &ahead_ns) && ahead_ns <= SKEW_NS;
}

static inline void take(struct shard *shard, struct point_state *point, const struct sample *sample)
{
    shard->clock_ns = sample->seen_ns > shard->clock_ns ? sample->seen_ns : shard->clock_ns;
    point->value = sample->value;
    point->newest_ns = sample->time_ns;
    point->seen_ns = sample->seen_ns;
    point->clock_ns = shard->clock_ns;
    point->behind = true;
    if (shard->config.board != NULL && point->home) {
        shard_write_board(shard, (uint32_t)(point - shard->points), sample->value);
    }
}

bool quiet_is(const struct shard *shard, const struct sample *sample)
{
    return is_quiet(&shard->points[local_of(shard, sample->point)], sample);
}

bool quiet_take(struct shard *shard, const struct sample *sample)
{
    struct point_state *point = &shard->points[local_of(shard, sample->point)];
    if (!is_quiet(point, sample)) {
        return false;
    }
    take(shard, point, sample);
    if (point->home && shard->config.store != NULL) {
        bool room = ring_push(shard->config.store, sample);
        assert(room && "whoever drives the shard sees to room");
        (void)room;
        shard->kept_new = true;
    }
    if (point->home && shard->samples != NULL) {
        counter_add(shard->samples, 1);
    }
    return true;
}

static void fetch_readers(const struct shard *shard, const struct sample *sample)
{
    if (sample->point == POINT_MARK) {
        return;
    }
    const struct point_state *point = &shard->points[local_of(shard, sample->point)];
    if (!point->plain && point->readers.count > 0) {
        const struct instance *inst = &shard->instances[reader_of(shard, point->readers, 0)];
        __builtin_prefetch((const char *)point + 64, 1);
        __builtin_prefetch(inst, 1);
        __builtin_prefetch((const char *)inst + 64, 1);
    }
}

void quiet_look_ahead(const struct shard *shard, const struct sample *samples, size_t at, size_t n)
{
    if (at + POINTS_AHEAD < n && samples[at + POINTS_AHEAD].point != POINT_MARK) {
        __builtin_prefetch(&shard->points[local_of(shard, samples[at + POINTS_AHEAD].point)], 1);
    }
    if (!shard->all_plain && at + READERS_AHEAD < n) {
        fetch_readers(shard, &samples[at + READERS_AHEAD]);
    }
}

size_t quiet_run(struct shard *shard, const struct sample *samples, size_t n, int64_t before_ns)
{
    size_t room = n;
    struct sample *kept = NULL;
    if (shard->config.store != NULL) {
        kept = ring_claim(shard->config.store, &room);
    }
    size_t taken = 0;
    size_t home = 0;
    for (; taken < n && home < room; taken++) {
        const struct sample *sample = &samples[taken];
        quiet_look_ahead(shard, samples, taken, n);
        if (sample->point == POINT_MARK || sample->seen_ns >= before_ns) {
            break;
        }
        struct point_state *point = &shard->points[local_of(shard, sample->point)];
        if (!is_quiet(point, sample)) {
            break;
        }
        take(shard, point, sample);
        if (point->home) {
            if (kept != NULL) {
                kept[home] = *sample;
            }
            home++;
        }
    }
    if (kept != NULL && home > 0) {
        ring_publish(shard->config.store, home);
        shard->kept_new = true;
    }
    if (home > 0 && shard->samples != NULL) {
        counter_add(shard->samples, home);
    }
    return taken;
}

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

/* Within these values all alarms of the point keep their truths and the reading its status. */
static bool find_span(const struct shard *shard, const struct point_state *point, struct span *ret_span)
{
    struct span span = {point->range_lo, point->range_hi};
    for (uint32_t k = 0; k < point->readers.count; k++) {
        const struct instance *inst = &shard->instances[reader_of(shard, point->readers, k)];
        if (!inst->steady || inst->end_ns != TIME_NEVER) {
            return false;
        }
        if (shard->rules[inst->rule].code->conditions.term_count > 0) {
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
    if (point->plain && point->heard && !point->unknown && point->status == 0 && find_span(shard, point, &span)) {
        point->quiet = span;
    }
}
