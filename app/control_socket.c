/* control_socket: see control_socket.h. */
#include "app/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "control.sock"
enum { BACKLOG = 64 };

static struct sockaddr_un address_in(int folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" SOCKET_NAME, folder);
    return address;
}

static bool open_both(const char *store_path, struct control_socket *sock)
{
    sock->folder = open(store_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    sock->fd = sock->folder < 0 ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return sock->fd >= 0;
}

static void close_both(struct control_socket *sock)
{
    if (sock->fd >= 0) {
        (void)close(sock->fd);
    }
    if (sock->folder >= 0) {
        (void)close(sock->folder);
    }
    *sock = (struct control_socket){.fd = -1, .folder = -1};
}

enum err_code control_socket_listen(const char *store_path, struct control_socket *ret_socket, struct err *err)
{
    struct control_socket sock = {.fd = -1, .folder = -1};
    bool fine = open_both(store_path, &sock);
    if (fine) {
        (void)unlinkat(sock.folder, SOCKET_NAME, 0);
        struct sockaddr_un address = address_in(sock.folder);
        mode_t before = umask(0177); /* only the user Davy runs as; main is the only thread now */
        fine = bind(sock.fd, (const struct sockaddr *)&address, sizeof address) == 0;
        (void)umask(before);
        fine = fine && listen(sock.fd, BACKLOG) == 0 && fcntl(sock.fd, F_SETFL, O_NONBLOCK) == 0;
    }
    if (!fine) {
        enum err_code code = err_set(err, ERR_ENV, "%s/" SOCKET_NAME ": %s", store_path, strerror(errno));
        close_both(&sock);
        return code;
    }
    *ret_socket = sock;
    return ERR_NONE;
}

enum err_code control_socket_connect(const char *store_path, struct control_socket *ret_socket, struct err *err)
{
    struct control_socket sock = {.fd = -1, .folder = -1};
    bool fine = open_both(store_path, &sock);
    if (fine) {
        struct sockaddr_un address = address_in(sock.folder);
        fine = connect(sock.fd, (const struct sockaddr *)&address, sizeof address) == 0;
    }
    if (!fine) {
        enum err_code code = err_set(err, ERR_NO, "no monitor runs on the store %s (%s); start it with \"davy run\"",
                                     store_path, strerror(errno));
        close_both(&sock);
        return code;
    }
    *ret_socket = sock;
    return ERR_NONE;
}

void control_socket_close(struct control_socket *sock)
{
    int listens = 0;
    socklen_t len = sizeof listens;
    if (sock->fd >= 0 && getsockopt(sock->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens != 0) {
        (void)unlinkat(sock->folder, SOCKET_NAME, 0);
    }
    close_both(sock);
}
