/*
 * garble_wire: see garble_wire.h.
 */
#include "garble_wire.h"

#include <string.h>

enum { HEADER = 7, CRC = 2, ON_TCP = 1, ON_RTU = 2, ON_BOTH = 3 };

/* How often, of a thousand replies; the rest is honest. */
static const struct {
    const char *name;
    unsigned share, on;
} kinds[GARBLE_KINDS] = {
    [GARBLE_HONEST] = {"honest", 0, ON_BOTH},       [GARBLE_SLOW] = {"slow", 60, ON_BOTH},
    [GARBLE_LATE] = {"late", 40, ON_BOTH},          [GARBLE_DROPPED] = {"dropped", 25, ON_BOTH},
    [GARBLE_DOUBLED] = {"doubled", 50, ON_BOTH},    [GARBLE_OLDER] = {"older", 40, ON_TCP},
    [GARBLE_UNIT] = {"unit", 20, ON_BOTH},          [GARBLE_FUNCTION] = {"function", 20, ON_BOTH},
    [GARBLE_LENGTH] = {"length", 20, ON_BOTH},      [GARBLE_COUNT] = {"count", 20, ON_BOTH},
    [GARBLE_TRUNCATED] = {"truncated", 8, ON_BOTH}, [GARBLE_MERGED] = {"merged", 20, ON_BOTH},
    [GARBLE_DRIBBLED] = {"dribbled", 30, ON_BOTH},  [GARBLE_NOISE] = {"noise", 6, ON_BOTH},
    [GARBLE_FLIPPED] = {"flipped", 10, ON_BOTH},    [GARBLE_EXCEPTION] = {"exception", 30, ON_BOTH},
    [GARBLE_HANGUP] = {"hangup", 8, ON_BOTH},
};

const char *garble_name(enum garble_kind kind)
{
    return kinds[kind].name;
}

uint64_t garble_draw(uint64_t *chance)
{
    uint64_t x = *chance += 0x9e3779b97f4a7c15U;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}

uint64_t garble_below(uint64_t *chance, uint64_t limit)
{
    return garble_draw(chance) % limit;
}

