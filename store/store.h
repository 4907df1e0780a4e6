/*
 * store: everything Davy keeps, in one RocksDB database.
 *
 * docs/data-model.md has every byte of every key and value.  Column families:
 * series (dictionary point id <-> number), blocks (closed blocks of samples),
 * log (recovery log of open blocks), journal (events, hash-chained), state
 * (alarms, kept conditions, cursors of sinks), tiers (minutes and hours made of
 * the blocks), notes (what the store knows of its own upkeep).
 *
 * One process at a time opens it for writing; others may read at the same time
 * (store_open_reader: a RocksDB secondary with its own scratch folder).
 *
 * Threads: a struct store may be used by any thread; the writer agent by its
 * own; a struct store_batch by the thread that made it.
 */
#ifndef DAVY_STORE_STORE_H
#define DAVY_STORE_STORE_H

#include "base/agent.h"
#include "base/buf.h"
#include "base/counter.h"
#include "base/err.h"
#include "base/ring.h"
#include "model/board.h"
#include "model/queues.h"
#include "model/sample.h"
#include "model/site.h"

struct store;

/* Opens (makes) the store in `path` for writing.  ERR_ENV: disk trouble, or another monitor holds it (text says so).
 * `site_id` must be the one it was made for (ERR_INPUT). */
enum err_code store_open(const char *path, const char *site_id, struct store **ret_store, struct err *err) MUST_CHECK;
/* Opens an existing store for reading, also while a monitor writes.  ERR_INPUT when there is none; ERR_ENV also when one
 * of its tables is damaged or missing: what is shown is never an older state. */
enum err_code store_open_reader(const char *path, struct store **ret_store, struct err *err) MUST_CHECK;
/* The same, but ERR_NO when it cannot be opened because something of it is damaged or missing. */
enum err_code store_open_checked(const char *path, struct store **ret_store, struct err *err) MUST_CHECK;
void store_close(struct store *store);
/* True while a monitor holds the store for writing.  Not for the process that holds it: asking gives its lock up. */
bool store_is_held(const char *path);

/* ---- samples in: the writer agent -------------------------------------------------------------------------------- */

struct store_writer_config {
    struct store *store;
    const struct site *site;
    struct ring *const *inputs; /* sample rings, one per shard */
    unsigned input_count;
    struct doorbell *const *input_bells; /* rung when room was made that is waited for; entries may be NULL */
    struct safe_source *safe;            /* one per source of the site; may be NULL */
    struct counters *counters;           /* may be NULL */
    int64_t sync_ns;                     /* longest time unsynced */
    int64_t gather_ns;                   /* a small batch waits for more until so long after the last was written; 0: it
                                            does not wait */
    uint64_t log_keep;                   /* bytes of the log that may hang on the oldest open block; 0: the usual */
    const struct cell *give_up;          /* from this time of the clock (0: never) on a writer that cannot write drops
                                            what it has and what still comes; borrowed, may be NULL */

    /* What is imported while the monitor runs, or instead; all may be NULL.  Taken only behind what the inputs have, a
     * little at a time, until they end; with no inputs the writer finishes whenever there is nothing to do. */
    struct ring *history;          /* struct sample; marks (POINT_MARK, ticket) too */
    struct cell *history_kept;     /* ticket of the last mark of it whose samples are committed */
    struct doorbell *history_bell; /* rung when room was made or a mark was reached */
};

struct store_writer;
enum err_code store_writer_new(const struct store_writer_config *config, struct store_writer **ret_writer,
                               struct err *err) MUST_CHECK;
void store_writer_free(struct store_writer *writer);
/* Takes batches from its rings, logs them (what is logged survives SIGKILL), closes full blocks, syncs, sets marks.
 * When the database refuses to write it keeps what it has (bounded: then its rings fill), counts, and tries again. */
struct agent store_writer_agent(struct store_writer *writer);

/* ---- care: the agent that looks after all this --------------------------------------------------------------------
 */

struct store_care_config {
    struct store *store;       /* opened for writing */
    const struct site *site;   /* borrowed, like all of it */
    struct counters *counters; /* may be NULL */
    const struct cell *stop;   /* not 0: finish; NULL: never */
    int64_t every_ns;          /* from the beginning of one round to the next; 0: STORE_CARE_EVERY */
    int64_t merge_bytes;       /* tables are merged after so much was removed; 0: STORE_CARE_MERGE */
};
#define STORE_CARE_EVERY (INT64_C(1800) * 1000000000)
#define STORE_CARE_MERGE (INT64_C(64) * 1024 * 1024)

struct store_care;
struct store_care *store_care_new(const struct store_care_config *config);
void store_care_free(struct store_care *care);
/* In rounds, the first at once: puts together the minutes and hours of samples that came since the last one, whatever
 * their time; pins what lies around alarms; removes what was kept long enough.  Works in slices, and rests as long after
 * each as it took, so that it never has more than half of a processor; on a thread where nobody waits for it, as it
 * waits for the disk. */
struct agent store_care_agent(struct store_care *care);
/* Any thread, when the store is about to be closed: breaks off what may take minutes. */
void store_care_hurry(struct store_care *care);

/* ---- samples out --------------------------------------------------------------------------------------------------
 */

struct store_row {
    int64_t time_ns;
    int64_t seen_ns; /* 0 when not kept for this row */
    double value;    /* NaN = none */
    uint16_t status;
    bool imported; /* given out: it came as history, not from the field */
};

/* Called for each row in order; return false to stop. */
typedef bool store_row_fn(void *self, const struct store_row *row);

/* Calls fn for each kept sample of a point with from <= time < to, by time, each time once (last written wins).
 * ERR_NO when the store knows no such point.  Constant memory. */
