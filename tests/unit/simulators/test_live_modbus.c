/*
 * The program's Modbus servers with libmodbus as the client: values, and every
 * fault as a client meets it.  A device's faults follow one another in one run.
 */
#include "tests/unit/pty.h"
#include "tests/unit/simulators/field.h"
#include <arpa/inet.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char SITE[] =
    "{\"site\":{\"id\":\"s\"},\"sources\":{"
    "\"plc\":{\"type\":\"modbus-tcp\",\"host\":\"127.0.0.1\",\"port\":%u},"
    "\"gate\":{\"type\":\"modbus-rtu-tcp\",\"host\":\"127.0.0.1\",\"port\":%u}%s},\"points\":["
    "{\"id\":\"f\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"input\",\"address\":0,\"type\":\"f32\","
    "\"order\":\"CDAB\"}},"
    "{\"id\":\"h\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"holding\",\"address\":5,\"type\":\"u16\","
    "\"scale\":0.1}},"
    "{\"id\":\"c\",\"from\":{\"source\":\"plc\",\"unit\":2,\"table\":\"coil\",\"address\":9}},"
    "{\"id\":\"g\",\"from\":{\"source\":\"gate\",\"unit\":7,\"table\":\"input\",\"address\":3,\"type\":\"i16\"}}%s]}";
/* A serial line, where the machine has pseudo-terminals. */
static const char BUS[] = ",\"bus\":{\"type\":\"modbus-rtu\",\"device\":\"%s\"}";
static const char BUS_POINT[] =
    ",{\"id\":\"r\",\"from\":{\"source\":\"bus\",\"unit\":7,\"table\":\"input\",\"address\":3,\"type\":\"i16\"}}";

struct run {
    uint16_t port, gate;
    char *site, *scenario, *line;
    pid_t pid;
    int notes;
};

static struct run start(const char *events)
{
    struct run run = {.port = field_free_port(), .gate = field_free_port()};
    char *json = NULL;
    run.line = field_file("line", "");
    (void)unlink(run.line); /* the simulator makes the link */
    const bool serial = pty_is_there();
    char bus[200] = "";
    if (serial) {
        (void)snprintf(bus, sizeof bus, BUS, run.line);
    }
    assert_true(asprintf(&json, SITE, run.port, run.gate, bus, serial ? BUS_POINT : "") > 0);
    run.site = field_file("site.json", json);
    free(json);
    assert_true(asprintf(&json,
                         "{\"start\":0,\"length\":\"600s\",\"points\":{\"f\":{\"base\":1.5},\"h\":{\"base\":12.3},"
                         "\"c\":{\"base\":1},\"?\":{\"base\":-17}},\"events\":[%s]}",
                         events) > 0);
    run.scenario = field_file("scenario.json", json);
    free(json);
    const char *const argv[] = {DAVY_SIM, "run", run.site, run.scenario, NULL};
    run.pid = field_start(argv, &run.notes);
    assert_true(field_wait_line(run.notes, "ready", 10));
    return run;
}

static void stop(struct run *run)
{
    assert_int_equal(field_stop(run->pid), 0);
    assert_int_equal(access(run->line, F_OK), -1); /* the link is gone */
    (void)close(run->notes);
    field_remove(run->site);
    field_remove(run->scenario);
    field_remove(run->line);
}

static modbus_t *dial(uint16_t port)
{
    modbus_t *client = modbus_new_tcp("127.0.0.1", port);
    assert_non_null(client);
    (void)modbus_set_response_timeout(client, 0, 200000);
    assert_int_equal(modbus_connect(client), 0);
    assert_int_equal(modbus_set_slave(client, 1), 0);
    return client;
}

static void hang_up(modbus_t *client)
{
    modbus_close(client);
    modbus_free(client);
}

