/*
 * doorbell: see doorbell.h.  Both sides exchange the same word.  Whichever
 * exchange comes second sees the first: either the sleeper sees what was
 * published before the ring, or the ringer sees that it must write.
 */
#include "base/doorbell.h"
#include "base/memory.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct doorbell {
    _Alignas(64) _Atomic bool parked; /* set by the sleeper, cleared by whoever comes first */
    int fd;                           /* const after doorbell_open */
};

enum err_code doorbell_open(struct doorbell **ret_bell, struct err *err)
{
    const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return err_set(err, ERR_ENV, "cannot make an eventfd: %s", strerror(errno));
    }
    struct doorbell *bell = memory_aligned(64, sizeof *bell);
    atomic_init(&bell->parked, false);
    bell->fd = fd;
    *ret_bell = bell;
    return ERR_NONE;
}

void doorbell_free(struct doorbell *bell)
{
    if (bell != NULL) {
        (void)close(bell->fd); /* an eventfd has nothing to flush */
        free(bell);
    }
}

void doorbell_ring(struct doorbell *bell)
{
    /* release: what was published is seen by who parks after this; acquire: pairs with the exchange in doorbell_park */
    if (atomic_exchange_explicit(&bell->parked, false, memory_order_acq_rel)) {
        const uint64_t one = 1;
        (void)!write(bell->fd, &one, sizeof one); /* fails only when it is full, and then it is readable already */
    }
}

void doorbell_park(struct doorbell *bell)
{
    /* acquire: what was published before a ring that came first; release: pairs with the exchange in doorbell_ring */
    (void)atomic_exchange_explicit(&bell->parked, true, memory_order_acq_rel);
}

void doorbell_unpark(struct doorbell *bell)
{
    (void)atomic_exchange_explicit(&bell->parked, false, memory_order_acq_rel); /* pairs with doorbell_ring */
    uint64_t rings = 0;
    (void)!read(bell->fd, &rings, sizeof rings); /* empty is fine; a write still under way only wakes us once more */
}

int doorbell_fd(const struct doorbell *bell)
{
    return bell->fd;
}
