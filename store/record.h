/*
 * record: the records of the recovery log.
 *
 *   key    record number, 8 bytes, rising by one with each batch
 *   value  version  1 byte, 1
 *          back     varint: how many records back the first one still needed
 *                   was when this one was begun
 *          ops      (op.h), in the order of receipt; behind the tag, when its
 *                   bit 7 is set, the series as zigzag varint of its distance
 *                   to the one after the last op's
 *          crc      4 bytes, CRC32C over the key and all above
 *
 * Reading from the first needed record on and dropping a strand at its OP_END
 * gives exactly the open blocks.  A sample that is told against a predecessor
 * no longer there is in a block already.
 */
#ifndef DAVY_STORE_RECORD_H
#define DAVY_STORE_RECORD_H

#include "store/op.h"

enum { RECORD_HEAD_MAX = 1 + VARINT_MAX, RECORD_OP_MAX = OP_BYTES_MAX + VARINT_MAX, RECORD_CRC = 4, RECORD_KEY = 8 };

struct record_writer {
    uint8_t *bytes; /* borrowed; RECORD_HEAD_MAX + ops * RECORD_OP_MAX + RECORD_CRC */
    uint8_t *at;
    uint32_t series; /* expected next */
};

void record_begin(struct record_writer *writer, uint64_t record, uint64_t low);
/* Adds an op as op_encode made it. */
void record_add(struct record_writer *writer, uint32_t series, const struct op *op);
/* Says that a strand ended. */
void record_add_end(struct record_writer *writer, uint32_t series, bool late);
/* Ends the record; gives its length. */
size_t record_finish(struct record_writer *writer, uint64_t record);

struct record_op {
    uint32_t series;
    uint8_t tag;
    struct cursor parts; /* behind tag and series; ends with the op */
};

struct record_reader {
    struct cursor cursor;
    uint32_t series;
};

/* Opens a record; false when it is damaged.  *ret_low: the first one needed. */
bool record_open(struct record_reader *reader, uint64_t record, const void *bytes, size_t len, uint64_t *ret_low);
/* Gives the next op; false at the end, or when the rest makes no sense (then cursor.bad). */
bool record_next(struct record_reader *reader, struct record_op *ret_op);

#endif
