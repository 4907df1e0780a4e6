/*
 * What a device that is dead, slow, babbling, dribbling or garbling costs its
 * neighbours behind one connection: at most a twentieth of their rate.
 */
#include "base/log.h"
#include "bench.h"

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
        /* What an answer in vain costs decides how long the neighbours are left alone then: not for all of the test. */
        field_add_modbus(field, type, devices[i]->port)->timeout_ns =
            type == SOURCE_MODBUS_TCP ? 5 * poll_ns : 3 * poll_ns;
        for (uint8_t unit = 1; unit <= SHARING; unit++) {
            /* RTU rests between two requests */
            const int64_t every_ns = type == SOURCE_MODBUS_TCP ? 2 * poll_ns : 5 * poll_ns;
            (void)field_add_register(field, unit, 10, TYPE_U16, every_ns);
        }
    }
    bench_start(&lines->bench, field);
    bench_run_until(&lines->bench, &lines->bench.good, 6 * SHARING);
}

static void two_lines_stop(struct two_lines *lines)
{
    bench_stop(&lines->bench);
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
    for (int i = 0; i < 12; i++) {
        const uint64_t before[] = {neighbours(lines, 0), neighbours(lines, 1)};
        bench_run_for(&lines->bench, 40 * poll_ns);
        had = neighbours(lines, 0) - before[0];
        could = neighbours(lines, 1) - before[1];
        if (could > 0 && 100 * had >= 95 * could) {
            return;
        }
    }
    fail_msg("the neighbours had %llu polls of %llu", (unsigned long long)had, (unsigned long long)could);
}

static void dead_unit(enum source_type type)
{
    struct two_lines lines;
    struct bench *bench = &lines.bench;
    two_lines_start(&lines, type);
    cell_set(&lines.device.silent_unit, ODD);
    bench_run_until(bench, &bench->comm_of[ODD - 1], 5); /* it has been found out */
    const uint64_t comm_before = bench->comm_of[ODD - 1];
    const uint64_t reconnects = field_count(bench->field, "reconnects");
    const uint64_t asked_before = cell_get(&lines.device.silent_requests);
    require_rate(&lines);
    assert_true(bench->comm_of[ODD - 1] - comm_before >= 5); /* at each due poll all the same, but seldom asked */
    assert_true(cell_get(&lines.device.silent_requests) - asked_before <= 8);
    assert_int_equal(field_count(bench->field, "reconnects"), reconnects);
    assert_true((field_count(bench->field, "renewals") > 0) == (type == SOURCE_MODBUS_RTU_TCP));
    cell_set(&lines.device.silent_unit, 0);
    bench_run_until(bench, &bench->good_of[ODD - 1], 5);
    two_lines_stop(&lines);
}

static void a_dead_unit_leaves_its_neighbours_alone(void **state)
{
    (void)state;
    dead_unit(SOURCE_MODBUS_TCP);
}

/* Each request in vain costs a connection too. */
static void a_dead_unit_on_rtu_over_tcp_leaves_its_neighbours_alone(void **state)
{
    (void)state;
    dead_unit(SOURCE_MODBUS_RTU_TCP);
}

static void neighbours_keep_their_rate(enum source_type type, enum mood mood)
{
    struct two_lines lines;
    struct bench *bench = &lines.bench;
    two_lines_start(&lines, type);
    cell_set(&lines.device.odd_mood, mood);
    cell_set(&lines.device.odd_unit, ODD);
    bench_run_for(bench, 10 * poll_ns); /* it has been found out */
    const uint64_t reconnects = field_count(bench->field, "reconnects");
    require_rate(&lines);
    const uint64_t *odd = mood == MOOD_GARBAGE ? &bench->comm_of[ODD - 1] : &bench->good_of[ODD - 1];
    bench_run_until(bench, odd, 1); /* it is asked all the same */
    assert_int_equal(field_count(bench->field, "reconnects"), reconnects);
    cell_set(&lines.device.odd_unit, 0);
    bench_run_until(bench, &bench->good_of[ODD - 1], 3);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_unit_leaves_its_neighbours_alone),
        cmocka_unit_test(a_dead_unit_on_rtu_over_tcp_leaves_its_neighbours_alone),
        cmocka_unit_test(a_slow_unit_leaves_its_neighbours_alone),
        cmocka_unit_test(a_babbling_unit_leaves_its_neighbours_alone),
        cmocka_unit_test(a_dribbling_unit_leaves_its_neighbours_alone),
        cmocka_unit_test(a_garbling_unit_leaves_its_neighbours_alone),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
