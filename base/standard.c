/*
 * standard: see standard.h.
 */
#include "base/standard.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void standard_hold(void)
{
    /* The lowest number that is free is given, so in this order; stdout only for reading, so that writing is refused.
     */
    static const int ways[] = {[STDIN_FILENO] = O_RDONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_WRONLY};
    for (int fd = 0; fd < (int)(sizeof ways / sizeof *ways); fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            (void)open("/dev/null", ways[fd]); /* where there is not even that, files may still get the number */
        }
    }
}

void standard_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* what is missing shows when a file or connection cannot be had */
    }
}

enum err_code standard_flush(struct err *err)
{
    const bool told = ferror(stdout) != 0; /* of which errno is gone */
    if (fflush(stdout) == 0 && !told) {
        return ERR_NONE;
    }
    return err_set(err, ERR_ENV, "stdout: %s", told ? "not all of it could be written" : strerror(errno));
}
