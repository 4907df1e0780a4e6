/*
 * The Modbus worker against devices that misbehave: whatever they do, no wrong
 * value reaches the rings, trouble comes as `comm`, and polling goes on when
 * they behave again.
 */
#include "base/log.h"
#include "device.h"
#include "field.h"
#include "tests/unit/pty.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const int64_t poll_ns = 20 * NS_PER_MS;

/* The worker, called by hand as a runner would. */
struct bench {
    struct field *field;
    struct mbus_worker *worker;
    struct agent agent;
    struct doorbell *bell;
    struct cell stop;
    struct alarmed alarmed;
    struct cell active[2]; /* [hazard] */
    struct clock clock;
    uint64_t good; /* samples with the right value */
    uint64_t comm; /* samples without value, comm */
    uint64_t good_of[FIELD_POINTS];
    uint64_t comm_of[FIELD_POINTS];
    uint64_t wrong; /* anything else */
    int64_t last_seen_ns;
};

static void start(struct bench *bench, struct field *field)
{
    struct err err;
    *bench = (struct bench){.field = field};
    bench->alarmed.active = bench->active;
    clock_init(&bench->clock);
    assert_int_equal(doorbell_open(&bench->bell, &err), ERR_NONE);
    const struct mbus_config config = {.site = &field->site,
                                       .router = &field->router,
                                       .bell = bench->bell,
                                       .stop = &bench->stop,
                                       .counters = field->counters,
                                       .alarmed = &bench->alarmed};
    assert_int_equal(mbus_worker_new(&config, &bench->worker, &err), ERR_NONE);
    bench->agent = mbus_worker_agent(bench->worker);
}

static void look(struct bench *bench, const struct sample *sample)
{
    const struct site_from *from = &bench->field->points[sample->point].from;
    if (sample->seen_ns < bench->last_seen_ns || sample->time_ns != sample->seen_ns) {
        bench->wrong++;
    }
    bench->last_seen_ns = sample->seen_ns;
    if (sample->status == 0 && sample->value == (double)device_value(from->unit, from->address)) {
        bench->good++;
        bench->good_of[sample->point]++;
    } else if (sample->status == ST_COMM && isnan(sample->value)) {
        bench->comm++;
        bench->comm_of[sample->point]++;
    } else {
        bench->wrong++;
    }
}

/* One cycle: work, and when there is none sleep until there may be. */
static int cycle(struct bench *bench)
{
    struct sample sample;
    const int64_t now_ns = clock_now_ns(&bench->clock);
    const int work = bench->agent.do_work(bench->agent.self, now_ns);
    while (field_take(bench->field, &sample)) {
        look(bench, &sample);
    }
    if (work == 0) {
        const int64_t wait_ns = bench->agent.next_due(bench->agent.self) - now_ns;
        struct pollfd fd = {.fd = bench->agent.wait_fd(bench->agent.self), .events = POLLIN};
        const int wait_ms = wait_ns > 50 * NS_PER_MS ? 50 : (int)(wait_ns / NS_PER_MS);
        (void)poll(&fd, 1, wait_ms < 0 ? 0 : wait_ms);
    }
    return work;
}

static void run_for(struct bench *bench, int64_t length_ns)
{
    const int64_t until_ns = clock_mono_ns() + length_ns;
    while (clock_mono_ns() < until_ns) {
        (void)cycle(bench);
    }
}

/* Runs until *count has grown by `more`, at most ten seconds. */
static void run_until(struct bench *bench, const uint64_t *count, uint64_t more)
{
    const uint64_t goal = *count + more;
    const int64_t until_ns = clock_mono_ns() + 10 * NS_PER_S;
    while (*count < goal && clock_mono_ns() < until_ns) {
        (void)cycle(bench);
    }
    assert_true(*count >= goal);
}

