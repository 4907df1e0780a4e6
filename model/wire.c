/*
 * wire: see wire.h.
 *
 *   record  │ size u32 │ kind u8 │ flags u8 │ source u16 │ time i64 │ name u16, bytes │ bytes … │ crc u32 │
 */
#include "model/wire.h"

#include <string.h>

enum { SIZE = 4, CRC = 4, KIND_AT = 4, FLAGS_AT = 5, SOURCE_AT = 6, TIME_AT = 8, NAME_AT = 16, BYTES_AT = 18 };
static const char head[WIRE_HEAD_SIZE + 1] = "davy-wire 1\n";

static void put(uint8_t *bytes, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(number >> 8 * (size - 1 - i));
    }
}

static uint64_t get(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

/* CRC32C (RFC 3720) a bit at a time: nobody waits for it. */
static uint32_t crc_of(const uint8_t *bytes, size_t len)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0x82f63b78 & -(crc & 1));
        }
    }
    return ~crc;
}

void wire_head(uint8_t ret_bytes[WIRE_HEAD_SIZE])
{
    memcpy(ret_bytes, head, WIRE_HEAD_SIZE);
}

bool wire_head_is(const uint8_t *bytes, size_t len)
{
    return len >= WIRE_HEAD_SIZE && memcmp(bytes, head, WIRE_HEAD_SIZE) == 0;
}

size_t wire_encode(const struct wire_record *record, uint8_t *ret_bytes, size_t room)
{
    if (record->name_len > WIRE_NAME_MAX || record->len > WIRE_BYTES_MAX ||
        WIRE_FRAME_SIZE + record->name_len + record->len > room) {
        return 0;
    }
    const size_t size = WIRE_FRAME_SIZE + record->name_len + record->len;
    put(ret_bytes, size - SIZE, SIZE);
    ret_bytes[KIND_AT] = (uint8_t)record->kind;
    ret_bytes[FLAGS_AT] = record->flags;
    put(ret_bytes + SOURCE_AT, record->source, 2);
    put(ret_bytes + TIME_AT, (uint64_t)record->time_ns, 8);
    put(ret_bytes + NAME_AT, record->name_len, 2);
    if (record->name_len > 0) {
        memcpy(ret_bytes + BYTES_AT, record->name, record->name_len);
    }
    if (record->len > 0) {
        memcpy(ret_bytes + BYTES_AT + record->name_len, record->bytes, record->len);
    }
    put(ret_bytes + size - CRC, crc_of(ret_bytes, size - CRC), CRC);
    return size;
}

enum wire_found wire_decode(const uint8_t *bytes, size_t len, struct wire_record *ret_record, size_t *ret_size)
{
    if (len < SIZE) {
        return WIRE_PARTIAL;
    }
    const size_t size = SIZE + (size_t)get(bytes, SIZE);
    if (size < WIRE_FRAME_SIZE || size > WIRE_RECORD_MAX) {
        return WIRE_BROKEN;
    }
    if (len < size) {
        return WIRE_PARTIAL;
    }
    const size_t name_len = (size_t)get(bytes + NAME_AT, 2);
    const uint8_t kind = bytes[KIND_AT];
    if (get(bytes + size - CRC, CRC) != crc_of(bytes, size - CRC) || WIRE_FRAME_SIZE + name_len > size ||
        kind < WIRE_SOURCE || kind >= WIRE_KINDS) {
        return WIRE_BROKEN;
    }
    *ret_record = (struct wire_record){.kind = (enum wire_kind)kind,
                                       .flags = bytes[FLAGS_AT],
                                       .source = (uint16_t)get(bytes + SOURCE_AT, 2),
                                       .time_ns = (int64_t)get(bytes + TIME_AT, 8),
                                       .name = (const char *)bytes + BYTES_AT,
                                       .name_len = name_len,
                                       .bytes = bytes + BYTES_AT + name_len,
                                       .len = size - WIRE_FRAME_SIZE - name_len};
    *ret_size = size;
    return WIRE_WHOLE;
}

uint64_t wire_lost(const struct wire_record *record)
{
    return record->kind == WIRE_LOST && record->len == WIRE_LOST_SIZE ? get(record->bytes, WIRE_LOST_SIZE) : 0;
}

void wire_put_lost(uint64_t lost, uint8_t ret_bytes[WIRE_LOST_SIZE])
{
    put(ret_bytes, lost, WIRE_LOST_SIZE);
}
