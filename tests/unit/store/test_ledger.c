/*
 * The ledger: what it holds is found again, up to the first record that is torn
 * or old; and events of which the database has lost everything are there again
 * after the next start, with all that was committed before them.
 */
#include "cmocka_all.h"
#include "rig.h"
#include "store/db.h"
#include "store/journal.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 600 };

static void in_folder(char ret_path[PATH_ROOM], const char *folder, const char *name)
{
    assert_true(snprintf(ret_path, PATH_ROOM, "%s/%s", folder, name) < PATH_ROOM);
}

/* ---- the file -----------------------------------------------------------------------------------------------------
 */

static struct ledger *open_ledger(const char *folder)
{
    struct ledger *ledger = NULL;
    struct err err;
    if (ledger_open(folder, false, &ledger, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    return ledger;
}

/* Appends the events `first` to `last`, one a record, each with `len` bytes. */
static void append(struct ledger *ledger, uint64_t first, uint64_t last, size_t len)
{
    uint8_t *const bytes = calloc(1, len);
    assert_non_null(bytes);
    for (uint64_t seq = first; seq <= last; seq++) {
        memset(bytes, (int)seq, len);
        const struct ledger_record record = {
            .before = seq - 1, .last = seq, .hash = {(uint8_t)seq}, .bytes = bytes, .len = len};
        assert_true(ledger_append(ledger, &record));
        ledger_is_in_db(ledger);
    }
    free(bytes);
}

/* Opens it anew and expects just these events. */
static struct ledger *expect(struct ledger *ledger, const char *folder, uint64_t first, uint64_t last, size_t len)
{
    ledger_close(ledger);
    ledger = open_ledger(folder);
    struct ledger_record record;
    for (uint64_t seq = first; seq <= last; seq++) {
        assert_true(ledger_next(ledger, &record));
        assert_int_equal(record.before, seq - 1);
        assert_int_equal(record.last, seq);
        assert_int_equal(record.hash[0], (uint8_t)seq);
        assert_int_equal(record.len, len);
        assert_int_equal(record.bytes[len - 1], (uint8_t)seq);
    }
    assert_false(ledger_next(ledger, &record));
    ledger_begin(ledger);
    return ledger;
}

static void sync_db(struct ledger *ledger)
{
    const struct ledger_sync sync = ledger_sync_begin(ledger);
    ledger_sync_done(ledger, &sync);
}

static void what_was_put_in_is_found_again(void **state)
{
    (void)state;
    char *const folder = folder_new();
    struct ledger *ledger = expect(NULL, folder, 1, 0, 0);
    append(ledger, 1, 3, 100);
    ledger = expect(ledger, folder, 1, 3, 100);
    append(ledger, 4, 4, LEDGER_RECORD_MAX - LEDGER_HEAD); /* at the front: what was found is settled */
    ledger = expect(ledger, folder, 4, 4, LEDGER_RECORD_MAX - LEDGER_HEAD);
    const struct ledger_record large = {.bytes = (const uint8_t *)"", .len = LEDGER_RECORD_MAX - LEDGER_HEAD + 1};
    assert_false(ledger_append(ledger, &large));
    assert_int_equal(ledger_refused(ledger), 1);
    ledger_close(ledger);
    folder_remove(folder);
}

static void after_a_sync_of_the_database_it_begins_at_the_front(void **state)
{
    (void)state;
    char *const folder = folder_new();
    struct ledger *ledger = expect(NULL, folder, 1, 0, 0);
    append(ledger, 1, 5, 10);
    const struct ledger_sync early = ledger_sync_begin(ledger);
    append(ledger, 6, 6, 10);
    ledger_sync_done(ledger, &early); /* it knows nothing of the sixth */
    append(ledger, 7, 7, 10);
    ledger = expect(ledger, folder, 1, 7, 10);
    append(ledger, 8, 10, 10);
    sync_db(ledger);
    append(ledger, 11, 11, 10);
    ledger = expect(ledger, folder, 11, 11, 10); /* the old ones behind it do not follow it */
    ledger_close(ledger);
    folder_remove(folder);
}

static void a_full_one_takes_nothing_until_the_database_is_synced(void **state)
{
    (void)state;
    char *const folder = folder_new();
    struct ledger *ledger = expect(NULL, folder, 1, 0, 0);
    const uint64_t blocks = LEDGER_BYTES / LEDGER_BLOCK;
    const struct ledger_record more = {.before = blocks, .last = blocks + 1, .bytes = (const uint8_t *)"", .len = 0};
    append(ledger, 1, blocks, 10);
    assert_false(ledger_append(ledger, &more));
    ledger = expect(ledger, folder, 1, blocks, 10);
    append(ledger, 1, blocks, 10);
    sync_db(ledger);
    assert_true(ledger_append(ledger, &more));
    ledger_close(ledger);
    folder_remove(folder);
}

static void a_torn_record_ends_it(void **state)
{
    (void)state;
    char path[PATH_ROOM];
    char *const folder = folder_new();
    in_folder(path, folder, "ledger");
    struct ledger *ledger = expect(NULL, folder, 1, 0, 0);
    append(ledger, 1, 4, LEDGER_BLOCK); /* two blocks each */
    const int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "torn", 4, 5 * LEDGER_BLOCK), 4); /* the second block of the third */
    (void)close(fd);
    ledger = expect(ledger, folder, 1, 2, LEDGER_BLOCK);
    append(ledger, 3, 3, 1);
    ledger = expect(ledger, folder, 3, 3, 1); /* the fourth of before is behind it no more */
    ledger_close(ledger);
    folder_remove(folder);
}

