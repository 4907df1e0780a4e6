/*
 * The chain of changes: what was written is read again, by walk and by point;
 * every byte altered, every record taken out, put in or moved is told; a journal
 * cut off at its end is noticed.
 */
#include "base/clock.h"
#include "cmocka_all.h"
#include "rig.h"
#include "store/changes.h"
#include "store/db.h"
#include "store/journal.h"
#include "store/notes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    char *path;
    struct store *store;
};

static void commit(struct store *store, int64_t time_ns, const char *text, const char *const *items)
{
    struct store_changes *const changes = store_changes_new(store);
    struct err err;
    for (; items != NULL && *items != NULL; items += 2) {
        store_changes_add(changes, items[0][0], items[0] + 1, strlen(items[0]) - 1, items[1], strlen(items[1]));
    }
    if (store_changes_commit(changes, time_ns, text, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    store_changes_free(changes);
}

static void event(struct store *store, const char *alarm)
{
    struct err err;
    struct store_batch *const batch = store_batch_new(store);
    store_batch_event(batch, store_last_seq(store) + 1, 1, alarm, "{}", 2, "", 0);
    assert_int_equal(store_batch_commit(batch, true, &err), ERR_NONE);
    store_batch_free(batch);
}

static const char *const first[] = {"pb", "{\"scale\":1}", "pa", "{\"scale\":2}", "rhigh", "{\"when\":\"value > 1\"}",
                                    NULL};
static const char *const second[] = {"pa", "{\"scale\":3}", NULL};
static const char *const third[] = {"pa", "null", "rhigh", "{\"when\":\"value > 2\"}", NULL};

static int begin(void **state)
{
    static struct fixture fixture;
    struct err err;
    fixture.path = folder_new();
    assert_int_equal(store_open(fixture.path, "mine", &fixture.store, &err), ERR_NONE);
    *state = &fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *const fixture = *state;
    store_close(fixture->store);
    folder_remove(fixture->path);
    return 0;
}

static void fill(struct store *store)
{
    commit(store, 100, "{\"by\":\"li\"}", first);
    event(store, "r:p");
    event(store, "r:p");
    commit(store, 200, "{\"by\":\"wang\"}", second);
    commit(store, 300, "{}", NULL);
    event(store, "r:p");
    commit(store, 400, "{\"by\":\"li\"}", third);
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

static bool print(void *self, const struct store_change *change, const struct store_change_item *item)
{
    struct buf *const out = self;
    if (item == NULL) {
        buf_printf(out, "%llu %lld %.*s %llu\n", (unsigned long long)change->number, (long long)change->time_ns,
                   (int)change->text_len, change->text, (unsigned long long)change->items);
    } else {
        buf_printf(out, " %llu %c %.*s %.*s\n", (unsigned long long)change->number, item->kind, (int)item->id_len,
                   item->id, (int)item->text_len, item->text);
    }
    return true;
}

static void changes_are_read_as_they_were_made(void **state)
{
    struct fixture *const fixture = *state;
    struct buf out = {0};
    struct err err;
    assert_int_equal(store_changes_last(fixture->store, &out, &err), ERR_NO);
    fill(fixture->store);
    store_close(fixture->store);
    assert_int_equal(store_open(fixture->path, "mine", &fixture->store, &err), ERR_NONE);
    assert_int_equal(store_changes_walk(fixture->store, print, &out, &err), ERR_NONE);
    assert_string_equal(out.data, "1 100 {\"by\":\"li\"} 3\n"
                                  " 1 p a {\"scale\":2}\n"
                                  " 1 p b {\"scale\":1}\n"
                                  " 1 r high {\"when\":\"value > 1\"}\n"
                                  "2 200 {\"by\":\"wang\"} 1\n"
                                  " 2 p a {\"scale\":3}\n"
                                  "3 300 {} 0\n"
                                  "4 400 {\"by\":\"li\"} 2\n"
                                  " 4 p a null\n"
                                  " 4 r high {\"when\":\"value > 2\"}\n");
    buf_clear(&out);
    assert_int_equal(store_changes_of(fixture->store, CHANGE_POINT, "a", print, &out, &err), ERR_NONE);
    assert_string_equal(out.data, " 1 p a {\"scale\":2}\n 2 p a {\"scale\":3}\n 4 p a null\n");
    buf_clear(&out);
    assert_int_equal(store_changes_of(fixture->store, CHANGE_RULE, "a", print, &out, &err), ERR_NONE);
    assert_int_equal(out.len, 0);
    assert_int_equal(store_changes_last(fixture->store, &out, &err), ERR_NONE);
    assert_string_equal(out.data, "{\"by\":\"li\"}");
    assert_int_equal(store_verify(fixture->store, NULL, NULL, &err), ERR_NONE);
    buf_done(&out);
}

/* ---- damage -------------------------------------------------------------------------------------------------------
 */

static void note(void *self, const char *text)
{
    buf_printf(self, "%s\n", text);
}

static void expect_damage(struct store *store, const char *words)
{
    struct buf out = {0};
    struct err err;
    assert_int_equal(store_verify(store, note, &out, &err), ERR_NO);
    if (out.data == NULL || strstr(out.data, words) == NULL) {
        fail_msg("\"%s\" is not said, but: %s", words, out.data == NULL ? "nothing" : out.data);
    }
    buf_done(&out);
}

static void write_raw(struct store *store, enum cf cf, const void *key, size_t key_len, const void *value, size_t len)
{
    struct err err;
    rocksdb_writebatch_t *const batch = rocksdb_writebatch_create();
    if (value == NULL) {
        rocksdb_writebatch_delete_cf(batch, store->cf[cf], key, key_len);
    } else {
        rocksdb_writebatch_put_cf(batch, store->cf[cf], key, key_len, value, len);
    }
    assert_int_equal(db_write(store, batch, true, &err), ERR_NONE);
    rocksdb_writebatch_destroy(batch);
}

/* All keys and values of the chain, to be put back. */
enum { RECORDS_MAX = 32 };
struct records {
    struct buf key[RECORDS_MAX], value[RECORDS_MAX];
    size_t count;
};

static void take_records(struct store *store, struct records *records)
{
    struct err err;
    struct db_walk walk;
    assert_true(db_enter(store, &err));
    db_walk_begin(&walk, store, CF_SERIES, NULL, "o", 1, "p", 1);
    for (; db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t key_len, len;
        const uint8_t *const key = db_walk_key(&walk, &key_len);
        const uint8_t *const value = db_walk_value(&walk, &len);
        assert_true(records->count < RECORDS_MAX);
        buf_add(&records->key[records->count], key, key_len);
        buf_add(&records->value[records->count++], value, len);
    }
    assert_int_equal(db_walk_end(&walk, store, &err), ERR_NONE);
    db_leave(store);
}

static void put_back(struct store *store, const struct records *records, size_t i)
{
    write_raw(store, CF_SERIES, records->key[i].data, records->key[i].len, records->value[i].data,
              records->value[i].len);
}

static void every_byte_and_every_record_counts(void **state)
{
    struct fixture *const fixture = *state;
    struct store *const store = fixture->store;
    struct records records = {0};
    struct err err;
    fill(store);
    take_records(store, &records);
    assert_int_equal(records.count, 10);
    for (size_t i = 0; i < records.count; i++) {
        struct buf *const value = &records.value[i];
        for (size_t at = 0; at < value->len; at++) {
            value->data[at] = (char)(value->data[at] ^ 4);
            put_back(store, &records, i);
            expect_damage(store, "change");
            value->data[at] = (char)(value->data[at] ^ 4);
        }
        write_raw(store, CF_SERIES, records.key[i].data, records.key[i].len, NULL, 0);
        expect_damage(store, "change");
        put_back(store, &records, i);
        assert_int_equal(store_verify(store, NULL, NULL, &err), ERR_NONE);
    }
    /* one put in: the second change once more as a fifth */
    struct buf key = {0};
    buf_add(&key, records.key[4].data, records.key[4].len);
    key.data[8] = 5;
    write_raw(store, CF_SERIES, key.data, key.len, records.value[4].data, records.value[4].len);
    expect_damage(store, "change 5");
    buf_done(&key);
    for (size_t i = 0; i < records.count; i++) {
        buf_done(&records.key[i]);
        buf_done(&records.value[i]);
    }
}

static void a_journal_cut_off_is_noticed(void **state)
{
    struct fixture *const fixture = *state;
    struct err err;
    uint8_t key[8];
    char ledger[600];
    fill(fixture->store);
    (void)put_u64(key, 3);
    write_raw(fixture->store, CF_JOURNAL, key, sizeof key, NULL, 0);
    store_close(fixture->store);
    (void)snprintf(ledger, sizeof ledger, "%s/ledger", fixture->path);
    assert_int_equal(unlink(ledger), 0); /* it would give the event back */
    assert_int_equal(store_open(fixture->path, "mine", &fixture->store, &err), ERR_NONE);
    expect_damage(fixture->store, "event 3 was the last when change 4 was made; now it ends at 2");
    event(fixture->store, "r:q"); /* another in its place */
    expect_damage(fixture->store, "event 3 is not the one that change 4 names");
}

/* Removes the first events as if their time were over; with `forged` another hash is noted of the last of them. */
static void remove_events(struct store *store, uint64_t count, bool forged)
{
    struct err err;
    rocksdb_writebatch_t *const batch = rocksdb_writebatch_create();
    uint8_t value[8 + JOURNAL_HASH] = {0};
    assert_true(db_enter(store, &err));
    if (forged) {
        (void)put_u64(value, count);
        note_put(store, batch, "a", 1, value, sizeof value);
    } else {
        assert_int_equal(journal_anchor(store, batch, count, &err), ERR_NONE);
    }
    for (uint64_t seq = 1; seq <= count; seq++) {
        journal_remove(store, batch, seq);
    }
    db_leave(store);
    assert_int_equal(db_write(store, batch, true, &err), ERR_NONE);
    rocksdb_writebatch_destroy(batch);
}

static void events_removed_after_their_time_are_no_damage(void **state)
{
    struct fixture *const fixture = *state;
    struct err err;
    fill(fixture->store); /* changes 2 and 3 name event 2, change 4 event 3, which is the last */
    remove_events(fixture->store, 2, false);
    assert_int_equal(store_verify(fixture->store, NULL, NULL, &err), ERR_NONE);
    event(fixture->store, "r:p");
    commit(fixture->store, 500, "{}", second); /* both chains go on */
    store_close(fixture->store);
    assert_int_equal(store_open(fixture->path, "mine", &fixture->store, &err), ERR_NONE);
    remove_events(fixture->store, 3, false);
    assert_int_equal(store_verify(fixture->store, NULL, NULL, &err), ERR_NONE);
    remove_events(fixture->store, 3, true);
    expect_damage(fixture->store, "event 3 is not the one that change 4 names");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_are_read_as_they_were_made, begin, end),
        cmocka_unit_test_setup_teardown(every_byte_and_every_record_counts, begin, end),
        cmocka_unit_test_setup_teardown(a_journal_cut_off_is_noticed, begin, end),
        cmocka_unit_test_setup_teardown(events_removed_after_their_time_are_no_damage, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