static void stop(struct bench *bench)
{
    cell_set(&bench->stop, 1);
    const int64_t until_ns = clock_mono_ns() + 10 * NS_PER_S;
    while (cycle(bench) != AGENT_FINISHED) {
        assert_true(clock_mono_ns() < until_ns);
    }
    assert_true(ring_ended(bench->field->rings[0]));
    mbus_worker_free(bench->worker);
    doorbell_free(bench->bell);
    assert_int_equal(bench->wrong, 0);
    field_free(bench->field);
}

/* Three points in one block, one on its own. */
static struct field *four_points(enum source_type type, uint16_t port)
{
    struct field *field = field_new(4096);
    (void)field_add_modbus(field, type, port);
    (void)field_add_register(field, 1, 0, TYPE_U16, poll_ns);
    (void)field_add_register(field, 1, 2, TYPE_U16, poll_ns);
    (void)field_add_register(field, 1, 5, TYPE_U16, poll_ns);
    (void)field_add_register(field, 1, 100, TYPE_U16, poll_ns);
    return field;
}

static void polls_an_honest_device(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    start(&bench, four_points(SOURCE_MODBUS_TCP, device.port));
    run_until(&bench, &bench.good, 40);
    assert_int_equal(bench.comm, 0);
    assert_int_equal(field_count(bench.field, "connected"), 1);
    assert_true(field_count(bench.field, "polls") >= 20);
    stop(&bench);
    device_stop(&device);
}

static void keeps_its_pace(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    start(&bench, four_points(SOURCE_MODBUS_TCP, device.port));
    run_until(&bench, &bench.good, 8);
    const uint64_t before = bench.good_of[0];
    run_for(&bench, 50 * poll_ns);
    assert_in_range(bench.good_of[0] - before, 35, 52);
    stop(&bench);
    device_stop(&device);
}

static void survives(enum mood mood, bool gives_comm)
{
    struct device device;
    struct bench bench;
    device_start(&device, false);
    start(&bench, four_points(SOURCE_MODBUS_TCP, device.port));
    run_until(&bench, &bench.good, 8);
    cell_set(&device.mood, mood);
    if (gives_comm) {
        run_until(&bench, &bench.comm, 8);
        run_for(&bench, 300 * NS_PER_MS);
    } else {
        run_for(&bench, 200 * NS_PER_MS); /* what was on its way when the mood changed */
        const uint64_t comm = bench.comm;
        run_until(&bench, &bench.good, 8);
        assert_int_equal(bench.comm, comm);
    }
    cell_set(&device.mood, MOOD_HONEST);
    run_for(&bench, 50 * NS_PER_MS);
    run_until(&bench, &bench.good, 12);
    stop(&bench);
    device_stop(&device);
}

static void survives_silence(void **state)
{
    (void)state;
    survives(MOOD_SILENT, true);
}

static void survives_late_answers(void **state)
{
    (void)state;
    survives(MOOD_LATE, true);
}

static void survives_doubled_answers(void **state)
{
    (void)state;
    survives(MOOD_DOUBLED, false);
}

static void survives_single_bytes(void **state)
{
    (void)state;
    survives(MOOD_DRIBBLE, false);
}

static void survives_strangers_in_one_segment(void **state)
{
    (void)state;
    survives(MOOD_MERGED, false);
}

static void survives_wrong_transactions(void **state)
{
    (void)state;
    survives(MOOD_WRONG_ID, true);
}

static void survives_wrong_units(void **state)
{
    (void)state;
    survives(MOOD_WRONG_UNIT, true);
}

static void survives_wrong_counts(void **state)
{
    (void)state;
    survives(MOOD_WRONG_COUNT, true);
}

static void survives_garbage(void **state)
{
    (void)state;
    survives(MOOD_GARBAGE, true);
}

static void survives_truncated_answers(void **state)
{
    (void)state;
    survives(MOOD_TRUNCATED, true);
}

static void survives_resets(void **state)
{
    (void)state;
    survives(MOOD_RESET, true);
}

