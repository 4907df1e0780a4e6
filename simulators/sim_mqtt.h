/*
 * sim_mqtt: every MQTT source of a site, played by a publisher of its own.
 *
 * A publisher steps its gateway (gateway.h) on the loop's clock, queues the
 * messages and delivers them in order with QoS 1, one at a time, each until
 * the broker has confirmed it.  While it is cut off (the scenario's
 * "disconnect", or no broker) messages wait, as in a real gateway; when
 * PUBLISHER_QUEUE are waiting the oldest is dropped and counted.
 *
 * Threads: the loop's; paho's callbacks only leave notes under a lock and wake
 * the loop.  Memory: owns all; site and scenario are borrowed.
 */
#ifndef DAVY_SIMULATORS_SIM_MQTT_H
#define DAVY_SIMULATORS_SIM_MQTT_H

#include "base/err.h"
#include "simulators/scenario.h"
#include <stdint.h>
#include <stdio.h>
#include <uv.h>

enum { PUBLISHER_QUEUE = 10000 };

struct sim_mqtt;

struct sim_mqtt_times {
    uint64_t start_ns; /* monotonic time (uv_hrtime) of the scenario's start */
    int64_t epoch_ns;  /* wall time of the same moment */
};

/* Makes the publishers; nothing is connected yet. */
enum err_code sim_mqtt_new(const struct site *site, const struct scenario *scenario, struct sim_mqtt_times times,
                           struct sim_mqtt **ret_mqtt, struct err *err) MUST_CHECK;

/* Starts them on the loop: they connect in the background, for ever.  Says one line for each on `notes` (may be NULL).
 */
enum err_code sim_mqtt_start(struct sim_mqtt *mqtt, uv_loop_t *loop, FILE *notes, struct err *err) MUST_CHECK;

/* Disconnects and begins to close; the loop must run until it is done, then sim_mqtt_free. */
void sim_mqtt_stop(struct sim_mqtt *mqtt);
void sim_mqtt_free(struct sim_mqtt *mqtt);

/* Messages dropped so far because no broker took them. */
uint64_t sim_mqtt_dropped(const struct sim_mqtt *mqtt);

#endif
