/*
 * The Modbus worker against devices that misbehave: whatever they do, no wrong
 * value reaches the rings, trouble comes as `comm`, and polling goes on when
 * they behave again.
 */
#include "base/log.h"
#include "bench.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void polls_an_honest_device(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    bench_start(&bench, patient(four_points(SOURCE_MODBUS_TCP, device.port)));
    bench_run_until(&bench, &bench.good, 40);
    assert_int_equal(bench.comm, 0);
    assert_int_equal(field_count(bench.field, "connected"), 1);
    assert_true(field_count(bench.field, "polls") >= 20);
    bench_stop(&bench);
    device_stop(&device);
}

static void keeps_its_pace(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    bench_start(&bench, patient(four_points(SOURCE_MODBUS_TCP, device.port)));
    bench_run_until(&bench, &bench.good, 8);
    /* Never faster.  A busy machine may leave some out, so there are several tries to be nearly as fast. */
    uint64_t had = 0;
    for (int i = 0; i < 12 && had < 18; i++) {
        const int64_t begin_ns = clock_mono_ns();
        const uint64_t before = bench.good_of[0];
        bench_run_for(&bench, 25 * poll_ns);
        had = bench.good_of[0] - before;
        assert_true((int64_t)had <= (clock_mono_ns() - begin_ns) / poll_ns + 2);
    }
    assert_true(had >= 18);
    bench_stop(&bench);
    device_stop(&device);
}

static void survives(enum mood mood, bool gives_comm)
{
    struct device device;
    struct bench bench;
    device_start(&device, false);
    bench_start(&bench, four_points(SOURCE_MODBUS_TCP, device.port));
    bench_run_until(&bench, &bench.good, 8);
    cell_set(&device.mood, mood);
    if (gives_comm) {
        bench_run_until(&bench, &bench.comm, 4);
        bench_run_for(&bench, 300 * NS_PER_MS);
    } else {
        bench_run_for(&bench, 200 * NS_PER_MS); /* what was on its way when the mood changed */
        const uint64_t comm = bench.comm;
        bench_run_until(&bench, &bench.good, 8);
        assert_int_equal(bench.comm, comm);
    }
    cell_set(&device.mood, MOOD_HONEST);
    bench_run_for(&bench, 50 * NS_PER_MS);
    bench_run_until(&bench, &bench.good, 12);
    bench_stop(&bench);
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
    bench_start(&bench, four_points(SOURCE_MODBUS_TCP, port));
    bench_run_until(&bench, &bench.comm, 8); /* at two tries */
    assert_int_equal(bench.good, 0);
    assert_int_equal(field_count(bench.field, "connected"), 0);
    bench_stop(&bench);
}

static void one_illegal_address_costs_one_point(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    cell_set(&device.hole, 2 + 1);
    bench_start(&bench, patient(four_points(SOURCE_MODBUS_TCP, device.port)));
    bench_run_until(&bench, &bench.good_of[0], 10);
    bench_run_until(&bench, &bench.good_of[2], 10);
    assert_int_equal(bench.good_of[1], 0);
    assert_true(bench.comm_of[1] >= 10); /* at each poll */
    assert_true(bench.comm_of[0] + bench.comm_of[2] == 0);
    const uint64_t requests = cell_get(&device.requests);
    const uint64_t polls = field_count(bench.field, "polls");
    bench_run_until(&bench, &bench.good_of[0], 10);
    /* two pieces around the hole, and the read on its own: three requests for two polls */
    assert_true(cell_get(&device.requests) - requests <= 2 * (field_count(bench.field, "polls") - polls) + 3);
    bench_stop(&bench);
    device_stop(&device);
}

