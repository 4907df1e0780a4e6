/*
 * slice: see slice.h.  The C library has no function for it yet, and the
 * kernel's own header does not go together with <sched.h>.
 */
#include "base/slice.h"
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in the kernel's struct sched_attr. */
struct attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice_ns; /* of the usual policy; older kernels pass over it */
    uint64_t deadline_ns;
    uint64_t period_ns;
    uint32_t least, most; /* of the processor's power */
};

enum {
    SHORTEST_NS = 100000, /* the kernel takes no less */
    RESET_ON_FORK = 1,    /* a flag that only the privileged may take off */
};

void slice_ask_short(void)
{
    struct attributes attributes = {.size = sizeof attributes};
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 || attributes.policy != SCHED_OTHER) {
        return;
    }
    attributes.slice_ns = SHORTEST_NS;
    attributes.flags &= RESET_ON_FORK;                   /* others would set what stays as it is */
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0); /* refused or not: it goes on as before */
}
