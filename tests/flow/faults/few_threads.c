/*
 * few_threads: put before the C library (LD_PRELOAD), lets one start of a thread
 * by the program itself fail, as when the system has no more.
 *
 *   DAVY_THREAD_FAILS    which, counted from 1; libraries' threads do not count
 *
 * Threads: any.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* The program's headers stand in the first page of where it was loaded. */
static bool is_programs(const void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) != 0 && (uintptr_t)info.dli_fbase == (getauxval(AT_PHDR) & ~(uintptr_t)0xfff);
}

int pthread_create(pthread_t *ret_thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg)
{
    static atomic_int started;
    const char *const fails = getenv("DAVY_THREAD_FAILS");
    if (fails != NULL && is_programs(__builtin_return_address(0)) && atomic_fetch_add(&started, 1) + 1 == atoi(fails)) {
        return EAGAIN;
    }
    create_fn *next;
    void *const symbol = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&next, &symbol, sizeof next); /* C has no cast from an object's to a function's address */
    return next(ret_thread, attributes, run, arg);
}
