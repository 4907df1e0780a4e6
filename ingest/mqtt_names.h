/*
 * mqtt_names: which key comes next.
 *
 * A sender says the same keys in the same order again and again.  So each key of
 * a source remembers which one followed it last time, and that one is looked for
 * where the next begins, as it stands there with its quotes and colon: a few
 * words are compared, nothing is looked up.  A wrong guess costs little; the key
 * is then read and found in the table.  At the start a key expects the one
 * behind it in the site file.
 *
 * One thread at a time, as who decodes.  Memory: the arena's.
 */
#ifndef DAVY_INGEST_MQTT_NAMES_H
#define DAVY_INGEST_MQTT_NAMES_H

#include "base/arena.h"
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mqtt_name {
    const char *text; /* "key": */
    uint32_t len;     /* of it; 0: never guessed */
    uint32_t after;   /* the target whose key followed last time */
};

/* Makes room for `count` names.  names[count] stands before the first key of a message. */
struct mqtt_name *mqtt_names_new(size_t count, struct arena *arena);
/* Names a target.  One whose key JSON writes with escapes is never guessed. */
void mqtt_names_add(struct mqtt_name *names, uint32_t target, const char *key, struct arena *arena);

/* Whether the text at `at` begins with the first `len` bytes of this text, whose memory reaches to the next whole word.
 * False as well near the end, where whole words cannot be compared. */
static inline bool mqtt_names_match(const char *text, size_t len, const char *at, const char *end)
{
    enum { WORD = sizeof(uint64_t) };
    uint64_t ours;
    uint64_t theirs;
    if ((size_t)(end - at) < len + WORD) {
        return false;
    }
    size_t i = 0;
    for (; i + WORD <= len; i += WORD) {
        memcpy(&ours, text + i, WORD);
        memcpy(&theirs, at + i, WORD);
        if (ours != theirs) {
            return false;
        }
    }
    if (i == len) {
        return true;
    }
    memcpy(&ours, text + i, WORD);
    memcpy(&theirs, at + i, WORD);
    return le64toh(ours ^ theirs) << (8 * (WORD - (len - i))) == 0; /* the bytes behind fall out at the top */
}

/* Gives the target whose key is expected behind that of `before`, if it stands at `at`; UINT32_MAX if not. */
static inline uint32_t mqtt_names_guess(const struct mqtt_name *names, uint32_t before, const char *at, const char *end)
{
    const uint32_t target = names[before].after;
    const struct mqtt_name *name = &names[target];
    return name->len > 0 && mqtt_names_match(name->text, name->len, at, end) ? target : UINT32_MAX;
}

/* The same where the key stands as a string, without a colon: names[target].len - 1 bytes. */
static inline uint32_t mqtt_names_guess_string(const struct mqtt_name *names, uint32_t before, const char *at,
                                               const char *end)
{
    const uint32_t target = names[before].after;
    const struct mqtt_name *name = &names[target];
    return name->len > 0 && mqtt_names_match(name->text, name->len - 1, at, end) ? target : UINT32_MAX;
}

#endif
