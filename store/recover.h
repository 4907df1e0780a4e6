/*
 * recover: brings the newest readings, and for the one that writes the open
 * blocks, back into memory.
 */
#ifndef DAVY_STORE_RECOVER_H
#define DAVY_STORE_RECOVER_H

#include "store/db.h"

/* Loads store->lasts, and store->book where there is one, with next_record and low_record.  Nobody else uses them yet.
 * Damage in the log is logged; what can still be understood is saved. */
enum err_code recover(struct store *store, struct err *err) MUST_CHECK;

#endif
