/*
 * due_heap: which of n numbered things is due next.
 *
 * A binary heap over ids 0..n-1 with one key each, so a key can be moved
 * without searching.  Equal keys come out by id.  All memory is taken at load.
 * Single-threaded.
 */
#ifndef DAVY_INGEST_DUE_HEAP_H
#define DAVY_INGEST_DUE_HEAP_H

#include "base/arena.h"
#include <stdbool.h>
#include <stdint.h>

struct due_entry {
    int64_t due_ns;
    uint32_t id;
};

struct due_heap {
    struct due_entry *entries;
    uint32_t *places; /* [id]: where it stands in entries, DUE_ABSENT when it does not */
    uint32_t count;
};

#define DUE_ABSENT UINT32_MAX

void due_heap_init(struct due_heap *heap, struct arena *arena, uint32_t ids);

/* Puts the id in, or moves it. */
void due_heap_set(struct due_heap *heap, uint32_t id, int64_t due_ns);
void due_heap_remove(struct due_heap *heap, uint32_t id);

/* The id's key; TIME_NEVER when it is not in. */
int64_t due_heap_key(const struct due_heap *heap, uint32_t id);
/* The earliest key; TIME_NEVER when empty. */
int64_t due_heap_next(const struct due_heap *heap);
/* Takes the earliest out when it is due; false otherwise. */
bool due_heap_take(struct due_heap *heap, int64_t now_ns, uint32_t *ret_id);

#endif
