/*
 * recover: brings the newest readings and the open blocks back into memory.
 */
#ifndef DAVY_STORE_RECOVER_H
#define DAVY_STORE_RECOVER_H

#include "store/db.h"

/* Loads store->lasts and store->book, with next_record and low_record.  Nobody else uses them yet.  Damage in the log
 * is logged; the one that writes saves what can still be understood. */
enum err_code recover(struct store *store, struct err *err) MUST_CHECK;

#endif