static void survives_exceptions(void **state)
{
    (void)state;
    survives(MOOD_EXCEPTION, true);
}

static void survives_refusal_of_everything(void **state)
{
    (void)state;
    survives(MOOD_REFUSE_ALL, true);
}

static void gives_comm_while_nobody_listens_and_reconnects(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    const uint16_t port = device.port;
    device_stop(&device); /* the port is free again, and refuses */
    start(&bench, four_points(SOURCE_MODBUS_TCP, port));
    run_until(&bench, &bench.comm, 8); /* at two tries */
    assert_int_equal(bench.good, 0);
    assert_int_equal(field_count(bench.field, "connected"), 0);
    stop(&bench);
}

static void one_illegal_address_costs_one_point(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    cell_set(&device.hole, 2 + 1);
    start(&bench, four_points(SOURCE_MODBUS_TCP, device.port));
    run_until(&bench, &bench.good_of[0], 10);
    run_until(&bench, &bench.good_of[2], 10);
    assert_int_equal(bench.good_of[1], 0);
    assert_true(bench.comm_of[1] >= 10); /* at each poll */
    assert_true(bench.comm_of[0] + bench.comm_of[2] == 0);
    const uint64_t requests = cell_get(&device.requests);
    const uint64_t polls = field_count(bench.field, "polls");
    run_until(&bench, &bench.good_of[0], 10);
    /* two pieces around the hole, and the read on its own: three requests for two polls */
    assert_true(cell_get(&device.requests) - requests <= 2 * (field_count(bench.field, "polls") - polls) + 3);
    stop(&bench);
    device_stop(&device);
}

static void an_illegal_register_between_values_costs_nothing(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    cell_set(&device.hole, 3 + 1); /* in the gap of 2 and 5 */
    start(&bench, four_points(SOURCE_MODBUS_TCP, device.port));
    run_until(&bench, &bench.good_of[2], 20);
    run_until(&bench, &bench.good_of[0], 1);
    assert_int_equal(bench.comm, 0);
    stop(&bench);
    device_stop(&device);
}

static void a_hazard_in_alarm_is_polled_faster(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    struct field *field = field_new(4096);
    (void)field_add_modbus(field, SOURCE_MODBUS_TCP, device.port);
    for (uint16_t i = 0; i < 3; i++) {
        struct site_point *point = field_add_register(field, 1, i, TYPE_U16, 10 * poll_ns);
        point->hazard = i % 2;
        point->every_in_alarm_ns = i < 2 ? poll_ns : 0;
    }
    start(&bench, field);
    run_until(&bench, &bench.good, 3);
    cell_set(&bench.active[1], 2);
    cell_set(&bench.alarmed.turn, 1);
    const uint64_t slow[] = {bench.good_of[0], bench.good_of[2]};
    run_until(&bench, &bench.good_of[1], 31);
    /* 30 periods of the fast point are 3 of the slow ones; the rest of the tolerance is for the machine. */
    assert_in_range(bench.good_of[0] - slow[0], 2, 6);
    assert_in_range(bench.good_of[2] - slow[1], 2, 6);
    assert_int_equal(field_count(field, "faster"), 1);
    cell_set(&bench.active[1], 0);
    cell_set(&bench.alarmed.turn, 2);
    run_for(&bench, 2 * poll_ns);
    const uint64_t before[] = {bench.good_of[0], bench.good_of[1]};
    run_until(&bench, &bench.good_of[0], 3);
    assert_in_range(bench.good_of[1] - before[1], 1, 6);
    assert_true(bench.good_of[0] > before[0]);
    assert_int_equal(field_count(field, "faster"), 0);
    stop(&bench);
    device_stop(&device);
}

