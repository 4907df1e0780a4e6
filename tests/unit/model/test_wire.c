/* The records of a recording: there and back, cut off, and damaged. */
#include "model/wire.h"
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct wire_record example = {.kind = WIRE_MESSAGE,
                                           .flags = 1 | WIRE_RETAINED,
                                           .source = 513,
                                           .time_ns = -5,
                                           .name = "a/b",
                                           .name_len = 3,
                                           .bytes = (const uint8_t *)"{}",
                                           .len = 2};

static void a_record_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[100];
    struct wire_record back;
    size_t size = 0;
    const size_t written = wire_encode(&example, bytes, sizeof bytes);
    assert_int_equal(written, WIRE_FRAME_SIZE + 5);
    assert_int_equal(wire_decode(bytes, sizeof bytes, &back, &size), WIRE_WHOLE);
    assert_int_equal(size, written);
    assert_int_equal(back.kind, WIRE_MESSAGE);
    assert_int_equal(back.flags, example.flags);
    assert_int_equal(back.source, 513);
    assert_int_equal(back.time_ns, -5);
    assert_int_equal(back.name_len, 3);
    assert_memory_equal(back.name, "a/b", 3);
    assert_int_equal(back.len, 2);
    assert_memory_equal(back.bytes, "{}", 2);
}

/* What docs/data-model.md shows, byte by byte. */
static void the_bytes_are_those_of_the_documents(void **state)
{
    (void)state;
    static const uint8_t want[] = {0, 0, 0, 20, 4, 0, 0,    7,    0,    0,    0,    0,
                                   0, 0, 1, 2,  0, 0, 0xaa, 0xbb, 0xf4, 0x07, 0xbb, 0xb8};
    const struct wire_record record = {
        .kind = WIRE_SENT, .source = 7, .time_ns = 258, .bytes = (const uint8_t *)"\xaa\xbb", .len = 2};
    uint8_t bytes[sizeof want];
    assert_int_equal(wire_encode(&record, bytes, sizeof bytes), sizeof want);
    assert_memory_equal(bytes, want, sizeof want);
}

static void a_record_cut_off_waits_for_more(void **state)
{
    (void)state;
    uint8_t bytes[100];
    struct wire_record back;
    size_t size = 0;
    const size_t written = wire_encode(&example, bytes, sizeof bytes);
    for (size_t len = 0; len < written; len++) {
        assert_int_equal(wire_decode(bytes, len, &back, &size), WIRE_PARTIAL);
    }
}

static void a_changed_bit_is_noticed(void **state)
{
    (void)state;
    uint8_t bytes[100];
    struct wire_record back;
    size_t size = 0;
    const size_t written = wire_encode(&example, bytes, sizeof bytes);
    for (size_t bit = 8 * 3; bit < 8 * written; bit++) { /* a larger size waits for more */
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_not_equal(wire_decode(bytes, written, &back, &size), WIRE_WHOLE);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    bytes[0] = 0xff;
    assert_int_equal(wire_decode(bytes, written, &back, &size), WIRE_BROKEN); /* no record is that long */
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    static uint8_t room[WIRE_RECORD_MAX];
    static uint8_t payload[WIRE_BYTES_MAX + 1];
    struct wire_record record = {.kind = WIRE_MESSAGE, .bytes = payload, .len = WIRE_BYTES_MAX};
    assert_int_equal(wire_encode(&record, room, sizeof room), WIRE_FRAME_SIZE + WIRE_BYTES_MAX);
    assert_int_equal(wire_encode(&record, room, WIRE_BYTES_MAX), 0);
    record.len++;
    assert_int_equal(wire_encode(&record, room, sizeof room), 0);
}

static void a_file_is_known_by_its_head(void **state)
{
    (void)state;
    uint8_t bytes[WIRE_HEAD_SIZE];
    wire_head(bytes);
    assert_true(wire_head_is(bytes, sizeof bytes));
    assert_false(wire_head_is(bytes, sizeof bytes - 1));
    bytes[10]++;
    assert_false(wire_head_is(bytes, sizeof bytes));
}

static void a_hole_tells_how_much_is_missing(void **state)
{
    (void)state;
    uint8_t bytes[WIRE_LOST_SIZE];
    wire_put_lost(0x0102030405060708, bytes);
    const struct wire_record hole = {.kind = WIRE_LOST, .bytes = bytes, .len = sizeof bytes};
    assert_true(wire_lost(&hole) == 0x0102030405060708);
    assert_true(wire_lost(&example) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_comes_back),
        cmocka_unit_test(the_bytes_are_those_of_the_documents),
        cmocka_unit_test(a_record_cut_off_waits_for_more),
        cmocka_unit_test(a_changed_bit_is_noticed),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(a_file_is_known_by_its_head),
        cmocka_unit_test(a_hole_tells_how_much_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
