/*
 * fuzz_chunk: any bytes as a block, as a log record, as an event of the journal,
 * and as a change of the site and an item of one.  The first byte says which;
 * checksums are set right first, or no input would ever get past them.
 *
 * What can be read as a block must, written again, be read as the same.  The ops of
 * a record, restored as open samples, give the same by rows and by columns.
 */
#include "base/crc32c.h"
#include "store/change_record.h"
#include "store/chunk.h"
#include "store/columns.h"
#include "store/decimal.h"
#include "store/journal.h"
#include "store/record.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERIES = 7, RECORD = 1000, BYTES_MAX = 1 << 16 };

struct work {
    struct chunk_scratch scratch;
    struct columns columns;
    struct store_row first[CHUNK_ROWS_MAX], second[CHUNK_ROWS_MAX];
    uint8_t bytes[BYTES_MAX + 4], again[CHUNK_BYTES_MAX];
};

static void must(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void seal(struct work *work, const uint8_t *head, size_t head_len, size_t len)
{
    (void)put_u32(work->bytes + len, crc32c(crc32c(0, head, head_len), work->bytes, len));
}

static void as_block(struct work *work, size_t len)
{
    struct chunk_head head;
    struct chunk_head again;
    uint8_t series[4];
    (void)put_u32(series, SERIES);
    seal(work, series, sizeof series, len);
    if (!chunk_decode(SERIES, work->bytes, len + 4, &work->scratch, &head, work->first)) {
        return;
    }
    const size_t written = chunk_encode(SERIES, head.late, work->first, head.count, &work->scratch, work->again);
    must(written <= CHUNK_BYTES_MAX);
    must(chunk_decode(SERIES, work->again, written, &work->scratch, &again, work->second));
    must(again.count == head.count && again.late == head.late);
    for (size_t i = 0; i < head.count; i++) {
        must(work->first[i].time_ns == work->second[i].time_ns && work->first[i].seen_ns == work->second[i].seen_ns);
        must(work->first[i].status == work->second[i].status);
        must(double_bits(work->first[i].value) == double_bits(work->second[i].value));
    }
}

/* By columns, when a strand can be told so, comes what comes by rows. */
static void compare_strand(struct work *work, const struct book *book, const struct strand *strand)
{
    struct columns *const columns = &work->columns;
    if (strand == NULL || !columns_take(book, strand, columns)) {
        return;
    }
    must(book_rows(book, strand, work->first) == columns->count);
    for (size_t i = 0; i < columns->count; i++) {
        must(work->first[i].time_ns == columns->times[i] && work->first[i].status == 0);
        must((uint64_t)work->first[i].seen_ns - (uint64_t)columns->times[i] == (uint64_t)columns->lags[i]);
        must(double_bits(work->first[i].value) == double_bits(decimal_value(columns->k[i], columns->scale)));
    }
}

static void restore(struct work *work, struct book *book, const struct record_op *op)
{
    struct store_row row;
    struct cursor parts = op->parts;
    const uint32_t series = op->series % SERIES;
    if (op_is_end(op->tag)) {
        book_restore_end(book, series, (op->tag & OP_LATE) != 0);
    } else {
        (void)book_restore(book, series, op->tag, &parts, 0, 0, &row); /* one that is refused is left out */
    }
    compare_strand(work, book, book_strand(book, series, false));
}

static void as_record(struct work *work, size_t len)
{
    struct record_reader reader;
    struct record_op op;
    struct op_state state = {.scale = OP_NO_SCALE};
    uint64_t low;
    uint8_t key[RECORD_KEY];
    (void)put_u64(key, RECORD);
    seal(work, key, sizeof key, len);
    if (!record_open(&reader, RECORD, work->bytes, len + 4, &low)) {
        return;
    }
    must(low <= RECORD);
    struct book *const book = book_new(1 << 16);
    book_grow(book, SERIES);
    while (record_next(&reader, &op)) {
        struct store_row row;
        restore(work, book, &op);
        if (!op_is_end(op.tag)) {
            op_decode(&state, op.tag, &op.parts, &row);
            must(!op.parts.bad && cursor_left(&op.parts) == 0); /* reading takes just what skipping took */
        }
    }
    book_free(book);
}

static void as_event(const uint8_t *data, size_t len)
{
    struct journal_record record;
    if (journal_parse(1, data, len, &record)) {
        must(record.hashed + JOURNAL_HASH == len);
        must(record.event.alarm_len + record.event.json_len + record.event.state_len < len);
    }
}

/* What can be read is, written again, the same bytes. */
static void as_change(const uint8_t *data, size_t len)
{
    uint8_t key[CHANGE_KEY];
    struct change_record record;
    struct buf again = {0};
    change_key(SERIES, key);
    if (change_parse(key, sizeof key, data, len, &record)) {
        must(record.hashed + JOURNAL_HASH == len && record.change.text_len <= len);
        change_format(&again, &record);
        must(again.len <= record.hashed); /* a varint may have been longer than need be */
    }
    buf_done(&again);
}

/* The first bytes are the key. */
static void as_item(struct work *work, size_t len)
{
    struct store_change_item item;
    struct buf again = {0};
    const size_t key_len = len < 16 ? len : 16;
    const size_t text_len = len - key_len;
    uint8_t key[16];
    memcpy(key, work->bytes, key_len);
    memmove(work->bytes, work->bytes + key_len, text_len);
    seal(work, key, key_len, text_len);
    if (change_item_parse(key, key_len, work->bytes, text_len + 4, &item)) {
        must(key_len > CHANGE_KEY && item.id_len == key_len - CHANGE_KEY - 1 && item.text_len == text_len);
        change_item_format(&again, key, key_len, item.text, item.text_len);
        must(again.len == text_len + 4 && memcmp(again.data, work->bytes, again.len) == 0);
    }
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > BYTES_MAX) {
        return 0;
    }
    struct work *const work = malloc(sizeof *work);
    must(work != NULL);
    memcpy(work->bytes, data + 1, size - 1);
    switch (data[0] % 5) {
    case 0:
        as_block(work, size - 1);
        break;
    case 1:
        as_record(work, size - 1);
        break;
    case 2:
        as_event(data + 1, size - 1);
        break;
    case 3:
        as_change(data + 1, size - 1);
        break;
    default:
        as_item(work, size - 1);
        break;
    }
    free(work);
    return 0;
}
