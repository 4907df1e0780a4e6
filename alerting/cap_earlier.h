/*
 * cap_earlier: which documents were sent about the alarms that are still open,
 * so that the next one can name them all.
 *
 * State record "cap/<way>/<sink> <alarm>" (a blank is in no id), written in the
 * batch of the way's cursor: after any kill the two agree, and what comes again
 * is made from the same earlier documents as before.
 *
 *   u8 version 1, text way, text sink, text alarm, u32 occurrence, u32 length,
 *   references as CAP writes them: "sender,identifier,sent sender,identifier,sent …"
 *
 * Bound: CAP_REFERENCES_MAX bytes an occurrence, more than a thousand documents;
 * then the second oldest goes for each that comes, and `cut` counts it.
 *
 * Thread: the sink's.  Memory: its own; one entry for each alarm that ever had a
 * document since the start.
 */
#ifndef DAVY_ALERTING_CAP_EARLIER_H
#define DAVY_ALERTING_CAP_EARLIER_H

#include "base/counter.h"
#include "store/store.h"
#include <stdbool.h>

enum { CAP_REFERENCES_MAX = 128 * 1024 };

struct cap_earlier;

/* `way` is a word, "path" or "url"; borrowed like the rest. */
enum err_code cap_earlier_open(struct store *store, const char *way, const char *sink, struct counter *cut,
                               struct cap_earlier **ret_earlier, struct err *err) MUST_CHECK;
void cap_earlier_free(struct cap_earlier *earlier);

/* Gives the references of an occurrence (borrowed); NULL when it has none. */
const char *cap_earlier_references(const struct cap_earlier *earlier, const char *alarm, uint32_t occurrence);
/* Notes a document, "sender,identifier,sent"; those of another occurrence are forgotten. */
void cap_earlier_add(struct cap_earlier *earlier, const char *alarm, uint32_t occurrence, const char *reference);
void cap_earlier_forget(struct cap_earlier *earlier, const char *alarm);
/* Puts what has changed since the last time into the batch. */
void cap_earlier_keep(struct cap_earlier *earlier, struct store_batch *batch);

#endif