/* The device answers only when two requests are there, the newer first: one at a time would never get an answer. */
static void several_requests_are_under_way_where_the_device_allows_it(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    cell_set(&device.mood, MOOD_PAIRS);
    struct field *field = field_new(4096);
    struct site_source *source = field_add_modbus(field, SOURCE_MODBUS_TCP, device.port);
    source->outstanding = 4;
    for (uint8_t unit = 1; unit <= 6; unit++) {
        (void)field_add_register(field, unit, 10, TYPE_U16, poll_ns / 4);
    }
    start(&bench, field);
    run_until(&bench, &bench.good, 600);
    for (size_t i = 0; i < 6; i++) {
        assert_true(bench.good_of[i] > 30);
    }
    assert_int_equal(field_count(field, "bad_replies"), 0);
    cell_set(&device.mood, MOOD_LATE); /* strangers and time-outs among them */
    run_for(&bench, 20 * poll_ns);
    cell_set(&device.mood, MOOD_HONEST);
    run_until(&bench, &bench.good, 200);
    stop(&bench);
    device_stop(&device);
}

/* Requests that were under way together and stay without answer are one silence: it costs neither the connection nor
 * makes a unit silent, as one request would not. */
static void several_requests_in_one_silence_count_once(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    struct field *field = field_new(4096);
    struct site_source *source = field_add_modbus(field, SOURCE_MODBUS_TCP, device.port);
    source->outstanding = 16;
    source->timeout_ns = 300 * NS_PER_MS;
    for (uint16_t i = 0; i < 24; i++) {
        (void)field_add_register(field, (uint8_t)(1 + i % 2), (uint16_t)(1000 * i), TYPE_U16, poll_ns);
    }
    start(&bench, field);
    run_until(&bench, &bench.good, 100);
    cell_set(&device.mood, MOOD_SILENT);
    const int64_t until_ns = clock_mono_ns() + 10 * NS_PER_S;
    while (field_count(field, "timeouts") < 12 && clock_mono_ns() < until_ns) {
        (void)cycle(&bench);
    }
    cell_set(&device.mood, MOOD_HONEST);
    assert_int_equal(field_count(field, "connected"), 1);
    const struct counter *unit = counter_find(field->counters, "bus.s0.1.state");
    assert_non_null(unit);
    assert_int_equal(counter_get(unit), 1); /* missed; not given up */
    run_until(&bench, &bench.good, 100);
    assert_int_equal(field_count(field, "reconnects"), 0);
    stop(&bench);
    device_stop(&device);
}

static void connections_with_several_requests_survive_all_moods(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    struct field *field = four_points(SOURCE_MODBUS_TCP, device.port);
    field->sources[0].outstanding = 3;
    field->sources[0].retries = 1;
    start(&bench, field);
    for (enum mood mood = MOOD_HONEST; mood < MOOD_COUNT; mood++) {
        cell_set(&device.mood, mood);
        run_for(&bench, 6 * poll_ns);
    }
    cell_set(&device.mood, MOOD_HONEST);
    run_until(&bench, &bench.good, 40);
    stop(&bench);
    device_stop(&device);
}

static void a_unit_is_asked_by_its_own_manners(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    static const struct site_unit units[] = {
        {.unit = 2, .manners = {.timeout_ns = 20 * NS_PER_MS, .max_registers = 2, .max_coils = 1, .gap = 0}}};
    device_start(&device, false);
    struct field *field = field_new(4096);
    struct site_source *source = field_add_modbus(field, SOURCE_MODBUS_TCP, device.port);
    source->units = units;
    source->unit_count = 1;
    source->timeout_ns = 5 * NS_PER_S;
    for (uint16_t i = 0; i < 5; i++) {
        (void)field_add_register(field, 2, i, TYPE_U16, poll_ns);
    }
    start(&bench, field);
    run_until(&bench, &bench.good, 20);
    assert_int_equal(cell_get(&device.longest), 2); /* five registers side by side, at most two at once */
    cell_set(&device.silent_unit, 2);
    run_until(&bench, &bench.comm, 5); /* within its own time-out, not the source's */
    stop(&bench);
    device_stop(&device);
}

