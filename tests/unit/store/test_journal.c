/*
 * The journal and the state records: all or nothing, a chain that goes on over
 * restarts, and a check that finds what was changed.
 */
#include "base/clock.h"
#include "cmocka_all.h"
#include "rig.h"
#include "store/db.h"
#include "store/journal.h"
#include "store/keys.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    char *path;
    struct store *store;
    struct store_batch *batch;
};

static void open_all(struct fixture *fixture)
{
    struct err err;
    if (store_open(fixture->path, "test", &fixture->store, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    fixture->batch = store_batch_new(fixture->store);
}

static void close_all(struct fixture *fixture)
{
    store_batch_free(fixture->batch);
    store_close(fixture->store);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.path = folder_new();
    open_all(&fixture);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *const fixture = *state;
    close_all(fixture);
    folder_remove(fixture->path);
    return 0;
}

static void add_event(struct fixture *fixture, uint64_t seq, int64_t time_ns)
{
    char json[64];
    const int len = snprintf(json, sizeof json, "{\"seq\":%llu}", (unsigned long long)seq);
    store_batch_event(fixture->batch, seq, time_ns, "r:p", json, (size_t)len, seq % 2 == 0 ? "on" : "",
                      seq % 2 == 0 ? 2 : 0);
}

static enum err_code commit(struct fixture *fixture)
{
    struct err err;
    return store_batch_commit(fixture->batch, false, &err);
}

struct seen {
    uint64_t next;
    uint64_t most;
};

static bool take_event(void *self, const struct store_event *event)
{
    struct seen *const seen = self;
    char json[64];
    const int len = snprintf(json, sizeof json, "{\"seq\":%llu}", (unsigned long long)event->seq);
    assert_int_equal(event->seq, seen->next++);
    assert_int_equal(event->json_len, len);
    assert_memory_equal(event->json, json, event->json_len);
    assert_int_equal(event->alarm_len, 3);
    assert_int_equal(event->state_len, event->seq % 2 == 0 ? 2 : 0);
    return event->seq < seen->most;
}

static void events_are_read_in_order_from_any_seq(void **state)
{
    struct fixture *const fixture = *state;
    struct err err;
    assert_int_equal(store_last_seq(fixture->store), 0);
    for (uint64_t seq = 1; seq <= 300; seq++) {
        add_event(fixture, seq, (int64_t)seq * 10);
        if (seq % 7 == 0 || seq == 300) {
            assert_int_equal(commit(fixture), ERR_NONE);
            assert_int_equal(store_last_seq(fixture->store), seq);
        }
    }
    struct seen seen = {.next = 1, .most = UINT64_MAX};
    assert_int_equal(store_events(fixture->store, 0, take_event, &seen, &err), ERR_NONE);
    assert_int_equal(seen.next, 301);
    seen = (struct seen){.next = 200, .most = 205};
    assert_int_equal(store_events(fixture->store, 199, take_event, &seen, &err), ERR_NONE);
    assert_int_equal(seen.next, 206);
    assert_int_equal(store_seq_at(fixture->store, 0), 1);
    assert_int_equal(store_seq_at(fixture->store, 1001), 101);
    assert_int_equal(store_seq_at(fixture->store, 3000), 300);
    assert_int_equal(store_seq_at(fixture->store, 3001), 301);
    assert_int_equal(store_verify(fixture->store, NULL, NULL, &err), ERR_NONE);
}

static void a_refused_event_leaves_no_trace(void **state)
{
    struct fixture *const fixture = *state;
    struct err err;
    struct buf bytes = {0};
    add_event(fixture, 1, 1);
    assert_int_equal(commit(fixture), ERR_NONE);
    add_event(fixture, 3, 3); /* 2 is missing */
    store_batch_put(fixture->batch, "alarm/a", "x", 1);
    assert_int_equal(commit(fixture), ERR_INPUT);
    assert_int_equal(store_last_seq(fixture->store), 1);
    assert_int_equal(store_get(fixture->store, "alarm/a", &bytes, &err), ERR_NO);
    close_all(fixture);
    open_all(fixture);
    add_event(fixture, 2, 2);
    assert_int_equal(commit(fixture), ERR_NONE);
    assert_int_equal(store_verify(fixture->store, NULL, NULL, &err), ERR_NONE);
    buf_done(&bytes);
}

/* After a failed write nobody knows whether it is there: the same event again is fine, another one is not. */
static void an_event_may_be_committed_again_but_not_changed(void **state)
{
    struct fixture *const fixture = *state;
    struct err err;
    add_event(fixture, 1, 1);
    add_event(fixture, 2, 2);
    assert_int_equal(commit(fixture), ERR_NONE);
    add_event(fixture, 2, 2);
    add_event(fixture, 3, 3);
    assert_int_equal(commit(fixture), ERR_NONE);
    assert_int_equal(store_last_seq(fixture->store), 3);
    add_event(fixture, 3, 4);
    assert_int_equal(commit(fixture), ERR_INPUT);
    assert_int_equal(store_verify(fixture->store, NULL, NULL, &err), ERR_NONE);
}

struct damage {
    char text[512];
    int count;
};

static void take_damage(void *self, const char *text)
{
    struct damage *const damage = self;
    damage->count++;
    (void)snprintf(damage->text, sizeof damage->text, "%s", text);
}

static void fill(struct fixture *fixture)
{
    for (uint64_t seq = 1; seq <= 20; seq++) {
        add_event(fixture, seq, (int64_t)seq);
    }
    assert_int_equal(commit(fixture), ERR_NONE);
}

static void a_removed_event_is_found(void **state)
{
    struct fixture *const fixture = *state;
    struct damage damage = {.count = 0};
    struct err err;
    uint8_t key[JOURNAL_KEY];
    char *rocks_err = NULL;
    fill(fixture);
    (void)put_u64(key, 11);
    rocksdb_delete_cf(fixture->store->db, fixture->store->write, fixture->store->cf[CF_JOURNAL], (const char *)key,
                      sizeof key, &rocks_err);
    assert_null(rocks_err);
    assert_int_equal(store_verify(fixture->store, take_damage, &damage, &err), ERR_NO);
    assert_int_equal(damage.count, 1);
    assert_string_equal(damage.text, "journal: 1 events from 11 on are missing");
}

/* Even a change that was given a fitting hash breaks the chain, at the event after it. */
static void a_changed_event_is_found(void **state)
{
    struct fixture *const fixture = *state;
    struct damage damage = {.count = 0};
    struct err err;
    uint8_t key[JOURNAL_KEY];
    char *rocks_err = NULL;
    size_t len;
    fill(fixture);
    (void)put_u64(key, 7);
    char *const bytes = rocksdb_get_cf(fixture->store->db, fixture->store->read, fixture->store->cf[CF_JOURNAL],
                                       (const char *)key, sizeof key, &len, &rocks_err);
    char *const quote = memchr(bytes, '7', len);
    assert_non_null(quote);
    *quote = '8';
    rocksdb_put_cf(fixture->store->db, fixture->store->write, fixture->store->cf[CF_JOURNAL], (const char *)key,
                   sizeof key, bytes, len, &rocks_err);
    rocksdb_free(bytes);
    assert_int_equal(store_verify(fixture->store, take_damage, &damage, &err), ERR_NO);
    assert_int_equal(damage.count, 1);
    assert_string_equal(damage.text, "journal: event 7 or its place in the chain was changed");
}

static bool count_state(void *self, const char *key, size_t key_len, const void *bytes, size_t len)
{
    assert_true(key_len > 6 && memcmp(key, "alarm/", 6) == 0);
    assert_true(len == 1 && *(const char *)bytes == key[6]);
    return ++*(int *)self < 3;
}

static void state_records_are_set_removed_and_scanned(void **state)
{
    struct fixture *const fixture = *state;
    struct err err;
    struct buf bytes = {0};
    int count = 0;
    store_batch_put(fixture->batch, "alarm/a", "a", 1);
    store_batch_put(fixture->batch, "alarm/b", "b", 1);
    store_batch_put(fixture->batch, "alarm/c", "c", 1);
    store_batch_put(fixture->batch, "alarm/d", "d", 1);
    store_batch_put(fixture->batch, "alarmed", "x", 1);
    store_batch_put(fixture->batch, "sink/log", "\0\0\0\5", 4);
    assert_int_equal(commit(fixture), ERR_NONE);
    store_batch_put(fixture->batch, "alarm/a", NULL, 0);
    assert_int_equal(store_get(fixture->store, "alarm/a", &bytes, &err), ERR_NONE); /* not before the commit */
    assert_int_equal(commit(fixture), ERR_NONE);
    assert_int_equal(store_get(fixture->store, "alarm/a", &bytes, &err), ERR_NO);
    assert_int_equal(store_get(fixture->store, "sink/log", &bytes, &err), ERR_NONE);
    assert_int_equal(bytes.len, 4);
    assert_memory_equal(bytes.data, "\0\0\0\5", 4);
    assert_int_equal(store_scan(fixture->store, "alarm/", count_state, &count, &err), ERR_NONE);
    assert_int_equal(count, 3);
    assert_int_equal(store_scan(fixture->store, "nothing/", count_state, &count, &err), ERR_NONE);
    assert_int_equal(count, 3);
    buf_done(&bytes);
}

enum { CURSORS = 3, CURSOR_STEPS = 400 };

static void *move_cursor(void *self)
{
    struct store_batch *const batch = self;
    for (int i = 1; i <= CURSOR_STEPS; i++) {
        struct err err;
        char key[32];
        (void)snprintf(key, sizeof key, "sink/%p", self);
        store_batch_put(batch, key, &i, sizeof i);
        assert_int_equal(store_batch_commit(batch, false, &err), ERR_NONE);
    }
    return NULL;
}

static bool check_cursor(void *self, const char *key, size_t key_len, const void *bytes, size_t len)
{
    const int expect = CURSOR_STEPS;
    (void)key;
    (void)key_len;
    assert_int_equal(len, sizeof expect);
    assert_memory_equal(bytes, &expect, sizeof expect);
    ++*(int *)self;
    return true;
}

static void cursors_move_beside_the_journal(void **state)
{
    struct fixture *const fixture = *state;
    pthread_t threads[CURSORS];
    struct store_batch *batches[CURSORS];
    struct err err;
    int count = 0;
    for (int i = 0; i < CURSORS; i++) {
        batches[i] = store_batch_new(fixture->store);
        assert_int_equal(pthread_create(&threads[i], NULL, move_cursor, batches[i]), 0);
    }
    for (uint64_t seq = 1; seq <= CURSOR_STEPS; seq++) {
        add_event(fixture, seq, (int64_t)seq);
        assert_int_equal(commit(fixture), ERR_NONE);
    }
    for (int i = 0; i < CURSORS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        store_batch_free(batches[i]);
    }
    assert_int_equal(store_scan(fixture->store, "sink/", check_cursor, &count, &err), ERR_NONE);
    assert_int_equal(count, CURSORS);
    assert_int_equal(store_verify(fixture->store, NULL, NULL, &err), ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_are_read_in_order_from_any_seq, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_event_leaves_no_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_event_may_be_committed_again_but_not_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_removed_event_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_changed_event_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(state_records_are_set_removed_and_scanned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cursors_move_beside_the_journal, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
