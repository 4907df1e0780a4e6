/* replay: see replay.h. */
#include "app/replay.h"

#include "alerting/alarm_book.h"
#include "alerting/event_words.h"
#include "base/clock.h"
#include "base/ring.h"
#include "model/board.h"
#include "model/queues.h"
#include "rules/shard.h"
#include <stdlib.h>
#include <string.h>

struct replay {
    const struct site *site;
    const struct rules *rules;
    unsigned shard_count;
    enum run_status status;
    replay_event_fn *fn;
    void *self;
    uint64_t *masks; /* [point]: the shards that need its samples */
    uint8_t *homes;
    struct shard *shards[QUEUE_SHARDS_MAX];
    struct ring *verdicts[QUEUE_SHARDS_MAX];
    struct verdict *merge; /* room for one step of all shards */
    size_t merge_room;
    struct board *board;
    struct alarm_book *book;
    struct buf json, scratch;
    bool started;
    bool apart;       /* some sample happened at another time than it was received */
    int64_t clock_ns; /* the latest time of receipt of any row so far */
    struct replay_figures figures;
};

static size_t power_of_two(size_t least)
{
    size_t n = 16;
    while (n < least) {
        n *= 2;
    }
    return n;
}

/* Makes the verdict rings, each large enough for the most that one step can cause. */
static enum err_code rings_new(struct replay *replay, struct err *err)
{
    for (unsigned m = 0; m < replay->shard_count; m++) {
        size_t room = shard_fan_out(replay->rules, m, replay->shard_count);
        replay->merge_room += room;
        enum err_code code =
            ring_open(sizeof(struct verdict), power_of_two(room + 1), 0, &replay->verdicts[m], err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    replay->merge = calloc(replay->merge_room + 1, sizeof *replay->merge);
    return replay->merge == NULL ? err_set(err, ERR_ENV, "out of memory") : ERR_NONE;
}

enum err_code replay_new(const struct site *site, const struct rules *rules, unsigned shards, enum run_status status,
                         replay_event_fn *fn, void *self, struct replay **ret_replay, struct err *err)
{
    struct replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    replay->site = site;
    replay->rules = rules;
    replay->shard_count = shards;
    replay->status = status;
    replay->fn = fn;
    replay->self = self;
    replay->masks = calloc(site->point_count + 1, sizeof *replay->masks);
    replay->homes = calloc(site->point_count + 1, sizeof *replay->homes);
    replay->board = board_new(site->point_count);
    replay->book = alarm_book_new(site, 0);
    enum err_code code = ERR_NONE;
    if (replay->masks == NULL || replay->homes == NULL || replay->board == NULL || replay->book == NULL) {
        code = err_set(err, ERR_ENV, "out of memory");
    } else {
        alarm_book_lend_board(replay->book, replay->board);
        rules_plan(rules, shards, replay->masks, replay->homes);
        code = rings_new(replay, err);
    }
    if (code != ERR_NONE) {
        replay_free(replay);
        return code;
    }
    *ret_replay = replay;
    return ERR_NONE;
}

void replay_free(struct replay *replay)
{
    if (replay == NULL) {
        return;
    }
    for (unsigned m = 0; m < replay->shard_count; m++) {
        shard_free(replay->shards[m]);
        ring_free(replay->verdicts[m]);
    }
    alarm_book_free(replay->book);
    board_free(replay->board);
    buf_done(&replay->scratch);
    buf_done(&replay->json);
    free(replay->merge);
    free(replay->homes);
    free(replay->masks);
    free(replay);
}

/* The clock starts at the first row; only then can the shards be made. */
static enum err_code start(struct replay *replay, int64_t clock_ns, struct err *err)
{
    for (unsigned m = 0; m < replay->shard_count; m++) {
        struct shard_config config = {
            .site = replay->site,
            .rules = replay->rules,
            .index = m,
            .count = replay->shard_count,
            .verdicts = replay->verdicts[m],
            .board = replay->board,
            .start_ns = clock_ns,
        };
        enum err_code code = shard_new(&config, &replay->shards[m], err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    replay->started = true;
    replay->clock_ns = clock_ns;
    replay->figures.first_ns = clock_ns;
    return ERR_NONE;
}

static void print(struct replay *replay, const struct event *event, const struct act *act)
{
    const struct event_words words = event_words_of(replay->site, event->alarm);
    buf_clear(&replay->json);
    event_print(&replay->json, &replay->scratch, replay->site->id, &words, event_when(replay->site, event), event, act,
                replay->status);
}

/* Hands the book's new events out and forgets them. */
static void emit(struct replay *replay)
{
    size_t count = 0;
    const struct event *events = alarm_book_events(replay->book, &count);
    for (size_t i = 0; i < count; i++) {
        print(replay, &events[i], alarm_book_event_act(replay->book, i));
        replay->figures.events++;
        if (events[i].kind == EV_RAISED) {
            replay->figures.raised[events[i].level]++;
        }
        replay->fn(replay->self, &events[i], replay->json.data, replay->json.len);
    }
    if (count > 0) {
        alarm_book_clear_events(replay->book);
    }
}

/* The order of the site; in one step an alarm says one thing at most. */
static int by_order(const void *a, const void *b)
{
    const struct verdict *x = a;
    const struct verdict *y = b;
    return (x->alarm > y->alarm) - (x->alarm < y->alarm);
}

/* Gives the verdicts of one row, or one phase of one instant, to the book in the order of the site. */
static void collect(struct replay *replay)
{
    size_t count = 0;
    for (unsigned m = 0; m < replay->shard_count; m++) {
        size_t n = 0;
        const struct verdict *verdicts = NULL;
        while ((verdicts = ring_peek(replay->verdicts[m], &n)) != NULL) {
            memcpy(replay->merge + count, verdicts, n * sizeof *verdicts);
            count += n;
            ring_release(replay->verdicts[m], n);
        }
    }
    if (count == 0) {
        return;
    }
    if (replay->shard_count > 1) {
        qsort(replay->merge, count, sizeof *replay->merge, by_order);
    }
    for (size_t i = 0; i < count; i++) {
        alarm_book_verdict(replay->book, &replay->merge[i]);
    }
    alarm_book_end_step(replay->book);
    emit(replay);
}

static void run_phase(struct replay *replay, int64_t due_ns, enum due_phase phase)
{
    for (unsigned m = 0; m < replay->shard_count; m++) {
        shard_due(replay->shards[m], due_ns, phase);
    }
    collect(replay);
}

static int64_t next_due(const struct replay *replay)
{
    int64_t due_ns = alarm_book_next_due(replay->book);
    for (unsigned m = 0; m < replay->shard_count; m++) {
        int64_t shard_ns = shard_next_due(replay->shards[m]);
        due_ns = shard_ns < due_ns ? shard_ns : due_ns;
    }
    return due_ns;
}

/* Runs all that is due at or before the clock `until_ns`, instant by instant. */
static void advance(struct replay *replay, int64_t until_ns)
{
    for (int64_t due_ns = next_due(replay); due_ns <= until_ns; due_ns = next_due(replay)) {
        run_phase(replay, due_ns, DUE_DELAYS);
        run_phase(replay, due_ns, DUE_STALENESS);
        alarm_book_due(replay->book, due_ns, replay->board);
        emit(replay);
        run_phase(replay, due_ns, DUE_SECONDS);
        if (due_ns == TIME_NEVER) {
            break; /* a clock at the end of time: nothing can come after */
        }
    }
    replay->clock_ns = until_ns;
    replay->figures.last_ns = until_ns;
}

/* The shards that need a point's samples; where there is but one it need not be looked up. */
static uint64_t mask_of(const struct replay *replay, uint32_t point)
{
    return replay->shard_count == 1 ? 1 : replay->masks[point];
}

static int64_t first_before(const struct replay *replay, const struct sample *sample)
{
    int64_t first_ns = TIME_NEVER;
    uint64_t mask = mask_of(replay, sample->point);
    for (unsigned m = 0; mask != 0; m++, mask >>= 1) {
        if ((mask & 1) != 0) {
            int64_t end_ns = shard_first_before(replay->shards[m], sample);
            first_ns = end_ns < first_ns ? end_ns : first_ns;
        }
    }
    return first_ns;
}

/* Ends the delays that were over before a sample by their alarms' own time, moment by moment.  There are none while
 * every sample so far happened when it was received: then the time of all alarms is the clock, up to which all that is
 * due was run. */
static void end_before(struct replay *replay, const struct sample *sample)
{
    replay->apart = replay->apart || sample->time_ns != replay->clock_ns;
    if (!replay->apart) {
        return;
    }
    int64_t end_ns = first_before(replay, sample);
    for (; end_ns != TIME_NEVER; end_ns = first_before(replay, sample)) {
        uint64_t mask = mask_of(replay, sample->point);
        for (unsigned m = 0; mask != 0; m++, mask >>= 1) {
            if ((mask & 1) != 0) {
                shard_before(replay->shards[m], sample, end_ns);
            }
        }
        collect(replay);
    }
}

static void take_sample(struct replay *replay, const struct trace_row *row, int64_t time_ns)
{
    struct sample sample = row->sample;
    sample.time_ns = time_ns;
    sample.seen_ns = replay->clock_ns;
    end_before(replay, &sample);
    uint64_t mask = mask_of(replay, sample.point);
    for (unsigned m = 0; mask != 0; m++, mask >>= 1) {
        if ((mask & 1) != 0) {
            shard_sample(replay->shards[m], &sample);
        }
    }
    collect(replay);
    replay->figures.samples++;
}

static enum err_code take_act(struct replay *replay, const struct trace_row *row, int64_t time_ns, struct err *err)
{
    uint32_t point = replay->site->alarms[row->act.alarm].point;
    double value = NAN;
    if (point != SITE_NONE) {
        struct board_entry entry;
        board_read(replay->board, point, &entry);
        value = entry.status == BOARD_UNHEARD ? NAN : entry.good;
    }
    replay->figures.acts++;
    enum err_code code = alarm_book_act(replay->book, &row->act, time_ns, value, err);
    if (code != ERR_NONE) {
        replay->figures.refused++;
        return code;
    }
    emit(replay);
    return ERR_NONE;
}

/* The time of receipt of a row: what it says, else its own time; a clock never goes back. */
static int64_t receipt(const struct replay *replay, const struct trace_row *row, int64_t time_ns)
{
    int64_t seen_ns = row->seen_ns != TIME_NEVER ? sample_cut_time(row->seen_ns) : time_ns;
    return replay->started && seen_ns < replay->clock_ns ? replay->clock_ns : seen_ns;
}

enum err_code replay_row(struct replay *replay, const struct trace_row *row, struct err *err)
{
    int64_t time_ns = sample_cut_time(row->time_ns);
    int64_t clock_ns = receipt(replay, row, time_ns);
    if (!replay->started) {
        enum err_code code = start(replay, clock_ns, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    advance(replay, clock_ns);
    switch (row->kind) {
    case TRACE_SAMPLE:
        take_sample(replay, row, time_ns);
        return ERR_NONE;
    case TRACE_ACT:
        return take_act(replay, row, time_ns, err);
    case TRACE_CLOCK:
        return ERR_NONE;
    }
    return ERR_NONE;
}

const struct replay_figures *replay_figures(const struct replay *replay)
{
    return &replay->figures;
}
