/*
 * ring: our ring against a bare one written for this record and compiled into
 * its loops, both between two threads with batches of 1, 64 and 1024.
 *
 * Goal: at batch 64 at least 0.85 of the bare ring.
 */
#include "base/ring.h"
#include "tests/bench/bench.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY = 8192, ROUNDS = 15 };

struct record {
    int64_t time_ns, seen_ns;
    double value;
    uint32_t point;
    uint32_t rest;
};

/* The least that passes records between two threads: two positions on lines of their own. */
struct bare_ring {
    _Alignas(64) _Atomic uint64_t head; /* producer */
    uint64_t seen_tail;
    _Alignas(64) _Atomic uint64_t tail; /* consumer */
    uint64_t seen_head;
    _Alignas(64) struct record records[CAPACITY];
};

/* Both threads read it, so nothing in it is written while they run: a shared line would be what is measured. */
struct job {
    size_t batch;
    uint64_t records;
    struct ring *ring;
    struct bare_ring *bare;
};

static void idle(int *spins)
{
    if (++*spins % 256 == 0) {
        (void)sched_yield(); /* the other side may need this core */
    } else {
        __builtin_ia32_pause();
    }
}

/* Not inlined, so that both rings carry the very same loops. */
static __attribute__((noinline)) void write_batch(struct record *records, size_t n, uint64_t first)
{
    for (size_t i = 0; i < n; i++) {
        const int64_t number = (int64_t)(first + i);
        records[i] = (struct record){.time_ns = number, .seen_ns = number, .value = 1.5, .point = (uint32_t)number};
    }
}

static __attribute__((noinline)) uint64_t read_batch(const struct record *records, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (uint64_t)records[i].time_ns + records[i].point;
    }
    return sum;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void *bare_produce(void *arg)
{
    const struct job *job = arg;
    struct bare_ring *ring = job->bare;
    uint64_t head = 0;
    int spins = 0;
    while (head < job->records) {
        if (head - ring->seen_tail == CAPACITY) {
            ring->seen_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
            if (head - ring->seen_tail == CAPACITY) {
                idle(&spins);
                continue;
            }
        }
        const size_t at = head % CAPACITY;
        const size_t n = least(least(job->batch, CAPACITY - (size_t)(head - ring->seen_tail)),
                               least(CAPACITY - at, (size_t)(job->records - head)));
        write_batch(&ring->records[at], n, head);
        head += n;
        atomic_store_explicit(&ring->head, head, memory_order_release);
    }
    return NULL;
}

static uint64_t bare_consume(const struct job *job)
{
    struct bare_ring *ring = job->bare;
    uint64_t tail = 0;
    uint64_t sum = 0;
    int spins = 0;
    while (tail < job->records) {
        if (tail == ring->seen_head) {
            ring->seen_head = atomic_load_explicit(&ring->head, memory_order_acquire);
            if (tail == ring->seen_head) {
                idle(&spins);
                continue;
            }
        }
        const size_t at = tail % CAPACITY;
        const size_t n = least(least(job->batch, (size_t)(ring->seen_head - tail)), CAPACITY - at);
        sum += read_batch(&ring->records[at], n);
        tail += n;
        atomic_store_explicit(&ring->tail, tail, memory_order_release);
    }
    return sum;
}

static void *our_produce(void *arg)
{
    const struct job *job = arg;
    uint64_t done = 0;
    int spins = 0;
    while (done < job->records) {
        size_t n = 0;
        struct record *records = ring_claim(job->ring, &n);
        if (n == 0) {
            idle(&spins);
            continue;
        }
        n = least(least(n, job->batch), (size_t)(job->records - done));
        write_batch(records, n, done);
        ring_publish(job->ring, n);
        done += n;
    }
    return NULL;
}

static uint64_t our_consume(const struct job *job)
{
    uint64_t done = 0;
    uint64_t sum = 0;
    int spins = 0;
    while (done < job->records) {
        size_t n = 0;
        const struct record *records = ring_peek(job->ring, &n);
        if (n == 0) {
            idle(&spins);
            continue;
        }
        n = least(n, job->batch);
        sum += read_batch(records, n);
        ring_release(job->ring, n);
        done += n;
    }
    return sum;
}

/* Gives records per second. */
static double run(struct job *job, void *(*produce)(void *), uint64_t (*consume)(const struct job *))
{
    pthread_t producer;
    const int64_t start_ns = bench_now_ns();
    if (pthread_create(&producer, NULL, produce, job) != 0) {
        perror("pthread_create");
        exit(3);
    }
    const uint64_t sum = consume(job);
    (void)pthread_join(producer, NULL);
    const int64_t length_ns = bench_now_ns() - start_ns;
    uint64_t expected = 0;
    for (uint64_t i = 0; i < job->records; i++) {
        expected += i + (uint32_t)i;
    }
    if (sum != expected) {
        (void)fprintf(stderr, "ring: the records that came are not those that went\n");
        exit(1);
    }
    return (double)job->records / (double)length_ns * 1e9;
}

static double run_bare(void *self)
{
    struct job *job = self;
    job->bare = aligned_alloc(64, sizeof *job->bare);
    if (job->bare == NULL) {
        exit(3);
    }
    atomic_init(&job->bare->head, 0);
    atomic_init(&job->bare->tail, 0);
    job->bare->seen_head = 0;
    job->bare->seen_tail = 0;
    write_batch(job->bare->records, CAPACITY, 0); /* the pages are there before the clock starts */
    const double rate = run(job, bare_produce, bare_consume);
    free(job->bare);
    return rate;
}

static double run_ours(void *self)
{
    struct job *job = self;
    struct err err;
    if (ring_open(sizeof(struct record), CAPACITY, 0, &job->ring, &err) != ERR_NONE) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(3);
    }
    const double rate = run(job, our_produce, our_consume);
    ring_free(job->ring);
    return rate;
}

int main(void)
{
    static const struct {
        size_t batch;
        uint64_t records;
    } cases[] = {{1, 4000000}, {64, 40000000}, {1024, 40000000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct job job = {.batch = cases[i].batch, .records = cases[i].records};
        const struct bench_pair pair = bench_alternate(ROUNDS, run_ours, &job, run_bare, &job);
        char metric[64];
        (void)snprintf(metric, sizeof metric, "records_per_s_batch_%zu", job.batch);
        bench_print("ring", metric, pair.ours, "1/s", "32-byte records, two threads, bare ring %.4g", pair.bare);
        (void)snprintf(metric, sizeof metric, "ratio_batch_%zu", job.batch);
        bench_print("ring", metric, pair.ratio, "of bare", "median of %d alternated rounds%s", ROUNDS,
                    job.batch == 64 ? ", goal 0.85" : "");
    }
    return 0;
}
