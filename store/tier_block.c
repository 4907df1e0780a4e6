/*
 * tier_block: see tier_block.h for the bytes.
 */
#include "store/tier_block.h"
#include "base/crc32c.h"
#include "store/values.h"
#include <stddef.h>

enum { TIER_VERSION = 1, CRC_BYTES = 4, FLAG_STATUS = 1, FLAG_WHOLE = 2, FLAGS_ALL = 3 };
enum { KIND_SAME = 4, RESTS_ZERO = 0, RESTS_COLUMN = 1 };
enum { EXPONENT_NONE = 4096, REST_BITS = 60 };
static const int64_t block_max = INT64_MAX / TIER_BUCKETS / TIER_BUCKETS; /* no time is in one so far out */

/* The five columns of values; the sum's stands for its nearest double. */
enum part { PART_MIN, PART_MAX, PART_FIRST, PART_LAST, PART_SUM, PARTS };
static const size_t part_offsets[PARTS - 1] = {
    [PART_MIN] = offsetof(struct bucket, min),
    [PART_MAX] = offsetof(struct bucket, max),
    [PART_FIRST] = offsetof(struct bucket, first),
    [PART_LAST] = offsetof(struct bucket, last),
};

void tier_key_write(const struct tier_key *key, uint8_t ret_key[TIER_KEY])
{
    uint8_t *to = put_u32(ret_key, key->series);
    *to++ = (uint8_t)key->tier;
    (void)put_i64(to, key->block);
}

bool tier_key_parse(const void *bytes, size_t len, struct tier_key *ret_key)
{
    const uint8_t *const from = bytes;
    if (len != TIER_KEY || from[4] >= TIER_COUNT) {
        return false;
    }
    *ret_key = (struct tier_key){.series = get_u32(from), .tier = (enum tier)from[4], .block = get_i64(from + 5)};
    return ret_key->block > -block_max && ret_key->block < block_max;
}

static uint32_t checksum(const struct tier_key *key, const uint8_t *bytes, size_t len)
{
    uint8_t head[TIER_KEY];
    tier_key_write(key, head);
    return crc32c(crc32c(0, head, sizeof head), bytes, len);
}

