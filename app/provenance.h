/*
 * provenance: where each stored value comes from: what the chain of changes says
 * about its point at the time it was received, and what the device sent.
 *
 * Threads: main.
 */
#ifndef DAVY_APP_PROVENANCE_H
#define DAVY_APP_PROVENANCE_H

#include "store/store.h"
#include <stdio.h>

struct provenance;

/* Reads the history of a point's origin; the store may know none. */
enum err_code provenance_load(struct store *store, const char *point_id, bool ndjson,
                              struct provenance **ret_provenance, struct err *err) MUST_CHECK;
void provenance_free(struct provenance *provenance);

/* The CSV header, with its newline. */
const char *provenance_header(void);
/* Writes a row to stdout (store_row_fn). */
bool provenance_print(void *self, const struct store_row *row);

/* Prints the changes of a site (of one point or rule when `id` is given) made within [from, to) to stdout. */
enum err_code provenance_print_changes(struct store *store, const char *id, int64_t from_ns, int64_t to_ns, bool ndjson,
                                       struct err *err) MUST_CHECK;

#endif
