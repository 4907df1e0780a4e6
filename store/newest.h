/*
 * newest: the newest reading of every series, in memory.
 *
 * Of nearly all series it is simply the last sample in order, and that stands in
 * the strand already (book.h): then nothing else is kept or touched.  Only where
 * the last sample was none of that sort (late, far ahead, unknown, below its
 * range) a reading of its own stands apart; it goes again with the next good
 * sample in order.
 *
 * Threads: the writer's while it gathers, which it does under store->settling;
 * any other thread of the process takes that lock.
 */
#ifndef DAVY_STORE_NEWEST_H
#define DAVY_STORE_NEWEST_H

#include "store/book.h"
#include "store/last.h"

struct lasts {
    struct last *apart; /* [series]; a page is only taken for those that need it */
    size_t count;
};

void lasts_grow(struct lasts *lasts, size_t count); /* while nobody else uses it */
void lasts_done(struct lasts *lasts);

/* Takes a sample into account that is about to be appended to a strand of the series, the late one or not. */
void newest_add(const struct book *book, struct lasts *lasts, uint32_t series, const struct store_row *row, bool late);

/* Gives what is known; all of it zero when the series was never heard of. */
struct last newest_of(const struct book *book, const struct lasts *lasts, uint32_t series);

/* What others may know of it; false when the series was never heard of. */
bool newest_entry(const struct book *book, const struct lasts *lasts, uint32_t series, struct board_entry *ret_entry);

/* Loading.  First come readings as they were written, then samples of the log, already in their strands; all stand
 * apart. In the end those that follow from their strand are told by it alone, and memory is given back. */
void newest_load(const struct book *book, struct lasts *lasts, uint32_t series, const struct last *last);
void newest_restore(const struct book *book, struct lasts *lasts, uint32_t series, const struct store_row *row,
                    bool late);
void newest_settle(const struct book *book, struct lasts *lasts);

#endif
