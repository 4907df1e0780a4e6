/*
 * garble_wire: what a spiteful Modbus server sends in place of a sound reply.
 *
 * Pure: a reply and a stream of chance go in, the pieces that leave come out.
 * It knows nothing of Davy's own framing, so a mistake there cannot hide here.
 *
 * Left out is what no receiver could tell: over TCP a changed payload under a
 * sound header (Modbus TCP has no check sum of its own), on a line without
 * transaction ids (RTU over TCP) a second copy of a reply that comes over the
 * same connection while the next request of the same shape is under way.
 * Replies that come late are not left out, however late: they come over the
 * connection that their request came over.
 */
#ifndef DAVY_TESTS_INGEST_GARBLE_WIRE_H
#define DAVY_TESTS_INGEST_GARBLE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum garble_kind {
    GARBLE_HONEST,
    GARBLE_SLOW,      /* in time, but not at once */
    GARBLE_LATE,      /* after the time-out */
    GARBLE_DROPPED,   /* no reply */
    GARBLE_DOUBLED,   /* the same again, at once or (TCP) up to two time-outs later */
    GARBLE_OLDER,     /* TCP: an older reply before, after or in place of it */
    GARBLE_UNIT,      /* another unit's, with the right transaction */
    GARBLE_FUNCTION,  /* of another function */
    GARBLE_LENGTH,    /* one register too few or too many */
    GARBLE_COUNT,     /* a byte count that is not true */
    GARBLE_TRUNCATED, /* the end is missing */
    GARBLE_MERGED,    /* a stranger's reply in front, in one segment */
    GARBLE_DRIBBLED,  /* a byte or two at a time */
    GARBLE_NOISE,     /* bytes that are no Modbus */
    GARBLE_FLIPPED,   /* a bit turned over: in the header (TCP), anywhere (RTU) */
    GARBLE_EXCEPTION, /* refused for a passing reason */
    GARBLE_HANGUP,    /* half a reply, then the end or a reset */
    GARBLE_KINDS
};

const char *garble_name(enum garble_kind kind);

/* A small stream of chance: the same seed gives the same. */
uint64_t garble_draw(uint64_t *chance);
uint64_t garble_below(uint64_t *chance, uint64_t limit);

enum { GARBLE_PDU_MAX = 253, GARBLE_FRAME_MAX = 260, GARBLE_OLD = 4 };

struct garble_reply {
    uint16_t transaction;
    uint8_t unit;
    size_t len;
    uint8_t pdu[GARBLE_PDU_MAX];
};

/* The last replies of a connection. */
struct garble_past {
    struct garble_reply replies[GARBLE_OLD];
    unsigned count, next;
};

struct garble_piece {
    int64_t delay_us;
    bool dribble;
    size_t len;
    uint8_t bytes[2 * GARBLE_FRAME_MAX];
};

enum garble_end { GARBLE_GOES_ON, GARBLE_FIN, GARBLE_RESET };

struct garble_plan {
    enum garble_kind kind;
    unsigned count;
    struct garble_piece pieces[2];
    enum garble_end end; /* after the first piece */
};

/* Puts a reply into a frame; gives its length. */
size_t garble_frame(bool rtu, const struct garble_reply *reply, uint8_t ret_frame[GARBLE_FRAME_MAX]);

/* Says what leaves; `past` is read and gets this reply. */
void garble_plan(bool rtu, bool calm, int64_t timeout_us, const struct garble_reply *reply, struct garble_past *past,
                 uint64_t *chance, struct garble_plan *ret_plan);

#endif
