/*
 * sim_replay: a recording played as a field: Modbus servers that give the
 * recorded answers, publishers that send the recorded messages.
 *
 * The clock starts with the first request that comes (at once when nothing of
 * Modbus was recorded) and runs `speed` times as fast as it did.  Frames are
 * sent byte by byte as recorded, only the transactions follow those of the
 * requests; a question that was never asked is answered by exception 2, as by
 * a device without such an address.
 *
 * Threads: the loop's.  Memory: owns all; site and recording are borrowed.
 */
#ifndef DAVY_SIMULATORS_SIM_REPLAY_H
#define DAVY_SIMULATORS_SIM_REPLAY_H

#include "base/err.h"
#include "model/site.h"
#include "simulators/recording.h"
#include <stdio.h>
#include <uv.h>

struct sim_replay;

struct sim_replay_options {
    double speed;
    void (*on_over)(void *self); /* called once, from the loop, when all was played; may be NULL */
    void *self;
    FILE *notes; /* may be NULL */
};

enum err_code sim_replay_new(const struct site *site, struct recording *recording,
                             const struct sim_replay_options *options, struct sim_replay **ret_replay,
                             struct err *err) MUST_CHECK;
/* Listens and connects, says one line for each source. */
enum err_code sim_replay_start(struct sim_replay *replay, uv_loop_t *loop, struct err *err) MUST_CHECK;
/* Begins to close everything; the loop must run until it is done, then sim_replay_free.  Both accept NULL. */
void sim_replay_stop(struct sim_replay *replay);
void sim_replay_free(struct sim_replay *replay);

#endif
