/* listen: the listening socket of http.h. */
#include "console/http.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static int try_listen(const struct addrinfo *address)
{
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int yes = 1;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        return fd;
    }
    const int fault = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = fault;
    return -1;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t len = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &len) != 0) {
        return 0; /* cannot fail for a bound socket */
    }
    return ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
                                            : ((struct sockaddr_in *)&name)->sin_port);
}

enum err_code http_listen(const char *host, uint16_t port, int *ret_fd, uint16_t *ret_port, struct err *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char service[8];
    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    const int unknown = getaddrinfo(host, service, &hints, &found);
    if (unknown != 0) {
        return err_set(err, ERR_ENV, "http.listen: the address %s is not known here (%s)", host, gai_strerror(unknown));
    }
    const int fd = try_listen(found);
    const int fault = errno;
    freeaddrinfo(found);
    if (fd < 0) {
        return err_set(
            err, ERR_ENV, "http.listen: cannot listen on %s port %u (%s); %s", host, (unsigned)port, strerror(fault),
            fault == EADDRINUSE ? "another program has it, perhaps another monitor: end that one, or take another"
                                : "the address must be one of this machine");
    }
    *ret_fd = fd;
    *ret_port = port_of(fd);
    return ERR_NONE;
}
