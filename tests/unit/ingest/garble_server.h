/*
 * garble_server: a process full of Modbus servers that garble what they answer.
 *
 * A child of the test, so that neither its memory nor its processor time is
 * ours; one listener a link, one epoll for all.  Every value that it tells says
 * where it belongs (link, unit, table, place) and to which request it is the
 * answer: a number, rising with each request for that point.  What was asked
 * last, and when it came here, stands in memory that both processes see, so
 * the judge knows for each sample whether it is the right one.
 *
 *   value   ┌────────┬───────┬───────┐  of the 64-bit number; the highest 11 bits are 0, so that it is whole as
 *           │ number │ index │ check │  a double
 *           │   24   │  19   │  10   │
 *           └────────┴───────┴───────┘
 */
#ifndef DAVY_TESTS_INGEST_GARBLE_SERVER_H
#define DAVY_TESTS_INGEST_GARBLE_SERVER_H

#include "base/cell.h"
#include "garble_wire.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    GARBLE_LINKS_MAX = 512,
    GARBLE_UNITS = 3,  /* 1..3, of links with an odd number; others have unit 1 only */
    GARBLE_TABLES = 2, /* blocks: 0 holding; 1 input, or (RTU) holding too: there nothing but time tells them apart */
    GARBLE_FAR = 1000, /* first address of block 1 on RTU */
    GARBLE_PLACES = 4, /* values of four registers, one after the other */
    GARBLE_WORDS = 4,
    GARBLE_POINTS_MAX = GARBLE_LINKS_MAX * GARBLE_UNITS * GARBLE_TABLES * GARBLE_PLACES,
    GARBLE_TIMES = 4
};

/* A point that is asked for. */
struct garble_asked {
    struct cell number;              /* of the newest request; 0: none yet */
    struct cell at_ns[GARBLE_TIMES]; /* monotonic time of receipt, by number % GARBLE_TIMES */
};

struct garble_shared {
    struct cell calm; /* test: not 0: be honest from now on */
    struct cell requests;
    struct cell kinds[GARBLE_KINDS];
    struct garble_asked asked[GARBLE_POINTS_MAX];
};

struct garble_server {
    pid_t pid;
    struct garble_shared *shared;
    uint16_t ports[GARBLE_LINKS_MAX];
};

/* Every fourth link speaks RTU over TCP. */
bool garble_is_rtu(unsigned link);
unsigned garble_units(unsigned link);

/* Where a point stands in `asked`. */
unsigned garble_index(unsigned link, unsigned unit, unsigned table, unsigned place);

uint64_t garble_value(unsigned index, uint64_t number);
/* Takes a value apart; false when its check does not hold or it is not that point's. */
bool garble_value_read(unsigned index, uint64_t value, uint64_t *ret_number);

/* Starts it; false when it cannot be. */
bool garble_server_start(struct garble_server *server, unsigned links, int64_t timeout_ns, uint64_t seed);
void garble_server_stop(struct garble_server *server);

#endif
