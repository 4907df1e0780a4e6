/*
 * provenance: where each stored value comes from: what the chain of changes says
 * about its point at the time it was received, and what the device sent.
 *
 * Threads: main.
 */
#ifndef DAVY_APP_PROVENANCE_H
#define DAVY_APP_PROVENANCE_H

#include "app/query_out.h"

/* The columns of CSV: behind time and point; of a change. */
#define PROVENANCE_COLUMNS                                                                                             \
    "seen,value,status,change,source,over,at,unit_id,table,address,type,order,key,raw,scale,offset"
#define CHANGES_COLUMNS "change,time,what,by,kind,id,now"

struct provenance;

/* Reads the history of a point's origin; the store may know none.  `out` is borrowed: rows are printed by way of it. */
enum err_code provenance_load(struct store *store, const char *point_id, struct query_out *out,
                              struct provenance **ret_provenance, struct err *err) MUST_CHECK;
void provenance_free(struct provenance *provenance);

/* Writes a row to stdout (store_row_fn). */
bool provenance_print(void *self, const struct store_row *row);

/* Prints the changes of a site made within [from, to) to stdout; of one point or rule when `id` is given, of all that
 * match when it is a pattern, also those that are gone. */
enum err_code provenance_print_changes(struct store *store, const char *id, int64_t from_ns, int64_t to_ns, bool ndjson,
                                       struct err *err) MUST_CHECK;

#endif
