/*
 * table: text to number, for names met at the edge (point ids, topics, keys).
 *
 * Built at load, then read-only and shared.  Open addressing; the keys are
 * borrowed and must outlive the table.
 */
#ifndef DAVY_BASE_TABLE_H
#define DAVY_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define TABLE_NONE UINT32_MAX

struct table {
    struct table_slot *slots;
    size_t mask;
    size_t count;
};

void table_init(struct table *table);
void table_done(struct table *table);
/* Adds key -> value.  Gives the value already there (nothing changed), or TABLE_NONE when it was added. */
uint32_t table_add(struct table *table, const char *key, uint32_t value);
/* Finds; TABLE_NONE when absent.  `key` need not end in NUL. */
uint32_t table_find(const struct table *table, const char *key, size_t len);

/* For who knows some time before what will be asked for: fetch what table_find will look at, first the slot, then, some time
 * later, the key that stands in it.  Nothing is ever wrong but the time. */
uint32_t table_hash(const char *key, size_t len);
void table_fetch(const struct table *table, uint32_t hash);
void table_fetch_key(const struct table *table, uint32_t hash);

#endif
