/*
 * memory_files: bytes as a file that has a name, without a disk.
 */
#ifndef DAVY_TESTS_FUZZ_SITE_MEMORY_FILES_H
#define DAVY_TESTS_FUZZ_SITE_MEMORY_FILES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEMORY_PATH_MAX = 64 };

/* Gives the descriptor (to close) and the path of a file in memory that holds the bytes. */
static inline int memory_file(const void *bytes, size_t len, char ret_path[MEMORY_PATH_MAX])
{
    int fd = memfd_create("davy-fuzz", MFD_CLOEXEC);
    if (fd < 0 || (len > 0 && write(fd, bytes, len) != (ssize_t)len)) {
        perror("memfd");
        abort();
    }
    (void)snprintf(ret_path, MEMORY_PATH_MAX, "/proc/self/fd/%d", fd);
    return fd;
}

#endif
