/*
 * shard: takes samples and the clock's progress, and has alarms judged; see
 * shard.h.  The judging of one alarm is shard_judge.c.
 *
 * What a sample or an instant causes is a list of instances to judge.  Working
 * a list off can stop between two instances when the verdict ring is full and
 * go on later, so no ring has to hold what a whole site can say at once; driven
 * by hand it always runs to its end.
 */
#include "rules/shard_private.h"

#include "model/sample.h"
#include <math.h>
#include <stdlib.h>

/* ---- points ---- */

/* The flags davy itself sets, but for late. */
static uint16_t final_status(const struct point_state *point, const struct sample *sample)
{
    uint16_t status = sample->status;
    if (sample->value < point->range_lo || sample->value > point->range_hi) {
        status |= ST_RANGE;
    }
    int64_t ahead_ns = 0;
    if (__builtin_sub_overflow(sample->time_ns, sample->seen_ns, &ahead_ns) ? sample->time_ns > sample->seen_ns
                                                                            : ahead_ns > SHARD_SKEW_NS) {
        status |= ST_SKEW;
    } else {
        status &= (uint16_t)~ST_SKEW;
    }
    return status;
}

/* Above its range a reading is judged with its value, below it is unknown. */
static bool is_unknown(const struct point_state *point, const struct sample *sample)
{
    return isnan(sample->value) || (sample->status & ST_UNKNOWN) != 0 || sample->value < point->range_lo;
}

void shard_write_board(const struct shard *shard, uint32_t local, double value)
{
    const struct point_state *point = &shard->points[local];
    if (shard->config.board == NULL || !point->home) {
        return;
    }
    struct board_entry entry = {
        .time_ns = point->newest_ns,
        .seen_ns = point->seen_ns,
        .value = value,
        .good = point->value,
        .status = point->status,
    };
    board_write(shard->config.board, shard->all_local ? local : shard->site_points[local], &entry);
}

void shard_take_good(struct shard *shard, uint32_t local, double value, int64_t time_ns)
{
    struct point_state *point = &shard->points[local];
    point->value = value;
    point->good_ns = time_ns;
    if (point->moved_ns == NEVER_YET || fabs(value - point->moved) > point->resolution) {
        point->moved = value;
        point->moved_ns = time_ns;
    }
    if (point->has_windows) {
        struct run run = shard->point_windows[local];
        for (uint32_t w = run.first; w < run.first + run.count; w++) {
            window_add(shard->windows[w], time_ns, value);
        }
    }
}

void shard_take_reading(struct shard *shard, uint32_t local, const struct sample *sample)
{
    struct point_state *point = &shard->points[local];
    int64_t time_ns = sample_effective_time(sample);
    point->newest_ns = time_ns;
    point->seen_ns = sample->seen_ns;
    point->status = sample->status;
    point->first_ns = point->first_ns == NEVER_YET ? time_ns : point->first_ns;
    point->heard = true;
    point->unknown = is_unknown(point, sample);
    if (!point->unknown) {
        shard_take_good(shard, local, sample->value, time_ns);
    }
    if (!point->timed) {
        point->timed = true;
        silence_enter(&shard->silence, local);
    }
    shard_write_board(shard, local, sample->value);
}

void shard_keep(struct shard *shard, const struct sample *sample)
{
    if (shard->config.store == NULL) {
        return;
    }
    bool room = ring_push(shard->config.store, sample);
    assert(room && "whoever drives the shard sees to room");
    (void)room;
    shard->kept_new = true;
}

static void count(struct counter *counter)
{
    if (counter != NULL) {
        counter_add(counter, 1);
    }
}

/* ---- work ---- */

static bool verdict_room(const struct shard *shard)
{
    return ring_has_room(shard->config.verdicts, VERDICTS_PER_INSTANCE);
}

int64_t shard_first_end(const struct shard *shard, struct run readers, int64_t upto_ns)
{
    int64_t first_ns = TIME_NEVER;
    for (uint32_t k = 0; k < readers.count; k++) {
        int64_t end_ns = shard->instances[reader_of(shard, readers, k)].end_ns;
        first_ns = end_ns < first_ns ? end_ns : first_ns;
    }
    return first_ns <= upto_ns ? first_ns : TIME_NEVER;
}

static void end_before(struct shard *shard, uint32_t i)
{
    if (shard->instances[i].end_ns == shard->work.end_ns) {
        judge_delays(shard, i);
    }
}

/* Between samples an alarm's time goes on with the clock. */
static void judge_by_clock(struct shard *shard, uint32_t i)
{
    judge_instance(shard, i, shard->clock_ns - shard->instances[i].offset_ns);
}

