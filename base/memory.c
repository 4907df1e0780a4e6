/* memory: see memory.h.  One place decides what "out of memory" means. */
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
    static const char text[] = "out of memory: the program ends\n";
    (void)!write(STDERR_FILENO, text, sizeof text - 1); /* nothing left to do when even this fails */
    abort();
}

static void *need(void *memory)
{
    if (memory == NULL) {
        out_of_memory();
    }
    return memory;
}

void *memory_new(size_t n, size_t size)
{
    return need(calloc(n > 0 ? n : 1, size > 0 ? size : 1));
}

void *memory_aligned(size_t align, size_t size)
{
    void *memory = NULL;
    if (posix_memalign(&memory, align, size > 0 ? size : 1) != 0) {
        out_of_memory();
    }
    return memset(memory, 0, size > 0 ? size : 1);
}

void *memory_resize(void *old, size_t n, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        out_of_memory();
    }
    return need(realloc(old, bytes > 0 ? bytes : 1));
}

char *memory_strdup(const char *text)
{
    return need(strdup(text));
}

#if defined(__SANITIZE_ADDRESS__)
/* The leak checker looks for pointers in the heap, not in mapped memory. */
void *memory_map(size_t size)
{
    return memory_new(size, 1);
}

void memory_unmap(void *memory, size_t size)
{
    (void)size;
    free(memory);
}
#else
void *memory_map(size_t size)
{
    void *memory = mmap(NULL, size > 0 ? size : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return need(memory != MAP_FAILED ? memory : NULL);
}

void memory_unmap(void *memory, size_t size)
{
    if (memory != NULL) {
        (void)munmap(memory, size > 0 ? size : 1); /* fails only for what was not mapped */
    }
}
#endif
