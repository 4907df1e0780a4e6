/*
 * sim_line: one connection of a simulated device: bytes in, requests out,
 * answers back, at once, late, in drops or wrong.
 *
 * A line reads a libuv stream (a TCP connection or a pseudo-terminal), hands
 * each request to its owner and sends what the owner answers in one of the
 * manners below.  Answers of one line are sent in the order of their requests;
 * one that is still on its way holds up those behind it, as a serial line
 * would.  More than LINE_ANSWERS on their way: the request is not answered and
 * counted (`dropped`).  The same goes for a flood that a client does not read.
 *
 * Threads: the loop's.  Memory: a line frees itself once its handles have
 * closed, after calling on_end.
 */
#ifndef DAVY_SIMULATORS_SIM_LINE_H
#define DAVY_SIMULATORS_SIM_LINE_H

#include "simulators/sim_frame.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum { LINE_ANSWERS = 16, LINE_BUFFER = 1024 };

struct sim_line;

struct line_owner {
    void *self;
    void (*on_request)(void *self, struct sim_line *line, const struct sim_request *request);
    void (*on_end)(void *self, struct sim_line *line); /* the line is about to be freed */
};

/* One answer on its way. */
struct line_answer {
    uint64_t due_ms; /* not before, by uv_now */
    bool dribble;    /* one byte each SLOW_BYTE_MS */
    size_t sent, len;
    uint8_t bytes[2 * SIM_FRAME_MAX]; /* room for an answer twice */
};

struct sim_line {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } io;
    uv_timer_t timer; /* for the first answer on its way */
    struct line_owner owner;
    enum sim_framing framing;
    int open_handles;
    bool closing;
    bool dead; /* half open: what comes is read and thrown away, nothing is answered ever again */
    uint64_t dropped;
    size_t filled;
    uint8_t in[LINE_BUFFER];
    size_t first, count; /* ring of answers */
    struct line_answer answers[LINE_ANSWERS];
    struct sim_line *next; /* the owner's list */
};

/* Makes a line whose io handle is to be initialised (tcp or pipe) by the caller before line_open. */
struct sim_line *sim_line_new(uv_loop_t *loop, enum sim_framing framing, struct line_owner owner);
/* Starts reading. */
int sim_line_open(struct sim_line *line);
/* Puts a frame on its way: after delay_ms, at once or in drops. */
void sim_line_send(struct sim_line *line, const uint8_t *bytes, size_t len, uint64_t delay_ms, bool dribble);
/* Sends a frame so many times at once, each with the bytes 0 and 1 one higher; dropped and counted while much of what
 * was sent before is still on its way. */
void sim_line_flood(struct sim_line *line, const uint8_t *bytes, size_t len, size_t times);
/* Ends the line; with `reset` (TCP) the other side sees a reset instead of an end. */
void sim_line_close(struct sim_line *line, bool reset);

#endif
