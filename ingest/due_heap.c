/*
 * due_heap: see due_heap.h.
 */
#include "ingest/due_heap.h"

#include "base/clock.h"

void due_heap_init(struct due_heap *heap, struct arena *arena, uint32_t ids)
{
    heap->entries = ARENA_ARRAY(arena, struct due_entry, (size_t)ids + 1);
    heap->places = ARENA_ARRAY(arena, uint32_t, (size_t)ids + 1);
    heap->count = 0;
    for (uint32_t id = 0; id < ids; id++) {
        heap->places[id] = DUE_ABSENT;
    }
}

static bool before(const struct due_entry *a, const struct due_entry *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->id < b->id;
}

static void place(struct due_heap *heap, uint32_t at, struct due_entry entry)
{
    heap->entries[at] = entry;
    heap->places[entry.id] = at;
}

/* Finds the right place for `entry`, whose slot `at` is free, upwards or downwards. */
static void sift(struct due_heap *heap, uint32_t at, struct due_entry entry)
{
    while (at > 0 && before(&entry, &heap->entries[(at - 1) / 2])) {
        place(heap, at, heap->entries[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && before(&heap->entries[child + 1], &heap->entries[child])) {
            child++;
        }
        if (!before(&heap->entries[child], &entry)) {
            break;
        }
        place(heap, at, heap->entries[child]);
        at = child;
    }
    place(heap, at, entry);
}

void due_heap_set(struct due_heap *heap, uint32_t id, int64_t due_ns)
{
    uint32_t at = heap->places[id];
    if (at == DUE_ABSENT) {
        at = heap->count++;
    }
    sift(heap, at, (struct due_entry){.due_ns = due_ns, .id = id});
}

void due_heap_remove(struct due_heap *heap, uint32_t id)
{
    const uint32_t at = heap->places[id];
    if (at == DUE_ABSENT) {
        return;
    }
    heap->places[id] = DUE_ABSENT;
    heap->count--;
    if (at != heap->count) {
        sift(heap, at, heap->entries[heap->count]);
    }
}

int64_t due_heap_key(const struct due_heap *heap, uint32_t id)
{
    return heap->places[id] == DUE_ABSENT ? TIME_NEVER : heap->entries[heap->places[id]].due_ns;
}

int64_t due_heap_next(const struct due_heap *heap)
{
    return heap->count == 0 ? TIME_NEVER : heap->entries[0].due_ns;
}

bool due_heap_take(struct due_heap *heap, int64_t now_ns, uint32_t *ret_id)
{
    if (heap->count == 0 || heap->entries[0].due_ns > now_ns) {
        return false;
    }
    *ret_id = heap->entries[0].id;
    due_heap_remove(heap, *ret_id);
    return true;
}