static void values_are_read_and_written(void **state)
{
    (void)state;
    struct run run = start("");
    modbus_t *client = dial(run.port);
    uint16_t words[2] = {0};
    uint8_t bit = 0;
    assert_int_equal(modbus_read_input_registers(client, 0, 2, words), 2);
    assert_true(modbus_get_float_dcba(words) != 0);
    assert_int_equal(words[0], 0);
    assert_int_equal(words[1], 0x3fc0);
    assert_int_equal(modbus_read_registers(client, 5, 1, words), 1);
    assert_int_equal(words[0], 123);
    assert_int_equal(modbus_write_register(client, 5, 77), 1);
    assert_int_equal(modbus_read_registers(client, 5, 1, words), 1);
    assert_int_equal(words[0], 77);
    assert_int_equal(modbus_read_registers(client, 6, 1, words), -1);
    assert_int_equal(errno, EMBXILADD);
    assert_int_equal(modbus_set_slave(client, 2), 0);
    assert_int_equal(modbus_read_bits(client, 9, 1, &bit), 1);
    assert_int_equal(bit, 1);
    assert_int_equal(modbus_set_slave(client, 3), 0);
    assert_int_equal(modbus_read_bits(client, 9, 1, &bit), -1);
    assert_int_equal(errno, EMBXGTAR);
    hang_up(client);
    stop(&run);
}

static void a_serial_line_answers(void **state)
{
    (void)state;
    if (!pty_is_there()) {
        print_message("%s", pty_missing);
        skip();
    }
    struct run run = start("");
    modbus_t *client = modbus_new_rtu(run.line, 9600, 'N', 8, 1);
    assert_non_null(client);
    (void)modbus_set_response_timeout(client, 1, 0);
    assert_int_equal(modbus_set_slave(client, 7), 0);
    for (int visit = 0; visit < 2; visit++) { /* the line outlives its user */
        uint16_t word = 0;
        assert_int_equal(modbus_connect(client), 0);
        assert_int_equal(modbus_read_input_registers(client, 3, 1, &word), 1);
        assert_int_equal((int16_t)word, -17);
        modbus_close(client);
    }
    modbus_free(client);
    stop(&run);
}

/* Receives exactly len bytes; libmodbus's sockets do not block. */
static bool receive(int fd, uint8_t *bytes, size_t len)
{
    const int64_t end = field_ms() + 5000;
    for (size_t got = 0; got < len;) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        const int64_t left = end - field_ms();
        const ssize_t more = left > 0 && poll(&readable, 1, (int)left) == 1 ? recv(fd, bytes + got, len - got, 0) : -1;
        if (more <= 0) {
            return false;
        }
        got += (size_t)more;
    }
    return true;
}

static void frames_of_a_serial_line_travel_over_tcp(void **state)
{
    (void)state;
    static const uint8_t request[] = {0x00, 0x07, 0x04, 0x00, 0x03, 0x00, 0x01, 0xc1, 0xac}; /* noise in front */
    uint8_t answer[7];
    struct run run = start("");
    modbus_t *client = dial(run.gate); /* only to have a connected socket */
    const int fd = modbus_get_socket(client);
    assert_int_equal(send(fd, request, 4, 0), 4); /* in two pieces */
    assert_int_equal(send(fd, request + 4, sizeof request - 4, 0), sizeof request - 4);
    assert_true(receive(fd, answer, sizeof answer));
    assert_memory_equal(answer, ((uint8_t[]){0x07, 0x04, 0x02, 0xff, 0xef}), 5);
    hang_up(client);
    stop(&run);
}

/* One read during a fault that holds from the start: libmodbus's errno, 0 when it was fine. */
static int read_under(const char *fault, int64_t *ret_ms)
{
    char events[200];
    (void)snprintf(events, sizeof events, "{\"at\":\"0s\",\"source\":\"plc\",\"fault\":\"%s\"}", fault);
    struct run run = start(events);
    modbus_t *client = dial(run.port);
    uint16_t words[2];
    const int64_t begin = field_ms();
    const int got = modbus_read_input_registers(client, 0, 2, words);
    const int error = got == 2 ? 0 : errno;
    *ret_ms = field_ms() - begin;
    hang_up(client);
    stop(&run);
    return error;
}

