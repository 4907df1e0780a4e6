/*
 * pty: tells whether this machine has pseudo-terminals.  In a chroot or a
 * container without /dev/pts serial lines cannot be played; the stories that
 * want one then say so and are skipped.
 */
#ifndef DAVY_TESTS_UNIT_PTY_H
#define DAVY_TESTS_UNIT_PTY_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static const char pty_missing[] =
    "skipped: no pseudo-terminals are mounted on /dev/pts, so no serial line can be played\n";

static inline bool pty_is_there(void)
{
    char path[64];
    const int near = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    const bool named =
        near >= 0 && grantpt(near) == 0 && unlockpt(near) == 0 && ptsname_r(near, path, sizeof path) == 0;
    const int far = named ? open(path, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (far >= 0) {
        (void)close(far);
    }
    if (near >= 0) {
        (void)close(near);
    }
    return far >= 0;
}

#endif
