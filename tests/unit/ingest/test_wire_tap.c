/*
 * The tap of a recording: records of any length come out as they went in, a
 * full ring costs the recording, never the producer, and the hole is told.
 */
#include "ingest/wire_tap.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SLOTS = 64, LONGEST = 5000 };

static struct wire_tap *tap;
static struct counters *counters;
static struct counter *lost;
static uint8_t buffer[WIRE_NAME_MAX + WIRE_BYTES_MAX];

static int begin(void **state)
{
    (void)state;
    struct err err;
    counters = counters_new(8);
    lost = counter_new(counters, "lost", "", "");
    return wire_tap_new(SLOTS, lost, &tap, &err) == ERR_NONE ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    wire_tap_free(tap);
    counters_free(counters);
    return 0;
}

/* A record whose bytes follow from its number. */
static void put_numbered(uint32_t number, size_t name_len, size_t len)
{
    static char name[LONGEST];
    static uint8_t bytes[LONGEST];
    memset(name, (int)(number & 0x7f), name_len);
    memset(bytes, (int)((number >> 3) & 0xff), len);
    const struct wire_record record = {.kind = WIRE_MESSAGE,
                                       .source = (uint16_t)number,
                                       .time_ns = (int64_t)number,
                                       .name = name,
                                       .name_len = name_len,
                                       .bytes = bytes,
                                       .len = len};
    wire_tap_record(tap, &record);
}

/* Its number; the content must be that of the number. */
static uint32_t check_numbered(const struct wire_record *record)
{
    const uint32_t number = (uint32_t)record->time_ns;
    assert_int_equal(record->source, (uint16_t)number);
    for (size_t i = 0; i < record->name_len; i++) {
        assert_int_equal(record->name[i], number & 0x7f);
    }
    for (size_t i = 0; i < record->len; i++) {
        assert_int_equal(record->bytes[i], (number >> 3) & 0xff);
    }
    return number;
}

static void records_of_any_length_come_out(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, WIRE_SLOT_BYTES - 1, WIRE_SLOT_BYTES, WIRE_SLOT_BYTES + 1, LONGEST};
    struct wire_record record;
    uint32_t number = 0;
    assert_false(wire_tap_take(tap, buffer, &record));
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++, number++) {
            put_numbered(number, lengths[i], lengths[j]);
            assert_true(wire_tap_take(tap, buffer, &record));
            assert_int_equal(check_numbered(&record), number);
            assert_int_equal(record.name_len, lengths[i]);
            assert_int_equal(record.len, lengths[j]);
        }
    }
    assert_int_equal(counter_get(lost), 0);
}

static void without_a_tap_nothing_happens(void **state)
{
    (void)state;
    wire_tap_put(NULL, WIRE_SENT, 0, 0, buffer, 1);
}

static void a_full_ring_loses_and_tells(void **state)
{
    (void)state;
    struct wire_record record;
    for (uint32_t i = 0; i < SLOTS + 7; i++) {
        put_numbered(i, 0, 10);
    }
    assert_int_equal(counter_get(lost), 7);
    for (uint32_t i = 0; i < SLOTS; i++) {
        assert_true(wire_tap_take(tap, buffer, &record));
        assert_int_equal(check_numbered(&record), i);
    }
    assert_false(wire_tap_take(tap, buffer, &record));
    put_numbered(99, 0, 10);
    assert_true(wire_tap_take(tap, buffer, &record));
    assert_int_equal(record.kind, WIRE_LOST);
    assert_int_equal(wire_lost(&record), 7);
    assert_true(wire_tap_take(tap, buffer, &record));
    assert_int_equal(check_numbered(&record), 99);
}

static void what_is_longer_than_all_slots_is_lost(void **state)
{
    (void)state;
    static uint8_t bytes[WIRE_BYTES_MAX + 1];
    struct wire_record record = {.kind = WIRE_MESSAGE, .bytes = bytes, .len = SLOTS * WIRE_SLOT_BYTES + 1};
    wire_tap_record(tap, &record);
    record.len = sizeof bytes;
    wire_tap_record(tap, &record);
    assert_int_equal(counter_get(lost), 2);
    assert_false(wire_tap_take(tap, buffer, &record));
}

enum { RECORDS = 40000 };

/* Gives how often the last one, number 0, found no room. */
static void *produce(void *arg)
{
    uint64_t *refused = arg;
    for (uint32_t i = 1; i <= RECORDS; i++) {
        const uint64_t had = counter_get(lost);
        put_numbered(i, i % 3, i * 37 % 1500);
        if (counter_get(lost) != had) {
            (void)poll(NULL, 0, 1); /* the other side may catch up: both fates are to be met */
        }
    }
    for (uint64_t before = counter_get(lost);; before++, (*refused)++) {
        put_numbered(0, 0, 0);
        if (counter_get(lost) == before) {
            return NULL;
        }
        (void)poll(NULL, 0, 1);
    }
}

/* Everything that comes is whole and in order; what does not is told, to the last one. */
static void two_threads_agree(void **state)
{
    (void)state;
    pthread_t producer;
    struct wire_record record;
    uint64_t came = 0, holes = 0, refused = 0;
    uint32_t before = 0;
    assert_int_equal(pthread_create(&producer, NULL, produce, &refused), 0);
    for (bool ended = false; !ended;) {
        if (!wire_tap_take(tap, buffer, &record)) {
            (void)sched_yield();
        } else if (record.kind == WIRE_LOST) {
            holes += wire_lost(&record);
        } else {
            const uint32_t number = check_numbered(&record);
            ended = number == 0;
            assert_true(ended || number > before);
            before = number;
            came += !ended;
        }
    }
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_int_equal(came + holes, RECORDS + refused);
    assert_true(came > RECORDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_of_any_length_come_out, begin, end),
        cmocka_unit_test_setup_teardown(without_a_tap_nothing_happens, begin, end),
        cmocka_unit_test_setup_teardown(a_full_ring_loses_and_tells, begin, end),
        cmocka_unit_test_setup_teardown(what_is_longer_than_all_slots_is_lost, begin, end),
        cmocka_unit_test_setup_teardown(two_threads_agree, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