enum err_code store_read(struct store *store, const char *point_id, int64_t from_ns, int64_t to_ns, store_row_fn *fn,
                         void *self, struct err *err) MUST_CHECK;

/* The newest kept sample (largest time; one marked skew counts by its time of receipt) and the last good value; ERR_NO
 * when there is none.  Imported samples are history and do not count here. */
enum err_code store_last(struct store *store, const char *point_id, struct board_entry *ret_entry,
                         struct err *err) MUST_CHECK;

/* The same for every point there is anything of, in the order of the ids' bytes, until fn says false.  The id is not
 * ended by NUL.  For many points far faster than asking for each. */
typedef bool store_last_fn(void *self, const char *point_id, size_t id_len, const struct board_entry *entry);
enum err_code store_last_all(struct store *store, store_last_fn *fn, void *self, struct err *err) MUST_CHECK;

enum store_agg { AGG_MEAN, AGG_MIN, AGG_MAX, AGG_COUNT, AGG_FIRST, AGG_LAST, AGG_KINDS };

struct store_bucket {
    int64_t start_ns;
    uint64_t count;
    double agg[AGG_KINDS]; /* AGG_COUNT as a double too */
    uint16_t status;       /* every flag that any sample of it had, counted or not */
};
typedef bool store_bucket_fn(void *self, const struct store_bucket *bucket);

/* Aggregates over buckets that start at whole multiples of every_ns since 1970; empty ones are left out.  Counts
 * samples with a value and without comm, sensor, calibrating, paused; late ones too.  Answered from minutes and hours
 * where every_ns is a whole multiple of them and they are up to date, which changes no bit of the answer. */
enum err_code store_aggregate(struct store *store, const char *point_id, int64_t from_ns, int64_t to_ns,
                              int64_t every_ns, store_bucket_fn *fn, void *self, struct err *err) MUST_CHECK;

/* ---- alarms: journal, state, cursors ------------------------------------------------------------------------------
 */

/* What belongs together is committed together: events, alarm states and cursors of one step in one batch. */
struct store_batch;
struct store_batch *store_batch_new(struct store *store);
void store_batch_free(struct store_batch *batch);
/* Adds an event: seq, its alarm's name, its JSON line and the retained alarm state after it (len 0: all well again).
 * The store adds the hash of the chain: SHA-256 over the hash before and this record. */
void store_batch_event(struct store_batch *batch, uint64_t seq, int64_t time_ns, const char *alarm, const char *json,
                       size_t json_len, const char *state, size_t state_len);
/* Sets or removes (len 0) a state record; keys are texts of at most 600 bytes, by convention "alarm/<name>", … */
void store_batch_put(struct store_batch *batch, const char *key, const void *bytes, size_t len);
/* Writes it all or nothing, to the log (survives SIGKILL), and with sync to the disk; empties the batch on success.
 * On failure nothing of it is visible and the batch can be committed again. */
enum err_code store_batch_commit(struct store_batch *batch, bool sync, struct err *err) MUST_CHECK;

/* How many commits with sync the ledger did not take, so that the whole database was synced.  Any thread. */
uint64_t store_ledger_refused(const struct store *store);

/* The last seq in the journal (0: none), as any thread may ask after a commit. */
uint64_t store_last_seq(struct store *store);

struct store_event {
    uint64_t seq;
    int64_t time_ns;
    const char *alarm;
    size_t alarm_len;
    const char *json; /* without newline */
    size_t json_len;
    const char *state; /* retained alarm state, len 0: all well */
    size_t state_len;
};
typedef bool store_event_fn(void *self, const struct store_event *event);

/* Calls fn for the events with seq > after, in order, until it says false or there are no more. */
enum err_code store_events(struct store *store, uint64_t after, store_event_fn *fn, void *self,
                           struct err *err) MUST_CHECK;
/* The smallest seq whose event time is not before time_ns (for `alarms --history`); last + 1 when there is none. */
uint64_t store_seq_at(struct store *store, int64_t time_ns);

/* Reads a state record into *ret_bytes (cleared first).  ERR_NO when absent. */
enum err_code store_get(struct store *store, const char *key, struct buf *ret_bytes, struct err *err) MUST_CHECK;
typedef bool store_state_fn(void *self, const char *key, size_t key_len, const void *bytes, size_t len);
/* Calls fn for every state record whose key begins with prefix, in key order. */
enum err_code store_scan(struct store *store, const char *prefix, store_state_fn *fn, void *self,
                         struct err *err) MUST_CHECK;

/* Walks everything: checksums and invariants of blocks, the journal's chain.  Each damage is one call of fn with a
 * sentence.  ERR_NO when something is damaged or missing. */
typedef void store_damage_fn(void *self, const char *text);
enum err_code store_verify(struct store *store, store_damage_fn *fn, void *self, struct err *err) MUST_CHECK;

/* ---- backup -------------------------------------------------------------------------------------------------------
 */

/* Copies the store, opened for writing, as it stands now into `dir`, which must be absent or empty (ERR_INPUT).  Any
 * thread, while others write; takes long when `dir` is on another disk. */
enum err_code store_backup(struct store *store, const char *dir, struct err *err) MUST_CHECK;
/* Makes the store in `path`, which must be absent or empty (ERR_INPUT), from a backup of the same site.  All of it is
 * verified before it is there: ERR_NO when something is damaged (each is told by fn, which may be NULL). */
enum err_code store_restore(const char *dir, const char *path, const char *site_id, store_damage_fn *fn, void *self,
                            struct err *err) MUST_CHECK;

#endif
