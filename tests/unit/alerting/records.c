/*
 * What alerting keeps in the store: exact bytes, keys, and what is refused; and
 * the histogram of latencies.
 */
#include "alerting/alarm_record.h"
#include "alerting/cursor.h"
#include "alerting/pack.h"
#include "base/clock.h"
#include "base/latency.h"
#include "fake_store.h"
#include "fixture.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void numbers_and_texts_are_these_bytes(void **state)
{
    (void)state;
    struct buf out = {0};
    pack_u8(&out, 0xab);
    pack_u16(&out, 0x0102);
    pack_u32(&out, 0x03040506);
    pack_i64(&out, -2);
    pack_f64(&out, -0.0);
    pack_f64(&out, -(double)NAN);
    pack_text(&out, "瓦");
    pack_text(&out, "");
    pack_text(&out, NULL);
    static const uint8_t bytes[] = {0xab, 1,    2, 3, 4, 5,    6,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xfe, 0x80, 0, 0, 0, 0,    0,    0,    0,    0x7f, 0xf8, 0,    0,    0,
                                    0,    0,    0, 0, 3, 0xe7, 0x93, 0xa6, 0,    0,    0xff, 0xff};
    assert_int_equal(out.len, sizeof bytes);
    assert_memory_equal(out.data, bytes, sizeof bytes);
    struct unpack in = unpack_begin(out.data, out.len);
    assert_int_equal(unpack_u8(&in), 0xab);
    assert_int_equal(unpack_u16(&in), 0x0102);
    assert_int_equal(unpack_u32(&in), 0x03040506);
    assert_true(unpack_i64(&in) == -2);
    assert_true(signbit(unpack_f64(&in)));
    assert_true(isnan(unpack_f64(&in)));
    char *text = unpack_text(&in), *empty = unpack_text(&in);
    assert_string_equal(text, "瓦");
    assert_string_equal(empty, "");
    assert_null(unpack_text(&in));
    assert_true(unpack_whole(&in));
    assert_int_equal(unpack_u8(&in), 0); /* over the end: bad from then on */
    assert_true(in.bad);
    free(text);
    free(empty);
    buf_done(&out);
}

static void a_text_that_runs_over_the_end_or_holds_a_nul_is_bad(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[4];
        size_t len;
    } cases[] = {{{0, 3, 'a', 'b'}, 4}, {{0}, 1}, {{0, 2, 'a', 0}, 4}, {{0xff, 0xfe, 'a', 'b'}, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct unpack in = unpack_begin(cases[i].bytes, cases[i].len);
        assert_null(unpack_text(&in));
        assert_true(in.bad);
    }
}

static void an_alarms_record_is_these_bytes_and_comes_back(void **state)
{
    (void)state;
    const struct event_words words = {.alarm = "r:p", .rule = "r", .point = "p", .name = "p", .unit = "%"};
    struct buf out = {0};
    alarm_record_begin(&out, UINT64_C(0x0102030405060708), &words);
    buf_add(&out, "BOOK", 4);
    static const char bytes[] = "\x01\x01\x02\x03\x04\x05\x06\x07\x08"
                                "\0\x03r:p\0\x01r\0\x01p\0\x01p\xff\xff\xff\xff\0\x01%\xff\xff\xff\xff"
                                "BOOK";
    assert_int_equal(out.len, sizeof bytes - 1);
    assert_memory_equal(out.data, bytes, sizeof bytes - 1);
    struct alarm_record record;
    assert_int_equal(alarm_record_read(&record, out.data, out.len, NULL), ERR_NONE);
    assert_true(record.digest == UINT64_C(0x0102030405060708));
    assert_string_equal(record.words.alarm, "r:p");
    assert_string_equal(record.words.unit, "%");
    assert_null(record.words.hazard);
    assert_int_equal(record.book_len, 4);
    assert_memory_equal(record.book, "BOOK", 4);
    alarm_record_done(&record);
    struct err err;
    for (size_t len = 0; len < out.len - 4; len++) {
        assert_int_equal(alarm_record_read(&record, out.data, len, &err), ERR_INPUT);
    }
    out.data[0] = 2;
    assert_int_equal(alarm_record_read(&record, out.data, out.len, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "version 2"));
    buf_done(&out);
}

static struct verdict a_keep(void)
{
    struct verdict keep = step(A_GROUP, 5, LEVEL_NONE, VERDICT_BLIND, NAN);
    keep.kind = VERDICT_KEEP;
    keep.point = P_T2;
    keep.keep_level = 1;
    keep.keep = KEEP_WHEN | KEEP_UNLESS;
    keep.since_ns = at(4);
    keep.step_ns = at(3);
    return keep;
}

