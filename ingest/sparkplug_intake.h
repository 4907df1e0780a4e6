/*
 * sparkplug_intake: one source's session, with the rings behind it and what it
 * tells in log and counters.
 *
 * Called with the host's mutex held.  Waits for room in the rings at most
 * SPB_ROOM_PATIENCE_NS; knows nothing of paho.
 */
#ifndef DAVY_INGEST_SPARKPLUG_INTAKE_H
#define DAVY_INGEST_SPARKPLUG_INTAKE_H

#include "ingest/mqtt_take.h"
#include "ingest/sparkplug_host.h"
#include "ingest/sparkplug_session.h"

#define SPB_ROOM_PATIENCE_NS (2 * NS_PER_S)
enum { SPB_BATCH = 1024 }; /* samples put at once, fewer where the rings are smaller */

struct spb_counters {
    struct counter *messages, *samples, *set_aside, *repeats, *births, *deaths, *gaps, *historical, *foreign, *rebirths,
        *refused, *online, *connected, *reconnects;
};

/* What all sources of a host share; mutex. */
struct spb_shared {
    struct router *router;
    const struct cell *stop;
    struct sample *samples; /* [room] */
    size_t room;
    struct clock clock;
};

struct spb_intake {
    struct spb_shared *shared;
    const struct site_source *source;
    struct spb_session session;
    struct spb_counters count;
    bool was_up; /* connected once since the start */
};

void spb_shared_init(struct spb_shared *shared, const struct spb_config *config, const struct cell *stop,
                     struct arena *arena);
void spb_intake_init(struct spb_intake *intake, struct spb_shared *shared, const struct spb_config *config,
                     uint32_t source, struct arena *arena);
void spb_intake_done(struct spb_intake *intake);

/* Takes a message.  False: not all of it could be put, and so its nodes are to be born again. */
bool spb_intake_take(struct spb_intake *intake, const char *topic, size_t topic_len, const char *payload, size_t len,
                     bool retained);

void spb_intake_up(struct spb_intake *intake);
void spb_intake_down(struct spb_intake *intake);
/* Does what is due; gives when it is next wanted (monotonic). */
int64_t spb_intake_tick(struct spb_intake *intake);

#endif
