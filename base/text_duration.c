/* text, part durations: one whole number and a unit, as settings and expressions write them. */
#include "base/clock.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Largest first: the first that divides a duration is the one it is printed in. */
static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"y", 365 * 24 * 3600 * NS_PER_S},
    {"d", 24 * 3600 * NS_PER_S},
    {"h", 3600 * NS_PER_S},
    {"m", 60 * NS_PER_S},
    {"s", NS_PER_S},
    {"ms", NS_PER_MS},
};

enum { UNITS = sizeof units / sizeof units[0] };

bool text_parse_duration(const char *text, size_t len, int64_t *ret_ns)
{
    int64_t count = 0;
    size_t at = 0;
    for (; at < len && text[at] >= '0' && text[at] <= '9'; at++) {
        if (__builtin_mul_overflow(count, 10, &count) || __builtin_add_overflow(count, text[at] - '0', &count)) {
            return false;
        }
    }
    for (int i = 0; at > 0 && i < UNITS; i++) {
        int64_t ns = 0;
        if (len - at == strlen(units[i].name) && memcmp(text + at, units[i].name, len - at) == 0) {
            if (__builtin_mul_overflow(count, units[i].ns, &ns)) {
                return false;
            }
            *ret_ns = ns;
            return true;
        }
    }
    return false;
}

size_t text_format_duration(int64_t duration_ns, char ret_text[TEXT_DURATION_MAX])
{
    if (duration_ns == 0) {
        memcpy(ret_text, "0s", 3);
        return 2;
    }
    for (int i = 0; i < UNITS; i++) {
        if (duration_ns % units[i].ns == 0) {
            return (size_t)sprintf(ret_text, "%" PRId64 "%s", duration_ns / units[i].ns, units[i].name);
        }
    }
    /* Finer than a millisecond: never written by a user, but measured. */
    char ms[TEXT_NUMBER_MAX];
    const size_t len = text_format_number((double)duration_ns / 1e6, ms);
    memcpy(ret_text, ms, len);
    memcpy(ret_text + len, "ms", 3);
    return len + 2;
}
