/*
 * What is removed after its time, and what is not: by the clock and by what was
 * recorded, never before its minutes and hours are made, never around an alarm;
 * and the journal's chain goes on.
 */
#include "base/memory.h"
#include "cmocka_all.h"
#include "keep_rig.h"
#include "store/bytes.h"
#include "store/hours.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- how far back ------------------------------------------------------------------------------------------------ */

/* Words for hours [from, to), the latest first. */
static size_t record_hours(struct hours_word words[], size_t count, int64_t from, int64_t to)
{
    for (int64_t hour = from; hour < to; hour++) {
        const int64_t word = hour / 64;
        if (count == 0 || words[count - 1].word != word) {
            words[count++] = (struct hours_word){.word = word};
        }
        words[count - 1].bits |= UINT64_C(1) << (hour % 64);
    }
    return count;
}

static size_t latest_first(struct hours_word words[], size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        const struct hours_word word = words[i];
        words[i] = words[count - 1 - i];
        words[count - 1 - i] = word;
    }
    return count;
}

static void age_is_asked_of_the_clock_and_of_the_record(void **state)
{
    (void)state;
    enum { DAY = 24, YEAR = 365 * DAY };
    const int64_t start = 50 * YEAR;                /* about 2020 */
    const int64_t far = start + 73 * (int64_t)YEAR; /* about 2093 */
    struct hours_word *const words = memory_new(4096, sizeof *words);
    size_t n;

    /* three days without a break: what is older than two may go, a day of it */
    n = latest_first(words, record_hours(words, 0, start, start + 3 * DAY));
    assert_int_equal(hours_floor(words, n, (start + 3 * DAY) * HOUR, 2 * DAY * HOUR), (start + DAY) * HOUR);
    /* a clock that is behind holds back */
    assert_int_equal(hours_floor(words, n, (start + 2 * DAY) * HOUR, 2 * DAY * HOUR), start * HOUR);
    assert_int_equal(hours_floor(words, n, 0, 2 * DAY * HOUR), INT64_MIN);
    /* a clock that jumps ahead, before anything was recorded then */
    assert_int_equal(hours_floor(words, n, far * HOUR, 2 * DAY * HOUR), (start + DAY) * HOUR);
    /* less than asked for was recorded */
    assert_int_equal(hours_floor(words, n, far * HOUR, YEAR * HOUR), INT64_MIN);
    assert_int_equal(hours_floor(words, 0, far * HOUR, HOUR), INT64_MIN);

    /* samples under the wrong clock: hour by hour, not all at once */
    n = latest_first(words, record_hours(words, record_hours(words, 0, start, start + 3 * DAY), far, far + 5));
    assert_int_equal(hours_floor(words, n, (far + 5) * HOUR, 2 * DAY * HOUR), (start + DAY + 5) * HOUR);

    /* a device that is years ahead is no record: a clock that jumps a month is still held back */
    assert_int_equal(hours_floor(words, n, (start + 33 * DAY) * HOUR, 2 * DAY * HOUR), (start + DAY) * HOUR);

    /* a month without the monitor does not age what was recorded before */
    n = latest_first(words, record_hours(words, record_hours(words, 0, start, start + 3 * DAY), start + 33 * DAY,
                                         start + 33 * DAY + 12));
    assert_int_equal(hours_floor(words, n, (start + 33 * DAY + 12) * HOUR, 2 * DAY * HOUR), (start + DAY + 12) * HOUR);
    free(words);
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

static void record_by_the_minute(struct rig *rig, uint32_t point, int64_t from_ns, int64_t to_ns)
{
    for (int64_t time_ns = from_ns; time_ns < to_ns; time_ns += MINUTE) {
        rig_put(rig, point, time_ns, time_ns, (double)(time_ns / MINUTE % 1000) / 10, 0);
    }
    rig_run(rig);
}

static void samples_go_after_their_time_their_hours_stay(void **state)
{
    (void)state;
    const struct site_keep day = {.raw_ns = 24 * HOUR, .minute_ns = 48 * HOUR};
    struct keep_stage stage;
    keep_begin(&stage, day);
    for (int hour = 0; hour < 100; hour++) {
        record_by_the_minute(&stage.rig, 0, epoch_ns + hour * HOUR, epoch_ns + (hour + 1) * HOUR);
        record_by_the_minute(&stage.rig, KEPT_POINT, epoch_ns + hour * HOUR, epoch_ns + (hour + 1) * HOUR);
    }
    const struct digest hours = digest_buckets(stage.rig.store, 0, epoch_ns, INT64_MAX, 6 * HOUR);
    const struct digest other = digest_rows(stage.rig.store, KEPT_POINT, INT64_MIN, INT64_MAX);
    assert_true(rig_care(&stage.rig, epoch_ns + 100 * HOUR, 0));
    /* blocks reach 8 h 32 min; the open ones have no hours yet */
    const struct digest left = digest_rows(stage.rig.store, 0, INT64_MIN, INT64_MAX);
    assert_true(left.count >= 24 * 60 && left.count <= 36 * 60);
    assert_true(rig_counter(&stage.rig, "store.removed_blocks") >= 5);
    const struct digest again = digest_buckets(stage.rig.store, 0, epoch_ns, INT64_MAX, 6 * HOUR);
    assert_int_equal(again.count, hours.count);
    assert_int_equal(again.hash, hours.hash);
    const struct digest minutes = digest_buckets(stage.rig.store, 0, epoch_ns, INT64_MAX, 5 * MINUTE);
    assert_true(minutes.count >= 48 * 12 && minutes.count <= 60 * 12);
    assert_int_equal(digest_rows(stage.rig.store, KEPT_POINT, INT64_MIN, INT64_MAX).hash,
                     other.hash); /* class: for ever */
    struct err err;
    assert_int_equal(store_verify(stage.rig.store, NULL, NULL, &err), ERR_NONE);
    keep_end(&stage);
}

static uint64_t table_bytes(struct store *store)
{
    uint64_t bytes = 0;
    assert_int_equal(rocksdb_property_int_cf(store->db, store->cf[CF_BLOCKS], "rocksdb.total-sst-files-size", &bytes),
                     0);
    return bytes;
}

/* What was removed makes room at once when it is much. */
static void the_disk_gets_its_room_back(void **state)
{
    (void)state;
    struct keep_stage stage;
    uint64_t random = 3;
    keep_begin(&stage, (struct site_keep){0});
    for (int i = 0; i < 200 * 60; i++) {
        rig_put(&stage.rig, 0, epoch_ns + i * MINUTE, epoch_ns + i * MINUTE, bits_double(random_next(&random) >> 2), 0);
    }
    rig_close(&stage.rig);
    rig_open(&stage.rig, stage.path, stage.site, NS_PER_S); /* all of it in tables */
    const uint64_t before = table_bytes(stage.rig.store);
    assert_true(before > 50000);
    stage.site->keep_raw_ns = 24 * HOUR;
    store_care_free(stage.rig.care);
    stage.rig.care = store_care_new(&(struct store_care_config){.store = stage.rig.store,
                                                                .site = stage.site,
                                                                .counters = stage.rig.counters,
                                                                .every_ns = 1,
                                                                .merge_bytes = 1000});
    assert_true(rig_care(&stage.rig, epoch_ns + 200 * HOUR, 0));
    assert_true(table_bytes(stage.rig.store) < before / 2);
    store_care_hurry(stage.rig.care); /* nothing runs: nothing happens */
    keep_end(&stage);
}

static void nothing_goes_when_no_time_is_named(void **state)
{
    (void)state;
    struct keep_stage stage;
    keep_begin(&stage, (struct site_keep){0});
    record_by_the_minute(&stage.rig, 0, epoch_ns, epoch_ns + 100 * HOUR);
    assert_true(rig_care(&stage.rig, INT64_MAX / 2, 0));
    assert_int_equal(rig_counter(&stage.rig, "store.removed_blocks"), 0);
    assert_int_equal(digest_rows(stage.rig.store, 0, INT64_MIN, INT64_MAX).count, 6000);
    keep_end(&stage);
}

static void what_comes_too_late_is_not_kept_older_history_is_counted(void **state)
{
    (void)state;
    struct keep_stage stage;
    keep_begin(&stage, (struct site_keep){.raw_ns = 24 * HOUR});
    record_by_the_minute(&stage.rig, 0, epoch_ns, epoch_ns + 100 * HOUR);
    assert_true(rig_care(&stage.rig, epoch_ns + 100 * HOUR, 0));
    const struct digest before = digest_buckets(stage.rig.store, 0, epoch_ns, INT64_MAX, HOUR);
    /* into what was removed */
    rig_put(&stage.rig, 0, epoch_ns + 10 * HOUR + 1, epoch_ns + 100 * HOUR, 1e6, ST_LATE);
    /* before all that was removed */
    for (int i = 0; i < 2000; i++) {
        rig_import(&stage.rig, 0, epoch_ns - 100 * HOUR + i * MINUTE, 5, 0);
    }
    rig_run(&stage.rig);
    assert_int_equal(digest_rows(stage.rig.store, 0, epoch_ns + 10 * HOUR, epoch_ns + 11 * HOUR).count, 0);
    assert_int_equal(digest_buckets(stage.rig.store, 0, epoch_ns, INT64_MAX, HOUR).hash, before.hash);
    for (int hour = 100; hour < 150; hour++) { /* closes the late block */
        record_by_the_minute(&stage.rig, 0, epoch_ns + hour * HOUR, epoch_ns + (hour + 1) * HOUR);
    }
    for (int i = 0; i < 600; i++) {
        rig_put(&stage.rig, 0, epoch_ns + 10 * HOUR + 2 + i, epoch_ns + 100 * HOUR, 1e6, ST_LATE);
    }
    rig_run(&stage.rig);
    assert_true(rig_care(&stage.rig, epoch_ns + 150 * HOUR, 0));
    assert_true(rig_care(&stage.rig, epoch_ns + 152 * HOUR, 0));
    assert_int_equal(digest_buckets(stage.rig.store, 0, epoch_ns, epoch_ns + 100 * HOUR, HOUR).hash, before.hash);
    const struct digest old = digest_buckets(stage.rig.store, 0, INT64_MIN, epoch_ns, 1000 * HOUR);
    assert_int_equal(old.samples, 2000);
    assert_int_equal(digest_buckets(stage.rig.store, 0, epoch_ns + 10 * HOUR, epoch_ns + 11 * HOUR, HOUR).samples, 60);
    keep_end(&stage);
}

/* ---- alarms ------------------------------------------------------------------------------------------------------ */

static void what_lies_around_an_alarm_stays(void **state)
{
    (void)state;
    struct keep_stage stage;
    keep_begin(&stage, (struct site_keep){.raw_ns = 12 * HOUR});
    for (uint32_t point = 0; point < KEEP_POINTS; point++) {
        record_by_the_minute(&stage.rig, point, epoch_ns, epoch_ns + 60 * HOUR);
    }
    put_event(stage.rig.store, EV_RAISED, "r:p0", epoch_ns + 5 * HOUR);
    put_event(stage.rig.store, EV_CLEARED, "r:p0", epoch_ns + 6 * HOUR);
    put_event(stage.rig.store, EV_RAISED, "r:p2", epoch_ns + 20 * HOUR); /* still active */
    assert_true(rig_care(&stage.rig, epoch_ns + 60 * HOUR, 0));
    for (uint32_t point = 0; point < 2; point++) { /* of one hazard */
        assert_int_equal(digest_rows(stage.rig.store, point, epoch_ns, epoch_ns + 40 * HOUR).count, 10 + 60 + 30);
        assert_int_equal(
            digest_rows(stage.rig.store, point, epoch_ns + 5 * HOUR - 10 * MINUTE, epoch_ns + 6 * HOUR + 30 * MINUTE)
                .count,
            100);
    }
    /* of no hazard: alone, from ten minutes before on */
    assert_int_equal(digest_rows(stage.rig.store, 2, epoch_ns, epoch_ns + 19 * HOUR).count, 0);
    assert_int_equal(digest_rows(stage.rig.store, 2, epoch_ns + 20 * HOUR - 10 * MINUTE, epoch_ns + 60 * HOUR).count,
                     40 * 60 + 10);
    const struct digest hours = digest_buckets(stage.rig.store, 0, epoch_ns, epoch_ns + 40 * HOUR, HOUR);
    assert_int_equal(hours.samples, 40 * 60); /* pinned ones are not counted twice */
    put_event(stage.rig.store, EV_CLEARED, "r:p2", epoch_ns + 60 * HOUR);
    for (uint32_t point = 0; point < KEEP_POINTS; point++) {
        record_by_the_minute(&stage.rig, point, epoch_ns + 60 * HOUR, epoch_ns + 100 * HOUR);
    }
    assert_true(rig_care(&stage.rig, epoch_ns + 100 * HOUR, 0));
    assert_int_equal(digest_rows(stage.rig.store, 2, epoch_ns, epoch_ns + 70 * HOUR).count, 10 + 40 * 60 + 30);
    assert_int_equal(digest_rows(stage.rig.store, 1, epoch_ns, epoch_ns + 70 * HOUR).count, 100);
    keep_end(&stage);
}

/* A hold is by the names in the event when the site no longer has the alarm, and by the points of that time. */
static void an_alarm_the_site_no_longer_has_pins_too(void **state)
{
    (void)state;
    static const char raised[] =
        "{\"v\":1,\"event\":\"raised\",\"alarm\":\"old:p2\",\"point\":\"p2\",\"hazard\":\"h\"}";
    static const char closed[] = "{\"v\":1,\"event\":\"closed\",\"alarm\":\"old:p2\"}";
    struct keep_stage stage;
    keep_begin(&stage, (struct site_keep){.raw_ns = 12 * HOUR});
    for (uint32_t point = 0; point < KEEP_POINTS; point++) {
        record_by_the_minute(&stage.rig, point, epoch_ns, epoch_ns + 60 * HOUR);
    }
    put_text(stage.rig.store, "old:p2", epoch_ns + 5 * HOUR, raised, "{}");
    put_text(stage.rig.store, "no json", epoch_ns + 5 * HOUR, "raised", "{}");
    put_text(stage.rig.store, "old:p2", epoch_ns + 6 * HOUR, closed, ""); /* all well: its rule is gone */
    assert_true(rig_care(&stage.rig, epoch_ns + 60 * HOUR, 0));
    for (uint32_t point = 0; point < KEEP_POINTS; point++) {
        assert_int_equal(digest_rows(stage.rig.store, point, epoch_ns, epoch_ns + 40 * HOUR).count, 100);
    }
    keep_end(&stage);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void note_damage(void *self, const char *text)
{
    (void)snprintf(self, 256, "%s", text);
}

static void delete_event(struct store *store, uint64_t seq)
{
    char *rocks_err = NULL;
    uint8_t key[8];
    (void)put_u64(key, seq);
    rocksdb_delete_cf(store->db, store->write, store->cf[CF_JOURNAL], (const char *)key, sizeof key, &rocks_err);
    assert_null(rocks_err);
}

static void old_events_go_and_the_chain_goes_on(void **state)
{
    (void)state;
    char *const path = folder_new();
    struct site *const site = keep_site_make((struct site_keep){0});
    char text[256] = "";
    struct rig rig;
    struct err err;
    site->keep_events_ns = 24 * HOUR;
    rig_open(&rig, path, site, NS_PER_S);
    record_by_the_minute(&rig, 0, epoch_ns, epoch_ns + 100 * HOUR);
    for (int i = 0; i < 100; i++) {
        put_event(rig.store, i % 2 == 0 ? EV_RAISED : EV_CLEARED, "r:p0", epoch_ns + i * HOUR);
    }
    put_place(rig.store, "centre", 30); /* the sink is far behind */
    assert_true(rig_care(&rig, epoch_ns + 100 * HOUR, 0));
    assert_int_equal(first_event(rig.store), 31);
    assert_int_equal(store_verify(rig.store, note_damage, text, &err), ERR_NONE);
    put_place(rig.store, "centre", 100);
    assert_true(rig_care(&rig, epoch_ns + 101 * HOUR, 0));
    const uint64_t first = first_event(rig.store);
    assert_true(first > 60 && first <= 77);
    assert_int_equal(rig_counter(&rig, "store.removed_events"), first - 1);
    put_event(rig.store, EV_RAISED, "r:p0", epoch_ns + 100 * HOUR); /* goes on */
    assert_int_equal(store_verify(rig.store, note_damage, text, &err), ERR_NONE);
    rig_close(&rig);

    rig_open(&rig, path, site, NS_PER_S);
    assert_int_equal(store_last_seq(rig.store), 101);
    assert_int_equal(first_event(rig.store), first);
    assert_int_equal(store_verify(rig.store, note_damage, text, &err), ERR_NONE);
    delete_event(rig.store, first + 3);
    assert_int_equal(store_verify(rig.store, note_damage, text, &err), ERR_NO);
    assert_non_null(strstr(text, "are missing"));
    delete_event(rig.store, first); /* at the beginning, without a note of it */
    assert_int_equal(store_verify(rig.store, note_damage, text, &err), ERR_NO);
    rig_drop(&rig);
    keep_site_unmake(site);
    folder_remove(path);
}

/* With all events older than their time the last one stays, so that the numbers go on. */
static void the_last_event_stays(void **state)
{
    (void)state;
    struct keep_stage stage;
    struct err err;
    keep_begin(&stage, (struct site_keep){0});
    stage.site->keep_events_ns = HOUR;
    stage.site->sink_count = 0;
    for (int i = 0; i < 2500; i++) {
        put_event(stage.rig.store, EV_COMMENTED, "r:p0", epoch_ns);
    }
    record_by_the_minute(&stage.rig, 0, epoch_ns, epoch_ns + 100 * HOUR);
    assert_true(rig_care(&stage.rig, epoch_ns + 100 * HOUR, 0));
    assert_int_equal(first_event(stage.rig.store), 2500);
    rig_close(&stage.rig);
    rig_open(&stage.rig, stage.path, stage.site, NS_PER_S);
    put_event(stage.rig.store, EV_COMMENTED, "r:p0", epoch_ns + HOUR);
    assert_int_equal(store_last_seq(stage.rig.store), 2501);
    assert_int_equal(store_verify(stage.rig.store, NULL, NULL, &err), ERR_NONE);
    keep_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(age_is_asked_of_the_clock_and_of_the_record),
        cmocka_unit_test(samples_go_after_their_time_their_hours_stay),
        cmocka_unit_test(nothing_goes_when_no_time_is_named),
        cmocka_unit_test(the_disk_gets_its_room_back),
        cmocka_unit_test(what_comes_too_late_is_not_kept_older_history_is_counted),
        cmocka_unit_test(what_lies_around_an_alarm_stays),
        cmocka_unit_test(an_alarm_the_site_no_longer_has_pins_too),
        cmocka_unit_test(old_events_go_and_the_chain_goes_on),
        cmocka_unit_test(the_last_event_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
