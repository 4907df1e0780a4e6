/*
 * sim_frame: Modbus requests found in a stream of bytes, answers wrapped.
 *
 * Pure.  TCP: an MBAP header with transaction, length and unit.  RTU: unit,
 * PDU, CRC, and a request's length follows from its function code.
 */
#ifndef DAVY_SIMULATORS_SIM_FRAME_H
#define DAVY_SIMULATORS_SIM_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum sim_framing { FRAMING_TCP, FRAMING_RTU };
enum { SIM_FRAME_MAX = 260 };

struct sim_request {
    uint16_t transaction; /* TCP; 0 for RTU */
    uint8_t unit;
    const uint8_t *pdu; /* borrowed from the stream's bytes */
    size_t pdu_len;
};

/* Looks for a request at the beginning of bytes[0..len).  Returns the bytes it takes (then *ret_request is set), 0 when
 * more are needed, -n when the first n bytes are no request and are to be thrown away. */
int sim_frame_find(enum sim_framing framing, const uint8_t *bytes, size_t len, struct sim_request *ret_request);

/* Wraps an answer of up to 253 bytes; returns the frame's length. */
size_t sim_frame_wrap(enum sim_framing framing, uint16_t transaction, uint8_t unit, const uint8_t *pdu, size_t pdu_len,
                      uint8_t ret_frame[SIM_FRAME_MAX]);

/* CRC-16 of Modbus RTU. */
uint16_t sim_frame_crc(const uint8_t *bytes, size_t len);

#endif