static void faults_show_as_a_client_meets_them(void **state)
{
    (void)state;
    int64_t ms = 0;
    assert_int_equal(read_under("timeout", &ms), ETIMEDOUT);
    assert_int_equal(read_under("silent", &ms), ETIMEDOUT);
    assert_int_equal(read_under("exception:4", &ms), EMBXSFAIL);
    assert_int_equal(read_under("delay:800ms", &ms), ETIMEDOUT);
    assert_int_equal(read_under("delay:120ms", &ms), 0);
    assert_true(ms >= 110);
    assert_int_equal(read_under("slow-bytes", &ms), 0);
    assert_true(ms >= 200); /* 13 bytes, 20 ms between two */
    assert_int_equal(read_under("reset", &ms), ECONNRESET);
    assert_int_not_equal(read_under("wrong-tid", &ms), 0);
    assert_int_not_equal(read_under("garbage", &ms), 0);
}

static void a_duplicated_answer_comes_twice(void **state)
{
    (void)state;
    struct run run = start("{\"at\":\"0s\",\"source\":\"plc\",\"fault\":\"duplicate\"}");
    modbus_t *client = dial(run.port);
    uint16_t words[2];
    uint8_t again[13];
    assert_int_equal(modbus_read_input_registers(client, 0, 2, words), 2);
    assert_true(receive(modbus_get_socket(client), again, sizeof again));
    hang_up(client);
    stop(&run);
}

/* One read; libmodbus's errno, 0 when it was fine. */
static int read_once(modbus_t *client)
{
    uint16_t words[2];
    return modbus_read_input_registers(client, 0, 2, words) == 2 ? 0 : errno;
}

/* The client's connection stands and is never answered again; one made when the trouble is over is. */
static void a_half_open_connection_stays_dead(void **state)
{
    (void)state;
    struct run run = start("{\"at\":\"300ms\",\"source\":\"plc\",\"fault\":\"half-open\",\"for\":\"900ms\"}");
    modbus_t *old = dial(run.port);
    assert_int_equal(read_once(old), 0);
    while (read_once(old) == 0) { /* at most 300 ms */
        (void)poll(NULL, 0, 10);
    }
    modbus_t *within = dial(run.port);
    assert_int_equal(read_once(within), ETIMEDOUT);
    int error = ETIMEDOUT;
    for (const int64_t end = field_ms() + 5000; error != 0 && field_ms() < end;) {
        modbus_t *later = dial(run.port);
        error = read_once(later);
        hang_up(later);
    }
    assert_int_equal(error, 0);
    assert_int_equal(read_once(old), ETIMEDOUT); /* no end, no reset: nothing */
    assert_int_equal(read_once(within), ETIMEDOUT);
    hang_up(old);
    hang_up(within);
    stop(&run);
}

