/*
 * memory: heap memory for load, start and the edges, that is there or the
 * program is not.
 *
 * A monitor that has run out of memory while loading or while printing cannot
 * go on in a known state; it says so on stderr and aborts, so the supervisor
 * starts it again.  The hot path never comes here.
 *
 * Threads: any.  What is given is freed with free(), but for memory_map.
 */
#ifndef DAVY_BASE_MEMORY_H
#define DAVY_BASE_MEMORY_H

#include <stddef.h>

/* Gives zeroed memory for n records of `size` bytes (at least one byte). */
void *memory_new(size_t n, size_t size);
/* Gives zeroed memory on a boundary of `align` bytes, a power of two of at least 8. */
void *memory_aligned(size_t align, size_t size);
/* Grows or shrinks `old` (may be NULL) to n records of `size` bytes; takes `old`. */
void *memory_resize(void *old, size_t n, size_t size);
/* Gives a copy of a string. */
char *memory_strdup(const char *text);

/* Gives zeroed memory straight from the system, for what is large: it costs only as far as it is touched, and all of it goes
 * back with memory_unmap.  From the heap it would be pieces that others had before: cleared, so touched, and kept. */
void *memory_map(size_t size);
/* Accepts NULL. */
void memory_unmap(void *memory, size_t size);

#endif
