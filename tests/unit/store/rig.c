/*
 * rig: see rig.h.
 */
#include "rig.h"
#include "base/clock.h"
#include "base/memory.h"
#include "cmocka_all.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RING_ITEMS = 1024 };
uint64_t rig_log_keep;
int64_t rig_gather_ns;

const char *__tsan_default_suppressions(void);

/* RocksDB is not built for ThreadSanitizer, which does not see its atomics; it and its C++ library are passed over. */
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:librocksdb\ncalled_from_lib:libstdc++\nrace:std::\n";
}

char *folder_new(void)
{
    const char *const base = getenv("TMPDIR");
    char path[512];
    (void)snprintf(path, sizeof path, "%s/davy-test-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return memory_strdup(path);
}

static void remove_all(int at, const char *name)
{
    const int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *const folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder != NULL) {
        for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
                continue;
            }
            if (unlinkat(dirfd(folder), entry->d_name, 0) != 0) {
                remove_all(dirfd(folder), entry->d_name);
            }
        }
        (void)closedir(folder);
    }
    (void)unlinkat(at, name, AT_REMOVEDIR);
}

void folder_remove(char *path)
{
    remove_all(AT_FDCWD, path);
    free(path);
}

struct site *site_make(size_t points)
{
    struct site *const site = memory_new(1, sizeof *site);
    site->id = "test";
    site->points = memory_new(points, sizeof *site->points);
    site->point_count = points;
    site->sources = memory_new(1, sizeof *site->sources);
    site->source_count = 1;
    for (size_t i = 0; i < points; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "p%zu", i);
        site->points[i].id = memory_strdup(id);
    }
    return site;
}

void site_unmake(struct site *site)
{
    for (size_t i = 0; i < site->point_count; i++) {
        free((void *)(uintptr_t)site->points[i].id);
    }
    free(site->points);
    free(site->sources);
    free(site);
}

void rig_open(struct rig *rig, const char *path, struct site *site, int64_t sync_ns)
{
    struct err err;
    *rig = (struct rig){.site = site, .now_ns = NS_PER_S};
    if (store_open(path, site->id, &rig->store, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(ring_open(sizeof(struct sample), RING_ITEMS, 0, &rig->ring, &err), ERR_NONE);
    assert_int_equal(ring_open(sizeof(struct sample), RING_ITEMS, 0, &rig->history, &err), ERR_NONE);
    rig->counters = counters_new(64);
    const struct store_writer_config config = {
        .store = rig->store,
        .site = site,
        .inputs = &rig->ring,
        .input_count = 1,
        .safe = &rig->safe,
        .counters = rig->counters,
        .sync_ns = sync_ns,
        .gather_ns = rig_gather_ns,
        .log_keep = rig_log_keep,
        .give_up = &rig->give_up,
        .history = rig->history,
        .history_kept = &rig->history_kept,
    };
    if (store_writer_new(&config, &rig->writer, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    rig->agent = store_writer_agent(rig->writer);
    rig->care = store_care_new(
        &(struct store_care_config){.store = rig->store, .site = site, .counters = rig->counters, .every_ns = 1});
}

void rig_run(struct rig *rig)
{
    while (rig->agent.do_work(rig->agent.self, rig->now_ns++) > 0) {
    }
}

static void push(struct rig *rig, struct ring *ring, const struct sample *sample)
{
    for (int tries = 0; !ring_push(ring, sample); tries++) {
        assert_true(tries < 10);
        rig_run(rig);
    }
}

void rig_put(struct rig *rig, uint32_t point, int64_t time_ns, int64_t seen_ns, double value, uint16_t status)
{
    push(rig, rig->ring,
         &(struct sample){.time_ns = time_ns, .seen_ns = seen_ns, .value = value, .point = point, .status = status});
}

void rig_import(struct rig *rig, uint32_t point, int64_t time_ns, double value, uint16_t status)
{
    push(rig, rig->history,
         &(struct sample){.time_ns = time_ns, .seen_ns = time_ns, .value = value, .point = point, .status = status});
}

/* Slices are due when the one before has rested; their time is the same. */
bool rig_care(struct rig *rig, int64_t now_ns, unsigned slices)
{
    const struct agent agent = store_care_agent(rig->care);
    const uint64_t rounds = rig_counter(rig, "store.care_rounds");
    for (unsigned i = 0; slices == 0 || i < slices; i++) {
        const int64_t due_ns = agent.next_due(agent.self);
        assert_int_not_equal(agent.do_work(agent.self, due_ns > now_ns ? due_ns : now_ns), AGENT_FINISHED);
        if (rig_counter(rig, "store.care_rounds") > rounds) {
            return true;
        }
    }
    return false;
}

void rig_mark(struct rig *rig, uint64_t ticket)
{
    push(rig, rig->ring, &(struct sample){.time_ns = (int64_t)ticket, .point = POINT_MARK, .status = 0});
}

static void release(struct rig *rig)
{
    store_writer_free(rig->writer);
    store_care_free(rig->care);
    ring_free(rig->ring);
    ring_free(rig->history);
    store_close(rig->store);
    counters_free(rig->counters);
}

void rig_close(struct rig *rig)
{
    ring_close(rig->ring);
    int did = 0;
    for (int i = 0; i < 1000 && did != AGENT_FINISHED; i++) {
        did = rig->agent.do_work(rig->agent.self, rig->now_ns++);
    }
    assert_int_equal(did, AGENT_FINISHED);
    release(rig);
}

void rig_drop(struct rig *rig)
{
    release(rig);
}

uint64_t rig_counter(const struct rig *rig, const char *name)
{
    for (size_t i = 0; i < counters_count(rig->counters); i++) {
        if (strcmp(counter_name(counters_at(rig->counters, i)), name) == 0) {
            return counter_get(counters_at(rig->counters, i));
        }
    }
    fail_msg("no counter %s", name);
    return 0;
}

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t random_below(uint64_t *state, uint64_t n)
{
    return random_next(state) % n;
}
