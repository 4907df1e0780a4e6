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
    clock_init(&bench->clock);
    assert_int_equal(doorbell_open(&bench->bell, &err), ERR_NONE);
    const struct mbus_config config = {.site = &field->site,
                                       .router = &field->router,
                                       .bell = bench->bell,
                                       .stop = &bench->stop,
                                       .counters = field->counters};
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

static void a_dead_unit_leaves_its_neighbours_alone(void **state)
{
    (void)state;
    enum { UNITS = 8 };
    struct device device;
    struct bench bench;
    struct field *field = field_new(4096);
    device_start(&device, false);
    struct site_source *source = field_add_modbus(field, SOURCE_MODBUS_TCP, device.port);
    source->timeout_ns = 50 * NS_PER_MS;
    for (uint8_t unit = 1; unit <= UNITS; unit++) {
        (void)field_add_register(field, unit, 10, TYPE_U16, poll_ns);
    }
    start(&bench, field);
    run_until(&bench, &bench.good, UNITS * 3);
    cell_set(&device.silent_unit, 3);
    run_until(&bench, &bench.comm_of[2], 5); /* it has been found out */
    const uint64_t before = bench.good_of[7];
    const uint64_t comm_before = bench.comm_of[2];
    const uint64_t asked_before = cell_get(&device.silent_requests);
    run_for(&bench, 100 * poll_ns); /* two seconds */
    /* Probes take 2.5 % of the line; the rest of the tolerance is for the machine. */
    assert_true(bench.good_of[7] - before >= 80);
    assert_true(bench.comm_of[2] - comm_before >= 80); /* at each due poll all the same */
    assert_true(cell_get(&device.silent_requests) - asked_before <= 2);
    cell_set(&device.silent_unit, 0);
    run_until(&bench, &bench.good_of[2], 5);
    stop(&bench);
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
        cmocka_unit_test(a_dead_unit_leaves_its_neighbours_alone),
        cmocka_unit_test(independent_connections_do_not_wait_for_each_other),
        cmocka_unit_test(a_full_ring_skips_polls_and_counts_them),
        cmocka_unit_test(reads_rtu_over_tcp),
        cmocka_unit_test(reads_a_serial_line),
        cmocka_unit_test(an_unknown_baud_rate_is_refused),
        cmocka_unit_test(descriptors_beyond_1023_are_fine),
        cmocka_unit_test(a_worker_never_run_can_be_freed),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
