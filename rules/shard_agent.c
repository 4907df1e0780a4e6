/*
 * shard_agent: a shard on its thread.
 *
 * Takes samples from its input rings in the order of their receipt, runs what
 * is due in between, and stops wherever a ring on the far side is full.  The end
 * of all inputs is passed on as the end of both outputs.
 *
 * Marks run through behind what came before them.  One for which a verdict waits
 * is passed on at once; of others only the last of a cycle, or of MARKS_HELD,
 * and nobody is woken for it.
 *
 * Waking costs more than judging, so it is done last, the alerting before the
 * store, and never for room in the input rings: who puts samples in does not
 * sleep for it.
 */
#include "rules/shard_private.h"

#include "base/doorbell.h"

enum { WORK_PER_CYCLE = 4096, MARKS_HELD = 256 };

/* One input ring as it is read in this cycle. */
struct input {
    const struct sample *items;
    size_t count, used;
};

void shard_agent_init(struct shard *shard)
{
    shard->inputs = ARENA_ARRAY(&shard->arena, struct input, shard->config.input_count + 1);
    shard->phase = DUE_DELAYS;
}

static void ring_bell(struct doorbell *bell)
{
    if (bell != NULL) {
        doorbell_ring(bell);
    }
}

/* Gives what was used back to the producers. */
static void release_inputs(struct shard *shard)
{
    for (unsigned w = 0; w < shard->config.input_count; w++) {
        struct input *input = &shard->inputs[w];
        if (input->used > 0) {
            ring_release(shard->config.inputs[w], input->used);
        }
        *input = (struct input){0};
    }
}

/* The input whose next sample was taken in first; NULL when all are empty.  Until *ret_before_ns it stays the first. */
static struct input *next_input(struct shard *shard, int64_t *ret_before_ns)
{
    struct input *next = NULL;
    *ret_before_ns = INT64_MAX;
    for (unsigned w = 0; w < shard->config.input_count; w++) {
        struct input *input = &shard->inputs[w];
        if (input->used == input->count) {
            if (input->used > 0) {
                ring_release(shard->config.inputs[w], input->used);
            }
            *input = (struct input){0};
            input->items = ring_peek(shard->config.inputs[w], &input->count);
        }
        if (input->used == input->count) {
            continue;
        }
        const struct input *later = input;
        if (next == NULL || input->items[input->used].seen_ns < next->items[next->used].seen_ns) {
            later = next;
            next = input;
        }
        if (later != NULL && later->items[later->used].seen_ns < *ret_before_ns) {
            *ret_before_ns = later->items[later->used].seen_ns;
        }
    }
    return next;
}

/* Passes the mark in hand on behind everything before it; false when a ring is full. */
static bool pass_mark(struct shard *shard)
{
    const bool stores = shard->config.store != NULL;
    if (shard->marks_held == 0) {
        return true;
    }
    if (ring_room(shard->config.verdicts) == 0 || (stores && ring_room(shard->config.store) == 0)) {
        return false;
    }
    const bool filling = ring_fill(shard->config.verdicts) > ring_capacity(shard->config.verdicts) / 2;
    if (!shard->mark_said) {
        shard->verdicts_new = shard->verdicts_new || shard->mark_urgent || filling;
        shard->mark_urgent = false;
        judge_say_mark(shard);
    }
    shard->marks_held = 0;
    return !stores || ring_push(shard->config.store, &shard->mark);
}

/* Takes a mark in hand; false when one that must go on now cannot. */
static bool take_mark(struct shard *shard, const struct sample *mark)
{
    if (shard->marks_held > 0 && shard->mark.status != mark->status && !pass_mark(shard)) {
        return false;
    }
    shard->mark = *mark;
    shard->mark_said = false;
    shard->marks_held++;
    return true;
}

/* True when the mark in hand must go on before anything else. */
static bool mark_due(const struct shard *shard)
{
    return shard->marks_held == MARKS_HELD || (shard->marks_held > 0 && shard->mark_urgent && !shard->mark_said);
}

/* Runs everything due up to the clock; false when it had to stop for want of room. */
static bool run_due(struct shard *shard, int64_t clock_ns)
{
    for (int64_t due_ns = shard_next_due(shard); due_ns <= clock_ns; due_ns = shard_next_due(shard)) {
        for (; shard->phase <= DUE_SECONDS; shard->phase++) {
            if (!shard_begin_due(shard, due_ns, (enum due_phase)shard->phase)) {
                shard->phase++; /* what is in hand goes on first */
                return false;
            }
        }
        shard->phase = DUE_DELAYS;
    }
    return true;
}

