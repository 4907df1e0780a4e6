/*
 * The Modbus worker on lines without transaction ids: noise in front of an
 * answer, and answers that come late, must not give a wrong value.
 */
#include "base/log.h"
#include "bench.h"
#include "ingest/mbus_frame.h"
#include "tests/unit/pty.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

static void reads_rtu_over_tcp(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, true);
    bench_start(&bench, patient(four_points(SOURCE_MODBUS_RTU_TCP, device.port)));
    bench_run_until(&bench, &bench.good, 20);
    assert_int_equal(bench.comm, 0);
    cell_set(&device.mood, MOOD_DRIBBLE);
    bench_run_until(&bench, &bench.good, 20);
    cell_set(&device.mood, MOOD_NOISY); /* noise in front of an answer costs nothing */
    bench_run_until(&bench, &bench.good, 20);
    assert_int_equal(bench.comm, 0);
    assert_true(field_count(bench.field, "bad_replies") > 0);
    bench_stop(&bench);
    device_stop(&device);
}

/* Two reads of the same shape: nothing but time, and the connection, tells the answer of one from that of the other. */
static struct field *two_alike(enum source_type type, uint16_t port)
{
    struct field *field = field_new(4096);
    (void)field_add_modbus(field, type, port);
    (void)field_add_register(field, 1, 0, TYPE_U16, poll_ns);
    (void)field_add_register(field, 1, 200, TYPE_U16, poll_ns);
    return field;
}

/* The device sends its answer only when it is asked the next time. */
static void late_answers_die_with_their_connection(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    device_start(&device, true);
    bench_start(&bench, two_alike(SOURCE_MODBUS_RTU_TCP, device.port));
    bench_run_until(&bench, &bench.good, 4);
    const uint64_t reconnects = field_count(bench.field, "reconnects");
    cell_set(&device.mood, MOOD_LATE);
    bench_run_until(&bench, &bench.comm, 3);
    assert_true(field_count(bench.field, "renewals") >= 2);
    assert_int_equal(field_count(bench.field, "reconnects"), reconnects); /* no trouble, no back-off */
    assert_int_equal(field_count(bench.field, "connected"), 1);
    cell_set(&device.mood, MOOD_WRONG_COUNT);
    bench_run_until(&bench, &bench.comm, 2);
    cell_set(&device.mood, MOOD_HONEST);
    bench_run_until(&bench, &bench.good, 8);
    bench_stop(&bench);
    device_stop(&device);
}

/* A device on a pseudo-terminal and the worker that reads it; skips where there is none. */
static void start_on_a_line(struct device *device, struct bench *bench, struct field *(*make)(enum source_type, uint16_t))
{
    if (!pty_is_there()) {
        print_message("%s", pty_missing);
        skip();
    }
    device_start_serial(device);
    struct field *field = make(SOURCE_MODBUS_RTU, 0);
    field->sources[0].device = device->line_name;
    bench_start(bench, field);
}

static void a_late_answer_on_a_serial_line_is_waited_out(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    start_on_a_line(&device, &bench, two_alike);
    bench_run_until(&bench, &bench.good, 4);
    cell_set(&device.mood, MOOD_TARDY);
    bench_run_until(&bench, &bench.comm, 3);
    cell_set(&device.mood, MOOD_HONEST);
    bench_run_until(&bench, &bench.good, 8);
    bench_stop(&bench); /* not one wrong value */
    device_stop(&device);
}

/* Waits for the next request on the line; gives when it was there. */
static int64_t await_request(struct bench *bench, int line, uint8_t ret_request[8])
{
    const int64_t until_ns = clock_mono_ns() + 10 * NS_PER_S;
    struct pollfd fd = {.fd = line, .events = POLLIN};
    for (size_t len = 0; len < 8 && clock_mono_ns() < until_ns;) {
        (void)bench_cycle(bench);
        const ssize_t got = poll(&fd, 1, 0) > 0 ? read(line, ret_request + len, 8 - len) : 0;
        len += got > 0 ? (size_t)got : 0;
    }
    assert_true(clock_mono_ns() < until_ns);
    return clock_mono_ns();
}

/* An answer is seen seven time-outs after its request: after the next request in vain the unit is left alone for
 * fourteen, where four are usual and a poll is due every twelve. */
static void a_unit_seen_to_be_late_is_left_alone_for_longer(void **state)
{
    (void)state;
    if (!pty_is_there()) {
        print_message("%s", pty_missing);
        skip();
    }
    struct device device;
    struct bench bench;
    uint8_t request[8];
    device_start_serial(&device);
    cell_set(&device.stop, 1); /* the test itself answers */
    (void)pthread_join(device.thread, NULL);
    struct field *field = field_new(4096);
    struct site_source *source = field_add_modbus(field, SOURCE_MODBUS_RTU, 0);
    source->device = device.line_name;
    source->timeout_ns = 50 * NS_PER_MS;
    (void)field_add_register(field, 1, 0, TYPE_U16, 12 * source->timeout_ns);
    bench_start(&bench, field);
    (void)await_request(&bench, device.line, request);
    bench_run_for(&bench, 7 * source->timeout_ns);
    uint8_t frame[MBUS_ADU_MAX];
    const uint8_t pdu[] = {request[1], 2, 0x12, 0x34};
    const size_t len = mbus_frame_wrap(FRAMING_RTU, 0, 1, pdu, sizeof pdu, frame);
    assert_int_equal(write(device.line, frame, len), len);
    const int64_t second_ns = await_request(&bench, device.line, request);
    const int64_t third_ns = await_request(&bench, device.line, request);
    assert_true(third_ns - second_ns >= 13 * source->timeout_ns);
    bench_stop(&bench);
    (void)close(device.line);
}

static void reads_a_serial_line(void **state)
{
    (void)state;
    struct device device;
    struct bench bench;
    start_on_a_line(&device, &bench, four_points);
    bench_run_until(&bench, &bench.good, 20);
    cell_set(&device.mood, MOOD_DOUBLED);
    bench_run_until(&bench, &bench.good, 8);
    cell_set(&device.mood, MOOD_GARBAGE);
    bench_run_until(&bench, &bench.comm, 4);
    cell_set(&device.mood, MOOD_SILENT);
    bench_run_until(&bench, &bench.comm, 4);
    cell_set(&device.mood, MOOD_HONEST);
    bench_run_until(&bench, &bench.good, 8);
    bench_stop(&bench);
    device_stop(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_rtu_over_tcp),
        cmocka_unit_test(late_answers_die_with_their_connection),
        cmocka_unit_test(a_late_answer_on_a_serial_line_is_waited_out),
        cmocka_unit_test(a_unit_seen_to_be_late_is_left_alone_for_longer),
        cmocka_unit_test(reads_a_serial_line),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