static void an_illegal_register_between_values_costs_nothing(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, false);
    cell_set(&device.hole, 3 + 1); /* in the gap of 2 and 5 */
    bench_start(&bench, patient(four_points(SOURCE_MODBUS_TCP, device.port)));
    bench_run_until(&bench, &bench.good_of[2], 20);
    bench_run_until(&bench, &bench.good_of[0], 1);
    assert_int_equal(bench.comm, 0);
    bench_stop(&bench);
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
    bench_start(&bench, field);
    bench_run_until(&bench, &bench.good, 3);
    cell_set(&bench.active[1], 2);
    cell_set(&bench.alarmed.turn, 1);
    const uint64_t fast = bench.good_of[1];
    const uint64_t slow[] = {bench.good_of[0], bench.good_of[2]};
    bench_run_until(&bench, &bench.good_of[0], 4);
    /* Ten times as often; a loaded machine leaves some out. */
    assert_true(bench.good_of[1] - fast >= 3 * (bench.good_of[0] - slow[0]));
    assert_in_range(bench.good_of[2] - slow[1], 1, 6);
    assert_int_equal(field_count(field, "faster"), 1);
    cell_set(&bench.active[1], 0);
    cell_set(&bench.alarmed.turn, 2);
    bench_run_for(&bench, 2 * poll_ns);
    const uint64_t before = bench.good_of[1];
    bench_run_until(&bench, &bench.good_of[0], 4);
    assert_in_range(bench.good_of[1] - before, 1, 6);
    assert_int_equal(field_count(field, "faster"), 0);
    bench_stop(&bench);
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
    bench_start(&bench, field);
    bench_run_until(&bench, &bench.good, 600);
    for (size_t i = 0; i < 6; i++) {
        assert_true(bench.good_of[i] > 30);
    }
    assert_int_equal(field_count(field, "bad_replies"), 0);
    cell_set(&device.mood, MOOD_LATE); /* strangers and time-outs among them */
    bench_run_for(&bench, 20 * poll_ns);
    cell_set(&device.mood, MOOD_HONEST);
    bench_run_until(&bench, &bench.good, 200);
    bench_stop(&bench);
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
    bench_start(&bench, field);
    bench_run_until(&bench, &bench.good, 100);
    cell_set(&device.mood, MOOD_SILENT);
    const int64_t until_ns = clock_mono_ns() + 10 * NS_PER_S;
    while (field_count(field, "timeouts") < 12 && clock_mono_ns() < until_ns) {
        (void)bench_cycle(&bench);
    }
    cell_set(&device.mood, MOOD_HONEST);
    assert_int_equal(field_count(field, "connected"), 1);
    const struct counter *unit = counter_find(field->counters, "bus.s0.1.state");
    assert_non_null(unit);
    assert_int_equal(counter_get(unit), 1); /* missed; not given up */
    bench_run_until(&bench, &bench.good, 100);
    assert_int_equal(field_count(field, "reconnects"), 0);
    bench_stop(&bench);
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
    bench_start(&bench, field);
    for (enum mood mood = MOOD_HONEST; mood < MOOD_COUNT; mood++) {
        cell_set(&device.mood, mood);
        bench_run_for(&bench, 6 * poll_ns);
    }
    cell_set(&device.mood, MOOD_HONEST);
    bench_run_until(&bench, &bench.good, 40);
    bench_stop(&bench);
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
    bench_start(&bench, field);
    bench_run_until(&bench, &bench.good, 20);
    assert_int_equal(cell_get(&device.longest), 2); /* five registers side by side, at most two at once */
    cell_set(&device.silent_unit, 2);
    bench_run_until(&bench, &bench.comm, 5); /* within its own time-out, not the source's */
    bench_stop(&bench);
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
    bench_start(&bench, field);
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
    field_add_modbus(field, SOURCE_MODBUS_TCP, dead.port)->timeout_ns = 20 * poll_ns;
    (void)field_add_register(field, 1, 0, TYPE_U16, poll_ns);
    field_add_modbus(field, SOURCE_MODBUS_TCP, alive.port)->timeout_ns = 5 * NS_PER_S;
    (void)field_add_register(field, 1, 0, TYPE_U16, poll_ns);
    bench_start(&bench, field);
    bench_run_until(&bench, &bench.good_of[1], 1);
    /* One that waited for the other would have a poll or two for each of its time-outs. */
    const uint64_t before = bench.good_of[1];
    const uint64_t comm = bench.comm_of[0];
    bench_run_until(&bench, &bench.comm_of[0], 2);
    assert_true(bench.good_of[1] - before >= 4 * (bench.comm_of[0] - comm));
    bench_stop(&bench);
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
    bench_start(&bench, field);
    const int64_t until_ns = clock_mono_ns() + 10 * NS_PER_S;
    while (field_count(field, "skipped") < 5 && clock_mono_ns() < until_ns) {
        (void)bench.agent.do_work(bench.agent.self, clock_now_ns(&bench.clock)); /* nobody takes samples */
    }
    assert_true(field_count(field, "skipped") >= 5);
    assert_int_equal(ring_fill(field->rings[0]), 4);
    bench_run_until(&bench, &bench.good, 12);
    bench_stop(&bench);
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
    bench_start(&bench, four_points(SOURCE_MODBUS_TCP, 1));
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
        cmocka_unit_test(independent_connections_do_not_wait_for_each_other),
        cmocka_unit_test(a_full_ring_skips_polls_and_counts_them),
        cmocka_unit_test(an_unknown_baud_rate_is_refused),
        cmocka_unit_test(descriptors_beyond_1023_are_fine),
        cmocka_unit_test(a_worker_never_run_can_be_freed),
        cmocka_unit_test(a_read_that_would_never_have_room_is_refused),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
