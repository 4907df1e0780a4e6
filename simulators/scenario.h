/*
 * scenario: what the simulated field does, as data.
 *
 * A scenario belongs to a site: every point of the site has an entry (the
 * user's, or a default by kind), and every scripted event is resolved to a
 * point or a source.  After loading it is const; what a point shows at a
 * moment is a pure function of it (course.h), so that the live simulators and
 * the trace writer agree without shared state.
 *
 * All times count in nanoseconds from the scenario's start.
 * Memory: the scenario's arena.  Threads: any, once loaded.
 */
#ifndef DAVY_SIMULATORS_SCENARIO_H
#define DAVY_SIMULATORS_SCENARIO_H

#include "base/arena.h"
#include "base/err.h"
#include "base/mistakes.h"
#include "model/site.h"
#include <stddef.h>
#include <stdint.h>

/* The undisturbed signal of one point. */
struct wave {
    double base;        /* what it stands at */
    double noise;       /* never more than this away from the smooth line */
    double drift_per_h; /* since the last ramp or set, or since the start */
    double amplitude;   /* of a sine around the base; 0 = none */
    int64_t period_ns;  /* of the sine; > 0 when amplitude is not 0 */
    double step;        /* the sensor's smallest step; 0: not rounded */
};

/* One stretch of the line the signal moves around: from `from` at `at_ns` evenly to `to` at `end_ns`, then staying. */
struct leg {
    int64_t at_ns, end_ns;
    double from, to;
};

/* A time in which something holds: [at, end). */
struct hold {
    int64_t at_ns, end_ns;
    uint16_t status; /* flags shown meanwhile; 0: a freeze */
};

/* What one point does.  legs rise by at_ns and begin with one at the start; freezes and flags are in order of at_ns. */
struct sim_point {
    struct wave wave;
    bool named; /* the scenario says how it moves */
    uint64_t key;     /* its own stream of noise: a hash of seed and id */
    int64_t every_ns; /* a sample each; the site's `every`, or 1 s */
    const struct leg *legs;
    size_t leg_count;
    const struct hold *freezes;
    size_t freeze_count;
    const struct hold *flags;
    size_t flag_count;
};

enum fault_kind {
    FAULT_NONE,
    FAULT_TIMEOUT,    /* the request is read, no answer comes */
    FAULT_SILENT,     /* the same for all units of a connection */
    FAULT_EXCEPTION,  /* value: the exception code */
    FAULT_DELAY,      /* value: how long the answer is held back, ns */
    FAULT_RESET,      /* each request is answered by a TCP reset */
    FAULT_DISCONNECT, /* no connection at all */
    FAULT_SLOW_BYTES, /* one byte of the answer each 20 ms */
    FAULT_WRONG_TID,  /* another transaction (TCP) or another unit (RTU) is answered */
    FAULT_GARBAGE,    /* noise instead of the answer */
    FAULT_DUPLICATE,  /* everything twice */
    FAULT_MALFORMED,  /* broken messages between the good ones */
    FAULT_REORDER,    /* messages swapped in pairs */
    FAULT_HALF_OPEN,  /* the peer vanishes: connections made till the end stay and are never answered again */
    FAULT_BUSY,       /* new connections are closed at once, as when all places are taken */
    FAULT_FLOOD,      /* value: so many strangers behind each answer, so many repeats of each message */
    FAULT_CLOCK,      /* value: how far the gateway's clock is off, ns */
    FAULT_LOST,       /* messages are counted but do not leave */
    FAULT_WRONG_ALIAS, /* metrics under aliases that no birth gave */
    FAULT_COUNT
};

enum { FAULT_ANY_UNIT = -1, SLOW_BYTE_MS = 20 };

struct fault {
    int64_t at_ns, end_ns; /* [at, end) */
    uint32_t source;       /* index into site.sources */
    uint32_t order;        /* place in the file: the later of two that begin together holds */
    int32_t unit;          /* or FAULT_ANY_UNIT */
    enum fault_kind kind;
    int64_t value;
};

struct scenario {
    struct arena arena;
    uint64_t seed;
    int64_t start_ns; /* wall time of the trace's first sample */
    int64_t length_ns;
    struct sim_point *points; /* [site.point_count] */
    struct fault *faults;     /* in order of at_ns */
    size_t fault_count;
};

/* Reads the scenario of a site (borrowed).  All mistakes in the content go to `mistakes` and give ERR_INPUT, a file
 * that is not there too; ERR_ENV when reading failed. */
enum err_code scenario_load(const char *file, const struct site *site, struct mistakes *mistakes,
                            struct scenario **ret_scenario, struct err *err) MUST_CHECK;

/* The same from a text; `file` names it in mistakes. */
enum err_code scenario_parse(const char *text, const char *file, const struct site *site, struct mistakes *mistakes,
                             struct scenario **ret_scenario, struct err *err) MUST_CHECK;

/* Frees it; accepts NULL. */
void scenario_free(struct scenario *scenario);

#endif
