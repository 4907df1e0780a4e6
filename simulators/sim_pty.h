/*
 * sim_pty: a pseudo-terminal that stands for a serial line.
 *
 * The device named in the site ("/dev/ttyS1", or any path) becomes a symbolic
 * link to the terminal's far side, which the monitor opens like a serial port.
 * What else stands at that path, another link too, is left alone.
 */
#ifndef DAVY_SIMULATORS_SIM_PTY_H
#define DAVY_SIMULATORS_SIM_PTY_H

#include "base/err.h"

struct sim_pty {
    int near_fd; /* ours; taken over by who reads it */
    int far_fd;  /* kept open, so that reading goes on between two users */
    char far_path[64];
    const char *link; /* borrowed; NULL: no link was made */
};

enum err_code sim_pty_open(const char *device, struct sim_pty *ret_pty, struct err *err) MUST_CHECK;
/* Removes the link and closes the far side.  The near side is its reader's. */
void sim_pty_close(struct sim_pty *pty);

#endif
