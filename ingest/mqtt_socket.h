/*
 * mqtt_socket: which of this process's sockets belongs to a connection that a
 * library made and keeps to itself.
 *
 * paho tells nothing of its socket.  It is found as one to the broker's port
 * that was not there before the connection was made; sockets are told apart by
 * their inode, since descriptors are given out anew.  When two connections to
 * one broker are made at the same moment, each takes the other's for its own
 * as well: ending it then costs the other a reconnect, nothing more.
 *
 * Threads: any.  Memory: the caller's.
 */
#ifndef DAVY_INGEST_MQTT_SOCKET_H
#define DAVY_INGEST_MQTT_SOCKET_H

#include <stdint.h>

enum { SOCKETS_MAX = 64 }; /* connections of one process to one port that are looked at */

struct sockets {
    int fds[SOCKETS_MAX];
    uint64_t inodes[SOCKETS_MAX];
    unsigned count;
};

/* Collects all connected sockets to this port. */
void mqtt_sockets_find(uint16_t port, struct sockets *ret_sockets);
/* Takes those out that stand in `others`. */
void mqtt_sockets_subtract(struct sockets *sockets, const struct sockets *others);
/* Ends these connections; nothing more is sent or received.  Gives how many. */
unsigned mqtt_sockets_cut(const struct sockets *sockets);

#endif
