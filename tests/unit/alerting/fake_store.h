/*
 * fake_store: the part of store.h that alerting uses, in memory, with commits
 * that fail when a test wants them to.  Any thread.
 */
#ifndef DAVY_TESTS_ALERTING_FAKE_STORE_H
#define DAVY_TESTS_ALERTING_FAKE_STORE_H

#include "store/store.h"

struct store *fake_store_new(void);
void fake_store_free(struct store *store);

/* The next n commits fail. */
void fake_store_fail(struct store *store, unsigned n);
unsigned fake_store_commits(struct store *store); /* that succeeded and held something */
unsigned fake_store_syncs(struct store *store);   /* of these, with sync */

/* Gives the JSON, or the retained state, of event number i from 0 (borrowed); NULL when there is none. */
const char *fake_store_json(struct store *store, size_t i);
const char *fake_store_state(struct store *store, size_t i);
/* Counts the state records whose key begins with prefix. */
size_t fake_store_records(struct store *store, const char *prefix);

/* Adds an event as the manager would: retained state, and its record under "shown/". */
void fake_store_add(struct store *store, const char *alarm, const char *level, bool all_well);

#endif
