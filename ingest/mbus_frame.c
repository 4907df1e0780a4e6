/*
 * mbus_frame: see mbus_frame.h.
 */
#include "ingest/mbus_frame.h"

#include <string.h>

enum {
    MBAP_SIZE = 7,    /* header with the unit */
    LENGTH_MIN = 2,   /* what the header's length counts: unit and function … */
    LENGTH_MAX = 254, /* … and at most a whole PDU */
    EXCEPTION_FLAG = 0x80,
    RTU_CRC_SIZE = 2,
    RTU_EXCEPTION_SIZE = 5,
    RTU_MIN = 4,
};

static uint16_t get_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void put_u16(uint8_t *bytes, unsigned value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

uint16_t mbus_crc16(const uint8_t *bytes, size_t len)
{
    unsigned crc = 0xFFFF;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xA001U : 0U);
        }
    }
    return (uint16_t)crc;
}

size_t mbus_frame_wrap(enum mbus_framing framing, uint16_t transaction, uint8_t unit, const uint8_t *pdu,
                       size_t pdu_len, uint8_t ret_frame[MBUS_ADU_MAX])
{
    if (pdu_len == 0 || pdu_len > MBUS_PDU_MAX) {
        return 0;
    }
    if (framing == FRAMING_TCP) {
        put_u16(ret_frame, transaction);
        put_u16(ret_frame + 2, 0);
        put_u16(ret_frame + 4, (unsigned)pdu_len + 1U);
        ret_frame[6] = unit;
        memcpy(ret_frame + MBAP_SIZE, pdu, pdu_len);
        return MBAP_SIZE + pdu_len;
    }
    ret_frame[0] = unit;
    memcpy(ret_frame + 1, pdu, pdu_len);
    const uint16_t crc = mbus_crc16(ret_frame, pdu_len + 1);
    ret_frame[pdu_len + 1] = (uint8_t)crc;
    ret_frame[pdu_len + 2] = (uint8_t)(crc >> 8);
    return pdu_len + 1 + RTU_CRC_SIZE;
}

static bool crc_holds(const uint8_t *frame, size_t len)
{
    const uint16_t crc = mbus_crc16(frame, len - RTU_CRC_SIZE);
    return frame[len - 2] == (uint8_t)crc && frame[len - 1] == (uint8_t)(crc >> 8);
}

bool mbus_frame_unwrap(enum mbus_framing framing, const uint8_t *frame, size_t len, uint16_t *ret_transaction,
                       uint8_t *ret_unit, const uint8_t **ret_pdu, size_t *ret_pdu_len)
{
    if (framing == FRAMING_TCP) {
        if (len < MBAP_SIZE + 1 || len > MBUS_ADU_MAX || get_u16(frame + 2) != 0 || get_u16(frame + 4) + 6U != len) {
            return false;
        }
        *ret_transaction = get_u16(frame);
        *ret_unit = frame[6];
        *ret_pdu = frame + MBAP_SIZE;
        *ret_pdu_len = len - MBAP_SIZE;
        return true;
    }
    if (len < RTU_MIN || len > MBUS_PDU_MAX + 3 || !crc_holds(frame, len)) {
        return false;
    }
    *ret_transaction = 0;
    *ret_unit = frame[0];
    *ret_pdu = frame + 1;
    *ret_pdu_len = len - 1 - RTU_CRC_SIZE;
    return true;
}

size_t mbus_frame_request(enum mbus_framing framing, const struct mbus_request *request,
                          uint8_t ret_frame[MBUS_ADU_MAX])
{
    uint8_t pdu[5] = {request->function};
    put_u16(pdu + 1, request->address);
    put_u16(pdu + 3, request->count);
    return mbus_frame_wrap(framing, request->transaction, request->unit, pdu, sizeof pdu, ret_frame);
}

size_t mbus_payload_size(const struct mbus_request *request)
{
    const bool bits = request->function == FUNCTION_COILS || request->function == FUNCTION_DISCRETES;
    return bits ? ((size_t)request->count + 7U) / 8U : 2U * (size_t)request->count;
}

/* Matches unit and PDU against the request; `pdu_len` is what the frame's own length says. */
static enum mbus_verdict match(const struct mbus_request *request, uint8_t unit, const uint8_t *pdu, size_t pdu_len,
                               struct mbus_reply *ret_reply)
{
    if (unit != request->unit) {
        return FRAME_WRONG;
    }
    if (pdu[0] == (request->function | EXCEPTION_FLAG)) {
        if (pdu_len != 2 || pdu[1] == 0) {
            return FRAME_WRONG;
        }
        ret_reply->exception = pdu[1];
        return FRAME_EXCEPTION;
    }
    const size_t want = mbus_payload_size(request);
    if (pdu[0] != request->function || pdu_len != 2 + want || pdu[1] != want) {
        return FRAME_WRONG;
    }
    ret_reply->payload = pdu + 2;
    return FRAME_REPLY;
}

static enum mbus_verdict check_tcp(const struct mbus_request *request, const uint8_t *bytes, size_t len,
                                   struct mbus_reply *ret_reply)
{
    /* Each field is judged as soon as it is there: garbage must not make us wait for a length it made up. */
    if ((len >= 3 && bytes[2] != 0) || (len >= 4 && bytes[3] != 0)) {
        return FRAME_GARBAGE;
    }
    if (len < 6) {
        return len >= 5 && bytes[4] != 0 ? FRAME_GARBAGE : FRAME_PARTIAL;
    }
    const size_t length = get_u16(bytes + 4);
    if (length < LENGTH_MIN || length > LENGTH_MAX) {
        return FRAME_GARBAGE;
    }
    if (len < 6 + length) {
        return FRAME_PARTIAL;
    }
    ret_reply->size = 6 + length;
    if (request == NULL || get_u16(bytes) != request->transaction) {
        return FRAME_STRANGER;
    }
    return match(request, bytes[6], bytes + MBAP_SIZE, length - 1, ret_reply);
}

/* RTU has no length field: what is waited for says how long the answer is. */
static enum mbus_verdict check_rtu(const struct mbus_request *request, const uint8_t *bytes, size_t len,
                                   struct mbus_reply *ret_reply)
{
    if (request == NULL) {
        return FRAME_GARBAGE;
    }
    if ((len >= 1 && bytes[0] != request->unit) || (len >= 2 && (bytes[1] & ~EXCEPTION_FLAG) != request->function)) {
        return FRAME_GARBAGE;
    }
    if (len < 2) {
        return FRAME_PARTIAL;
    }
    const bool refused = (bytes[1] & EXCEPTION_FLAG) != 0;
    const size_t size = refused ? RTU_EXCEPTION_SIZE : 3 + mbus_payload_size(request) + RTU_CRC_SIZE;
    if (!refused && len >= 3 && bytes[2] != mbus_payload_size(request)) {
        return FRAME_GARBAGE;
    }
    if (len < size) {
        return FRAME_PARTIAL;
    }
    if (!crc_holds(bytes, size)) {
        return FRAME_GARBAGE;
    }
    ret_reply->size = size;
    return match(request, bytes[0], bytes + 1, size - 1 - RTU_CRC_SIZE, ret_reply);
}

enum mbus_verdict mbus_frame_check(enum mbus_framing framing, const struct mbus_request *request, const uint8_t *bytes,
                                   size_t len, struct mbus_reply *ret_reply)
{
    *ret_reply = (struct mbus_reply){0};
    return framing == FRAMING_TCP ? check_tcp(request, bytes, len, ret_reply)
                                  : check_rtu(request, bytes, len, ret_reply);
}
