/*
 * control_socket: where the control socket lives and how both sides reach it.
 *
 * A Unix socket's path may have 107 bytes at most while a store's folder may
 * be deeper, so both sides open the folder and go through /proc/self/fd.
 */
#ifndef DAVY_APP_CONTROL_SOCKET_H
#define DAVY_APP_CONTROL_SOCKET_H

#include "base/err.h"

struct control_socket {
    int fd;     /* the socket, -1: none */
    int folder; /* the store's folder, -1: none */
};

/* Listens; a socket left by a killed monitor is replaced (the caller holds the store, so no other can be alive). */
enum err_code control_socket_listen(const char *store_path, struct control_socket *ret_socket,
                                    struct err *err) MUST_CHECK;
/* Connects; ERR_NO when no monitor listens there. */
enum err_code control_socket_connect(const char *store_path, struct control_socket *ret_socket,
                                     struct err *err) MUST_CHECK;
/* Closes, and removes the socket's file if this side made it.  Accepts closed ones. */
void control_socket_close(struct control_socket *socket);

#endif
