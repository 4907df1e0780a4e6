/*
 * sample: the words of a sample's status.
 *
 * Pure functions over one table; its order is the order of the bits and of printing.
 */
#include "model/sample.h"

#include <string.h>

static const struct {
    const char *name;
    size_t len;
} words[ST_COUNT] = {
    {"comm", 4}, {"sensor", 6}, {"range", 5},  {"calibrating", 11}, {"stale", 5},
    {"late", 4}, {"skew", 4},   {"manual", 6}, {"merged", 6},       {"paused", 6},
};

size_t status_format(uint16_t status, char ret_text[STATUS_TEXT_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < ST_COUNT; i++) {
        if ((status >> i & 1) == 0) {
            continue;
        }
        if (len > 0) {
            ret_text[len++] = '+';
        }
        memcpy(ret_text + len, words[i].name, words[i].len);
        len += words[i].len;
    }
    if (len == 0) {
        memcpy(ret_text, "good", 4);
        len = 4;
    }
    ret_text[len] = '\0';
    return len;
}

/* The bit of one word, 0 when it is none. */
static uint16_t word_bit(const char *text, size_t len)
{
    for (size_t i = 0; i < ST_COUNT; i++) {
        if (len == words[i].len && memcmp(text, words[i].name, len) == 0) {
            return (uint16_t)(1u << i);
        }
    }
    return 0;
}

bool status_parse(const char *text, size_t len, uint16_t *ret_status)
{
    if (len == 0 || (len == 4 && memcmp(text, "good", 4) == 0)) {
        *ret_status = 0;
        return true;
    }
    unsigned status = 0;
    const char *end = text + len;
    for (;;) {
        const char *plus = memchr(text, '+', (size_t)(end - text));
        const char *stop = plus != NULL ? plus : end;
        uint16_t bit = word_bit(text, (size_t)(stop - text));
        if (bit == 0) {
            return false;
        }
        status |= bit;
        if (plus == NULL) {
            break;
        }
        text = plus + 1;
    }
    *ret_status = (uint16_t)status;
    return true;
}
