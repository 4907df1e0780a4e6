/*
 * nodelay: walks /proc/self/fd, asks each descriptor for its peer, and switches
 * Nagle's algorithm off where it is the one looked for.  See nodelay.h.
 */
#include "base/nodelay.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* An address as IPv6 (IPv4 mapped), so that both families compare alike. */
struct peer {
    struct in6_addr address;
    uint16_t port;
};

static void peer_from_ipv4(struct peer *peer, struct in_addr address)
{
    memset(&peer->address, 0, sizeof peer->address);
    peer->address.s6_addr[10] = 0xff;
    peer->address.s6_addr[11] = 0xff;
    memcpy(&peer->address.s6_addr[12], &address, sizeof address);
}

static bool peer_of_socket(int fd, struct peer *ret_peer)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    if (getpeername(fd, (struct sockaddr *)&name, &len) != 0) {
        return false;
    }
    if (name.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&name;
        peer_from_ipv4(ret_peer, v4->sin_addr);
        ret_peer->port = ntohs(v4->sin_port);
        return true;
    }
    if (name.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&name;
        ret_peer->address = v6->sin6_addr;
        ret_peer->port = ntohs(v6->sin6_port);
        return true;
    }
    return false;
}

static bool peer_from_digits(const char *host, struct peer *ret_peer)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        peer_from_ipv4(ret_peer, v4);
        return true;
    }
    return inet_pton(AF_INET6, host, &ret_peer->address) == 1;
}

int nodelay_peer(const char *host, uint16_t port)
{
    struct peer wanted = {.port = port};
    const bool by_address = peer_from_digits(host, &wanted);
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return 0;
    }
    int count = 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char *end;
        const long fd = strtol(entry->d_name, &end, 10);
        struct peer peer;
        if (end == entry->d_name || *end != '\0' || !peer_of_socket((int)fd, &peer) || peer.port != port) {
            continue;
        }
        if (by_address && memcmp(&peer.address, &wanted.address, sizeof peer.address) != 0) {
            continue;
        }
        const int on = 1;
        if (setsockopt((int)fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0) {
            count++; /* fails on what is no TCP socket: not the one looked for */
        }
    }
    (void)closedir(folder); /* it was only read */
    return count;
}