/* The delays before the sample are over with: takes it in and goes on to what it causes. */
static void begin_judging(struct shard *shard)
{
    shard->step++; /* what had ended before the sample was another instant */
    shard_take_reading(shard, shard->work.local, &shard->work.sample);
    shard->work.kind = WORK_SAMPLE;
    shard->work.next = 0;
}

/* Ends the delays of one instant, in the order of instances, as far as there is room. */
static bool run_delays(struct shard *shard)
{
    while (timers_first(&shard->delays) <= shard->clock_ns) {
        if (!verdict_room(shard)) {
            return false;
        }
        uint32_t i = timers_take(&shard->delays);
        const struct instance *inst = &shard->instances[i];
        if (inst->due_ns > shard->clock_ns) { /* it has moved later since it was set */
            if (inst->due_ns != TIME_NEVER) {
                timers_set(&shard->delays, i, inst->due_ns);
            }
            continue;
        }
        judge_delays(shard, i);
    }
    return true;
}

/* Works what is in hand off once; false when the verdict ring is full before its end. */
static bool work_list(struct shard *shard)
{
    struct work *work = &shard->work;
    if (work->kind == WORK_DELAYS && !run_delays(shard)) {
        return false;
    }
    for (; work->next < work->count; work->next++) {
        if (!verdict_room(shard)) {
            return false;
        }
        uint32_t i = work->list[work->next];
        if (work->kind == WORK_BEFORE) {
            end_before(shard, i);
        } else if (work->kind == WORK_SAMPLE) {
            judge_by_sample(shard, i, work->time_ns);
        } else {
            judge_by_clock(shard, i);
        }
    }
    judge_group_end(shard);
    return true;
}

/* Works off what is in hand; false when the verdict ring is full before its end.  Delays that ended before a sample are
 * worked off moment by moment: a level may step there and back any number of times. */
static bool work_on(struct shard *shard)
{
    struct work *work = &shard->work;
    while (work->kind != WORK_NONE) {
        if (work->kind == WORK_BEFORE && work->next == 0) {
            work->end_ns = shard_first_end(shard, shard->points[work->local].readers, work->time_ns);
            if (work->end_ns == TIME_NEVER) {
                begin_judging(shard);
            }
        }
        if (!work_list(shard)) {
            return false;
        }
        if (work->kind == WORK_BEFORE) {
            shard->step++;
            work->next = 0;
            continue;
        }
        if (work->kind == WORK_SAMPLE) {
            quiet_begin(shard, work->local);
        }
        work->kind = WORK_NONE;
    }
    return true;
}

/* Gives the sample its final status; false when it is late or of equal time, and so is not judged.  What comes as late
 * (history of a gateway, an export) is so whatever came before. */
static bool weigh(const struct shard *shard, struct sample *sample)
{
    const struct point_state *point = &shard->points[local_of(shard, sample->point)];
    sample->status = final_status(point, sample);
    int64_t time_ns = sample_effective_time(sample);
    if (point->heard && time_ns < point->newest_ns) {
        sample->status |= ST_LATE;
    }
    return (sample->status & ST_LATE) == 0 && (!point->heard || time_ns > point->newest_ns);
}

static void count_sample(struct shard *shard, const struct sample *sample, bool counts)
{
    count(shard->samples);
    if ((sample->status & ST_SKEW) != 0) {
        count(shard->skewed);
    }
    if (!counts) {
        const struct point_state *point = &shard->points[local_of(shard, sample->point)];
        count(sample_effective_time(sample) == point->newest_ns ? shard->equal : shard->late);
    }
}

/* Takes a sample in hand, beginning with the delays that ended before it. */
static void begin_work(struct shard *shard, const struct sample *sample)
{
    const uint32_t local = local_of(shard, sample->point);
    const struct run *run = &shard->points[local].readers;
    quiet_end(shard, local);
    shard->step++;
    shard->work = (struct work){
        .kind = WORK_BEFORE,
        .list = run->count == 1 ? &run->first : shard->readers + run->first,
        .count = run->count,
        .sample = *sample,
        .local = local,
        .time_ns = sample_effective_time(sample),
    };
}

