/*
 * mqtt_scan: walks over JSON text in place, without building anything.
 *
 * A scan is a place in the text.  Each step either takes what it names and
 * moves behind it, or leaves the place where reading failed and says false;
 * scan_recover then moves to where the next member may begin.  Nesting is
 * counted, not recursed into, so depth costs nothing.
 *
 * Private to the davy format's decoder and mqtt_place; pure.
 */
#ifndef DAVY_INGEST_MQTT_SCAN_H
#define DAVY_INGEST_MQTT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan {
    const char *begin;
    const char *at;
    const char *end;
};

struct span {
    const char *text;
    size_t len;
};

static inline size_t scan_offset(const struct scan *scan)
{
    return (size_t)(scan->at - scan->begin);
}

static inline void scan_space(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')) {
        scan->at++;
    }
}

/* The next character behind white space, '\0' at the end. */
static inline char scan_peek(struct scan *scan)
{
    scan_space(scan);
    return scan->at < scan->end ? *scan->at : '\0';
}

/* Takes this character, white space before it included. */
static inline bool scan_take(struct scan *scan, char wanted)
{
    if (scan_peek(scan) != wanted) {
        return false;
    }
    scan->at++;
    return true;
}

/* Takes a string, quotes excluded; one with escapes is put plain into scratch[0..room). */
bool scan_string(struct scan *scan, char *scratch, size_t room, struct span *ret_span);

/* Takes what may be a number: a run of digits, signs, points and letters e. */
static inline struct span scan_number(struct scan *scan)
{
    const char *first = scan->at;
    while (scan->at < scan->end) {
        const char c = *scan->at;
        if ((c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E') {
            break;
        }
        scan->at++;
    }
    return (struct span){.text = first, .len = (size_t)(scan->at - first)};
}

/* Takes exactly this word, which ends there. */
bool scan_word(struct scan *scan, const char *word);

/* Takes any value whatever.  False when the text ends within it or none begins. */
bool scan_skip(struct scan *scan);

/* Moves to the next ',' or closing bracket of this level, or to the end. */
void scan_recover(struct scan *scan);

#endif
