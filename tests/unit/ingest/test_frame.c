/*
 * Frames: those of a second implementation, those of libmodbus, and what is
 * none.
 */
#include "field.h"
#include "ingest/mbus_frame.h"

#include <jansson.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VECTORS DAVY_SHARED "/data/modbus/vectors.json"

static size_t unhex(const char *hex, uint8_t *bytes)
{
    size_t n = 0;
    unsigned byte;
    while (sscanf(hex + 2 * n, "%2x", &byte) == 1) {
        bytes[n++] = (uint8_t)byte;
    }
    return n;
}

static void check_vector(const json_t *row, enum mbus_framing framing, const char *key)
{
    uint8_t pdu[MBUS_PDU_MAX + 8];
    uint8_t frame[MBUS_ADU_MAX];
    uint8_t made[MBUS_ADU_MAX];
    const size_t pdu_len = unhex(json_string_value(json_object_get(row, "pdu")), pdu);
    const size_t len = unhex(json_string_value(json_object_get(row, key)), frame);
    const uint8_t unit = (uint8_t)json_integer_value(json_object_get(row, "unit"));
    const uint16_t tid = (uint16_t)json_integer_value(json_object_get(row, "tid"));
    assert_int_equal(mbus_frame_wrap(framing, tid, unit, pdu, pdu_len, made), len);
    assert_memory_equal(made, frame, len);
    uint16_t got_tid;
    uint8_t got_unit;
    const uint8_t *got_pdu;
    size_t got_len;
    assert_true(mbus_frame_unwrap(framing, frame, len, &got_tid, &got_unit, &got_pdu, &got_len));
    assert_int_equal(got_unit, unit);
    assert_int_equal(got_tid, framing == FRAMING_TCP ? tid : 0);
    assert_int_equal(got_len, pdu_len);
    assert_memory_equal(got_pdu, pdu, pdu_len);
}

static void all_vectors_encode_and_decode(void **state)
{
    (void)state;
    json_error_t error;
    json_t *root = json_load_file(VECTORS, 0, &error);
    if (root == NULL) {
        print_message("skipped: no " VECTORS "\n");
        skip();
    }
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(root, "adus"), i, row)
    {
        check_vector(row, FRAMING_TCP, "tcp");
        check_vector(row, FRAMING_RTU, "rtu");
    }
    assert_int_equal(i, 86);
    json_decref(root);
}

/* One end is libmodbus's, the other ours. */
static void open_pair(enum mbus_framing framing, modbus_t **ret_modbus, int *ret_fd)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    *ret_modbus =
        framing == FRAMING_TCP ? modbus_new_tcp("127.0.0.1", 1502) : modbus_new_rtu("/dev/null", 9600, 'N', 8, 1);
    assert_non_null(*ret_modbus);
    assert_int_equal(modbus_set_socket(*ret_modbus, fds[0]), 0);
    *ret_fd = fds[1];
}

static void close_pair(modbus_t *modbus, int fd)
{
    (void)close(modbus_get_socket(modbus));
    modbus_free(modbus);
    (void)close(fd);
}

static struct mbus_request random_request(void)
{
    static const uint16_t most[] = {0, 2000, 2000, 125, 125};
    const uint8_t function = (uint8_t)(1 + rand() % 4);
    const uint16_t count = (uint16_t)(1 + rand() % most[function]);
    return (struct mbus_request){
        .transaction = 1,
        .unit = (uint8_t)(1 + rand() % 247),
        .function = function,
        .address = (uint16_t)(rand() % (4000 - count)),
        .count = count,
    };
}

static void requests_are_those_of_libmodbus(enum mbus_framing framing)
{
    for (int i = 0; i < 200; i++) {
        modbus_t *modbus;
        int fd;
        uint8_t theirs[MBUS_ADU_MAX];
        uint8_t ours[MBUS_ADU_MAX];
        struct mbus_request request = random_request();
        open_pair(framing, &modbus, &fd);
        const uint8_t raw[] = {request.unit,
                               request.function,
                               (uint8_t)(request.address >> 8),
                               (uint8_t)request.address,
                               (uint8_t)(request.count >> 8),
                               (uint8_t)request.count};
        const int sent = modbus_send_raw_request(modbus, raw, sizeof raw);
        assert_true(sent > 0);
        assert_int_equal(read(fd, theirs, sizeof theirs), sent);
        request.transaction = (uint16_t)(theirs[0] << 8 | theirs[1]); /* it counts its own */
        assert_int_equal(mbus_frame_request(framing, &request, ours), sent);
        assert_memory_equal(ours, theirs, (size_t)sent);
        close_pair(modbus, fd);
    }
}

