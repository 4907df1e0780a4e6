/*
 * sim_endpoint: a host:port or a serial line, with the devices behind it.
 *
 * It listens, makes a line of each connection, answers requests through its
 * devices, and does the faults of the moment to the answer or the connection.
 * Requests to a unit that is not there get exception 11 over TCP (what a
 * gateway says) and silence on a serial line.
 *
 * Threads: the loop's.  Memory: the devices are the endpoint's; after
 * sim_endpoint_close the loop must run until all is closed, then
 * sim_endpoint_done.
 */
#ifndef DAVY_SIMULATORS_SIM_ENDPOINT_H
#define DAVY_SIMULATORS_SIM_ENDPOINT_H

#include "base/err.h"
#include "simulators/scenario.h"
#include "simulators/sim_device.h"
#include "simulators/sim_frame.h"
#include "simulators/sim_pty.h"
#include <uv.h>

enum { ENDPOINT_LINES_MAX = 256 }; /* connections of one endpoint; more are closed at once and counted */

enum listener_state { LISTENER_CLOSED, LISTENER_OPEN, LISTENER_CLOSING };

struct sim_line;
struct sim_endpoint;

/* Who answers in place of devices and scenario: a recording (sim_replay.h). */
struct endpoint_script {
    void *self;
    void (*on_request)(void *self, const struct sim_endpoint *endpoint, struct sim_line *line,
                       const struct sim_request *request);
    bool (*is_down)(void *self, const struct sim_endpoint *endpoint); /* neither listens nor keeps connections */
};

struct sim_endpoint {
    uv_loop_t *loop;
    const struct scenario *scenario;      /* NULL with a script */
    const struct endpoint_script *script; /* or NULL */
    uint64_t start_ns;                    /* monotonic time of the scenario's start */
    const struct site_source *where;      /* host and port, or device, of all its sources */
    enum sim_framing framing;
    struct sim_device *devices;
    size_t device_count;
    uv_tcp_t listener;
    enum listener_state state;
    struct sim_pty pty; /* serial only */
    struct sim_line *lines;
    size_t line_count;
    uint64_t refused; /* connections above ENDPOINT_LINES_MAX, and those of a "busy" */
    uint64_t dropped; /* requests above LINE_ANSWERS, of lines that have ended */
};

/* Gives the device that answers for a unit, or NULL. */
struct sim_device *sim_endpoint_device(struct sim_endpoint *endpoint, uint8_t unit);

/* Listens. */
enum err_code sim_endpoint_open(struct sim_endpoint *endpoint, struct err *err) MUST_CHECK;

/* Closes or opens the listener as a "disconnect" of the scenario begins or ends, and keeps to a "half-open"; to be
 * called now and then. */
void sim_endpoint_check(struct sim_endpoint *endpoint);

/* Begins to close everything. */
void sim_endpoint_close(struct sim_endpoint *endpoint);
void sim_endpoint_done(struct sim_endpoint *endpoint);

#endif