bool shard_begin_sample(struct shard *shard, const struct sample *taken)
{
    if (run_one(shard, taken)) {
        return true;
    }
    const struct point_state *point = &shard->points[local_of(shard, taken->point)];
    struct sample sample = *taken;
    sample.status &= (uint16_t)~SAMPLE_BITS;
    const bool counts = weigh(shard, &sample);
    shard->clock_ns = sample.seen_ns > shard->clock_ns ? sample.seen_ns : shard->clock_ns;
    if (point->home) {
        count_sample(shard, &sample, counts);
        shard_keep(shard, &sample);
    }
    if (!counts) {
        return true;
    }
    if ((taken->status & SAMPLE_JUDGED) != 0) { /* what it caused was kept, and is restored */
        const uint32_t local = local_of(shard, sample.point);
        quiet_end(shard, local);
        shard_take_reading(shard, local, &sample);
        return true;
    }
    shard->open = (taken->status & SAMPLE_OPEN) != 0;
    begin_work(shard, &sample);
    return work_on(shard);
}

int64_t shard_first_before(const struct shard *shard, const struct sample *taken)
{
    struct sample sample = *taken;
    if (quiet_is(shard, taken) || !weigh(shard, &sample)) {
        return TIME_NEVER;
    }
    return shard_first_end(shard, shard->points[local_of(shard, sample.point)].readers, sample_effective_time(&sample));
}

void shard_before(struct shard *shard, const struct sample *sample, int64_t end_ns)
{
    shard->clock_ns = sample->seen_ns > shard->clock_ns ? sample->seen_ns : shard->clock_ns;
    begin_work(shard, sample);
    shard->work.end_ns = end_ns;
    bool done = work_list(shard);
    assert(done && "by hand the verdict ring holds what a step can cause");
    (void)done;
    shard->work.kind = WORK_NONE;
}

void shard_sample(struct shard *shard, const struct sample *sample)
{
    bool done = shard_begin_sample(shard, sample);
    assert(done && "by hand the verdict ring holds what a step can cause");
    (void)done;
}

/* ---- what is due ---- */

int64_t shard_next_due(const struct shard *shard)
{
    int64_t due_ns = timers_first(&shard->delays);
    int64_t stale_ns = silence_first(&shard->silence);
    due_ns = stale_ns < due_ns ? stale_ns : due_ns;
    return shard->second_ns < due_ns ? shard->second_ns : due_ns;
}

static void set_stale(struct shard *shard, uint32_t local)
{
    struct point_state *point = &shard->points[local];
    quiet_end(shard, local);
    point->timed = false;
    point->status |= ST_STALE;
    point->unknown = true;
    for (uint32_t k = 0; k < point->readers.count; k++) {
        shard->marked[reader_of(shard, point->readers, k)] = 1;
    }
    shard_write_board(shard, local, NAN);
}

static int compare_indices(const void *a, const void *b)
{
    const uint32_t *x = a;
    const uint32_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* Makes all points stale whose time is up, then lists every alarm that reads one of them, once. */
static void begin_stale(struct shard *shard)
{
    uint32_t count = 0;
    uint32_t local = 0;
    while (silence_take(&shard->silence, shard->clock_ns, &local)) {
        const struct run readers = shard->points[local].readers;
        for (uint32_t k = 0; k < readers.count; k++) {
            uint32_t i = reader_of(shard, readers, k);
            if (shard->marked[i] == 0) {
                shard->scratch[count++] = i;
            }
        }
        set_stale(shard, local);
    }
    for (uint32_t k = 0; k < count; k++) {
        shard->marked[shard->scratch[k]] = 0;
    }
    qsort(shard->scratch, count, sizeof *shard->scratch, compare_indices);
    shard->work = (struct work){.kind = count > 0 ? WORK_STALE : WORK_NONE, .list = shard->scratch, .count = count};
}

static void begin_second(struct shard *shard)
{
    if (shard->second_ns > shard->clock_ns) {
        return;
    }
    shard->second_ns += NS_PER_S;
    shard->work = (struct work){.kind = WORK_SECONDS, .list = shard->by_second, .count = shard->by_second_count};
}

bool shard_begin_due(struct shard *shard, int64_t clock_ns, enum due_phase phase)
{
    shard->clock_ns = clock_ns > shard->clock_ns ? clock_ns : shard->clock_ns;
    shard->step++;
    shard->open = false; /* the clock's doing: no mark of its own */
    switch (phase) {
    case DUE_DELAYS:
        shard->work = (struct work){.kind = WORK_DELAYS};
        break;
    case DUE_STALENESS:
        begin_stale(shard);
        break;
    case DUE_SECONDS:
        begin_second(shard);
        break;
    }
    return work_on(shard);
}

bool shard_go_on(struct shard *shard)
{
    return work_on(shard);
}

void shard_due(struct shard *shard, int64_t clock_ns, enum due_phase phase)
{
    bool done = shard_begin_due(shard, clock_ns, phase);
    assert(done && "by hand the verdict ring holds what a step can cause");
    (void)done;
}