static void tcp_requests_are_those_of_libmodbus(void **state)
{
    (void)state;
    requests_are_those_of_libmodbus(FRAMING_TCP);
}

static void rtu_requests_are_those_of_libmodbus(void **state)
{
    (void)state;
    requests_are_those_of_libmodbus(FRAMING_RTU);
}

/* libmodbus answers our request; gives the bytes of its answer. */
static size_t ask_libmodbus(enum mbus_framing framing, const struct mbus_request *request, modbus_mapping_t *mapping,
                            uint8_t *answer)
{
    modbus_t *modbus;
    int fd;
    uint8_t frame[MBUS_ADU_MAX];
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    open_pair(framing, &modbus, &fd);
    assert_int_equal(modbus_set_slave(modbus, request->unit), 0);
    const size_t len = mbus_frame_request(framing, request, frame);
    assert_int_equal(write(fd, frame, len), (ssize_t)len);
    const int got = modbus_receive(modbus, query);
    assert_int_equal(got, (int)len);
    assert_true(modbus_reply(modbus, query, got, mapping) > 0);
    const ssize_t size = read(fd, answer, MBUS_ADU_MAX);
    close_pair(modbus, fd);
    assert_true(size > 0);
    return (size_t)size;
}

static void check_payload(const struct mbus_request *request, const struct mbus_reply *reply,
                          const modbus_mapping_t *mapping)
{
    for (unsigned i = 0; i < request->count; i++) {
        const unsigned at = request->address + i;
        if (request->function <= FUNCTION_DISCRETES) {
            const uint8_t *bits = request->function == FUNCTION_COILS ? mapping->tab_bits : mapping->tab_input_bits;
            assert_int_equal(reply->payload[i / 8] >> (i % 8) & 1, bits[at]);
        } else {
            const uint16_t *words =
                request->function == FUNCTION_HOLDINGS ? mapping->tab_registers : mapping->tab_input_registers;
            assert_int_equal(reply->payload[2 * i] << 8 | reply->payload[2 * i + 1], words[at]);
        }
    }
}

static void answers_of_libmodbus_are_understood(enum mbus_framing framing)
{
    modbus_mapping_t *mapping = modbus_mapping_new(4000, 4000, 4000, 4000);
    assert_non_null(mapping);
    for (int i = 0; i < 4000; i++) {
        mapping->tab_bits[i] = (uint8_t)(rand() & 1);
        mapping->tab_input_bits[i] = (uint8_t)(rand() & 1);
        mapping->tab_registers[i] = (uint16_t)rand();
        mapping->tab_input_registers[i] = (uint16_t)rand();
    }
    for (int i = 0; i < 200; i++) {
        uint8_t answer[MBUS_ADU_MAX];
        struct mbus_reply reply;
        struct mbus_request request = random_request();
        const size_t len = ask_libmodbus(framing, &request, mapping, answer);
        for (size_t part = 0; part < len; part++) { /* not before the last byte */
            assert_int_equal(mbus_frame_check(framing, &request, answer, part, &reply), FRAME_PARTIAL);
        }
        assert_int_equal(mbus_frame_check(framing, &request, answer, len, &reply), FRAME_REPLY);
        assert_int_equal(reply.size, len);
        check_payload(&request, &reply, mapping);

        request.address = 4000; /* one that libmodbus refuses */
        const size_t refused = ask_libmodbus(framing, &request, mapping, answer);
        assert_int_equal(mbus_frame_check(framing, &request, answer, refused, &reply), FRAME_EXCEPTION);
        assert_int_equal(reply.exception, EXCEPTION_ADDRESS);
    }
    modbus_mapping_free(mapping);
}

static void tcp_answers_of_libmodbus_are_understood(void **state)
{
    (void)state;
    answers_of_libmodbus_are_understood(FRAMING_TCP);
}

static void rtu_answers_of_libmodbus_are_understood(void **state)
{
    (void)state;
    answers_of_libmodbus_are_understood(FRAMING_RTU);
}