/* A point at 0 whose companion far away says "calibrating", one at 1 whose companion the device may refuse. */
static void companions_are_asked_in_the_same_poll(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    struct sample sample;
    static struct site_case cases[1];
    cases[0] = (struct site_case){.raw = device_value(1, 900), .status = ST_CALIBRATING};
    device_start(&device, false);
    struct field *field = field_new(4096);
    field_add_modbus(field, SOURCE_MODBUS_TCP, device.port)->timeout_ns =
        10 * NS_PER_S; /* `comm` is for the hole only */
    for (uint16_t i = 0; i < 2; i++) {
        struct site_point *point = field_add_register(field, 1, i, TYPE_U16, poll_ns);
        *field_add_companion(field, point, (uint16_t)(900 + 50 * i)) = (struct site_companion){
            .use = COMPANION_STATUS, .cases = cases, .case_count = 1, .from = field->companions[i][0].from};
    }
    (void)field_add_register(field, 1, 2, TYPE_U16, poll_ns);
    cell_set(&device.hole, 950 + 1);
    start(&bench, field);
    unsigned seen[3] = {0};
    const int64_t until_ns = clock_mono_ns() + 10 * NS_PER_S;
    while ((seen[0] < 20 || seen[1] < 20 || seen[2] < 20) && clock_mono_ns() < until_ns) {
        (void)bench.agent.do_work(bench.agent.self, clock_now_ns(&bench.clock));
        while (field_take(field, &sample)) {
            static const uint16_t wanted[] = {ST_CALIBRATING, ST_COMM, 0}; /* by point */
            assert_int_equal(sample.status, wanted[sample.point]);
            assert_true(sample.point == 1 ? isnan(sample.value)
                                          : sample.value == (double)device_value(1, (uint16_t)sample.point));
            seen[sample.point]++;
        }
    }
    assert_true(seen[0] >= 20 && seen[1] >= 20 && seen[2] >= 20);
    cell_set(&bench.stop, 1);
    while (bench.agent.do_work(bench.agent.self, clock_now_ns(&bench.clock)) != AGENT_FINISHED) {
        assert_true(clock_mono_ns() < until_ns + 10 * NS_PER_S);
    }
    mbus_worker_free(bench.worker);
    doorbell_free(bench.bell);
    field_free(field);
    device_stop(&device);
}

enum { SHARING = 8, ODD = 3 };

/* Two lines of eight units, alike but for one of them that goes wrong in some way.  Points 0 to 7 are the first line's.
 */
struct two_lines {
    struct device device, sound;
    struct bench bench;
};

static void two_lines_start(struct two_lines *lines, enum source_type type)
{
    struct field *field = field_new(4096);
    struct device *devices[] = {&lines->device, &lines->sound};
    for (int i = 0; i < 2; i++) {
        device_start(devices[i], type == SOURCE_MODBUS_RTU_TCP);
        (void)field_add_modbus(field, type, devices[i]->port);
        for (uint8_t unit = 1; unit <= SHARING; unit++) {
            /* RTU rests between two requests */
            const int64_t every_ns = type == SOURCE_MODBUS_TCP ? 2 * poll_ns : 5 * poll_ns;
            (void)field_add_register(field, unit, 10, TYPE_U16, every_ns);
        }
    }
    start(&lines->bench, field);
    run_until(&lines->bench, &lines->bench.good, 6 * SHARING);
}

static void two_lines_stop(struct two_lines *lines)
{
    stop(&lines->bench);
    device_stop(&lines->device);
    device_stop(&lines->sound);
}

/* Good readings of all units of a line but the odd one. */
static uint64_t neighbours(const struct two_lines *lines, int line)
{
    uint64_t sum = 0;
    for (int unit = 1; unit <= SHARING; unit++) {
        sum += unit == ODD ? 0 : lines->bench.good_of[SHARING * line + unit - 1];
    }
    return sum;
}

