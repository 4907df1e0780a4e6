/*
 * ingest: the two ways in from the field, as the pipeline sees them.
 *
 * A worker owns one row of the ring matrix (one producer).  The bus worker is
 * an agent around a libuv loop that polls all Modbus connections; the inbox takes
 * MQTT messages into a spool, and from there.  Both put samples
 * in through a router, which knows the shards that need a point.
 */
#ifndef DAVY_INGEST_INGEST_H
#define DAVY_INGEST_INGEST_H

#include "base/agent.h"
#include "base/counter.h"
#include "base/err.h"
#include "base/mistakes.h"
#include "base/ring.h"
#include "model/alarmed.h"
#include "model/queues.h"
#include "model/site.h"

/* ---- router ------------------------------------------------------------------------------------------------------ */

struct router {                    /* one per worker; used by the worker's thread only */
    struct ring *const *rings;     /* [shard], this worker's row; borrowed */
    struct doorbell *const *bells; /* [shard], entries may be NULL */
    unsigned shard_count;
    const uint64_t *masks; /* [point], which shards need it; borrowed, const */
    uint16_t *seqs;        /* [point], next sample.seq of this producer; owned by the worker */
    uint64_t judged;       /* bits of the shards that have judged what is put now (SAMPLE_JUDGED) */
};

/* True when every ring has room for n more records. */
bool router_room(struct router *router, size_t n);
/* Puts one sample into every ring that needs it (home included), its time cut to whole milliseconds.  Room must have
 * been checked.  Does not ring bells. */
void router_put(struct router *router, struct sample *sample);
/* The same for several, in their order, with `status` added to each; every ring learns of them at once. */
void router_put_all(struct router *router, struct sample *samples, size_t n, uint16_t status);
/* Puts a mark into every ring. */
void router_mark(struct router *router, uint32_t source, uint64_t ticket, int64_t now_ns);
/* Wakes the shards. */
void router_flush(struct router *router);
/* Ends the row: closes every ring. */
void router_close(struct router *router);

/* ---- Modbus ------------------------------------------------------------------------------------------------------ */

/* What the plan finds wrong beyond the site file's own checks (e.g. a value that does not fit in one request). */
void mbus_check(const struct site *site, struct mistakes *mistakes);

/* How many counters named bus.… the worker of this site will make. */
size_t mbus_counter_count(const struct site *site);

struct wire_tap;
struct mbus_worker;
struct mbus_config {
    const struct site *site;
    struct router *router;   /* borrowed; this agent's thread */
    struct doorbell *bell;   /* rung to stop, and see alarmed */
    const struct cell *stop; /* not 0: finish after the requests in flight */
    struct counters *counters;
    struct wire_tap *tap;    /* of a recording; may be NULL */
    struct cell *exceptions; /* [point]: the code of the Modbus exception it has now, 0: none; may be NULL */
    const struct alarmed *alarmed; /* which hazards are in alarm; the bell is rung when that changes; may be NULL */
};
/* Plans all Modbus sources' reads and prepares the loop; connects only once the agent runs. */
enum err_code mbus_worker_new(const struct mbus_config *config, struct mbus_worker **ret_worker,
                              struct err *err) MUST_CHECK;
void mbus_worker_free(struct mbus_worker *worker);
struct agent mbus_worker_agent(struct mbus_worker *worker);

/* ---- MQTT -------------------------------------------------------------------------------------------------------- */

struct mqtt_inbox;
struct mqtt_config {
    const struct site *site;
    struct router *router;     /* borrowed; who holds the intake's lock */
    struct doorbell *bell;     /* of the thread "intake"; rung when a shard has made room */
    struct safe_source *safe;  /* [source]; all share the entry of the first MQTT source */
    unsigned shard_count;
    const uint64_t *judged;    /* [shard]: the ticket up to which alarms are journalled; read by mqtt_inbox_new only */
    int64_t sync_ns;           /* longest time a message lies in the spool unsynced */
    const char *spool_path;    /* likewise */
    struct counters *counters;
    struct wire_tap *tap;      /* of a recording; may be NULL */
};
/* Opens the spool.  Nothing is connected and nothing put yet. */
enum err_code mqtt_inbox_new(const struct mqtt_config *config, struct mqtt_inbox **ret_inbox, struct err *err) MUST_CHECK;
/* The time of receipt of the first message that will be taken again; TIME_NEVER when there is none. */
int64_t mqtt_inbox_again_from(const struct mqtt_inbox *inbox);
/* True when messages of this source of the site come this way; inbox may be NULL. */
bool mqtt_inbox_takes(const struct mqtt_inbox *inbox, uint32_t source);
/* Connects every MQTT source (in the background, for ever) and takes messages from then on, those of the spool first.  A
 * message is acknowledged when it is in the spool; when that stays full, its connection is cut and the broker keeps it. */
enum err_code mqtt_inbox_start(struct mqtt_inbox *inbox, struct err *err) MUST_CHECK;
/* Disconnects, takes what is in the spool, closes the router's rings. */
void mqtt_inbox_stop(struct mqtt_inbox *inbox);
/* After writer and manager have ended: what they confirmed is released. */
void mqtt_inbox_free(struct mqtt_inbox *inbox);

#endif
