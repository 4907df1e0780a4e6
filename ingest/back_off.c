/*
 * back_off: see back_off.h.
 */
#include "ingest/back_off.h"

uint64_t back_off_seed(const char *id)
{
    uint64_t seed = UINT64_C(0xCBF29CE484222325); /* FNV-1a */
    for (; *id != '\0'; id++) {
        seed = (seed ^ (uint8_t)*id) * UINT64_C(0x100000001B3);
    }
    return seed;
}

/* splitmix64: neighbouring inputs give unlike outputs. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

int64_t back_off_wait(uint64_t seed, unsigned tries, int64_t least_ns, int64_t most_ns)
{
    int64_t wait_ns = least_ns;
    for (unsigned i = 0; i < tries && wait_ns < most_ns; i++) {
        wait_ns *= 2;
    }
    wait_ns = wait_ns > most_ns ? most_ns : wait_ns;
    const int64_t part = (int64_t)(mix(seed + tries * UINT64_C(0x9E3779B97F4A7C15)) >> 54); /* 0 .. 1023 */
    wait_ns += wait_ns / 4 * (part - 512) / 512;
    return wait_ns < least_ns ? least_ns : wait_ns > most_ns ? most_ns : wait_ns;
}
