/*
 * mbus_frame: Modbus requests and replies as bytes.
 *
 *   TCP   | transaction 2 | protocol 0 2 | length 2 | unit 1 | function 1 | data … |
 *   RTU                                            | unit 1 | function 1 | data … | CRC 2, low byte first |
 *
 * Pure: the caller has the bytes and says what it is waiting for; the answer
 * is what these bytes are.  Nothing is believed that was not matched: the
 * transaction id, unit, function, length and byte count must all be those of
 * the request.  libmodbus frames are held against these in the unit tests; on
 * a busy line its select() and two short reads per frame cost more than twice
 * as much, and it ends the process at descriptor 1024.
 */
#ifndef DAVY_INGEST_MBUS_FRAME_H
#define DAVY_INGEST_MBUS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mbus_framing { FRAMING_TCP, FRAMING_RTU };

enum {
    MBUS_PDU_MAX = 253,
    MBUS_ADU_MAX = 260, /* the longest frame of either framing */
};

enum mbus_function { FUNCTION_COILS = 1, FUNCTION_DISCRETES = 2, FUNCTION_HOLDINGS = 3, FUNCTION_INPUTS = 4 };

enum mbus_exception {
    EXCEPTION_ADDRESS = 2,         /* illegal data address */
    EXCEPTION_VALUE = 3,           /* illegal data value, here: too many at once */
    EXCEPTION_GATEWAY_PATH = 10,   /* the gateway has no way to the unit */
    EXCEPTION_GATEWAY_SILENCE = 11 /* the unit behind the gateway did not answer */
};

/* A block read. */
struct mbus_request {
    uint16_t transaction; /* TCP only */
    uint8_t unit;
    uint8_t function; /* enum mbus_function */
    uint16_t address;
    uint16_t count;
};

enum mbus_verdict {
    FRAME_PARTIAL,   /* more bytes are needed */
    FRAME_REPLY,     /* the answer; ret->payload holds its registers or coils */
    FRAME_EXCEPTION, /* the answer is no; ret->exception says why */
    FRAME_WRONG,     /* answers this request, but does not match it */
    FRAME_STRANGER,  /* a whole frame that answers something else (TCP): late, doubled or foreign */
    FRAME_GARBAGE    /* no Modbus frame; the stream cannot be trusted any more */
};

struct mbus_reply {
    const uint8_t *payload; /* into the bytes given */
    size_t size;            /* bytes the frame takes; 0 when PARTIAL or GARBAGE */
    uint8_t exception;
};

/* Puts unit and PDU into a frame.  Gives its length, 0 when the PDU is empty or too long. */
size_t mbus_frame_wrap(enum mbus_framing framing, uint16_t transaction, uint8_t unit, const uint8_t *pdu,
                       size_t pdu_len, uint8_t ret_frame[MBUS_ADU_MAX]);

/* Takes apart one whole frame of exactly len bytes.  False when it is not sound. */
bool mbus_frame_unwrap(enum mbus_framing framing, const uint8_t *frame, size_t len, uint16_t *ret_transaction,
                       uint8_t *ret_unit, const uint8_t **ret_pdu, size_t *ret_pdu_len);

/* Builds a read request; gives its length (12 or 8). */
size_t mbus_frame_request(enum mbus_framing framing, const struct mbus_request *request,
                          uint8_t ret_frame[MBUS_ADU_MAX]);

/* Bytes of payload that answer the request. */
size_t mbus_payload_size(const struct mbus_request *request);

/* Says what stands at the head of bytes[0..len).  `request` is what is waited for, NULL: nothing. */
enum mbus_verdict mbus_frame_check(enum mbus_framing framing, const struct mbus_request *request, const uint8_t *bytes,
                                   size_t len, struct mbus_reply *ret_reply);

/* CRC-16/MODBUS. */
uint16_t mbus_crc16(const uint8_t *bytes, size_t len);

#endif