/* The neighbours keep 95 % of their rate: that of the sound line, in the same time on the same machine.  A busy machine
 * may favour one line for a second, so there are several tries; without sharing, none of them would do. */
static void require_rate(struct two_lines *lines)
{
    uint64_t had = 0;
    uint64_t could = 0;
    for (int i = 0; i < 8; i++) {
        const uint64_t before[] = {neighbours(lines, 0), neighbours(lines, 1)};
        run_for(&lines->bench, 60 * poll_ns);
        had = neighbours(lines, 0) - before[0];
        could = neighbours(lines, 1) - before[1];
        if (could > 0 && 100 * had >= 95 * could) {
            return;
        }
    }
    fail_msg("the neighbours had %llu polls of %llu", (unsigned long long)had, (unsigned long long)could);
}

static void a_dead_unit_leaves_its_neighbours_alone(void **state)
{
    (void)state;
    struct two_lines lines;
    struct bench *bench = &lines.bench;
    two_lines_start(&lines, SOURCE_MODBUS_TCP);
    cell_set(&lines.device.silent_unit, ODD);
    run_until(bench, &bench->comm_of[ODD - 1], 5); /* it has been found out */
    const uint64_t comm_before = bench->comm_of[ODD - 1];
    const uint64_t asked_before = cell_get(&lines.device.silent_requests);
    require_rate(&lines);
    assert_true(bench->comm_of[ODD - 1] - comm_before >= 20); /* at each due poll all the same, but seldom asked */
    assert_true(cell_get(&lines.device.silent_requests) - asked_before <= 8);
    cell_set(&lines.device.silent_unit, 0);
    run_until(bench, &bench->good_of[ODD - 1], 5);
    two_lines_stop(&lines);
}

static void neighbours_keep_their_rate(enum source_type type, enum mood mood)
{
    struct two_lines lines;
    struct bench *bench = &lines.bench;
    two_lines_start(&lines, type);
    cell_set(&lines.device.odd_mood, mood);
    cell_set(&lines.device.odd_unit, ODD);
    run_for(bench, 10 * poll_ns); /* it has been found out */
    const uint64_t reconnects = field_count(bench->field, "reconnects");
    require_rate(&lines);
    const uint64_t *odd = mood == MOOD_GARBAGE ? &bench->comm_of[ODD - 1] : &bench->good_of[ODD - 1];
    run_until(bench, odd, 1); /* it is asked all the same */
    assert_int_equal(field_count(bench->field, "reconnects"), reconnects);
    cell_set(&lines.device.odd_unit, 0);
    run_until(bench, &bench->good_of[ODD - 1], 3);
    two_lines_stop(&lines);
}

static void a_slow_unit_leaves_its_neighbours_alone(void **state)
{
    (void)state;
    neighbours_keep_their_rate(SOURCE_MODBUS_TCP, MOOD_SLOW);
}

static void a_babbling_unit_leaves_its_neighbours_alone(void **state)
{
    (void)state;
    neighbours_keep_their_rate(SOURCE_MODBUS_TCP, MOOD_MERGED);
}

static void a_dribbling_unit_leaves_its_neighbours_alone(void **state)
{
    (void)state;
    neighbours_keep_their_rate(SOURCE_MODBUS_TCP, MOOD_DRIBBLE);
}

static void a_garbling_unit_leaves_its_neighbours_alone(void **state)
{
    (void)state;
    neighbours_keep_their_rate(SOURCE_MODBUS_RTU_TCP, MOOD_GARBAGE);
}

