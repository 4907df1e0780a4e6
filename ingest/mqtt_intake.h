/*
 * mqtt_intake: from a message just received to the rings, by way of the spool.
 *
 *   paho's callback ── put ──► spool ── take ──► rings ──► …  confirmed ──► released
 *
 * A message may be acknowledged when mqtt_intake_put said true: it is in the
 * spool, survives SIGKILL, and will be taken.  When nothing else waits and it is
 * small, the same call takes it at once, for a hand-over to another thread
 * costs more than the work.  All else is taken by the agent on the thread
 * "intake", which alone may wait for room in the rings.  One lock says who takes.
 *
 * Bound: the spool.  When it is full, put waits up to INTAKE_PATIENCE_NS and
 * then says false; the message must then stay with its broker.
 *
 * After a restart the messages not yet released are taken first, in order.
 * Knows nothing of paho.
 */
#ifndef DAVY_INGEST_MQTT_INTAKE_H
#define DAVY_INGEST_MQTT_INTAKE_H

#include "base/agent.h"
#include "ingest/mqtt_take.h"

#define INTAKE_PATIENCE_NS (2 * NS_PER_S)

struct mqtt_intake;

/* Opens the spool and makes a take for each MQTT source; config is copied, what it names borrowed. */
enum err_code mqtt_intake_new(const struct mqtt_config *config, struct mqtt_intake **ret_intake,
                              struct err *err) MUST_CHECK;
/* Releases what is confirmed by now, and closes the spool. */
void mqtt_intake_free(struct mqtt_intake *intake);

/* The time of receipt of the first message that will be taken again, before the first work; TIME_NEVER: none. */
int64_t mqtt_intake_again_from(const struct mqtt_intake *intake);
/* What belongs to a source of the site; NULL for one that does not come this way. */
struct mqtt_take *mqtt_intake_take(struct mqtt_intake *intake, uint32_t source);

/* paho's callback thread: puts a message of the source in, received at seen_ns; false: it must not be acknowledged. */
bool mqtt_intake_put(struct mqtt_intake *intake, uint32_t source, int64_t seen_ns, const char *topic, size_t topic_len,
                     const char *payload, size_t len);

/* Any thread, once no put can come any more: the agent takes what is in the spool, closes the rings and ends. */
void mqtt_intake_end(struct mqtt_intake *intake);
/* The agent, for a thread whose bell is config.bell. */
struct agent mqtt_intake_agent(struct mqtt_intake *intake);

/* Once in a while, from a thread that may wait for the disk: syncs the spool when something in it has waited for longer
 * than config.sync_ns. */
void mqtt_intake_sync(struct mqtt_intake *intake);

#endif
