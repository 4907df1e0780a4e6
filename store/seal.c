/*
 * seal: see seal.h.
 */
#include "store/seal.h"
#include "store/keys.h"
#include "store/marks.h"

/* Insertion: late samples mostly come in order too, and there are never more than a block's. */
size_t seal_sort(struct store_row *rows, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct store_row row = rows[i];
        size_t at = i;
        for (; at > 0 && rows[at - 1].time_ns > row.time_ns; at--) {
            rows[at] = rows[at - 1];
        }
        rows[at] = row;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        kept -= kept > 0 && rows[kept - 1].time_ns == rows[i].time_ns;
        rows[kept++] = rows[i];
    }
    return kept;
}

static void put_last(struct store *store, rocksdb_writebatch_t *batch, uint32_t series)
{
    uint8_t key[KEY_SERIES];
    uint8_t bytes[LAST_BYTES];
    key_series('l', series, key);
    const struct last last = newest_of(store->book, &store->lasts, series);
    last_encode(&last, series, bytes);
    rocksdb_writebatch_put_cf(batch, store->cf[CF_SERIES], (const char *)key, sizeof key, (const char *)bytes,
                              sizeof bytes);
}

struct ends {
    int64_t first_ns, last_ns;
};

/* From columns where that can be done, which is the short way, else from rows. */
static size_t encode(const struct store *store, struct sealer *sealer, const struct strand *strand,
                     struct ends *ret_ends)
{
    struct columns *const columns = &sealer->columns;
    const uint32_t series = book_series_of(store->book, strand);
    if (!strand->late && columns_take(store->book, strand, columns)) {
        *ret_ends = (struct ends){columns->times[0], columns->times[columns->count - 1]};
        const size_t len =
            chunk_encode_columns(series, columns->times, columns->any_lag ? columns->lags : NULL, columns->k,
                                 columns->scale, columns->count, &sealer->scratch, sealer->bytes);
        if (len > 0) {
            return len;
        }
    }
    size_t n = book_rows(store->book, strand, sealer->rows);
    if (strand->late) {
        n = seal_sort(sealer->rows, n);
    }
    *ret_ends = (struct ends){sealer->rows[0].time_ns, sealer->rows[n - 1].time_ns};
    return chunk_encode(series, strand->late, sealer->rows, n, &sealer->scratch, sealer->bytes);
}

size_t seal_strand(struct store *store, struct sealer *sealer, rocksdb_writebatch_t *batch, const struct strand *strand,
                   uint64_t order, uint8_t *ret_span)
{
    struct ends ends;
    const uint32_t series = book_series_of(store->book, strand);
    const size_t len = encode(store, sealer, strand, &ends);
    struct block_key key = {
        .series = series,
        .start_ns = ends.first_ns,
        .span = key_span(ends.first_ns, ends.last_ns),
        .late = strand->late,
        .order = order,
    };
    uint8_t name[KEY_BLOCK_MAX];
    size_t name_len = key_block(&key, name);
    rocksdb_writebatch_put_cf(batch, store->cf[CF_BLOCKS], (const char *)name, name_len, (const char *)sealer->bytes,
                              len);
    *ret_span = key.span;
    if (strand->kept != 0 && strand->kept != key.span + 1) {
        key.span = (uint8_t)(strand->kept - 1); /* the shorter block before it was filed elsewhere */
        name_len = key_block(&key, name);
        rocksdb_writebatch_delete_cf(batch, store->cf[CF_BLOCKS], (const char *)name, name_len);
    }
    put_last(store, batch, series);
    marks_add(store, batch, series, &(struct mark){.start_ns = key.start_ns, .end_ns = ends.last_ns, .order = order});
    return len;
}