static bool is_closed(int fd)
{
    char byte;
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    return poll(&ended, 1, 5000) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

static void a_busy_device_has_no_place_for_another(void **state)
{
    (void)state;
    struct run run = start("{\"at\":\"300ms\",\"source\":\"plc\",\"fault\":\"busy\",\"for\":\"900ms\"}");
    modbus_t *old = dial(run.port);
    bool closed = false;
    for (const int64_t end = field_ms() + 5000; !closed && field_ms() < end;) {
        modbus_t *more = dial(run.port);
        closed = read_once(more) != 0 && is_closed(modbus_get_socket(more));
        hang_up(more);
    }
    assert_true(closed);
    assert_int_equal(read_once(old), 0); /* who has a place keeps it */
    hang_up(old);
    stop(&run);
}

static void a_flood_comes_behind_the_answer(void **state)
{
    (void)state;
    enum { FRAME = 13, TIMES = 100 };
    struct run run = start("{\"at\":\"0s\",\"source\":\"plc\",\"fault\":\"flood:100\"}");
    modbus_t *client = dial(run.port);
    uint8_t flood[FRAME * TIMES];
    assert_int_equal(read_once(client), 0);
    assert_true(receive(modbus_get_socket(client), flood, sizeof flood));
    for (size_t i = 0; i < TIMES; i++) { /* transactions that nobody began, each another */
        assert_int_equal(flood[FRAME * i] << 8 | flood[FRAME * i + 1], 0x4001 + i);
        assert_memory_equal(flood + FRAME * i + 2, flood + 2, FRAME - 2);
    }
    hang_up(client);
    stop(&run);
}

/* A connection that asks nothing; waits as long as it takes. */
static int knock(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Who floods a device with connections gets those above the bound closed; the others are served. */
static void connections_above_the_bound_are_closed(void **state)
{
    (void)state;
    enum { MOST = 256, MORE = 20 };
    struct run run = start("");
    modbus_t *client = dial(run.port);
    int fds[MOST + MORE];
    assert_int_equal(read_once(client), 0);
    for (size_t i = 1; i < MOST + MORE; i++) {
        fds[i] = knock(run.port);
    }
    for (size_t i = MOST; i < MOST + MORE; i++) {
        assert_true(is_closed(fds[i]));
    }
    assert_int_equal(read_once(client), 0);
    hang_up(client);
    for (size_t i = 1; i < MOST + MORE; i++) {
        (void)close(fds[i]);
    }
    stop(&run);
}

static bool can_connect(uint16_t port)
{
    modbus_t *client = modbus_new_tcp("127.0.0.1", port);
    assert_non_null(client);
    const bool connected = modbus_connect(client) == 0;
    hang_up(client);
    return connected;
}

static bool wait_for(uint16_t port, bool connected, int64_t ms)
{
    for (const int64_t end = field_ms() + ms; field_ms() < end; (void)poll(NULL, 0, 10)) {
        if (can_connect(port) == connected) {
            return true;
        }
    }
    return false;
}

static void a_disconnect_closes_everything_for_its_time(void **state)
{
    (void)state;
    struct run run = start("{\"at\":\"300ms\",\"source\":\"plc\",\"fault\":\"disconnect\",\"for\":\"1s\"}");
    modbus_t *client = dial(run.port);
    char byte;
    struct pollfd ended = {.fd = modbus_get_socket(client), .events = POLLIN};
    assert_int_equal(poll(&ended, 1, 5000), 1);
    assert_int_equal(recv(ended.fd, &byte, 1, 0), 0); /* our connection was ended */
    assert_true(wait_for(run.port, false, 900));
    assert_true(wait_for(run.port, true, 5000));
    hang_up(client);
    stop(&run);
}

static void a_port_in_use_is_told(void **state)
{
    (void)state;
    struct run run = start("");
    const char *const argv[] = {DAVY_SIM, "run", run.site, run.scenario, NULL};
    int notes = -1;
    const pid_t second = field_start(argv, &notes);
    assert_false(field_wait_line(notes, "ready", 10));
    assert_int_equal(field_stop(second), ERR_ENV);
    (void)close(notes);
    stop(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_and_written),
        cmocka_unit_test(a_serial_line_answers),
        cmocka_unit_test(frames_of_a_serial_line_travel_over_tcp),
        cmocka_unit_test(faults_show_as_a_client_meets_them),
        cmocka_unit_test(a_duplicated_answer_comes_twice),
        cmocka_unit_test(a_disconnect_closes_everything_for_its_time),
        cmocka_unit_test(a_half_open_connection_stays_dead),
        cmocka_unit_test(a_busy_device_has_no_place_for_another),
        cmocka_unit_test(a_flood_comes_behind_the_answer),
        cmocka_unit_test(connections_above_the_bound_are_closed),
        cmocka_unit_test(a_port_in_use_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
