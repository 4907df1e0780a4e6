/*
 * crc32c: by the SSE 4.2 instruction, eight bytes at a time, or by half-byte
 * table on processors without it.  All ways give the same numbers.
 *
 * The instruction takes three cycles, but one may begin in each.  So longer
 * texts are read as three runs side by side.  A remainder is carried over the
 * bytes of a later run by multiplying it, as a polynomial over two elements, with
 * a power of x: x^(8n) for n bytes, less the 33 that the multiplication of
 * reversed bits and the reduction by the instruction add.
 */
#include "base/crc32c.h"
#include <string.h>
#ifdef __x86_64__
#include <wmmintrin.h>
#endif

/* The remainders of the sixteen half-bytes, bits reversed (polynomial 0x82f63b78). */
static const uint32_t nibbles[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t crc_table(uint32_t crc, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ nibbles[crc & 15];
        crc = (crc >> 4) ^ nibbles[crc & 15];
    }
    return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc_hardware(uint32_t crc, const uint8_t *bytes, size_t len)
{
    uint64_t wide = crc;
    for (; len >= 8; len -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; len > 0; len--) {
        crc = __builtin_ia32_crc32qi(crc, *bytes++);
    }
    return crc;
}

enum { RUN = 128, RUNS = 3 };

/* The remainder as it is after so many bytes more, all zero; x_power stands for their number. */
__attribute__((target("sse4.2,pclmul"))) static uint64_t carry(uint64_t crc, uint32_t x_power)
{
    const __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)(uint32_t)crc), _mm_cvtsi32_si128((int)x_power), 0);
    return __builtin_ia32_crc32di(0, (unsigned long long)_mm_cvtsi128_si64(product));
}

/* Takes RUNS * RUN bytes. */
__attribute__((target("sse4.2,pclmul"))) static uint32_t crc_runs(uint32_t crc, const uint8_t *bytes)
{
    static const uint32_t one_run = 0x0d3b6092; /* x^(8 * RUN - 33), reduced, bits reversed */
    static const uint32_t two_runs = 0xb9e02b86;
    uint64_t first = crc;
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < RUN; i += 8) {
        uint64_t words[RUNS];
        memcpy(&words[0], bytes + i, 8);
        memcpy(&words[1], bytes + RUN + i, 8);
        memcpy(&words[2], bytes + 2 * RUN + i, 8);
        first = __builtin_ia32_crc32di(first, words[0]);
        second = __builtin_ia32_crc32di(second, words[1]);
        third = __builtin_ia32_crc32di(third, words[2]);
    }
    return (uint32_t)(carry(first, two_runs) ^ carry(second, one_run) ^ third);
}

static uint32_t crc_side_by_side(uint32_t crc, const uint8_t *bytes, size_t len)
{
    for (; len >= RUNS * RUN; len -= RUNS * RUN, bytes += RUNS * RUN) {
        crc = crc_runs(crc, bytes);
    }
    return crc_hardware(crc, bytes, len);
}
#endif

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
#ifdef __x86_64__
    if (len >= RUNS * RUN && __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul")) {
        return ~crc_side_by_side(~crc, bytes, len);
    }
    if (__builtin_cpu_supports("sse4.2")) {
        return ~crc_hardware(~crc, bytes, len);
    }
#endif
    return ~crc_table(~crc, bytes, len);
}