/* Finishes what an earlier cycle had to leave. */
static bool finish_left(struct shard *shard)
{
    if (!shard_go_on(shard)) {
        return false;
    }
    for (; shard->phase != DUE_DELAYS && shard->phase <= DUE_SECONDS; shard->phase++) {
        if (!shard_begin_due(shard, shard->clock_ns, (enum due_phase)shard->phase)) {
            shard->phase++;
            return false;
        }
    }
    shard->phase = DUE_DELAYS;
    return true;
}

/* Takes one sample or mark; false when there is no room for what it causes. */
static bool take(struct shard *shard, struct input *input)
{
    const struct sample *sample = &input->items[input->used];
    if (sample->point == POINT_MARK) {
        const bool taken = take_mark(shard, sample);
        input->used += taken;
        return taken;
    }
    if (!run_due(shard, sample->seen_ns) || (shard->config.store != NULL && ring_room(shard->config.store) == 0)) {
        return false;
    }
    input->used++; /* from here on the sample is the shard's, even if its judging has to pause */
    return shard_begin_sample(shard, sample);
}

/* Takes samples as long as they go the short way and nothing is due; gives how many. */
static int take_run(struct shard *shard, struct input *input, int64_t before_ns, int most)
{
    size_t n = input->count - input->used;
    n = n < (size_t)most ? n : (size_t)most;
    const size_t taken = run_samples(shard, input->items + input->used, n, before_ns);
    input->used += taken;
    return (int)taken;
}

static bool all_ended(struct shard *shard)
{
    for (unsigned w = 0; w < shard->config.input_count; w++) {
        if (!ring_ended(shard->config.inputs[w])) {
            return false;
        }
    }
    return true;
}

static void ring_bells(struct shard *shard)
{
    if (shard->verdicts_new) {
        ring_bell(shard->config.verdict_bell);
    }
    if (shard->kept_new) {
        ring_bell(shard->config.store_bell);
    }
    shard->verdicts_new = false;
    shard->kept_new = false;
}

static int finish(struct shard *shard)
{
    ring_close(shard->config.verdicts);
    if (shard->config.store != NULL) {
        ring_close(shard->config.store);
    }
    ring_bell(shard->config.verdict_bell);
    ring_bell(shard->config.store_bell);
    return AGENT_FINISHED;
}

/* Which ring it was does not matter: the other one's consumer rings once for nothing. */
static void await_room(struct shard *shard)
{
    ring_await_room(shard->config.verdicts);
    if (shard->config.store != NULL) {
        ring_await_room(shard->config.store);
    }
    if (shard->waits != NULL) {
        counter_add(shard->waits, 1);
    }
}

static void note_latency(struct shard *shard, int64_t duration_ns)
{
    if (shard->p50 != NULL) {
        latency_add(&shard->latency, duration_ns, 1);
        latency_show(&shard->latency, shard->p50, shard->p99);
    }
}

static int shard_do_work(void *self, int64_t now_ns)
{
    struct shard *shard = self;
    int work = 0;
    bool room = finish_left(shard);
    bool empty = false;
    while (room && !empty && work < WORK_PER_CYCLE) {
        int64_t before_ns = 0;
        struct input *input = next_input(shard, &before_ns);
        empty = input == NULL;
        if (!empty) {
            const bool passed = !mark_due(shard) || pass_mark(shard);
            const int run = passed ? take_run(shard, input, before_ns, WORK_PER_CYCLE - work) : 0;
            room = passed && (run > 0 || take(shard, input));
            work += run > 0 ? run : room;
        }
    }
    release_inputs(shard);
    const bool changed = shard->verdicts_new && work > 0;
    const int64_t seen_ns = shard->clock_ns; /* of the last sample: it stands for all of this cycle */
    if (room && empty) {
        room = pass_mark(shard) && run_due(shard, now_ns);
    }
    if (!room) {
        await_room(shard);
    }
    ring_bells(shard);
    if (changed) {
        note_latency(shard, now_ns - seen_ns);
    }
    return room && empty && all_ended(shard) ? finish(shard) : work;
}

static int64_t shard_agent_due(void *self)
{
    return shard_next_due(self);
}

struct agent shard_agent(struct shard *shard)
{
    return (struct agent){
        .name = "shard",
        .self = shard,
        .do_work = shard_do_work,
        .next_due = shard_agent_due,
        .prompt = true,
    };
}
