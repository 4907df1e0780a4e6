/*
 * device: a Modbus server in a thread of the test, honest or not.
 *
 * Register a of unit u holds device_value(u, a); so any value that reaches the
 * rings can be told to be right or wrong.  What it does to a request is chosen
 * by `mood`, which the test may change at any time.
 */
#ifndef DAVY_TESTS_INGEST_DEVICE_H
#define DAVY_TESTS_INGEST_DEVICE_H

#include "base/cell.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum mood {
    MOOD_HONEST,
    MOOD_SILENT,   /* reads, answers nothing */
    MOOD_LATE,     /* answers every second request after the time-out, together with the next */
    MOOD_PAIRS,    /* answers when two requests are there, the newer first */
    MOOD_DOUBLED,  /* answers twice */
    MOOD_DRIBBLE,  /* a byte at a time */
    MOOD_SLOW,     /* after 60 ms, during which nothing else is done */
    MOOD_TARDY,    /* likewise, after two and a half time-outs */
    MOOD_NOISY,    /* noise, and a little later the answer */
    MOOD_MERGED,   /* a stranger's frame in front, in one segment */
    MOOD_WRONG_ID, /* answers with another transaction */
    MOOD_WRONG_UNIT,
    MOOD_WRONG_COUNT, /* byte count of one register too few */
    MOOD_GARBAGE,     /* bytes that are no Modbus */
    MOOD_TRUNCATED,   /* half an answer, then the end of the connection */
    MOOD_RESET,       /* hangs up */
    MOOD_EXCEPTION,   /* exception 4 */
    MOOD_REFUSE_ALL,  /* exception 2 to everything */
    MOOD_COUNT
};

struct device {
    int listener;
    int line; /* serial: the master side of a pty; else -1 */
    char line_name[64];
    uint16_t port;
    bool rtu;
    pthread_t thread;
    struct cell stop;
    struct cell mood;     /* enum mood */
    struct cell odd_unit; /* this unit has a mood of its own; 0: none */
    struct cell odd_mood;
    struct cell silent_unit;     /* this unit answers nothing; 0: none */
    struct cell hole;            /* address + 1 that is refused with exception 2; 0: none */
    struct cell requests;        /* seen so far */
    struct cell longest;         /* the most registers asked for at once */
    struct cell silent_requests; /* of the silent unit */
};

/* Starts it on a port the kernel chooses. */
void device_start(struct device *device, bool rtu);
/* Starts it on a pseudo-terminal. */
void device_start_serial(struct device *device);
void device_stop(struct device *device);

uint16_t device_value(uint8_t unit, uint16_t address);

#endif
