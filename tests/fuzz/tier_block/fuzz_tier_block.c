/*
 * fuzz_tier_block: any bytes as a block of minutes or hours.  The checksum is
 * set right first, or no input would ever get past it.
 *
 * What can be read must, written again, be read as the same.
 */
#include "base/crc32c.h"
#include "store/tier_block.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 1 << 16 };

struct work {
    struct tier_block first, second;
    uint8_t bytes[BYTES_MAX + 4], again[TIER_BYTES_MAX];
};

static void must(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void must_be_same(const struct bucket *a, const struct bucket *b)
{
    uint8_t sums[2][SUM_BYTES_MAX];
    const size_t len = (size_t)(sum_put(sums[0], &a->sum) - sums[0]);
    must(a->index == b->index && a->count == b->count && a->status == b->status);
    must(double_bits(a->min) == double_bits(b->min) && double_bits(a->max) == double_bits(b->max));
    must(double_bits(a->first) == double_bits(b->first) && double_bits(a->last) == double_bits(b->last));
    must((size_t)(sum_put(sums[1], &b->sum) - sums[1]) == len && memcmp(sums[0], sums[1], len) == 0);
}

static void read_and_write(struct work *work, size_t len)
{
    const struct tier_key key = {.series = 7, .tier = TIER_HOUR, .block = -3};
    uint8_t head[TIER_KEY];
    tier_key_write(&key, head);
    (void)put_u32(work->bytes + len, crc32c(crc32c(0, head, sizeof head), work->bytes, len));
    if (!tier_block_decode(&work->first, &key, work->bytes, len + 4)) {
        return;
    }
    const size_t written = tier_block_encode(&work->first, &key, work->again);
    must(written <= TIER_BYTES_MAX);
    must(tier_block_decode(&work->second, &key, work->again, written));
    must(work->first.count == work->second.count);
    for (size_t i = 0; i < work->first.count; i++) {
        must_be_same(&work->first.buckets[i], &work->second.buckets[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct work work; /* large; each input begins with what the one before left, as in the store */
    if (size > 0 && size <= BYTES_MAX) {
        memcpy(work.bytes, data, size);
        read_and_write(&work, size);
    }
    return 0;
}
