/*
 * db_options: RocksDB's settings for each column family, in one place.
 */
#ifndef DAVY_STORE_DB_OPTIONS_H
#define DAVY_STORE_DB_OPTIONS_H

#include "store/db.h"

/* Fills all options of the store. */
void db_options_make(struct store *store);
void db_options_free(struct store *store);

#endif
