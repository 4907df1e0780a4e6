/*
 * hours: in which hours anything at all was recorded.
 *
 * How old a sample is cannot be asked of the clock alone: a clock that once
 * jumps to 2099 would make everything old.  So age is counted in recorded
 * hours as well, and these are known from the tiers: each hour made of samples
 * of any point is noted, one bit an hour, kept for ever (140 notes a year).
 *
 * Doing: noting and loading.  Deciding: hours_floor.  Threads: one.
 */
#ifndef DAVY_STORE_HOURS_H
#define DAVY_STORE_HOURS_H

#include "store/notes.h"

enum { HOURS_CACHE = 64 };

/* Words noted lately, so that the same hour of many points is noted once. */
struct hours {
    int64_t words[HOURS_CACHE];
    uint64_t bits[HOURS_CACHE];
    bool known[HOURS_CACHE];
};

/* Within db_enter.  Adds to the batch that something was recorded in this hour (since 1970). */
enum err_code hours_note(struct hours *hours, struct store *store, rocksdb_writebatch_t *batch, int64_t hour,
                         struct err *err) MUST_CHECK;
/* What was noted may not have been written: forgets it. */
void hours_forget(struct hours *hours);

struct hours_word {
    int64_t word; /* hour / 64 */
    uint64_t bits;
};
/* Within db_enter.  Gives all of them, the latest first (free). */
enum err_code hours_load(struct store *store, struct hours_word **ret_words, size_t *ret_count,
                         struct err *err) MUST_CHECK;

/* The start of hour: what is older than that may be removed when things are kept for keep_ns: older than keep_ns by the
 * clock and by the newest hour recorded, and followed by at least keep_ns of recorded hours.  INT64_MIN: nothing.
 * Pure. */
int64_t hours_floor(const struct hours_word *words, size_t count, int64_t now_ns, int64_t keep_ns);

#endif
