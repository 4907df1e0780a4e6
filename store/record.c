/*
 * record: see record.h for the bytes.
 */
#include "store/record.h"
#include "base/crc32c.h"

enum { RECORD_VERSION = 1 };

static uint32_t checksum(uint64_t record, const uint8_t *bytes, size_t len)
{
    uint8_t key[RECORD_KEY];
    (void)put_u64(key, record);
    return crc32c(crc32c(0, key, sizeof key), bytes, len);
}

void record_begin(struct record_writer *writer, uint64_t record, uint64_t low)
{
    writer->at = writer->bytes;
    *writer->at++ = RECORD_VERSION;
    writer->at = put_varint(writer->at, record - low);
    writer->series = 0;
}

/* Writes tag and series; the series is left out when it is the one after the last. */
static void put_tag(struct record_writer *writer, uint32_t series, uint8_t tag)
{
    if (series == writer->series) {
        *writer->at++ = tag;
    } else {
        *writer->at++ = (uint8_t)(tag | OP_SERIES);
        writer->at = put_varint(writer->at, zigzag((int64_t)series - (int64_t)writer->series));
    }
    writer->series = series + 1;
}

/* There is room for the longest op, so more may be written than counts. */
void record_add(struct record_writer *writer, uint32_t series, const struct op *op)
{
    put_tag(writer, series, op_tag(op));
    writer->at = op_put_parts(writer->at, op);
}

void record_add_end(struct record_writer *writer, uint32_t series, bool late)
{
    put_tag(writer, series, (uint8_t)(OP_END | (late ? OP_LATE : 0)));
}

size_t record_finish(struct record_writer *writer, uint64_t record)
{
    const size_t len = (size_t)(writer->at - writer->bytes);
    (void)put_u32(writer->at, checksum(record, writer->bytes, len));
    return len + RECORD_CRC;
}

bool record_open(struct record_reader *reader, uint64_t record, const void *bytes, size_t len, uint64_t *ret_low)
{
    if (len < RECORD_CRC ||
        checksum(record, bytes, len - RECORD_CRC) != get_u32((const uint8_t *)bytes + len - RECORD_CRC)) {
        return false;
    }
    reader->cursor = cursor_over(bytes, len - RECORD_CRC);
    reader->series = 0;
    const uint8_t version = cursor_u8(&reader->cursor);
    const uint64_t back = cursor_varint(&reader->cursor);
    if (reader->cursor.bad || version != RECORD_VERSION || back > record) {
        return false;
    }
    *ret_low = record - back;
    return true;
}

bool record_next(struct record_reader *reader, struct record_op *ret_op)
{
    struct cursor *const cursor = &reader->cursor;
    if (cursor->bad || cursor_left(cursor) == 0) {
        return false;
    }
    const uint8_t tag = cursor_u8(cursor);
    int64_t series = reader->series;
    if ((tag & OP_SERIES) != 0) {
        series += cursor_zigzag(cursor) % ((int64_t)UINT32_MAX + 1); /* nonsense stays within int64 */
    }
    const uint8_t *const parts = cursor->at;
    op_skip(tag, cursor);
    if (cursor->bad || series < 0 || series >= UINT32_MAX) {
        cursor->bad = true;
        return false;
    }
    *ret_op = (struct record_op){
        .series = (uint32_t)series,
        .tag = tag,
        .parts = cursor_over(parts, (size_t)(cursor->at - parts)),
    };
    reader->series = (uint32_t)series + 1;
    return true;
}