static enum garble_kind draw_kind(bool rtu, uint64_t *chance)
{
    uint64_t at = garble_below(chance, 1000);
    for (enum garble_kind kind = GARBLE_HONEST; kind < GARBLE_KINDS; kind++) {
        if (at < kinds[kind].share) {
            return (kinds[kind].on & (rtu ? ON_RTU : ON_TCP)) != 0 ? kind : GARBLE_HONEST;
        }
        at -= kinds[kind].share;
    }
    return GARBLE_HONEST;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

static unsigned crc_of(const uint8_t *bytes, size_t len)
{
    unsigned crc = 0xffff;
    for (size_t i = 0; i < 8 * len; i++) {
        if (i % 8 == 0) {
            crc ^= bytes[i / 8];
        }
        crc = crc >> 1 ^ (0xa001 & -(crc & 1));
    }
    return crc;
}

size_t garble_frame(bool rtu, const struct garble_reply *reply, uint8_t ret_frame[GARBLE_FRAME_MAX])
{
    if (rtu) {
        ret_frame[0] = reply->unit;
        memcpy(ret_frame + 1, reply->pdu, reply->len);
        const unsigned crc = crc_of(ret_frame, reply->len + 1);
        ret_frame[reply->len + 1] = (uint8_t)crc;
        ret_frame[reply->len + 2] = (uint8_t)(crc >> 8);
        return 1 + reply->len + CRC;
    }
    const uint8_t header[HEADER] = {(uint8_t)(reply->transaction >> 8),
                                    (uint8_t)reply->transaction,
                                    0,
                                    0,
                                    0,
                                    (uint8_t)(reply->len + 1),
                                    reply->unit};
    memcpy(ret_frame, header, HEADER);
    memcpy(ret_frame + HEADER, reply->pdu, reply->len);
    return HEADER + reply->len;
}

static struct garble_piece *add_piece(struct garble_plan *plan, int64_t delay_us)
{
    struct garble_piece *piece = &plan->pieces[plan->count++];
    piece->delay_us = delay_us;
    piece->dribble = false;
    piece->len = 0;
    return piece;
}

static void append(struct garble_piece *piece, bool rtu, const struct garble_reply *reply)
{
    uint8_t frame[GARBLE_FRAME_MAX];
    const size_t len = garble_frame(rtu, reply, frame);
    memcpy(piece->bytes + piece->len, frame, len);
    piece->len += len;
}

/* ---- one kind each ----------------------------------------------------------------------------------------------- */

/* Makes the reply one that does not match its request, sound as a frame. */
static void mismatch(enum garble_kind kind, struct garble_reply *reply, uint64_t *chance)
{
    static const uint8_t passing[] = {1, 4, 5, 6, 8, 10, 11}; /* 2 and 3 would teach that addresses do not exist */
    reply->pdu[4] ^= 0xff;                                    /* another's values: whoever takes them has a wrong one */
    switch (kind) {
    case GARBLE_UNIT:
        reply->unit = (uint8_t)(reply->unit + 1 + garble_below(chance, 250));
        break;
    case GARBLE_FUNCTION:
        reply->pdu[0] = reply->pdu[0] == 3 ? 4 : 3;
        break;
    case GARBLE_LENGTH:
        reply->len = garble_below(chance, 2) == 0 ? reply->len - 2 : reply->len + 2;
        reply->pdu[1] = (uint8_t)(reply->len - 2);
        break;
    case GARBLE_COUNT:
        reply->pdu[1] = (uint8_t)(reply->pdu[1] + 1 + garble_below(chance, 250));
        break;
    case GARBLE_EXCEPTION:
        reply->pdu[0] |= 0x80;
        reply->pdu[1] = passing[garble_below(chance, sizeof passing)];
        reply->len = 2;
        break;
    default:
        break;
    }
}

static void plan_older(struct garble_plan *plan, const struct garble_reply *reply, const struct garble_past *past,
                       uint64_t *chance)
{
    const uint64_t where = garble_below(chance, 3);
    struct garble_piece *piece = add_piece(plan, 0);
    if (where == 1 || past->count == 0) {
        append(piece, false, reply);
    }
    if (past->count > 0) {
        append(piece, false, &past->replies[garble_below(chance, past->count)]);
    }
    if (where == 0) {
        append(piece, false, reply);
    }
}

static void plan_noise(struct garble_plan *plan, bool rtu, const struct garble_reply *reply, uint64_t *chance)
{
    struct garble_piece *piece = add_piece(plan, 0);
    piece->len = 1 + (size_t)garble_below(chance, 2 * GARBLE_FRAME_MAX);
    for (size_t i = 0; i < piece->len; i++) {
        piece->bytes[i] = (uint8_t)garble_draw(chance);
    }
    piece->bytes[0] = rtu ? (uint8_t)~reply->unit : piece->bytes[0]; /* 16 bits of check sum are soon met by chance */
}

static void plan_flipped(struct garble_plan *plan, bool rtu, const struct garble_reply *reply, uint64_t *chance)
{
    struct garble_piece *piece = add_piece(plan, 0);
    append(piece, rtu, reply);
    const uint64_t bit = garble_below(chance, rtu ? 8 * piece->len : 8 * (HEADER + 2));
    piece->bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
}

static void plan_merged(struct garble_plan *plan, bool rtu, const struct garble_reply *reply, uint64_t *chance)
{
    struct garble_reply stranger = *reply;
    struct garble_piece *piece = add_piece(plan, 0);
    stranger.transaction = (uint16_t)(stranger.transaction + 1 + garble_below(chance, 1000));
    stranger.unit = rtu ? (uint8_t)(stranger.unit + 1) : stranger.unit;
    stranger.pdu[3] ^= 0xff;
    append(piece, rtu, &stranger);
    append(piece, rtu, reply);
}

/* Whole, but not at the right time or not at once. */
static void plan_timed(struct garble_plan *plan, bool rtu, int64_t timeout_us, const struct garble_reply *reply,
                       uint64_t *chance)
{
    const int64_t part_us = (int64_t)garble_below(chance, (uint64_t)timeout_us);
    struct garble_piece *piece = add_piece(plan, 0);
    append(piece, rtu, reply);
    switch (plan->kind) {
    case GARBLE_SLOW:
        piece->delay_us = part_us * 7 / 10;
        break;
    case GARBLE_LATE: /* up to three time-outs; on RTU up to six: later than a unit is left alone for */
        piece->delay_us = timeout_us * 11 / 10 + (rtu ? 5 : 2) * part_us;
        break;
    case GARBLE_DOUBLED:
        if (rtu || part_us % 2 == 0) {
            append(piece, rtu, reply);
        } else {
            append(add_piece(plan, 2 * part_us), rtu, reply);
        }
        break;
    case GARBLE_DRIBBLED:
        piece->dribble = true;
        break;
    default:
        break;
    }
}

static void plan_cut(struct garble_plan *plan, bool rtu, const struct garble_reply *reply, uint64_t *chance)
{
    struct garble_piece *piece = add_piece(plan, 0);
    append(piece, rtu, reply);
    piece->len = (size_t)garble_below(chance, piece->len);
    if (plan->kind == GARBLE_HANGUP) {
        plan->end = garble_below(chance, 2) == 0 ? GARBLE_FIN : GARBLE_RESET;
    }
}

static void remember(struct garble_past *past, const struct garble_reply *reply)
{
    past->replies[past->next] = *reply;
    past->next = (past->next + 1) % GARBLE_OLD;
    past->count += past->count < GARBLE_OLD;
}

void garble_plan(bool rtu, bool calm, int64_t timeout_us, const struct garble_reply *reply, struct garble_past *past,
                 uint64_t *chance, struct garble_plan *ret_plan)
{
    struct garble_reply changed = *reply;
    ret_plan->kind = calm ? GARBLE_HONEST : draw_kind(rtu, chance);
    ret_plan->count = 0;
    ret_plan->end = GARBLE_GOES_ON;
    switch (ret_plan->kind) {
    case GARBLE_DROPPED:
    case GARBLE_KINDS:
        break;
    case GARBLE_OLDER:
        plan_older(ret_plan, reply, past, chance);
        break;
    case GARBLE_NOISE:
        plan_noise(ret_plan, rtu, reply, chance);
        break;
    case GARBLE_FLIPPED:
        plan_flipped(ret_plan, rtu, reply, chance);
        break;
    case GARBLE_MERGED:
        plan_merged(ret_plan, rtu, reply, chance);
        break;
    case GARBLE_TRUNCATED:
    case GARBLE_HANGUP:
        plan_cut(ret_plan, rtu, reply, chance);
        break;
    case GARBLE_UNIT:
    case GARBLE_FUNCTION:
    case GARBLE_LENGTH:
    case GARBLE_COUNT:
    case GARBLE_EXCEPTION:
        mismatch(ret_plan->kind, &changed, chance);
        append(add_piece(ret_plan, 0), rtu, &changed);
        break;
    case GARBLE_HONEST:
    case GARBLE_SLOW:
    case GARBLE_LATE:
    case GARBLE_DOUBLED:
    case GARBLE_DRIBBLED:
        plan_timed(ret_plan, rtu, timeout_us, reply, chance);
        break;
    }
    remember(past, reply);
}
