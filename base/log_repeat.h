/*
 * log_repeat: which log lines are said and which are only counted.
 *
 * Per (id, subject): the first is said at once and opens a window of 10 s.
 * What comes within it is counted; at its end the count is said and a window
 * twice as long follows, up to an hour.  A window without repeats ends it.
 *
 * Bound: REPEATS_MAX subjects at once.  One more takes the place of the one
 * whose window ends first, whose count is said early.
 *
 * Pure data, no clock; the caller passes monotonic time and says the counts.
 * Threads: one at a time.
 */
#ifndef DAVY_BASE_LOG_REPEAT_H
#define DAVY_BASE_LOG_REPEAT_H

#include "base/log.h"
#include <stdbool.h>
#include <stdint.h>

enum { REPEATS_MAX = 128, REPEAT_AREA_MAX = 12, REPEAT_ID_MAX = 16, REPEAT_TEXT_MAX = 400 };

/* What is said, and what a later count is said with: the newest of its kind. */
struct repeat_line {
    enum log_level level;
    char area[REPEAT_AREA_MAX];
    char id[REPEAT_ID_MAX];
    char text[REPEAT_TEXT_MAX];
};

struct repeat {
    uint64_t key;      /* of (id, subject) */
    int64_t window_ns; /* 0: the slot is free */
    int64_t end_ns;
    uint64_t count; /* not said so far in this window */
    struct repeat_line line;
};

struct repeats {
    struct repeat slots[REPEATS_MAX];
};

/* How a count is said: `repeat` still holds it and the window in which it was counted. */
typedef void repeat_say(void *to, const struct repeat *repeat);

uint64_t repeat_key(const char *id, const char *subject);

/* Says the counts of all windows that have ended. */
void repeats_tick(struct repeats *repeats, int64_t now_ns, repeat_say *say, void *to);

/* Takes one occurrence; true when it is to be said at once.  Call repeats_tick first. */
bool repeats_take(struct repeats *repeats, int64_t now_ns, uint64_t key, const struct repeat_line *line,
                  repeat_say *say, void *to);

#endif
