/*
 * cursor: how far one sink's receiver has the journal, kept in the store.
 *
 * State record "sink/<id>" (or another prefix): u8 version 1, u64 seq.  It is written without sync
 * and not at every event: after a crash the receiver gets a few events again,
 * never too few.  Without a record it is 0: a new sink gets the whole journal.
 *
 * Threads: the sink's.
 */
#ifndef DAVY_ALERTING_CURSOR_H
#define DAVY_ALERTING_CURSOR_H

#include "alerting/alarm_record.h"
#include "base/err.h"
#include "store/store.h"
#include <stdbool.h>
#include <stdint.h>

#define CURSOR_SINK "sink/"

struct cursor {
    struct store_batch *batch; /* owned */
    char key[RECORD_KEY_MAX + 1];
    uint64_t seq;      /* the receiver has everything up to here */
    uint64_t kept_seq; /* what the store says */
    int64_t kept_ns;   /* since when */
};

/* `prefix` is CURSOR_SINK, but for a sink with more than one place. */
enum err_code cursor_open(struct cursor *cursor, struct store *store, const char *prefix, const char *sink_id,
                          struct err *err) MUST_CHECK;
void cursor_done(struct cursor *cursor);

/* Writes the cursor when it is due: 100 ms or 1000 events after the last time; with `sync` always, to the disk. */
enum err_code cursor_keep(struct cursor *cursor, int64_t now_ns, bool sync, struct err *err) MUST_CHECK;
/* True when cursor_keep will write it now; then more may be added to its batch before. */
bool cursor_is_due(const struct cursor *cursor, int64_t now_ns, bool sync);
/* When cursor_keep will have something to do, TIME_NEVER if nothing. */
int64_t cursor_due(const struct cursor *cursor);

#endif
