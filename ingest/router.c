/*
 * router: puts one producer's records into the rings of the shards that need
 * them.  Pure plumbing on the producer's thread; owns no memory.
 */
#include "ingest/ingest.h"

#include <assert.h>

bool router_room(struct router *router, size_t n)
{
    for (unsigned m = 0; m < router->shard_count; m++) {
        if (ring_room(router->rings[m]) < n) {
            return false;
        }
    }
    return true;
}

void router_put(struct router *router, struct sample *sample)
{
    const uint16_t status = sample->status;
    sample->time_ns = sample_cut_time(sample->time_ns);
    sample->seq = router->seqs[sample->point]++;
    for (uint64_t mask = router->masks[sample->point]; mask != 0; mask &= mask - 1) {
        const unsigned shard = (unsigned)__builtin_ctzll(mask);
        sample->status = (uint16_t)(status | ((router->judged >> shard & 1) != 0 ? SAMPLE_JUDGED : 0));
        const bool put = ring_push(router->rings[shard], sample);
        assert(put); /* whoever puts has asked router_room before, and only it fills this row */
        (void)put;
    }
}

/* Copies those of the samples that the shard needs into its ring. */
static void copy_to(const struct router *router, unsigned shard, const struct sample *samples, size_t n)
{
    struct ring *ring = router->rings[shard];
    const uint16_t status = (router->judged >> shard & 1) != 0 ? SAMPLE_JUDGED : 0;
    const bool alone = router->shard_count == 1; /* then it needs them all */
    for (size_t i = 0; i < n;) {
        size_t room = 0;
        size_t used = 0;
        struct sample *slots = ring_claim(ring, &room);
        assert(slots != NULL); /* as in router_put */
        if (slots == NULL) {
            return;
        }
        for (; i < n && used < room; i++) {
            if (alone || (router->masks[samples[i].point] >> shard & 1) != 0) {
                slots[used] = samples[i];
                slots[used++].status |= status;
            }
        }
        ring_publish(ring, used);
    }
}

void router_put_all(struct router *router, struct sample *samples, size_t n, uint16_t status)
{
    int64_t given_ns = 0; /* the last time met, and what is left of it: those of one message are mostly the same */
    int64_t cut_ns = 0;
    for (size_t i = 0; i < n; i++) {
        if (samples[i].time_ns != given_ns) {
            given_ns = samples[i].time_ns;
            cut_ns = sample_cut_time(given_ns);
        }
        samples[i].time_ns = cut_ns;
        samples[i].seq = router->seqs[samples[i].point]++;
        samples[i].status |= status;
    }
    for (unsigned m = 0; m < router->shard_count; m++) {
        copy_to(router, m, samples, n);
    }
}

void router_mark(struct router *router, uint32_t source, uint64_t ticket, int64_t now_ns)
{
    const struct sample mark = {
        .time_ns = (int64_t)ticket,
        .seen_ns = now_ns,
        .value = NAN,
        .point = POINT_MARK,
        .status = (uint16_t)source,
    };
    for (unsigned m = 0; m < router->shard_count; m++) {
        const bool put = ring_push(router->rings[m], &mark);
        assert(put);
        (void)put;
    }
}

void router_flush(struct router *router)
{
    for (unsigned m = 0; m < router->shard_count; m++) {
        if (router->bells[m] != NULL) {
            doorbell_ring(router->bells[m]);
        }
    }
}

void router_close(struct router *router)
{
    for (unsigned m = 0; m < router->shard_count; m++) {
        ring_close(router->rings[m]);
    }
    router_flush(router);
}
