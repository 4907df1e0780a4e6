/*
 * arena: memory of the load phase.
 *
 * Everything that is built once and lives as long as the site (catalog,
 * programs, state records) is taken from an arena and given back in one go.
 * After arena_seal() a further allocation is a mistake of ours (assert), which
 * is how "after start nothing grows" is held.
 *
 * Threads: one until sealed; afterwards the memory may be read by all.
 */
#ifndef DAVY_BASE_ARENA_H
#define DAVY_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
    size_t used; /* bytes handed out */
    bool sealed;
};

void arena_init(struct arena *arena);
void arena_done(struct arena *arena);
void arena_seal(struct arena *arena);

/* Gives zeroed memory aligned to `align` (a power of two, up to 4096).  Never NULL: out of memory ends the program. */
void *arena_alloc(struct arena *arena, size_t size, size_t align);
#define ARENA_NEW(arena, type)      ((type *)arena_alloc((arena), sizeof(type), _Alignof(type)))
#define ARENA_ARRAY(arena, type, n) ((type *)arena_alloc((arena), sizeof(type) * (size_t)(n), _Alignof(type)))

/* Gives a copy of a string; NULL for NULL. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t len);

#endif