static void a_kept_condition_comes_back_by_name(void **state)
{
    (void)state;
    struct site *site = fixture_copy();
    const struct verdict keep = a_keep();
    struct buf out = {0}, name = {0};
    char key[RECORD_KEY_MAX + 1];
    record_keep_key(key, &name, site, &keep);
    assert_string_equal(key, "keep/group:A/orange/t2");
    keep_record_write(&out, site, &keep);
    assert_int_equal(out.len, 1 + 8 + 2 + 7 + 2 + 2 + 3 + 4 * 8);
    struct verdict back;
    assert_int_equal(keep_record_read(site, out.data, out.len, &back, NULL), ERR_NONE);
    assert_true(isnan(back.value));
    back.value = keep.value;
    assert_memory_equal(&back, &keep, sizeof keep);

    struct err err;
    site->rules[3].digest++; /* the rule was changed */
    assert_int_equal(keep_record_read(site, out.data, out.len, &back, &err), ERR_NO);
    site->rules[3].digest--;
    site->rules[3].level_count = 1; /* the level is gone */
    assert_int_equal(keep_record_read(site, out.data, out.len, &back, &err), ERR_NO);
    site->rules[3].level_count = 3;
    site->alarms[A_GROUP].member_count = 1; /* the point left the group */
    assert_int_equal(keep_record_read(site, out.data, out.len, &back, &err), ERR_NO);
    site->alarms[A_GROUP].member_count = 2;
    site->alarm_count = A_GROUP; /* the alarm is gone */
    fixture_index(site);
    assert_int_equal(keep_record_read(site, out.data, out.len, &back, &err), ERR_NO);
    for (size_t len = 0; len < out.len; len++) {
        assert_int_equal(keep_record_read(site, out.data, len, &back, &err), ERR_INPUT);
    }
    buf_done(&out);
    buf_done(&name);
    fixture_free(site);
}

static void a_name_too_long_for_a_key_becomes_its_hash(void **state)
{
    (void)state;
    char name[800], key[RECORD_KEY_MAX + 1], other[RECORD_KEY_MAX + 1];
    memset(name, 'a', sizeof name);
    name[RECORD_KEY_MAX - 6] = '\0';
    record_key(key, "alarm/", name);
    assert_int_equal(strlen(key), RECORD_KEY_MAX);
    assert_string_equal(key + 6, name);
    name[RECORD_KEY_MAX - 6] = 'a';
    name[799] = '\0';
    record_key(key, "alarm/", name);
    assert_int_equal(strlen(key), strlen("alarm/#") + 64);
    name[798] = 'b';
    record_key(other, "alarm/", name);
    assert_string_not_equal(key, other);
    record_key(other, "alarm/", "abc");
    assert_string_equal(other, "alarm/abc");
}

static void a_cursor_is_kept_now_and_then_and_at_the_end(void **state)
{
    (void)state;
    struct store *store = fake_store_new();
    struct cursor cursor;
    assert_int_equal(cursor_open(&cursor, store, CURSOR_SINK, "log", NULL), ERR_NONE);
    assert_true(cursor.seq == 0);
    assert_true(cursor_due(&cursor) == TIME_NEVER);
    cursor.seq = 1;
    assert_int_equal(cursor_keep(&cursor, at(0), false, NULL), ERR_NONE);
    cursor.seq = 2;
    assert_int_equal(cursor_keep(&cursor, at(0) + 99 * NS_PER_MS, false, NULL), ERR_NONE);
    assert_int_equal(fake_store_commits(store), 1);
    cursor.seq = 1001; /* a thousand: not so long */
    assert_int_equal(cursor_keep(&cursor, at(0) + 99 * NS_PER_MS, false, NULL), ERR_NONE);
    assert_int_equal(fake_store_commits(store), 2);
    assert_int_equal(fake_store_syncs(store), 0);
    cursor.seq = 1002;
    fake_store_fail(store, 1);
    assert_int_equal(cursor_keep(&cursor, at(9), false, NULL), ERR_ENV);
    assert_int_equal(cursor_keep(&cursor, at(9), true, NULL), ERR_NONE);
    assert_int_equal(fake_store_syncs(store), 1);
    cursor_done(&cursor);
    assert_int_equal(cursor_open(&cursor, store, CURSOR_SINK, "log", NULL), ERR_NONE);
    assert_true(cursor.seq == 1002);
    cursor_done(&cursor);
    struct store_batch *batch = store_batch_new(store);
    store_batch_put(batch, "sink/log", "?", 1);
    assert_int_equal(store_batch_commit(batch, false, NULL), ERR_NONE);
    store_batch_free(batch);
    assert_int_equal(cursor_open(&cursor, store, CURSOR_SINK, "log", NULL), ERR_ENV);
    cursor_done(&cursor);
    fake_store_free(store);
}

static void percentiles_are_right_to_a_sixteenth(void **state)
{
    (void)state;
    struct latency latency = {0};
    assert_int_equal(latency_percentile_us(&latency, 50), 0);
    latency_add(&latency, -5, 1);
    assert_int_equal(latency_percentile_us(&latency, 99), 1);
    memset(&latency, 0, sizeof latency);
    for (int64_t us = 1; us <= 1000; us++) {
        latency_add(&latency, us * NS_PER_US, 1);
    }
    const uint64_t p50 = latency_percentile_us(&latency, 50), p99 = latency_percentile_us(&latency, 99);
    assert_in_range(p50, 500, 500 * 17 / 16);
    assert_in_range(p99, 990, 990 * 17 / 16);
    latency_add(&latency, INT64_MAX, 1000000); /* longer than any bucket: the last one */
    assert_true(latency_percentile_us(&latency, 50) > UINT64_C(4) * 3600 * 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_texts_are_these_bytes),
        cmocka_unit_test(a_text_that_runs_over_the_end_or_holds_a_nul_is_bad),
        cmocka_unit_test(an_alarms_record_is_these_bytes_and_comes_back),
        cmocka_unit_test(a_kept_condition_comes_back_by_name),
        cmocka_unit_test(a_name_too_long_for_a_key_becomes_its_hash),
        cmocka_unit_test(a_cursor_is_kept_now_and_then_and_at_the_end),
        cmocka_unit_test(percentiles_are_right_to_a_sixteenth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
