/*
 * sim_frame: MBAP and RTU framing on the server's side (see sim_frame.h;
 * MODBUS Messaging on TCP/IP V1.0b 3.1.3, MODBUS over Serial Line V1.02 2.5.1).
 */
#include "simulators/sim_frame.h"
#include <string.h>

enum { MBAP = 7, MBAP_LENGTH_LEAST = 2, MBAP_LENGTH_MOST = 254, CRC = 2, WRITE_COILS = 15, WRITE_REGISTERS = 16 };

static int find_tcp(const uint8_t *bytes, size_t len, struct sim_request *ret_request)
{
    if (len < MBAP) {
        return 0;
    }
    const unsigned protocol = (unsigned)bytes[2] << 8 | bytes[3];
    const unsigned length = (unsigned)bytes[4] << 8 | bytes[5]; /* unit and PDU */
    if (protocol != 0 || length < MBAP_LENGTH_LEAST || length > MBAP_LENGTH_MOST) {
        return -(int)len; /* no way to find the next frame */
    }
    if (len < 6 + length) {
        return 0;
    }
    *ret_request = (struct sim_request){.transaction = (uint16_t)((unsigned)bytes[0] << 8 | bytes[1]),
                                        .unit = bytes[6],
                                        .pdu = bytes + MBAP,
                                        .pdu_len = length - 1};
    return (int)(6 + length);
}

uint16_t sim_frame_crc(const uint8_t *bytes, size_t len)
{
    unsigned crc = 0xffff;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0xa001 : crc >> 1;
        }
    }
    return (uint16_t)crc;
}

static int find_rtu(const uint8_t *bytes, size_t len, struct sim_request *ret_request)
{
    if (len < 2) {
        return 0;
    }
    size_t need = 8; /* unit, function, address, value or count, CRC */
    if (bytes[1] == WRITE_COILS || bytes[1] == WRITE_REGISTERS) {
        if (len < 7) {
            return 0;
        }
        need = 9 + (size_t)bytes[6];
    }
    if (need > SIM_FRAME_MAX) {
        return -1;
    }
    if (len < need) {
        return 0;
    }
    const unsigned crc = (unsigned)bytes[need - 1] << 8 | bytes[need - 2]; /* low byte first */
    if (crc != sim_frame_crc(bytes, need - CRC)) {
        return -1; /* slide on until a frame fits */
    }
    *ret_request = (struct sim_request){.unit = bytes[0], .pdu = bytes + 1, .pdu_len = need - 1 - CRC};
    return (int)need;
}

int sim_frame_find(enum sim_framing framing, const uint8_t *bytes, size_t len, struct sim_request *ret_request)
{
    return framing == FRAMING_TCP ? find_tcp(bytes, len, ret_request) : find_rtu(bytes, len, ret_request);
}

size_t sim_frame_wrap(enum sim_framing framing, uint16_t transaction, uint8_t unit, const uint8_t *pdu, size_t pdu_len,
                      uint8_t ret_frame[SIM_FRAME_MAX])
{
    if (framing == FRAMING_RTU) {
        ret_frame[0] = unit;
        memcpy(ret_frame + 1, pdu, pdu_len);
        const unsigned crc = sim_frame_crc(ret_frame, 1 + pdu_len);
        ret_frame[1 + pdu_len] = (uint8_t)crc;
        ret_frame[2 + pdu_len] = (uint8_t)(crc >> 8);
        return 1 + pdu_len + CRC;
    }
    const size_t length = 1 + pdu_len;
    ret_frame[0] = (uint8_t)(transaction >> 8);
    ret_frame[1] = (uint8_t)transaction;
    ret_frame[2] = 0;
    ret_frame[3] = 0;
    ret_frame[4] = (uint8_t)(length >> 8);
    ret_frame[5] = (uint8_t)length;
    ret_frame[6] = unit;
    memcpy(ret_frame + MBAP, pdu, pdu_len);
    return MBAP + pdu_len;
}