static double *part_of(struct bucket *bucket, enum part part)
{
    return (double *)(void *)((char *)bucket + part_offsets[part]);
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

static uint8_t *put_numbers(struct tier_block *block, const struct tier_key *key, uint8_t *to)
{
    int64_t *const numbers = block->scratch.numbers;
    for (size_t i = 0; i < block->count; i++) {
        numbers[i] = block->buckets[i].index - key->block * TIER_BUCKETS;
    }
    to = column_encode(to, numbers, block->count, block->scratch.residuals);
    for (size_t i = 0; i < block->count; i++) {
        numbers[i] = (int64_t)block->buckets[i].count;
    }
    return column_encode(to, numbers, block->count, block->scratch.residuals);
}

static uint8_t *put_statuses(const struct tier_block *block, uint8_t *to)
{
    for (size_t start = 0; start < block->count;) {
        size_t end = start + 1;
        while (end < block->count && block->buckets[end].status == block->buckets[start].status) {
            end++;
        }
        to = put_varint(put_varint(to, end - start), block->buckets[start].status);
        start = end;
    }
    return to;
}

/* Takes the sums apart; those that are more than two doubles are told as a whole. */
static void split_sums(struct tier_block *block)
{
    for (size_t i = 0; i < block->count; i++) {
        block->rows[i].value = block->rests[i] = 0;
        block->whole[i] = !sum_split(&block->buckets[i].sum, &block->rows[i].value, &block->rests[i]);
    }
}

static bool same_as_min(struct tier_block *block)
{
    for (size_t i = 0; i < block->count; i++) {
        if (double_bits(block->rows[i].value) != double_bits(block->buckets[i].min)) {
            return false;
        }
    }
    return true;
}

/* One column of values, from rows. */
static uint8_t *put_values(struct tier_block *block, enum part part, uint8_t *to)
{
    uint8_t *const kind = to++;
    if (part != PART_MIN && same_as_min(block)) {
        *kind = KIND_SAME;
        return to;
    }
    enum values_kind how;
    to = values_encode(to, block->rows, block->count, &block->scratch, &how);
    *kind = (uint8_t)how;
    return to;
}

/* The exponent of the lowest bit that is set; EXPONENT_NONE for 0. */
static int lowest_bit(double value)
{
    if (value == 0) {
        return EXPONENT_NONE;
    }
    int exponent;
    const double m = ldexp(frexp(value, &exponent), 53); /* whole */
    return exponent - 53 + __builtin_ctzll((uint64_t)(int64_t)fabs(m));
}

/* The exponent all rests share; a rest too large for it is told with its whole sum. */
static int shared_exponent(struct tier_block *block)
{
    int lowest = EXPONENT_NONE;
    for (size_t i = 0; i < block->count; i++) {
        const int own = block->whole[i] ? EXPONENT_NONE : lowest_bit(block->rests[i]);
        lowest = own < lowest ? own : lowest;
    }
    for (size_t i = 0; lowest != EXPONENT_NONE && i < block->count; i++) {
        int exponent;
        (void)frexp(block->rests[i], &exponent); /* 0 gives 0, which is written as 0 whatever is decided here */
        block->whole[i] |= block->rests[i] != 0 && exponent - lowest > REST_BITS;
    }
    return lowest;
}

static uint8_t *put_rests(struct tier_block *block, uint8_t *to)
{
    const int exponent = shared_exponent(block);
    *to++ = exponent == EXPONENT_NONE ? RESTS_ZERO : RESTS_COLUMN;
    if (exponent == EXPONENT_NONE) {
        return to;
    }
    to = put_varint(to, zigzag(exponent));
    for (size_t i = 0; i < block->count; i++) {
        block->scratch.numbers[i] = block->whole[i] ? 0 : (int64_t)ldexp(block->rests[i], -exponent);
    }
    return column_encode(to, block->scratch.numbers, block->count, block->scratch.residuals);
}

static size_t count_whole(const struct tier_block *block)
{
    size_t whole = 0;
    for (size_t i = 0; i < block->count; i++) {
        whole += block->whole[i];
    }
    return whole;
}

static uint8_t *put_whole(const struct tier_block *block, size_t whole, uint8_t *to)
{
    size_t end = 0; /* of the one before */
    to = put_varint(to, whole);
    for (size_t i = 0; i < block->count; i++) {
        if (block->whole[i]) {
            to = sum_put(put_varint(to, i - end), &block->buckets[i].sum);
            end = i + 1;
        }
    }
    return to;
}

static unsigned any_status(const struct tier_block *block)
{
    unsigned any = 0;
    for (size_t i = 0; i < block->count; i++) {
        any |= block->buckets[i].status;
    }
    return any;
}

size_t tier_block_encode(struct tier_block *block, const struct tier_key *key, uint8_t ret_bytes[TIER_BYTES_MAX])
{
    uint8_t *to = ret_bytes;
    *to++ = TIER_VERSION;
    uint8_t *const flags = to++;
    *flags = any_status(block) != 0 ? FLAG_STATUS : 0;
    to = put_numbers(block, key, put_varint(to, block->count));
    to = *flags != 0 ? put_statuses(block, to) : to;
    for (enum part part = PART_MIN; part < PART_SUM; part++) {
        for (size_t i = 0; i < block->count; i++) {
            block->rows[i].value = *part_of(&block->buckets[i], part);
        }
        to = put_values(block, part, to);
    }
    split_sums(block);
    to = put_rests(block, put_values(block, PART_SUM, to));
    const size_t whole = count_whole(block);
    if (whole > 0) {
        *flags |= FLAG_WHOLE;
        to = put_whole(block, whole, to);
    }
    to = put_u32(to, checksum(key, ret_bytes, (size_t)(to - ret_bytes)));
    return (size_t)(to - ret_bytes);
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

static bool get_numbers(struct tier_block *block, const struct tier_key *key, struct cursor *cursor)
{
    int64_t *const numbers = block->scratch.numbers;
    if (!column_decode(cursor, block->count, numbers)) {
        return false;
    }
    for (size_t i = 0; i < block->count; i++) {
        if (numbers[i] < 0 || numbers[i] >= TIER_BUCKETS || (i > 0 && numbers[i] <= numbers[i - 1])) {
            return false;
        }
    }
    for (size_t i = 0; i < block->count; i++) {
        bucket_begin(&block->buckets[i], key->block * TIER_BUCKETS + numbers[i]);
    }
    if (!column_decode(cursor, block->count, numbers)) {
        return false;
    }
    for (size_t i = 0; i < block->count; i++) {
        block->buckets[i].count = (uint64_t)numbers[i];
    }
    return true;
}

static bool get_statuses(struct tier_block *block, struct cursor *cursor)
{
    for (size_t at = 0; at < block->count;) {
        const uint64_t len = cursor_varint(cursor);
        const uint64_t status = cursor_varint(cursor);
        if (cursor->bad || len == 0 || len > block->count - at || status > UINT16_MAX) {
            return false;
        }
        for (const size_t end = at + len; at < end; at++) {
            block->buckets[at].status = (uint16_t)status;
        }
    }
    return true;
}

/* Into rows. */
static bool get_values(struct tier_block *block, enum part part, struct cursor *cursor)
{
    const unsigned kind = cursor_u8(cursor);
    if (kind == KIND_SAME && part != PART_MIN) {
        for (size_t i = 0; i < block->count; i++) {
            block->rows[i].value = block->buckets[i].min;
        }
        return !cursor->bad;
    }
    return !cursor->bad && kind < VALUES_KINDS &&
           values_decode(cursor, (enum values_kind)kind, block->count, &block->scratch, block->rows);
}

static bool get_parts(struct tier_block *block, struct cursor *cursor)
{
    for (enum part part = PART_MIN; part < PART_SUM; part++) {
        if (!get_values(block, part, cursor)) {
            return false;
        }
        for (size_t i = 0; i < block->count; i++) {
            *part_of(&block->buckets[i], part) = block->rows[i].value;
        }
    }
    return get_values(block, PART_SUM, cursor);
}

static bool get_rests(struct tier_block *block, struct cursor *cursor)
{
    const unsigned kind = cursor_u8(cursor);
    int64_t exponent = 0;
    memset(block->scratch.numbers, 0, block->count * sizeof block->scratch.numbers[0]);
    if (kind == RESTS_COLUMN) {
        exponent = cursor_zigzag(cursor);
        if (cursor->bad || exponent < -EXPONENT_NONE || exponent > EXPONENT_NONE ||
            !column_decode(cursor, block->count, block->scratch.numbers)) {
            return false;
        }
    }
    for (size_t i = 0; i < block->count; i++) {
        block->rests[i] = ldexp((double)block->scratch.numbers[i], (int)exponent);
    }
    return !cursor->bad && kind <= RESTS_COLUMN;
}

static bool get_whole(struct tier_block *block, struct cursor *cursor)
{
    const uint64_t whole = cursor_varint(cursor);
    size_t at = 0;
    for (uint64_t i = 0; i < whole; i++) {
        const uint64_t gap = cursor_varint(cursor);
        if (cursor->bad || gap >= block->count - at || !sum_get(cursor, &block->buckets[at + gap].sum)) {
            return false;
        }
        at += gap;
        block->whole[at++] = true;
    }
    return !cursor->bad;
}

static bool get_sums(struct tier_block *block, unsigned flags, struct cursor *cursor)
{
    memset(block->whole, 0, sizeof block->whole);
    if (!get_rests(block, cursor) || ((flags & FLAG_WHOLE) != 0 && !get_whole(block, cursor))) {
        return false;
    }
    for (size_t i = 0; i < block->count; i++) {
        if (block->whole[i]) {
            continue;
        }
        if (isnan(block->rows[i].value) || isnan(block->rests[i])) {
            return false;
        }
        sum_add(&block->buckets[i].sum, block->rows[i].value);
        sum_add(&block->buckets[i].sum, block->rests[i]);
    }
    return true;
}

bool tier_block_decode(struct tier_block *block, const struct tier_key *key, const void *bytes, size_t len)
{
    if (len < CRC_BYTES ||
        checksum(key, bytes, len - CRC_BYTES) != get_u32((const uint8_t *)bytes + len - CRC_BYTES)) {
        return false;
    }
    struct cursor cursor = cursor_over(bytes, len - CRC_BYTES);
    const unsigned version = cursor_u8(&cursor);
    const unsigned flags = cursor_u8(&cursor);
    const uint64_t count = cursor_varint(&cursor);
    if (cursor.bad || version != TIER_VERSION || (flags & ~(unsigned)FLAGS_ALL) != 0 || count == 0 ||
        count > TIER_BUCKETS) {
        return false;
    }
    block->count = count;
    return get_numbers(block, key, &cursor) && ((flags & FLAG_STATUS) == 0 || get_statuses(block, &cursor)) &&
           get_parts(block, &cursor) && get_sums(block, flags, &cursor) && cursor_left(&cursor) == 0;
}
