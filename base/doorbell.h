/*
 * doorbell: wakes one sleeping thread when another has put work in a ring.
 *
 * The sleeper parks (atomic exchange), looks at its rings once more, and only
 * then sleeps in poll() on the bell's eventfd.  Who puts work in publishes
 * first, then rings: an exchange clears "parked", and only if it was set is
 * the eventfd written.  With an exchange on both sides no wake-up is lost
 * (libuv's uv_async_send can lose one: it looks at its flag without ordering).
 *
 * Threads: one sleeper; any number may ring.
 */
#ifndef DAVY_BASE_DOORBELL_H
#define DAVY_BASE_DOORBELL_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct doorbell;

enum err_code doorbell_open(struct doorbell **ret_bell, struct err *err) MUST_CHECK;
void doorbell_free(struct doorbell *bell);

/* any thread: wakes the sleeper if it is parked; otherwise one atomic exchange.  (A plain load in its place could pass
 * the publishing store, and a wake-up would be lost.)  Once per batch, not per record. */
void doorbell_ring(struct doorbell *bell);

/* sleeper: says "I am about to sleep"; look for work once more after it. */
void doorbell_park(struct doorbell *bell);
/* sleeper: takes "parked" back, drains the eventfd. */
void doorbell_unpark(struct doorbell *bell);
/* sleeper: the descriptor to poll for reading between park and unpark. */
int doorbell_fd(const struct doorbell *bell);

#endif
