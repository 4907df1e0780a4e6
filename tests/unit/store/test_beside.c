/*
 * Reading beside a writer: another process reads while the monitor writes, and
 * what it sees is whole and only grows.
 */
#include "base/cell.h"
#include "base/clock.h"
#include "cmocka_all.h"
#include "rig.h"
#include "store/db.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READS = 30, AHEAD = 20000 };

struct shared {
    struct cell written; /* samples, by the child */
    struct cell reads;   /* by the parent */
};

/* Writes at full speed, but no more than AHEAD samples a read. */
static void writer_child(const char *path, struct site *site, struct shared *shared)
{
    struct rig rig;
    rig_open(&rig, path, site, NS_PER_S);
    for (int64_t n = 0;; n++) {
        rig_put(&rig, 0, n, n, (double)n, 0);
        if (n % 500 == 499) {
            rig_run(&rig);
            cell_set(&shared->written, (uint64_t)n + 1);
        }
        while ((uint64_t)n >= (cell_get(&shared->reads) + 1) * AHEAD) {
        }
    }
}

static bool count_row(void *self, const struct store_row *row)
{
    uint64_t *const next = self;
    assert_int_equal(row->time_ns, *next);
    ++*next;
    return true;
}

static void another_process_reads_what_was_written(void **state)
{
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct shared *const shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t before = 0;
    (void)state;
    const pid_t writer = fork();
    if (writer == 0) {
        writer_child(path, site, shared);
    }
    assert_true(writer > 0);
    const int64_t deadline_ns = clock_mono_ns() + 30 * NS_PER_S;
    while (cell_get(&shared->written) == 0) {
        assert_true(clock_mono_ns() < deadline_ns);
    }
    assert_true(store_is_held(path));
    for (int i = 0; i < READS; i++) {
        struct store *store;
        struct board_entry entry;
        struct err err;
        uint64_t next = 0;
        const uint64_t least = cell_get(&shared->written);
        if (store_open_reader(path, &store, &err) != ERR_NONE) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(store_read(store, "p0", 0, INT64_MAX, count_row, &next, &err), ERR_NONE);
        assert_true(next >= least && next >= before);
        before = next;
        assert_int_equal(store_last(store, "p0", &entry, &err), ERR_NONE);
        assert_int_equal(entry.time_ns, next - 1);
        assert_int_equal(store_verify(store, NULL, NULL, &err), ERR_NONE);
        store_close(store);
        cell_set(&shared->reads, (uint64_t)i + 1);
    }
    assert_int_equal(kill(writer, SIGKILL), 0);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
    assert_false(store_is_held(path));
    print_message("%llu samples\n", (unsigned long long)before);
    (void)munmap(shared, sizeof *shared);
    site_unmake(site);
    folder_remove(path);
}

struct reading {
    struct store *store;
    struct cell stop;
    uint64_t reads;
    bool whole;
};

static bool rises(void *self, const struct store_row *row)
{
    uint64_t *const next = self;
    return row->time_ns == (int64_t)(*next)++;
}

/* Reads again and again; what is there must begin at 0, have no gap, and never become less. */
static void *read_on(void *self)
{
    struct reading *const reading = self;
    struct err err;
    uint64_t before = 0;
    while (cell_get(&reading->stop) == 0 || reading->reads == 0) {
        uint64_t next = 0;
        struct board_entry entry;
        const bool read = store_read(reading->store, "p0", 0, INT64_MAX, rises, &next, &err) == ERR_NONE;
        const bool last = store_last(reading->store, "p0", &entry, &err) == ERR_NONE;
        reading->whole = reading->whole && read && next >= before && (!last || (uint64_t)entry.time_ns + 1 >= next);
        before = next;
        reading->reads++;
    }
    return NULL;
}

static void a_thread_reads_what_another_writes(void **state)
{
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct reading reading = {.whole = true};
    struct rig rig;
    pthread_t thread;
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    reading.store = rig.store;
    assert_int_equal(pthread_create(&thread, NULL, read_on, &reading), 0);
    for (int64_t n = 0; n < AHEAD; n++) {
        rig_put(&rig, 0, n, n, (double)n, 0);
        if (n % 100 == 99) {
            rig_run(&rig);
        }
    }
    cell_set(&reading.stop, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(reading.whole);
    print_message("%llu reads\n", (unsigned long long)reading.reads);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

static int scratch_folders(void)
{
    const char *const base = getenv("TMPDIR");
    DIR *const folder = opendir(base != NULL && *base != '\0' ? base : "/tmp");
    char mine[32];
    int count = 0;
    assert_non_null(folder);
    (void)snprintf(mine, sizeof mine, "davy-reader-%d-", (int)getpid());
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        count += strncmp(entry->d_name, mine, strlen(mine)) == 0;
    }
    (void)closedir(folder);
    return count;
}

static void a_reader_leaves_nothing_behind(void **state)
{
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct rig rig;
    struct store *store;
    struct err err;
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    rig_close(&rig);
    assert_int_equal(store_open_reader(path, &store, &err), ERR_NONE);
    assert_int_equal(scratch_folders(), 1);
    store_close(store);
    assert_int_equal(scratch_folders(), 0);
    site_unmake(site);
    folder_remove(path);
}

/* Makes a folder look so old that one who holds nothing of it may take it for left behind. */
static void make_old(const char *path)
{
    const struct timespec times[2] = {{.tv_sec = time(NULL) - 3600}, {.tv_sec = time(NULL) - 3600}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void what_a_killed_reader_left_is_removed(void **state)
{
    const char *const tmp = getenv("TMPDIR");
    char *const path = folder_new();
    struct site *const site = site_make(1);
    char left[600], file[700];
    struct rig rig;
    struct store *first, *second;
    struct err err;
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    rig_close(&rig);
    (void)snprintf(left, sizeof left, "%s/davy-reader-%d-killed", tmp != NULL && *tmp != '\0' ? tmp : "/tmp", (int)getpid());
    assert_int_equal(mkdir(left, 0700), 0);
    (void)snprintf(file, sizeof file, "%s/LOG", left);
    FILE *const log = fopen(file, "w");
    assert_non_null(log);
    (void)fclose(log);
    assert_int_equal(store_open_reader(path, &first, &err), ERR_NONE);
    assert_int_equal(scratch_folders(), 2); /* it may have been made just now */
    make_old(left);
    make_old(first->scratch);
    assert_int_equal(store_open_reader(path, &second, &err), ERR_NONE);
    assert_int_equal(access(left, F_OK), -1);
    assert_int_equal(scratch_folders(), 2); /* those that are held stay, however old */
    store_close(second);
    store_close(first);
    assert_int_equal(scratch_folders(), 0);
    site_unmake(site);
    folder_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_process_reads_what_was_written),
        cmocka_unit_test(a_thread_reads_what_another_writes),
        cmocka_unit_test(a_reader_leaves_nothing_behind),
        cmocka_unit_test(what_a_killed_reader_left_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