static void moments_tell_what_is_synced(void **state)
{
    (void)state;
    char *const folder = folder_new();
    struct ledger *ledger = expect(NULL, folder, 1, 0, 0);
    const struct ledger_sync before = ledger_sync_begin(ledger);
    const uint64_t moment = ledger_moment(ledger);
    ledger_sync_done(ledger, &before);
    assert_false(ledger_is_synced(ledger, moment)); /* that sync began earlier */
    sync_db(ledger);
    assert_true(ledger_is_synced(ledger, moment));
    ledger_close(ledger);
    folder_remove(folder);
}

/* ---- the store ----------------------------------------------------------------------------------------------------
 */

struct scene {
    char *folder; /* holds the store, and its state of before */
    char store_path[PATH_ROOM], before_path[PATH_ROOM];
    struct store *store;
    struct store_batch *batch;
};

static void copy(const char *from, const char *to)
{
    char command[2 * PATH_ROOM + 32];
    (void)snprintf(command, sizeof command, "cp -r '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
}

static void open_scene(struct scene *scene, const char *path)
{
    struct err err;
    if (store_open(path, "mine", &scene->store, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    scene->batch = store_batch_new(scene->store);
}

static void close_scene(struct scene *scene)
{
    store_batch_free(scene->batch);
    store_close(scene->store);
}

static void commit_event(struct scene *scene, uint64_t seq)
{
    struct err err;
    store_batch_event(scene->batch, seq, (int64_t)seq, "r:p", "{}", 2, "", 0);
    store_batch_put(scene->batch, "alarm/r:p", &seq, sizeof seq);
    assert_int_equal(store_batch_commit(scene->batch, true, &err), ERR_NONE);
}

static void commit_kept(struct scene *scene, const char *key)
{
    struct err err;
    store_batch_put(scene->batch, key, "kept", 4);
    assert_int_equal(store_batch_commit(scene->batch, false, &err), ERR_NONE);
}

/* A store with one event, as it is and as it was before what follows. */
static void begin(struct scene *scene)
{
    scene->folder = folder_new();
    in_folder(scene->store_path, scene->folder, "store");
    in_folder(scene->before_path, scene->folder, "before");
    open_scene(scene, scene->store_path);
    commit_event(scene, 1);
    copy(scene->store_path, scene->before_path);
}

/* The power goes: of what the database was given since nothing is on the disk, but what is in the ledger. */
static void lose_power(struct scene *scene)
{
    char from[PATH_ROOM], to[PATH_ROOM];
    close_scene(scene);
    in_folder(from, scene->store_path, "ledger");
    in_folder(to, scene->before_path, "ledger");
    copy(from, to);
}

static void start_again(struct scene *scene)
{
    lose_power(scene);
    open_scene(scene, scene->before_path);
}

static void end(struct scene *scene)
{
    char command[PATH_ROOM + 16];
    struct err err;
    assert_int_equal(store_verify(scene->store, NULL, NULL, &err), ERR_NONE);
    close_scene(scene);
    (void)snprintf(command, sizeof command, "rm -rf '%s'/*", scene->folder);
    assert_int_equal(system(command), 0);
    folder_remove(scene->folder);
}

static bool has(struct scene *scene, const char *key)
{
    struct buf bytes = {0};
    struct err err;
    const enum err_code code = store_get(scene->store, key, &bytes, &err);
    buf_done(&bytes);
    return code == ERR_NONE;
}

static void events_the_database_has_lost_are_written_to_it_again(void **state)
{
    (void)state;
    struct scene scene;
    struct buf bytes = {0};
    struct err err;
    uint64_t seq = 0;
    begin(&scene);
    for (uint64_t i = 2; i <= 9; i++) {
        commit_event(&scene, i);
    }
    start_again(&scene);
    assert_int_equal(store_last_seq(scene.store), 9);
    assert_int_equal(store_get(scene.store, "alarm/r:p", &bytes, &err), ERR_NONE);
    assert_int_equal(bytes.len, sizeof seq);
    memcpy(&seq, bytes.data, sizeof seq);
    assert_int_equal(seq, 9);
    commit_event(&scene, 10); /* the chain goes on */
    buf_done(&bytes);
    end(&scene);
}

/* No reader shows the state of before: it says that there are later events, until the next start. */
static void a_reader_does_not_pass_them_over(void **state)
{
    (void)state;
    struct scene scene;
    struct store *reader = NULL;
    struct err err;
    begin(&scene);
    commit_event(&scene, 2);
    commit_event(&scene, 3);
    assert_int_equal(store_open_reader(scene.store_path, &reader, &err), ERR_NONE); /* beside the one that writes */
    assert_int_equal(store_last_seq(reader), 3);
    store_close(reader);
    lose_power(&scene);
    assert_int_equal(store_open_reader(scene.before_path, &reader, &err), ERR_ENV);
    assert_non_null(strstr(err.text, "events up to 3 stand in the ledger alone"));
    assert_int_equal(store_open_checked(scene.before_path, &reader, &err), ERR_ENV); /* nothing is damaged */
    open_scene(&scene, scene.before_path);
    close_scene(&scene);
    assert_int_equal(store_open_reader(scene.before_path, &reader, &err), ERR_NONE);
    assert_int_equal(store_last_seq(reader), 3);
    store_close(reader);
    open_scene(&scene, scene.before_path);
    end(&scene);
}

static void what_was_committed_before_comes_with_them(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    commit_kept(&scene, "keep/a");
    commit_kept(&scene, "keep/b");
    commit_event(&scene, 2);
    commit_kept(&scene, "keep/c"); /* behind the last event: may be lost */
    start_again(&scene);
    assert_int_equal(store_last_seq(scene.store), 2);
    assert_true(has(&scene, "keep/a"));
    assert_true(has(&scene, "keep/b"));
    assert_false(has(&scene, "keep/c"));
    end(&scene);
}

static void behind_more_than_it_can_hold_the_database_is_synced(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    for (int i = 0; i < 2000; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "keep/%d", i);
        commit_kept(&scene, key);
    }
    const uint64_t before = ledger_moment(scene.store->ledger);
    commit_event(&scene, 2);
    assert_true(ledger_is_synced(scene.store->ledger, before));
    commit_event(&scene, 3);
    assert_false(ledger_is_synced(scene.store->ledger, before + 1));
    end(&scene);
}

static void events_of_another_journal_are_left_out(void **state)
{
    (void)state;
    struct scene scene;
    struct err err;
    begin(&scene);
    commit_event(&scene, 2);
    close_scene(&scene);
    open_scene(&scene, scene.before_path); /* its first event is the same, its second is not */
    store_batch_event(scene.batch, 2, 2, "r:q", "{}", 2, "", 0);
    assert_int_equal(store_batch_commit(scene.batch, true, &err), ERR_NONE);
    close_scene(&scene);
    open_scene(&scene, scene.store_path);
    commit_event(&scene, 3);
    start_again(&scene);
    assert_int_equal(store_last_seq(scene.store), 2);
    end(&scene);
}

static void without_a_ledger_the_store_does_as_well(void **state)
{
    (void)state;
    char path[PATH_ROOM];
    struct scene scene;
    begin(&scene);
    close_scene(&scene);
    in_folder(path, scene.store_path, "ledger");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0); /* nothing can be made there */
    open_scene(&scene, scene.store_path);
    assert_null(scene.store->ledger);
    commit_kept(&scene, "keep/a");
    commit_event(&scene, 2);
    assert_int_equal(store_last_seq(scene.store), 2);
    end(&scene);
}

static void one_that_lies_where_a_store_is_made_is_not_its_own(void **state)
{
    (void)state;
    char path[PATH_ROOM], fresh[PATH_ROOM], to[PATH_ROOM];
    struct scene scene;
    begin(&scene);
    close_scene(&scene);
    in_folder(path, scene.store_path, "ledger");
    in_folder(fresh, scene.folder, "fresh");
    in_folder(to, fresh, "ledger");
    assert_int_equal(mkdir(fresh, 0700), 0);
    copy(path, to);
    open_scene(&scene, fresh);
    close_scene(&scene);
    open_scene(&scene, fresh);
    assert_int_equal(store_last_seq(scene.store), 0);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_in_is_found_again),
        cmocka_unit_test(after_a_sync_of_the_database_it_begins_at_the_front),
        cmocka_unit_test(a_full_one_takes_nothing_until_the_database_is_synced),
        cmocka_unit_test(a_torn_record_ends_it),
        cmocka_unit_test(moments_tell_what_is_synced),
        cmocka_unit_test(events_the_database_has_lost_are_written_to_it_again),
        cmocka_unit_test(a_reader_does_not_pass_them_over),
        cmocka_unit_test(what_was_committed_before_comes_with_them),
        cmocka_unit_test(behind_more_than_it_can_hold_the_database_is_synced),
        cmocka_unit_test(events_of_another_journal_are_left_out),
        cmocka_unit_test(without_a_ledger_the_store_does_as_well),
        cmocka_unit_test(one_that_lies_where_a_store_is_made_is_not_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
