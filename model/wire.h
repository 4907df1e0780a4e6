/*
 * wire: the file of a recorded session, record by record.
 *
 * `davy run --record` writes it, `davy-sim run --replay-wire` reads it; what
 * stands in it byte by byte is in docs/data-model.md.  A file is a head and
 * records one after the other; each says when something went over which
 * source's wire.  A file that was cut off (a kill, a full disk) is read up to
 * its last whole record.
 *
 * Pure: bytes in, records out, and back.  Texts and bytes of a record that was
 * read are borrowed from the buffer.
 */
#ifndef DAVY_MODEL_WIRE_H
#define DAVY_MODEL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_kind {
    WIRE_SOURCE = 1, /* a source of the site gets its number in this file; name: its id */
    WIRE_UP,         /* Modbus: a connection stands */
    WIRE_DOWN,       /* Modbus: it is given up */
    WIRE_SENT,       /* Modbus: bytes of ours, one request */
    WIRE_RECEIVED,   /* Modbus: bytes of theirs, as they came */
    WIRE_MESSAGE,    /* MQTT: name: topic, bytes: payload */
    WIRE_LOST,       /* records are missing here; bytes: their number, u64 */
    WIRE_KINDS
};

enum { WIRE_QOS = 3, WIRE_RETAINED = 4, WIRE_REPEATED = 8 }; /* flags of a message */

enum {
    WIRE_HEAD_SIZE = 12,
    WIRE_NAME_MAX = 65535,
    WIRE_BYTES_MAX = 1 << 20, /* of one record: what is longer is not recorded, but counted */
    WIRE_FRAME_SIZE = 22,     /* of a record, besides name and bytes */
    WIRE_RECORD_MAX = WIRE_FRAME_SIZE + WIRE_NAME_MAX + WIRE_BYTES_MAX,
};

struct wire_record {
    enum wire_kind kind;
    uint8_t flags;
    uint16_t source; /* number in this file */
    int64_t time_ns;
    const char *name;
    size_t name_len;
    const uint8_t *bytes;
    size_t len;
};

/* Writes the head of a file. */
void wire_head(uint8_t ret_bytes[WIRE_HEAD_SIZE]);
/* True when the bytes begin a file of this version. */
bool wire_head_is(const uint8_t *bytes, size_t len);

/* Writes a record; gives its size, 0 when it is too long for `room` or for the format. */
size_t wire_encode(const struct wire_record *record, uint8_t *ret_bytes, size_t room);

enum wire_found { WIRE_WHOLE, WIRE_PARTIAL, WIRE_BROKEN };

/* Reads the record at the beginning of bytes[0..len) and gives its size. */
enum wire_found wire_decode(const uint8_t *bytes, size_t len, struct wire_record *ret_record, size_t *ret_size);

/* The number in a record WIRE_LOST; 0 when it is none. */
uint64_t wire_lost(const struct wire_record *record);
/* Writes such a number. */
enum { WIRE_LOST_SIZE = 8 };
void wire_put_lost(uint64_t lost, uint8_t ret_bytes[WIRE_LOST_SIZE]);

#endif
