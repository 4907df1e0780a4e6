/*
 * names: the ids of all points, in memory, in the order of their bytes.
 *
 * Asking for the newest reading of every point would else walk the dictionary
 * on the disk each time, which takes ten times as long as the readings.  Read
 * at the first such question, and again when points were added since; 30 bytes
 * a point or so.
 *
 * Threads: any.
 */
#ifndef DAVY_STORE_NAMES_H
#define DAVY_STORE_NAMES_H

#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct store;

struct names {
    struct buf text;  /* all ids, one behind the other */
    uint32_t *ends;   /* of each in text */
    uint32_t *series; /* of each */
    size_t count, room;
};

/* Within db_enter.  Calls fn for each until it says false; ids are not ended by NUL.  fn must not ask for names. */
typedef bool names_fn(void *self, const char *id, size_t len, uint32_t series);
enum err_code names_walk(struct store *store, names_fn *fn, void *self, struct err *err) MUST_CHECK;
void names_done(struct names *names);

#endif
