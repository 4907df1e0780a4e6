/*
 * Frames on any bytes, read as a connection would: the first byte chooses the
 * framing and the request, the rest is the stream.  Whatever comes, no step is
 * taken outside the bytes, every verdict keeps its promise, and a stream that
 * is not garbage goes forward.
 */
#include "ingest/mbus_frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_reply(const struct mbus_request *request, const struct mbus_reply *reply, const uint8_t *bytes,
                        size_t len)
{
    require(reply->payload >= bytes && reply->payload + mbus_payload_size(request) <= bytes + len);
    require(reply->payload[-2] == request->function);
    require(reply->payload[-1] == mbus_payload_size(request));
    require(reply->payload[-3] == request->unit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const enum mbus_framing framing = (data[0] & 1) != 0 ? FRAMING_RTU : FRAMING_TCP;
    const struct mbus_request request = {.transaction = 1,
                                         .unit = 17,
                                         .function = (uint8_t)(1 + (data[0] >> 1) % 4),
                                         .address = 19,
                                         .count = (uint16_t)(1 + (data[0] >> 3) % 20)};
    const struct mbus_request *waited = (data[0] & 0x80) != 0 ? NULL : &request;
    size_t at = 1;
    while (at < size) {
        struct mbus_reply reply;
        const enum mbus_verdict verdict = mbus_frame_check(framing, waited, data + at, size - at, &reply);
        if (verdict == FRAME_PARTIAL || verdict == FRAME_GARBAGE) {
            require(reply.size == 0);
            break;
        }
        require(reply.size > 0 && reply.size <= size - at && reply.size <= MBUS_ADU_MAX);
        require(verdict == FRAME_STRANGER || waited != NULL);
        if (verdict == FRAME_REPLY) {
            check_reply(&request, &reply, data + at, size - at);
        }
        at += reply.size;
    }
    uint16_t transaction;
    uint8_t unit;
    const uint8_t *pdu;
    size_t pdu_len;
    uint8_t frame[MBUS_ADU_MAX];
    if (mbus_frame_unwrap(framing, data + 1, size - 1, &transaction, &unit, &pdu, &pdu_len)) {
        require(mbus_frame_wrap(framing, transaction, unit, pdu, pdu_len, frame) == size - 1);
    }
    return 0;
}
