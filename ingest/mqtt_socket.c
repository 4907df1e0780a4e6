/*
 * mqtt_socket: see mqtt_socket.h.
 */
#include "ingest/mqtt_socket.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

static bool peer_has_port(int fd, uint16_t port)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    if (getpeername(fd, (struct sockaddr *)&name, &len) != 0) {
        return false;
    }
    if (name.ss_family == AF_INET) {
        return ntohs(((const struct sockaddr_in *)&name)->sin_port) == port;
    }
    return name.ss_family == AF_INET6 && ntohs(((const struct sockaddr_in6 *)&name)->sin6_port) == port;
}

static bool inode_of(int fd, uint64_t *ret_inode)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISSOCK(info.st_mode)) {
        return false;
    }
    *ret_inode = info.st_ino;
    return true;
}

void mqtt_sockets_find(uint16_t port, struct sockets *ret_sockets)
{
    ret_sockets->count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char *end;
        const int fd = (int)strtol(entry->d_name, &end, 10);
        uint64_t inode;
        if (end == entry->d_name || *end != '\0' || !peer_has_port(fd, port) || !inode_of(fd, &inode)) {
            continue;
        }
        if (ret_sockets->count < SOCKETS_MAX) {
            ret_sockets->fds[ret_sockets->count] = fd;
            ret_sockets->inodes[ret_sockets->count] = inode;
            ret_sockets->count++;
        }
    }
    (void)closedir(folder); /* it was only read */
}

static bool holds(const struct sockets *sockets, uint64_t inode)
{
    for (unsigned i = 0; i < sockets->count; i++) {
        if (sockets->inodes[i] == inode) {
            return true;
        }
    }
    return false;
}

void mqtt_sockets_subtract(struct sockets *sockets, const struct sockets *others)
{
    unsigned left = 0;
    for (unsigned i = 0; i < sockets->count; i++) {
        if (!holds(others, sockets->inodes[i])) {
            sockets->fds[left] = sockets->fds[i];
            sockets->inodes[left] = sockets->inodes[i];
            left++;
        }
    }
    sockets->count = left;
}

unsigned mqtt_sockets_cut(const struct sockets *sockets)
{
    unsigned cut = 0;
    for (unsigned i = 0; i < sockets->count; i++) {
        uint64_t inode;
        if (inode_of(sockets->fds[i], &inode) && inode == sockets->inodes[i]) {
            cut += shutdown(sockets->fds[i], SHUT_RDWR) == 0;
        }
    }
    return cut;
}
