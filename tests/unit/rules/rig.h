/*
 * rig: a small site from JSON with its shards, driven by hand the way replay
 * drives them, and what they say as text.
 *
 * Times are milliseconds.  A verdict is one line:
 *
 *   1500 rule:point none>yellow                  also " unless" and " blind" when so
 *   1500 rule:point yellow keep when,entered since 1000       with options.keep
 *   1500 rule:group@point yellow keep clear                   a member of a group
 *
 * Threads: one.  A rig is large; tests keep it static or on the heap.
 */
#ifndef DAVY_TESTS_UNIT_RULES_RIG_H
#define DAVY_TESTS_UNIT_RULES_RIG_H

#include "model/board.h"
#include "model/queues.h"
#include "rules/shard.h"
#include "tests/unit/base/unit.h"
#include <math.h>
#include <stdbool.h>

enum { RIG_SHARDS_MAX = 8, RIG_TEXT_MAX = 1 << 18, RIG_VERDICTS_MAX = 1 << 12, RIG_POINTS_MAX = 256 };

struct rig_options {
    unsigned shards; /* 0: one */
    bool keep, live;
    int64_t start_ms;
};

struct rig {
    struct site *site;
    struct rules *rules;
    struct board *board;
    unsigned count;
    struct shard *shards[RIG_SHARDS_MAX];
    struct ring *verdicts[RIG_SHARDS_MAX];
    struct ring *stores[RIG_SHARDS_MAX];
    uint64_t masks[RIG_POINTS_MAX];
    uint8_t homes[RIG_POINTS_MAX];
    int64_t clock_ns;
    struct verdict said[RIG_VERDICTS_MAX]; /* since the start */
    size_t said_count;
    size_t told;                            /* how many rig_says has looked at */
    struct sample stored[RIG_VERDICTS_MAX]; /* since the start */
    size_t stored_count;
    char text[RIG_TEXT_MAX];
};

/* Reads a site (JSON text) and its rules; any mistake fails the test. */
void rig_load(const char *json, struct site **ret_site, struct rules **ret_rules);

void rig_open(struct rig *rig, const char *json, struct rig_options options);
void rig_close(struct rig *rig);

/* A good sample received at its own time, or at the clock when that is later. */
void rig_sample(struct rig *rig, const char *point, int64_t time_ms, double value);
/* A sample with flags; without a value: NAN. */
void rig_flagged(struct rig *rig, const char *point, int64_t time_ms, double value, uint16_t status);
/* A sample received at another time than its own. */
void rig_received(struct rig *rig, const char *point, int64_t time_ms, int64_t seen_ms, double value);
/* Runs what is due up to the clock. */
void rig_clock(struct rig *rig, int64_t clock_ms);

/* Asserts what was said since the last time, a line a verdict; NULL: nothing. */
#define rig_says(rig, ...) rig_says_at((rig), (const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)
void rig_says_at(struct rig *rig, const char *const *lines, const char *file, int line);

/* Prints a verdict in the form above, without newline; returns the length. */
size_t rig_print(const struct site *site, const struct verdict *verdict, char *to, size_t room);

#endif
