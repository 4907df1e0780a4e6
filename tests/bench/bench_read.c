/*
 * bench_read: getting things back from a store of many points while it is being
 * written: the newest readings of all of them, one point's open samples, and
 * the start of a monitor.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "base/ring.h"
#include "store/store.h"
#include "tests/bench/bench.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POINTS = 100000, SECONDS = 60, RING = 8192, READS = 1000 };

static void fail(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "bench_read: %s: %s\n", what, err->text);
    exit(1);
}

static void make_site(struct site *site)
{
    *site = (struct site){.id = "bench", .point_count = POINTS, .points = memory_new(POINTS, sizeof *site->points)};
    for (size_t i = 0; i < POINTS; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "area-%zu/p%zu", i % 100, i);
        site->points[i].id = memory_strdup(id);
    }
}

static void write_all(struct store *store, const struct site *site)
{
    struct err err;
    struct ring *ring;
    struct store_writer *writer;
    if (ring_open(sizeof(struct sample), RING, 0, &ring, &err) != ERR_NONE) {
        fail("ring", &err);
    }
    const struct store_writer_config config = {
        .store = store, .site = site, .inputs = &ring, .input_count = 1, .sync_ns = NS_PER_S};
    if (store_writer_new(&config, &writer, &err) != ERR_NONE) {
        fail("writer", &err);
    }
    const struct agent agent = store_writer_agent(writer);
    for (size_t i = 0; i < (size_t)POINTS * SECONDS; i++) {
        const int64_t time_ns = (int64_t)(i / POINTS) * NS_PER_S;
        const struct sample sample = {
            .time_ns = time_ns, .seen_ns = time_ns, .value = (double)(i % 997) / 100, .point = (uint32_t)(i % POINTS)};
        while (!ring_push(ring, &sample)) {
            (void)agent.do_work(agent.self, (int64_t)i);
        }
    }
    while (agent.do_work(agent.self, INT64_MAX / 2) > 0) {
    }
    store_writer_free(writer);
    ring_free(ring);
}

static bool count_last(void *self, const char *id, size_t id_len, const struct board_entry *entry)
{
    (void)id; /* that it was found is all that is asked */
    (void)id_len;
    (void)entry;
    ++*(size_t *)self;
    return true;
}

static bool count_row(void *self, const struct store_row *row)
{
    (void)row;
    ++*(size_t *)self;
    return true;
}

static void measure(struct store *store, const struct site *site, const char *who, const char *note)
{
    struct err err;
    size_t count = 0;
    char metric[64];
    int64_t start_ns = bench_now_ns();
    if (store_last_all(store, count_last, &count, &err) != ERR_NONE || count != POINTS) {
        fail("store_last_all", &err);
    }
    (void)snprintf(metric, sizeof metric, "%s_all_newest", who);
    bench_print("read", metric, (double)(bench_now_ns() - start_ns) / NS_PER_MS, "ms", "%d points; %s", POINTS, note);
    start_ns = bench_now_ns();
    for (size_t i = 0; i < READS; i++) {
        if (store_read(store, site->points[i * (POINTS / READS)].id, 0, INT64_MAX, count_row, &count, &err) !=
            ERR_NONE) {
            fail("store_read", &err);
        }
    }
    (void)snprintf(metric, sizeof metric, "%s_point", who);
    bench_print("read", metric, (double)(bench_now_ns() - start_ns) / READS / NS_PER_US, "us",
                "one point's %d samples, all in no block yet; %s", SECONDS, note);
}

static void folder_remove(const char *path)
{
    DIR *const folder = opendir(path);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0); /* "." and ".." are refused */
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    (void)rmdir(path);
}

int main(void)
{
    char path[] = "/tmp/davy-bench-XXXXXX";
    struct site site;
    struct store *store;
    struct store *reader;
    struct err err;
    make_site(&site);
    if (mkdtemp(path) == NULL || store_open(path, site.id, &store, &err) != ERR_NONE) {
        fail("store_open", &err);
    }
    write_all(store, &site);
    measure(store, &site, "live", "in the writing process");
    int64_t start_ns = bench_now_ns();
    size_t count = 0;
    if (store_open_reader(path, &reader, &err) != ERR_NONE ||
        store_read(reader, site.points[0].id, 0, INT64_MAX, count_row, &count, &err) != ERR_NONE) {
        fail("reader", &err);
    }
    bench_print("read", "beside_first", (double)(bench_now_ns() - start_ns) / NS_PER_MS, "ms",
                "opening beside the writer and reading one point, as davy query does");
    measure(reader, &site, "beside", "in a process beside it, its book loaded on the way");
    store_close(reader);
    store_close(store);
    start_ns = bench_now_ns();
    if (store_open(path, site.id, &store, &err) != ERR_NONE) {
        fail("store_open", &err);
    }
    bench_print("read", "start", (double)(bench_now_ns() - start_ns) / NS_PER_MS, "ms",
                "opening for writing with %d open samples", POINTS * SECONDS);
    store_close(store);
    folder_remove(path);
    return 0;
}