static void independent_connections_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct device dead;
    struct device alive;
    struct bench bench;
    device_start(&dead, false);
    device_start(&alive, false);
    cell_set(&dead.mood, MOOD_SILENT);
    struct field *field = field_new(4096);
    (void)field_add_modbus(field, SOURCE_MODBUS_TCP, dead.port);
    (void)field_add_register(field, 1, 0, TYPE_U16, poll_ns);
    (void)field_add_modbus(field, SOURCE_MODBUS_TCP, alive.port);
    (void)field_add_register(field, 1, 0, TYPE_U16, poll_ns);
    start(&bench, field);
    run_until(&bench, &bench.good_of[1], 1);
    const uint64_t before = bench.good_of[1];
    run_for(&bench, 50 * poll_ns);
    assert_true(bench.good_of[1] - before >= 35);
    assert_true(bench.comm_of[0] > 0);
    stop(&bench);
    device_stop(&dead);
    device_stop(&alive);
}

static void a_full_ring_skips_polls_and_counts_them(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    struct field *field = field_new(4);
    (void)field_add_modbus(field, SOURCE_MODBUS_TCP, device.port);
    (void)field_add_register(field, 1, 0, TYPE_U16, poll_ns);
    (void)field_add_register(field, 1, 1, TYPE_U16, poll_ns);
    start(&bench, field);
    const int64_t until_ns = clock_mono_ns() + 10 * NS_PER_S;
    while (field_count(field, "skipped") < 5 && clock_mono_ns() < until_ns) {
        (void)bench.agent.do_work(bench.agent.self, clock_now_ns(&bench.clock)); /* nobody takes samples */
    }
    assert_true(field_count(field, "skipped") >= 5);
    assert_int_equal(ring_fill(field->rings[0]), 4);
    run_until(&bench, &bench.good, 12);
    stop(&bench);
    device_stop(&device);
}

static void reads_rtu_over_tcp(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, true);
    start(&bench, four_points(SOURCE_MODBUS_RTU_TCP, device.port));
    run_until(&bench, &bench.good, 20);
    assert_int_equal(bench.comm, 0);
    cell_set(&device.mood, MOOD_DRIBBLE);
    run_until(&bench, &bench.good, 20);
    cell_set(&device.mood, MOOD_WRONG_COUNT);
    run_until(&bench, &bench.comm, 4);
    cell_set(&device.mood, MOOD_HONEST);
    run_until(&bench, &bench.good, 8);
    stop(&bench);
    device_stop(&device);
}

static void reads_a_serial_line(void **state)
{
    (void)state;
    if (!pty_is_there()) {
        print_message("%s", pty_missing);
        skip();
    }
    struct device device;
    struct bench bench;
    device_start_serial(&device);
    struct field *field = four_points(SOURCE_MODBUS_RTU, 0);
    field->sources[0].device = device.line_name;
    start(&bench, field);
    run_until(&bench, &bench.good, 20);
    cell_set(&device.mood, MOOD_DOUBLED);
    run_until(&bench, &bench.good, 8);
    cell_set(&device.mood, MOOD_GARBAGE);
    run_until(&bench, &bench.comm, 4);
    cell_set(&device.mood, MOOD_SILENT);
    run_until(&bench, &bench.comm, 4);
    cell_set(&device.mood, MOOD_HONEST);
    run_until(&bench, &bench.good, 8);
    stop(&bench);
    device_stop(&device);
}

static void an_unknown_baud_rate_is_refused(void **state)
{
    (void)state;
    struct field *field = four_points(SOURCE_MODBUS_RTU, 0);
    struct cell stop_cell = {0};
    struct mbus_worker *worker = NULL;
    struct err err;
    field->sources[0].device = "/dev/null";
    field->sources[0].baud = 12345;
    const struct mbus_config config = {
        .site = &field->site, .router = &field->router, .stop = &stop_cell, .counters = field->counters};
    assert_int_equal(mbus_worker_new(&config, &worker, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "12345"));
    field_free(field);
}

