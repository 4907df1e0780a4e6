/*
 * bits: a stream of bits, the lowest bit of a byte first.
 *
 * The writer trusts the caller to have room for all bits plus eight bytes; the
 * reader gives zeros after the end and says so in `bad`.
 */
#ifndef DAVY_STORE_BITS_H
#define DAVY_STORE_BITS_H

#include "store/bytes.h"

struct bit_writer {
    uint8_t *at;
    uint64_t hold;  /* bits not yet written, the first one lowest */
    unsigned count; /* of them, below 8 between calls */
};

static inline uint64_t bits_load(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Writes the lowest n <= 56 bits of value, which has no others. */
static inline void bits_put(struct bit_writer *writer, uint64_t value, unsigned n)
{
    writer->hold |= value << writer->count;
    writer->count += n;
    word_store(writer->at, writer->hold);
    const unsigned whole = writer->count >> 3;
    writer->at += whole;
    writer->hold >>= whole * 8; /* whole <= 7: at most 7 + 56 bits were held */
    writer->count &= 7;
}

static inline void bits_put64(struct bit_writer *writer, uint64_t value)
{
    bits_put(writer, value & UINT32_MAX, 32);
    bits_put(writer, value >> 32, 32);
}

/* Ends the stream at a whole byte; gives the first byte behind it. */
static inline uint8_t *bits_finish(struct bit_writer *writer)
{
    if (writer->count > 0) {
        *writer->at++ = (uint8_t)writer->hold;
    }
    return writer->at;
}

struct bit_reader {
    const uint8_t *at, *end;
    uint64_t hold;
    unsigned count; /* bits in hold */
    bool bad;
};

/* Makes at least 56 bits ready, as far as there are so many. */
static inline void bits_fill(struct bit_reader *reader)
{
    if (reader->end - reader->at >= 8) {
        reader->hold |= bits_load(reader->at) << reader->count;
        const unsigned whole = (63 - reader->count) >> 3;
        reader->at += whole;
        reader->count += whole * 8;
        return;
    }
    while (reader->count <= 56 && reader->at < reader->end) {
        reader->hold |= (uint64_t)*reader->at++ << reader->count;
        reader->count += 8;
    }
}

/* Takes n <= 56 bits. */
static inline uint64_t bits_get(struct bit_reader *reader, unsigned n)
{
    if (reader->count < n) {
        bits_fill(reader);
        if (reader->count < n) {
            reader->bad = true;
            return 0;
        }
    }
    const uint64_t value = reader->hold & ((UINT64_C(1) << n) - 1);
    reader->hold >>= n;
    reader->count -= n;
    return value;
}

static inline uint64_t bits_get64(struct bit_reader *reader)
{
    const uint64_t low = bits_get(reader, 32);
    return low | bits_get(reader, 32) << 32;
}

/* Takes a run of ones and the zero that ends it, or `most` ones without one; gives the number of ones. */
static inline unsigned bits_get_unary(struct bit_reader *reader, unsigned most)
{
    if (reader->count <= most) {
        bits_fill(reader);
    }
    const unsigned ones = reader->hold == UINT64_MAX ? 64 : (unsigned)__builtin_ctzll(~reader->hold);
    const unsigned take = ones < most ? ones + 1 : most;
    if (reader->count < take) {
        reader->bad = true;
        return 0;
    }
    reader->hold >>= take;
    reader->count -= take;
    return ones < most ? ones : most;
}

/* How many whole bytes of the stream are used up: the first byte behind it. */
static inline const uint8_t *bits_rest(const struct bit_reader *reader)
{
    return reader->at - reader->count / 8;
}

#endif
