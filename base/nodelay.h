/*
 * nodelay: TCP_NODELAY on sockets that a library keeps to itself.
 *
 * paho leaves Nagle's algorithm on and offers no setting for it, which costs
 * 40 ms on every second small message.  Its socket is found among the process's
 * own descriptors by whom it is connected to.
 *
 * Threads: any.  A descriptor closed meanwhile is passed over; one opened
 * meanwhile may be missed, so call it once the connection stands.
 */
#ifndef DAVY_BASE_NODELAY_H
#define DAVY_BASE_NODELAY_H

#include <stdint.h>

/* Sets TCP_NODELAY on every connected TCP socket of this process whose peer has this port and, where `host` is an
 * address in digits, this address (a name is not looked up: that could block).  Returns how many were set. */
int nodelay_peer(const char *host, uint16_t port);

#endif
