/*
 * redo: writes to the database again what a loss of power took from it, out of
 * the ledger.
 *
 * Thread: the one that opens the store.
 */
#ifndef DAVY_STORE_REDO_H
#define DAVY_STORE_REDO_H

#include "store/db.h"

/* Opens the ledger of a store whose database is open and brings the journal up to it; then all of it is synced, and the
 * ledger empty.  `fresh`: the store was made just now, whatever lies there is another's.  Sets store->last_seq. */
enum err_code redo(struct store *store, bool fresh, struct err *err) MUST_CHECK;

#endif
