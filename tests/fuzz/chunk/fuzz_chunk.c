/*
 * fuzz_chunk: any bytes as a block, as a log record and as an event of the
 * journal.  The first byte says which; checksums are set right first, or no
 * input would ever get past them.
 *
 * What can be read as a block must, written again, be read as the same.
 */
#include "base/crc32c.h"
#include "store/chunk.h"
#include "store/journal.h"
#include "store/record.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERIES = 7, RECORD = 1000, BYTES_MAX = 1 << 16 };

struct work {
    struct chunk_scratch scratch;
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
    while (record_next(&reader, &op)) {
        struct store_row row;
        if (!op_is_end(op.tag)) {
            op_decode(&state, op.tag, &op.parts, &row);
            must(!op.parts.bad && cursor_left(&op.parts) == 0); /* reading takes just what skipping took */
        }
    }
}

static void as_event(const uint8_t *data, size_t len)
{
    struct journal_record record;
    if (journal_parse(1, data, len, &record)) {
        must(record.hashed + JOURNAL_HASH == len);
        must(record.event.alarm_len + record.event.json_len + record.event.state_len < len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > BYTES_MAX) {
        return 0;
    }
    struct work *const work = malloc(sizeof *work);
    must(work != NULL);
    memcpy(work->bytes, data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        as_block(work, size - 1);
        break;
    case 1:
        as_record(work, size - 1);
        break;
    default:
        as_event(data + 1, size - 1);
        break;
    }
    free(work);
    return 0;
}
