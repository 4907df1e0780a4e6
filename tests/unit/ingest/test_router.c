/*
 * Putting several samples at once: every ring gets what putting them one by one
 * would give it.
 */
#include "field.h"

#include <stdlib.h>
#include <string.h>

enum { SHARDS = 2, POINTS = 50, ROOM = 64 };

/* One row of rings, and what its router keeps. */
struct row {
    struct ring *rings[SHARDS];
    struct doorbell *bells[SHARDS];
    uint64_t masks[POINTS];
    uint16_t seqs[POINTS];
    struct router router;
};

static void open_row(struct row *row, unsigned shards, uint64_t start_pos)
{
    memset(row, 0, sizeof *row);
    for (unsigned m = 0; m < shards; m++) {
        assert_int_equal(ring_open(sizeof(struct sample), ROOM, start_pos, &row->rings[m], NULL), ERR_NONE);
    }
    for (unsigned i = 0; i < POINTS; i++) {
        row->masks[i] = shards == 1 ? 1 : 1 + i % 3; /* the first, the second, both */
    }
    row->router = (struct router){
        .rings = row->rings, .bells = row->bells, .shard_count = shards, .masks = row->masks, .seqs = row->seqs};
}

static void close_row(struct row *row)
{
    for (unsigned m = 0; m < SHARDS; m++) {
        ring_free(row->rings[m]);
    }
}

static size_t drain(struct ring *ring, struct sample samples[ROOM])
{
    size_t count = 0;
    size_t n = 0;
    for (const struct sample *from = ring_peek(ring, &n); from != NULL; from = ring_peek(ring, &n)) {
        memcpy(samples + count, from, n * sizeof *samples);
        count += n;
        ring_release(ring, n);
    }
    return count;
}

static void same_in_every_ring(struct row *a, struct row *b)
{
    for (unsigned m = 0; m < a->router.shard_count; m++) {
        struct sample ours[ROOM];
        struct sample theirs[ROOM];
        const size_t n = drain(a->rings[m], ours);
        assert_int_equal(n, drain(b->rings[m], theirs));
        assert_memory_equal(ours, theirs, n * sizeof *ours);
    }
}

static void several_at_once_are_as_one_by_one(void **state)
{
    (void)state;
    srand(9);
    for (unsigned shards = 1; shards <= SHARDS; shards++) {
        struct row at_once;
        struct row one_by_one;
        open_row(&at_once, shards, UINT64_MAX - 100); /* over the end of the count, and of the array many times */
        open_row(&one_by_one, shards, UINT64_MAX - 100);
        for (int round = 0; round < 500; round++) {
            struct sample samples[ROOM];
            const size_t n = (size_t)rand() % (ROOM + 1);
            at_once.router.judged = one_by_one.router.judged = (uint64_t)rand() % 4;
            for (size_t i = 0; i < n; i++) {
                samples[i] = (struct sample){.time_ns = round, .value = rand(), .point = (unsigned)rand() % POINTS};
                struct sample copy = samples[i];
                copy.status |= SAMPLE_OPEN;
                router_put(&one_by_one.router, &copy);
            }
            router_put_all(&at_once.router, samples, n, SAMPLE_OPEN);
            same_in_every_ring(&at_once, &one_by_one);
        }
        close_row(&at_once);
        close_row(&one_by_one);
    }
}

/* However finely a message tells its time.  The time of receipt stays: it tells what came before a kill. */
static void times_are_whole_milliseconds_in_a_ring(void **state)
{
    (void)state;
    const int64_t given[] = {0, 999999, 1000000, 1767571230123456789, 1767571230123999999, -1};
    const int64_t expected[] = {0, 0, 1000000, 1767571230123000000, 1767571230123000000, -1000000};
    enum { COUNT = sizeof given / sizeof given[0] };
    struct row row;
    struct sample samples[COUNT];
    struct sample out[ROOM];
    open_row(&row, 1, 0);
    for (int i = 0; i < COUNT; i++) {
        samples[i] = (struct sample){.time_ns = given[i], .seen_ns = given[COUNT - 1 - i]};
        struct sample one = samples[i];
        router_put(&row.router, &one);
    }
    router_put_all(&row.router, samples, COUNT, 0);
    assert_int_equal(drain(row.rings[0], out), 2 * COUNT);
    for (int i = 0; i < 2 * COUNT; i++) {
        assert_int_equal(out[i].time_ns, expected[i % COUNT]);
        assert_int_equal(out[i].seen_ns, given[COUNT - 1 - i % COUNT]);
    }
    close_row(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_at_once_are_as_one_by_one),
        cmocka_unit_test(times_are_whole_milliseconds_in_a_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