static void descriptors_beyond_1023_are_fine(void **state)
{
    (void)state;
    enum { FILLED = 1100 };
    struct rlimit limit;
    static int fds[FILLED];
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < 2 * FILLED) {
        skip();
    }
    limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < FILLED; i++) {
        fds[i] = dup(0);
        assert_true(fds[i] >= 0);
    }
    polls_an_honest_device(NULL);
    for (int i = 0; i < FILLED; i++) {
        (void)close(fds[i]);
    }
}

static void a_worker_never_run_can_be_freed(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench, four_points(SOURCE_MODBUS_TCP, 1));
    mbus_worker_free(bench.worker);
    doorbell_free(bench.bell);
    field_free(bench.field);
    mbus_worker_free(NULL);
}

/* All values with one companion are one read, however many blocks; its samples must have room at once. */
static void a_read_that_would_never_have_room_is_refused(void **state)
{
    (void)state;
    struct err err;
    struct mbus_worker *worker = NULL;
    struct field *field = field_new(16);
    (void)field_add_modbus(field, SOURCE_MODBUS_TCP, 1);
    for (uint16_t i = 0; i < 16; i++) {
        struct site_point *point = field_add_register(field, 3, (uint16_t)(200 * i), TYPE_U16, poll_ns);
        (void)field_add_companion(field, point, 9000);
    }
    const struct mbus_config config = {.site = &field->site, .router = &field->router, .counters = field->counters};
    assert_int_equal(mbus_worker_new(&config, &worker, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "unit 3"));
    assert_null(worker);
    field_free(field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polls_an_honest_device),
        cmocka_unit_test(keeps_its_pace),
        cmocka_unit_test(survives_silence),
        cmocka_unit_test(survives_late_answers),
        cmocka_unit_test(survives_doubled_answers),
        cmocka_unit_test(survives_single_bytes),
        cmocka_unit_test(survives_strangers_in_one_segment),
        cmocka_unit_test(survives_wrong_transactions),
        cmocka_unit_test(survives_wrong_units),
        cmocka_unit_test(survives_wrong_counts),
        cmocka_unit_test(survives_garbage),
        cmocka_unit_test(survives_truncated_answers),
        cmocka_unit_test(survives_resets),
        cmocka_unit_test(survives_exceptions),
        cmocka_unit_test(survives_refusal_of_everything),
        cmocka_unit_test(gives_comm_while_nobody_listens_and_reconnects),
        cmocka_unit_test(one_illegal_address_costs_one_point),
        cmocka_unit_test(an_illegal_register_between_values_costs_nothing),
        cmocka_unit_test(a_hazard_in_alarm_is_polled_faster),
        cmocka_unit_test(several_requests_are_under_way_where_the_device_allows_it),
        cmocka_unit_test(several_requests_in_one_silence_count_once),
        cmocka_unit_test(connections_with_several_requests_survive_all_moods),
        cmocka_unit_test(a_unit_is_asked_by_its_own_manners),
        cmocka_unit_test(companions_are_asked_in_the_same_poll),
        cmocka_unit_test(a_dead_unit_leaves_its_neighbours_alone),
        cmocka_unit_test(a_slow_unit_leaves_its_neighbours_alone),
        cmocka_unit_test(a_babbling_unit_leaves_its_neighbours_alone),
        cmocka_unit_test(a_dribbling_unit_leaves_its_neighbours_alone),
        cmocka_unit_test(a_garbling_unit_leaves_its_neighbours_alone),
        cmocka_unit_test(independent_connections_do_not_wait_for_each_other),
        cmocka_unit_test(a_full_ring_skips_polls_and_counts_them),
        cmocka_unit_test(reads_rtu_over_tcp),
        cmocka_unit_test(reads_a_serial_line),
        cmocka_unit_test(an_unknown_baud_rate_is_refused),
        cmocka_unit_test(descriptors_beyond_1023_are_fine),
        cmocka_unit_test(a_worker_never_run_can_be_freed),
        cmocka_unit_test(a_read_that_would_never_have_room_is_refused),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
