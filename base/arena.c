/*
 * arena: chunks of zeroed memory, each twice as large as the one before (up to
 * a limit), cut from the front.  What is larger than a chunk gets its own.
 * Large chunks come from the system: a site read anew takes none of the room
 * that the one before has left in pieces, and leaves none.
 */
#include "base/arena.h"
#include "base/memory.h"
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_FIRST = 16 * 1024, CHUNK_LARGEST = 4 * 1024 * 1024, MAPPED_FROM = 128 * 1024, ALIGN_MAX = 4096 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of bytes */
    size_t used;
    unsigned char bytes[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

static struct arena_chunk *chunk_new(size_t room)
{
    const size_t size = sizeof(struct arena_chunk) + room;
    struct arena_chunk *chunk = room >= MAPPED_FROM ? memory_map(size) : memory_new(1, size);
    chunk->size = room;
    return chunk;
}

static void chunk_free(struct arena_chunk *chunk)
{
    if (chunk->size >= MAPPED_FROM) {
        memory_unmap(chunk, sizeof *chunk + chunk->size);
    } else {
        free(chunk);
    }
}

void arena_done(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    for (struct arena_chunk *chunk = arena->chunks; chunk != NULL;) {
        struct arena_chunk *next = chunk->next;
        chunk_free(chunk);
        chunk = next;
    }
    *arena = (struct arena){0};
}

void arena_seal(struct arena *arena)
{
    arena->sealed = true;
}

/* Gives the place in the chunk or NULL when there is not enough left. */
static void *cut(struct arena_chunk *chunk, size_t size, size_t align)
{
    const uintptr_t front = (uintptr_t)(chunk->bytes + chunk->used);
    const size_t skip = (size_t)(-front & (align - 1));
    const size_t left = chunk->size - chunk->used;
    if (skip > left || size > left - skip) {
        return NULL;
    }
    unsigned char *place = chunk->bytes + chunk->used + skip;
    chunk->used += skip + size;
    return place;
}

static void add_chunk(struct arena *arena, size_t size, size_t align)
{
    size_t room = arena->chunks == NULL ? CHUNK_FIRST : arena->chunks->size * 2;
    if (room > CHUNK_LARGEST) {
        room = CHUNK_LARGEST;
    }
    if (room < size + align) {
        room = size + align;
    }
    struct arena_chunk *chunk = chunk_new(room);
    chunk->next = arena->chunks;
    arena->chunks = chunk;
}

void *arena_alloc(struct arena *arena, size_t size, size_t align)
{
    assert(!arena->sealed && "nothing grows after start");
    assert(align > 0 && (align & (align - 1)) == 0 && align <= ALIGN_MAX);
    assert(size <= PTRDIFF_MAX - ALIGN_MAX - sizeof(struct arena_chunk));
    void *place = arena->chunks == NULL ? NULL : cut(arena->chunks, size, align);
    if (place == NULL) {
        add_chunk(arena, size, align);
        place = cut(arena->chunks, size, align);
    }
    arena->used += size;
    return place;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
    if (text == NULL) {
        return NULL;
    }
    char *copy = arena_alloc(arena, len + 1, 1);
    memcpy(copy, text, len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strndup(arena, text, strlen(text));
}
