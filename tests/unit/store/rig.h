/*
 * rig: what the tests of the store need around it: a folder of their
 * own, a site of n points without a file, one ring, and the writer agent
 * called by hand.
 */
#ifndef DAVY_TESTS_UNIT_STORE_RIG_H
#define DAVY_TESTS_UNIT_STORE_RIG_H

#include "store/store.h"

/* Makes a folder under the folder for temporary files; removed, with all in it, by folder_remove. */
char *folder_new(void);
void folder_remove(char *path); /* takes */

/* A site with points "p0" … and one source. */
struct site *site_make(size_t points);
void site_unmake(struct site *site);

struct rig {
    struct site *site; /* borrowed */
    struct store *store;
    struct ring *ring;
    struct counters *counters;
    struct safe_source safe;
    struct cell give_up; /* of the writer; 0 at first */
    struct store_writer *writer;
    struct agent agent;
    struct store_care *care;
    struct ring *history;
    struct cell history_kept;
    int64_t now_ns;
};

/* Bytes of the log that may hang on the oldest open block, of writers opened from now on; 0: the usual. */
extern uint64_t rig_log_keep;
/* How long small batches of writers opened from now on wait for more; 0: not at all. */
extern int64_t rig_gather_ns;

/* Opens the store in `path` with a writer; fails the test when that fails. */
void rig_open(struct rig *rig, const char *path, struct site *site, int64_t sync_ns);
/* Puts a sample in, running the writer when the ring is full. */
void rig_put(struct rig *rig, uint32_t point, int64_t time_ns, int64_t seen_ns, double value, uint16_t status);
void rig_mark(struct rig *rig, uint64_t ticket);
/* The same as history (imported). */
void rig_import(struct rig *rig, uint32_t point, int64_t time_ns, double value, uint16_t status);
/* Runs a whole round of upkeep, as at that time; with `slices` at most so many of its slices (0: all).  True when the
 * round was finished. */
bool rig_care(struct rig *rig, int64_t now_ns, unsigned slices);
/* Runs the writer until it has nothing to do. */
void rig_run(struct rig *rig);
/* Ends the stream, runs the writer to its end and closes the store. */
void rig_close(struct rig *rig);
/* Closes without ending the stream: what was not written is dropped, as by a kill. */
void rig_drop(struct rig *rig);
uint64_t rig_counter(const struct rig *rig, const char *name);

/* A small generator of random numbers, the same on every machine. */
uint64_t random_next(uint64_t *state);
uint64_t random_below(uint64_t *state, uint64_t n);

#endif
