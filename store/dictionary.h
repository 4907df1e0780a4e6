/*
 * dictionary: point ids and the numbers the store gave them.
 *
 * A point gets its number when it is first stored and keeps it for ever, so
 * blocks need only four bytes to name it and a changed site file moves nothing.
 * Numbers are dense from 0.
 *
 * Threads: any for dictionary_find; dictionary_assign from one at a time.
 */
#ifndef DAVY_STORE_DICTIONARY_H
#define DAVY_STORE_DICTIONARY_H

#include "store/db.h"

/* Within db_enter.  The number of a point; ERR_NO when it has none. */
enum err_code dictionary_find(struct store *store, const char *id, uint32_t *ret_series, struct err *err) MUST_CHECK;
/* Within db_enter.  How many numbers have been given. */
enum err_code dictionary_count(struct store *store, uint32_t *ret_count, struct err *err) MUST_CHECK;
/* Within db_enter.  Calls fn for every point, in the order of the ids' bytes, until it says false.  Ids are not ended
 * by NUL. */
typedef bool dictionary_fn(void *self, const char *id, size_t len, uint32_t series);
enum err_code dictionary_walk(struct store *store, dictionary_fn *fn, void *self, struct err *err) MUST_CHECK;
/* Outside.  Gives every point of the site its number, new ones if need be. */
enum err_code dictionary_assign(struct store *store, const struct site *site, uint32_t *ret_series,
                                struct err *err) MUST_CHECK;

#endif