static void what_does_not_match_is_named(void **state)
{
    static const struct mbus_request request = {.transaction = 7, .unit = 3, .function = 3, .address = 9, .count = 2};
    static const struct {
        const char *bytes;
        enum mbus_verdict verdict;
    } rows[] = {
        {"0007000000070303 04 0001 0002", FRAME_REPLY},
        {"0006000000070303 04 0001 0002", FRAME_STRANGER},   /* an older transaction */
        {"0007000000070403 04 0001 0002", FRAME_WRONG},      /* unit */
        {"0007000000070304 04 0001 0002", FRAME_WRONG},      /* function */
        {"0007000000070303 02 0001 0002", FRAME_WRONG},      /* byte count */
        {"0007000000050303 02 0001", FRAME_WRONG},           /* one register */
        {"0007000000090303 06 0001 0002 0003", FRAME_WRONG}, /* three */
        {"000700000003038302", FRAME_EXCEPTION},
        {"000700000003038300", FRAME_WRONG}, /* no such exception */
        {"00070000000403830200", FRAME_WRONG},
        {"000700000003038402", FRAME_WRONG}, /* of another function */
        {"0007000000020303", FRAME_WRONG},
        {"000700000001 03", FRAME_GARBAGE}, /* no function */
        {"0007000000FF03", FRAME_GARBAGE},  /* longer than any frame */
        {"00070000FFFF", FRAME_GARBAGE},
        {"0007010000070303", FRAME_GARBAGE}, /* protocol */
        {"48545450", FRAME_GARBAGE},         /* HTTP */
        {"0007000000070303 04 0001 00", FRAME_PARTIAL},
        {"0007", FRAME_PARTIAL},
        {"", FRAME_PARTIAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char hex[128];
        uint8_t bytes[64];
        size_t n = 0;
        for (const char *at = rows[i].bytes; *at != '\0'; at++) {
            if (*at != ' ') {
                hex[n++] = *at;
            }
        }
        hex[n] = '\0';
        struct mbus_reply reply;
        const size_t len = unhex(hex, bytes);
        assert_int_equal(mbus_frame_check(FRAMING_TCP, &request, bytes, len, &reply), rows[i].verdict);
    }
}

static void one_flipped_bit_never_gives_an_rtu_answer(void **state)
{
    static const struct mbus_request request = {.unit = 17, .function = 3, .count = 3};
    static const uint8_t pdu[] = {3, 6, 0x02, 0x2B, 0x00, 0x00, 0x00, 0x64};
    uint8_t frame[MBUS_ADU_MAX];
    struct mbus_reply reply;
    (void)state;
    const size_t len = mbus_frame_wrap(FRAMING_RTU, 0, 17, pdu, sizeof pdu, frame);
    assert_int_equal(mbus_frame_check(FRAMING_RTU, &request, frame, len, &reply), FRAME_REPLY);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
        const enum mbus_verdict verdict = mbus_frame_check(FRAMING_RTU, &request, frame, len, &reply);
        assert_true(verdict == FRAME_GARBAGE || verdict == FRAME_PARTIAL);
        frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static void frames_too_long_or_empty_are_not_made(void **state)
{
    static const uint8_t pdu[MBUS_PDU_MAX + 1] = {3};
    uint8_t frame[MBUS_ADU_MAX];
    (void)state;
    assert_int_equal(mbus_frame_wrap(FRAMING_TCP, 1, 1, pdu, 0, frame), 0);
    assert_int_equal(mbus_frame_wrap(FRAMING_TCP, 1, 1, pdu, MBUS_PDU_MAX + 1, frame), 0);
    assert_int_equal(mbus_frame_wrap(FRAMING_TCP, 1, 1, pdu, MBUS_PDU_MAX, frame), MBUS_ADU_MAX);
    assert_int_equal(mbus_frame_wrap(FRAMING_RTU, 1, 1, pdu, MBUS_PDU_MAX, frame), 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_vectors_encode_and_decode),
        cmocka_unit_test(tcp_requests_are_those_of_libmodbus),
        cmocka_unit_test(rtu_requests_are_those_of_libmodbus),
        cmocka_unit_test(tcp_answers_of_libmodbus_are_understood),
        cmocka_unit_test(rtu_answers_of_libmodbus_are_understood),
        cmocka_unit_test(what_does_not_match_is_named),
        cmocka_unit_test(one_flipped_bit_never_gives_an_rtu_answer),
        cmocka_unit_test(frames_too_long_or_empty_are_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
