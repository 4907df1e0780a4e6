/*
 * sim_pty: opens a pair of terminals in raw mode and links the far one to the
 * name the site uses (see sim_pty.h).
 */
#include "simulators/sim_pty.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static enum err_code fail(struct err *err, const char *device, const char *what)
{
    return err_set(err, ERR_ENV, "%s: %s: %s", device, what, strerror(errno));
}

static enum err_code open_pair(const char *device, struct sim_pty *pty, struct err *err)
{
    pty->near_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (pty->near_fd < 0) {
        return fail(err, device, "no pseudo-terminal");
    }
    struct termios settings;
    if (grantpt(pty->near_fd) != 0 || unlockpt(pty->near_fd) != 0 ||
        ptsname_r(pty->near_fd, pty->far_path, sizeof pty->far_path) != 0) {
        return fail(err, device, "no pseudo-terminal");
    }
    pty->far_fd = open(pty->far_path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (pty->far_fd < 0 || tcgetattr(pty->far_fd, &settings) != 0) {
        return fail(err, device, pty->far_path);
    }
    cfmakeraw(&settings); /* no echo: our own answers must not come back as requests */
    return tcsetattr(pty->far_fd, TCSANOW, &settings) == 0 ? ERR_NONE : fail(err, device, pty->far_path);
}

/* Reads where a link leads; "" when the path is no link. */
static void read_link(const char *path, char *ret_target, size_t size)
{
    const ssize_t len = readlink(path, ret_target, size - 1);
    ret_target[len > 0 ? len : 0] = '\0';
}

/* A link to a terminal is one that a run before ours left behind; any other is somebody else's. */
static enum err_code make_link(const char *device, struct sim_pty *pty, struct err *err)
{
    static const char terminals[] = "/dev/pts/";
    char target[sizeof pty->far_path];
    read_link(device, target, sizeof target);
    if (strncmp(target, terminals, strlen(terminals)) == 0 && unlink(device) != 0) {
        return fail(err, device, "an old link cannot be removed");
    }
    if (symlink(pty->far_path, device) != 0) {
        return fail(err, device,
                    "cannot be made a link to the simulated line; use a path that may be made, such as "
                    "one below /tmp");
    }
    pty->link = device;
    return ERR_NONE;
}

enum err_code sim_pty_open(const char *device, struct sim_pty *ret_pty, struct err *err)
{
    struct sim_pty pty = {.near_fd = -1, .far_fd = -1};
    enum err_code code = open_pair(device, &pty, err);
    if (code == ERR_NONE) {
        code = make_link(device, &pty, err);
    }
    if (code != ERR_NONE) {
        sim_pty_close(&pty);
        if (pty.near_fd >= 0) {
            (void)close(pty.near_fd); /* nothing was written */
        }
        return code;
    }
    *ret_pty = pty;
    return ERR_NONE;
}

void sim_pty_close(struct sim_pty *pty)
{
    if (pty->link != NULL) {
        char target[sizeof pty->far_path];
        read_link(pty->link, target, sizeof target);
        if (strcmp(target, pty->far_path) == 0) { /* still ours */
            (void)unlink(pty->link);              /* what is left behind is taken over by the next run */
        }
        pty->link = NULL;
    }
    if (pty->far_fd >= 0) {
        (void)close(pty->far_fd);
        pty->far_fd = -1;
    }
}
