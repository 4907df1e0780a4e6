/*
 * writer: the agent that takes samples from the shards' rings to the disk.
 *
 * One batch at a time.  A batch is gathered from all rings until they are empty
 * or BATCH_SAMPLES are together: each sample goes into its strand in memory
 * (book.h) and, as the same op, into the batch's log record (record.h).  Strands
 * that became full, or must make room, are sealed into the batch as well.  Then
 * the batch is written as a whole: log record, blocks, newest readings, and the
 * removal of log records nobody needs any more.  From then on it survives
 * SIGKILL; after sync_ns at the latest it is synced and survives loss of power.
 *
 * Whatever comes after a quiet while is written at once.  Under load, where each
 * message would be a batch of its own, a small batch waits for more until
 * gather_ns after the last one was written: what a batch costs is then spread
 * over many samples.
 *
 * When writing fails the batch stays as it is and is tried again, with a
 * back-off up to RETRY_MAX_NS; nothing further is taken from the rings until it
 * is written, so they fill and the shards wait.  At a stop that must not last
 * for ever: from the time in config.give_up on, or after give_up_ns of failures
 * at the end of all inputs, what cannot be written is dropped, counted and told,
 * so that those who wait for room come to their end.
 *
 * Bounds: a batch (BATCH_SAMPLES), marks in it (BATCH_MARKS), the pool of open
 * samples (the pool of store.c; the strand that began first is sealed early and
 * counted), the log (LOG_KEEP_BYTES, or LOG_KEEP_TIMES what the open samples take
 * there; the strand that began first is written to a block that will be written
 * again, longer).
 *
 * Memory: all in store_writer_new.  Threads: the agent's own.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/db.h"
#include "store/dictionary.h"
#include "store/record.h"
#include "store/seal.h"
#include <stdlib.h>

enum {
    BATCH_SAMPLES = 8192,
    BATCH_ENOUGH = 2048, /* samples for which a batch no longer waits */
    BATCH_MARKS = 1024,
    BATCH_HISTORY = 2048,  /* imported samples in one batch, behind the others */
    BATCH_TRIMS = 256,     /* strands sealed in one batch to cut the log */
    BATCH_REMOVALS = 1024, /* log records removed in one batch */
    EXPECT = 16,           /* samples ahead for which memory is fetched */
    /* each sample can at worst push one strand out of the pool and fill its own */
    BATCH_OPS = 3 * BATCH_SAMPLES + BATCH_TRIMS,
    LOG_ROW_GUESS = 16,                /* bytes, before a writer has written any */
    LOG_KEEP_TIMES = 3,                /* what the open samples took there; half of them came after the oldest */
    LOG_KEEP_BYTES = 12 * 1024 * 1024, /* within the log's write buffer, see db_options.c */
    LOG_KEEP_MOST = 256 * 1024 * 1024, /* a start must read it */
};
static const int64_t retry_min_ns = 50 * NS_PER_MS;
static const int64_t retry_max_ns = 5 * NS_PER_S;
static const int64_t give_up_ns = 10 * NS_PER_S; /* of failures, when nothing more comes */

struct mark {
    uint32_t source, input;
    uint64_t ticket;
};

struct writer_counters {
    struct counter *samples, *imported, *unknown, *late, *batches, *logged_bytes, *blocks, *block_bytes, *closed_early,
        *kept, *failures, *reopened, *syncs, *open, *pool_bytes, *log_bytes, *lost;
};

struct store_writer {
    struct store_writer_config config;
    struct store *store;
    uint32_t *series; /* [point] */
    struct sealer *sealer;
    rocksdb_writebatch_t *batch;
    struct record_writer record;
    uint8_t *record_bytes;
    struct mark marks[BATCH_MARKS];
    uint64_t history_mark;                   /* reached in this batch; 0: none */
    size_t samples, late, mark_count, seals; /* of this batch */
    unsigned turn;                           /* input that begins the next batch */
    bool begun;                              /* the batch's record is */
    int64_t due_ns;                          /* when a small batch is written at the latest */
    bool ready;                              /* the batch is complete and waits to be written */
    uint64_t logged_bytes, logged_rows;      /* by this writer */
    int64_t retry_ns;                        /* when to try again; 0: nothing failed */
    int64_t pause_ns;                        /* of the next failure */
    int64_t failing_ns;                      /* since when; 0: not */
    bool given_up;                           /* drops everything until its inputs end */
    uint64_t reopened;                       /* as last told */
    int64_t unsynced_ns;                     /* since when something is unsynced; TIME_NEVER: nothing is */
    struct writer_counters counters;
};

static void count(struct counter *counter, uint64_t n)
{
    if (counter != NULL) {
        counter_add(counter, n);
    }
}

static void gauge(struct counter *counter, uint64_t value)
{
    if (counter != NULL) {
        counter_set(counter, value);
    }
}

/* ---- making -------------------------------------------------------------------------------------------------------
 */

static void make_counters(struct store_writer *writer)
{
    const struct {
        struct counter **counter;
        const char *name, *unit, *help;
    } table[] = {
        {&writer->counters.samples, "store.samples", "1", "samples taken"},
        {&writer->counters.imported, "store.imported", "1", "samples imported as history"},
        {&writer->counters.unknown, "store.unknown_points", "1", "samples of no point of the site, dropped"},
        {&writer->counters.late, "store.late", "1", "samples put aside because they were not in order of time"},
        {&writer->counters.batches, "store.batches", "1", "batches written"},
        {&writer->counters.logged_bytes, "store.logged_bytes", "B", "bytes written to the recovery log"},
        {&writer->counters.blocks, "store.blocks", "1", "blocks written"},
        {&writer->counters.block_bytes, "store.block_bytes", "B", "bytes of blocks written"},
        {&writer->counters.closed_early, "store.closed_early", "1", "blocks closed before full: memory bound reached"},
        {&writer->counters.kept, "store.kept", "1", "blocks written before full, to cut the recovery log"},
        {&writer->counters.failures, "store.failures", "1", "writes and syncs that failed and were tried again"},
        {&writer->counters.reopened, "store.reopened", "1", "times the database was opened again after a failed write"},
        {&writer->counters.syncs, "store.syncs", "1", "times the log was synced to the disk"},
        {&writer->counters.lost, "store.lost", "1", "samples dropped at a stop because the disk took nothing"},
        {&writer->counters.open, "store.open_blocks", "1", "open blocks"},
        {&writer->counters.pool_bytes, "store.pool_bytes", "B",
         "memory used by open blocks, beyond the newest samples of each"},
        {&writer->counters.log_bytes, "store.log_bytes", "B", "size of the recovery log that is still needed"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        *table[i].counter = counter_new(writer->config.counters, table[i].name, table[i].unit, table[i].help);
    }
}

/* The book and the readings are shared with readers of this process until here: they grow with everybody kept out. */
static enum err_code grow(struct store *store, struct err *err)
{
    uint32_t series_count = 0;
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    const enum err_code code = dictionary_count(store, &series_count, err);
    db_leave(store);
    if (code == ERR_NONE) {
        (void)pthread_rwlock_wrlock(&store->lock); /* fails only on misuse */
        book_grow(store->book, series_count);
        lasts_grow(&store->lasts, series_count);
        (void)pthread_rwlock_unlock(&store->lock);
    }
    return code;
}

enum err_code store_writer_new(const struct store_writer_config *config, struct store_writer **ret_writer,
                               struct err *err)
{
    struct store *const store = config->store;
    if (store->scratch != NULL) {
        return err_set(err, ERR_INPUT, "%s: opened for reading only", store->path);
    }
    struct store_writer *const writer = memory_new(1, sizeof *writer);
    writer->config = *config;
    writer->store = store;
    writer->series = memory_new(config->site->point_count, sizeof *writer->series);
    writer->unsynced_ns = TIME_NEVER;
    writer->pause_ns = retry_min_ns;
    enum err_code code = dictionary_assign(store, config->site, writer->series, err);
    if (code == ERR_NONE) {
        code = grow(store, err);
    }
    if (code != ERR_NONE) {
        store_writer_free(writer);
        return code;
    }
    writer->sealer = memory_new(1, sizeof *writer->sealer);
    writer->batch = rocksdb_writebatch_create();
    writer->record_bytes = memory_new(RECORD_HEAD_MAX + BATCH_OPS * RECORD_OP_MAX + RECORD_CRC, 1);
    writer->record.bytes = writer->record_bytes;
    if (config->counters != NULL) {
        make_counters(writer);
    }
    *ret_writer = writer;
    return ERR_NONE;
}

void store_writer_free(struct store_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->batch != NULL) {
        rocksdb_writebatch_destroy(writer->batch);
    }
    free(writer->series);
    free(writer->sealer);
    free(writer->record_bytes);
    free(writer);
}

/* ---- gathering ----------------------------------------------------------------------------------------------------
 */

/* Seals a strand into the batch and tells the log that it ended. */
static void seal(struct store_writer *writer, struct strand *strand, bool keep)
{
    uint8_t span;
    const uint64_t order = writer->store->next_record << 16 | (writer->seals++ & 0xffff);
    const size_t len = seal_strand(writer->store, writer->sealer, writer->batch, strand, order, &span);
    record_add_end(&writer->record, book_series_of(writer->store->book, strand), strand->late);
    if (keep && !strand->late) {
        book_keep(writer->store->book, strand, span);
    } else {
        book_clear(writer->store->book, strand);
    }
    count(writer->counters.blocks, 1);
    count(writer->counters.block_bytes, len);
}

/* Frees pool memory: first strands that are in a block as they are, then the one that began first. */
static void make_room(struct store_writer *writer)
{
    struct book *const book = writer->store->book;
    while (!book_has_room(book)) {
        struct strand *const kept = book_first(book, STRAND_KEPT);
        if (kept != NULL) {
            book_clear(book, kept);
        } else {
            seal(writer, book_first(book, STRAND_LIVE), false);
        }
        count(writer->counters.closed_early, 1);
    }
}

/* The row a sample becomes, with what only the site can tell. */
static struct store_row make_row(const struct store_writer *writer, const struct sample *sample)
{
    const struct site_point *const point = &writer->config.site->points[sample->point];
    struct store_row row = {
        .time_ns = sample->time_ns,
        .seen_ns = sample->seen_ns,
        .value = sample->value,
        .status = (uint16_t)(sample->status & ~(unsigned)PLACE_BITS),
    };
    if ((row.status & ST_LATE) != 0) {
        row.status |= PLACE_HISTORY; /* never the newest, also when its time is */
    }
    if ((row.status & ST_RANGE) != 0 && point->has_range && row.value < point->range_lo) {
        row.status |= PLACE_BELOW;
    }
    return row;
}

/* Puts a row where it belongs: into its strand and, as the same bytes, into the log record. */
static void keep(struct store_writer *writer, uint32_t series, struct store_row *row)
{
    struct store *const store = writer->store;
    make_room(writer);
    struct strand *const strand = book_place(store->book, series, row);
    struct op op;
    newest_add(store->book, &store->lasts, series, row, strand->late);
    book_append(store->book, strand, row, store->next_record, store->logged_bytes, &op);
    record_add(&writer->record, series, &op);
    writer->samples++;
    writer->late += strand->late && (row->status & PLACE_IMPORTED) == 0;
    if (strand->count == BOOK_BLOCK_ROWS) {
        seal(writer, strand, false);
    }
}

static void take_sample(struct store_writer *writer, const struct sample *sample)
{
    if (sample->point >= writer->config.site->point_count) {
        count(writer->counters.unknown, 1);
        return;
    }
    struct store_row row = make_row(writer, sample);
    keep(writer, writer->series[sample->point], &row);
}

/* Nobody has judged an imported sample, so its range is looked at here. */
static void take_history(struct store_writer *writer, const struct sample *sample)
{
    if (sample->point == POINT_MARK) {
        writer->history_mark = (uint64_t)sample->time_ns;
        return;
    }
    if (sample->point >= writer->config.site->point_count) {
        count(writer->counters.unknown, 1);
        return;
    }
    const struct site_point *const point = &writer->config.site->points[sample->point];
    struct store_row row = make_row(writer, sample);
    if (point->has_range && (row.value < point->range_lo || row.value > point->range_hi)) {
        row.status |= ST_RANGE;
    }
    row.status |= PLACE_IMPORTED | PLACE_HISTORY;
    keep(writer, writer->series[sample->point], &row);
    count(writer->counters.imported, 1);
}

static void take_mark(struct store_writer *writer, const struct sample *sample, unsigned input)
{
    if (writer->config.safe != NULL && sample->status < writer->config.site->source_count) {
        writer->marks[writer->mark_count++] =
            (struct mark){.source = sample->status, .input = input, .ticket = (uint64_t)sample->time_ns};
    }
}

static bool inputs_ended(const struct store_writer *writer)
{
    for (unsigned i = 0; i < writer->config.input_count; i++) {
        if (!ring_ended(writer->config.inputs[i])) {
            return false;
        }
    }
    return true;
}

static bool has_space(const struct store_writer *writer)
{
    return writer->samples < BATCH_SAMPLES && writer->mark_count < BATCH_MARKS;
}

/* Of many thousand series none is in the cache when its next sample comes: asks for it some samples ahead. */
static void expect(const struct store_writer *writer, const struct sample *sample)
{
    if (sample->point < writer->config.site->point_count) {
        book_expect(writer->store->book, writer->series[sample->point]);
    }
}

/* Takes what one ring has, as far as the batch has space; gives how many records. */
static size_t drain(struct store_writer *writer, unsigned input)
{
    struct ring *const ring = writer->config.inputs[input];
    size_t taken = 0;
    size_t n;
    for (const struct sample *samples; has_space(writer) && (samples = ring_peek(ring, &n)) != NULL;) {
        size_t i = 0;
        for (; i < n && has_space(writer); i++) {
            expect(writer, &samples[i + EXPECT < n ? i + EXPECT : i]);
            if (samples[i].point == POINT_MARK) {
                take_mark(writer, &samples[i], input);
            } else {
                take_sample(writer, &samples[i]);
            }
        }
        ring_release(ring, i);
        taken += i;
    }
    const bool has_bell = writer->config.input_bells != NULL && writer->config.input_bells[input] != NULL;
    if (taken > 0 && ring_is_awaited(ring) && has_bell) {
        doorbell_ring(writer->config.input_bells[input]);
    }
    return taken;
}

/* Takes some of what is imported, behind all others; gives how many records. */
static size_t drain_history(struct store_writer *writer)
{
    size_t taken = 0;
    size_t n;
    for (const struct sample *samples;
         taken < BATCH_HISTORY && has_space(writer) && (samples = ring_peek(writer->config.history, &n)) != NULL;) {
        size_t i = 0;
        for (; i < n && taken < BATCH_HISTORY && has_space(writer); i++, taken++) {
            take_history(writer, &samples[i]);
        }
        ring_release(writer->config.history, i);
    }
    if (taken > 0 && writer->config.history_bell != NULL) {
        doorbell_ring(writer->config.history_bell);
    }
    return taken;
}

/* How much of the log may hang on the oldest strand. */
static uint64_t log_bound(const struct store_writer *writer)
{
    const uint64_t rows = writer->logged_rows;
    const uint64_t each = rows == 0 ? LOG_ROW_GUESS : writer->logged_bytes / rows + 1;
    const uint64_t all = LOG_KEEP_TIMES * each * book_open_rows(writer->store->book);
    const uint64_t open = all < LOG_KEEP_MOST ? all : LOG_KEEP_MOST;
    const uint64_t keep = writer->config.log_keep != 0 ? writer->config.log_keep : LOG_KEEP_BYTES;
    return open > keep ? open : keep;
}

/* Cuts the log when the oldest strand holds back too much of it. */
static void cut_log(struct store_writer *writer)
{
    struct book *const book = writer->store->book;
    const uint64_t bound = log_bound(writer);
    for (int i = 0; i < BATCH_TRIMS; i++) {
        struct strand *const first = book_first(book, STRAND_LIVE);
        if (first == NULL || book_held(book, writer->store->logged_bytes) <= bound) {
            return;
        }
        seal(writer, first, true);
        count(writer->counters.kept, 1);
    }
}

/* Adds the log record, and the removal of those no longer needed, and closes the batch. */
static void complete(struct store_writer *writer)
{
    struct store *const store = writer->store;
    uint8_t key[RECORD_KEY];
    const uint64_t low = book_low(store->book, store->next_record);
    for (int i = 0; i < BATCH_REMOVALS && store->low_record < low; i++) {
        (void)put_u64(key, store->low_record++);
        rocksdb_writebatch_singledelete_cf(writer->batch, store->cf[CF_LOG], (const char *)key, sizeof key);
    }
    (void)put_u64(key, store->next_record);
    const size_t len = record_finish(&writer->record, store->next_record);
    rocksdb_writebatch_put_cf(writer->batch, store->cf[CF_LOG], (const char *)key, sizeof key,
                              (const char *)writer->record_bytes, len);
    store->logged_bytes += len;
    writer->logged_bytes += len;
    writer->logged_rows += writer->samples;
    count(writer->counters.logged_bytes, len);
    writer->ready = true;
}

/* True when what is together shall be written now. */
static bool is_time_to_write(const struct store_writer *writer, int64_t now_ns)
{
    return writer->samples >= BATCH_ENOUGH || !has_space(writer) || now_ns >= writer->due_ns || inputs_ended(writer);
}

/* Gathers a batch, or goes on with one; gives how many records were taken from the rings.  Within db_enter: sealing
 * names column families. */
static size_t gather(struct store_writer *writer, int64_t now_ns)
{
    struct store *const store = writer->store;
    size_t taken = 0;
    if (!writer->begun) {
        record_begin(&writer->record, store->next_record, book_low(store->book, store->next_record));
        writer->begun = true;
    }
    for (unsigned i = 0; i < writer->config.input_count; i++) {
        taken += drain(writer, (writer->turn + i) % writer->config.input_count);
    }
    writer->turn++;
    if (writer->config.history != NULL && (writer->config.input_count == 0 || !inputs_ended(writer))) {
        taken += drain_history(writer);
    }
    if (writer->samples > 0 && is_time_to_write(writer, now_ns)) {
        cut_log(writer);
        complete(writer);
    }
    return taken;
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

static void confirm_marks(struct store_writer *writer)
{
    for (size_t i = 0; i < writer->mark_count; i++) {
        const struct mark *const mark = &writer->marks[i];
        cell_set(&writer->config.safe[mark->source].stored[mark->input], mark->ticket);
    }
    writer->mark_count = 0;
    if (writer->history_mark != 0) {
        cell_set(writer->config.history_kept, writer->history_mark);
        writer->history_mark = 0;
        if (writer->config.history_bell != NULL) {
            doorbell_ring(writer->config.history_bell);
        }
    }
}

static void written(struct store_writer *writer, int64_t now_ns)
{
    struct store *const store = writer->store;
    count(writer->counters.samples, writer->samples);
    count(writer->counters.late, writer->late);
    count(writer->counters.batches, 1);
    gauge(writer->counters.open, book_open_strands(store->book));
    gauge(writer->counters.pool_bytes, book_pool_used(store->book));
    gauge(writer->counters.log_bytes, book_held(store->book, store->logged_bytes));
    rocksdb_writebatch_clear(writer->batch);
    writer->samples = writer->late = writer->seals = 0;
    writer->begun = writer->ready = false;
    writer->due_ns = now_ns + writer->config.gather_ns;
    store->next_record++;
    if (writer->unsynced_ns == TIME_NEVER) {
        writer->unsynced_ns = now_ns;
    }
    confirm_marks(writer);
}

/* What failed is logged when it begins and when it ends, not in between. */
static void note_failure(struct store_writer *writer, const struct err *why, int64_t now_ns)
{
    count(writer->counters.failures, 1);
    if (writer->failing_ns == 0) {
        writer->failing_ns = now_ns;
        log_event(LOG_ERROR, "store", "STO-001", writer->store->path,
                  "path=%s reason=\"%s\" hint=\"samples wait in memory; look at the disk: full, failing, read-only?\"",
                  writer->store->path, why->text);
    }
    writer->retry_ns = now_ns + writer->pause_ns;
    writer->pause_ns = writer->pause_ns * 2 < retry_max_ns ? writer->pause_ns * 2 : retry_max_ns;
}

static void note_success(struct store_writer *writer, int64_t now_ns)
{
    if (writer->failing_ns != 0) {
        log_event(LOG_WARN, "store", "STO-002", writer->store->path, "path=%s writing again after %.3f s",
                  writer->store->path, (double)(now_ns - writer->failing_ns) / (double)NS_PER_S);
    }
    const uint64_t reopened = cell_get(&writer->store->reopened);
    if (reopened != writer->reopened) {
        log_event(LOG_WARN, "store", "STO-004", writer->store->path,
                  "path=%s opened again after a failed write, times=%llu", writer->store->path,
                  (unsigned long long)(reopened - writer->reopened));
        writer->reopened = reopened;
        gauge(writer->counters.reopened, reopened);
    }
    writer->failing_ns = 0;
    writer->retry_ns = 0;
    writer->pause_ns = retry_min_ns;
}

static bool write_batch(struct store_writer *writer, int64_t now_ns)
{
    struct err why;
    if (db_write(writer->store, writer->batch, false, &why) != ERR_NONE) {
        note_failure(writer, &why, now_ns);
        return false;
    }
    note_success(writer, now_ns);
    written(writer, now_ns);
    return true;
}

static bool sync_log(struct store_writer *writer, int64_t now_ns)
{
    struct err why;
    if (db_sync(writer->store, &why) != ERR_NONE) {
        note_failure(writer, &why, now_ns);
        return false;
    }
    note_success(writer, now_ns);
    count(writer->counters.syncs, 1);
    writer->unsynced_ns = TIME_NEVER;
    return true;
}

/* ---- the agent ----------------------------------------------------------------------------------------------------
 */

static int64_t sync_due(const struct store_writer *writer)
{
    return writer->unsynced_ns == TIME_NEVER ? TIME_NEVER : writer->unsynced_ns + writer->config.sync_ns;
}

static bool is_time_to_give_up(const struct store_writer *writer, int64_t now_ns)
{
    if (writer->failing_ns == 0) {
        return false;
    }
    const uint64_t from_ns = writer->config.give_up == NULL ? 0 : cell_get(writer->config.give_up);
    return (from_ns != 0 && (uint64_t)now_ns >= from_ns) ||
           (inputs_ended(writer) && now_ns - writer->failing_ns >= give_up_ns);
}

/* Takes all there is and keeps nothing.  Marks too: an unconfirmed message stays in the spool. */
static int drop(struct store_writer *writer)
{
    size_t dropped = 0, lost = 0;
    for (unsigned i = 0; i < writer->config.input_count; i++) {
        size_t n;
        for (const struct sample *samples; (samples = ring_peek(writer->config.inputs[i], &n)) != NULL;) {
            for (size_t k = 0; k < n; k++) {
                lost += samples[k].point != POINT_MARK;
            }
            ring_release(writer->config.inputs[i], n);
            dropped += n;
        }
        if (writer->config.input_bells != NULL && writer->config.input_bells[i] != NULL) {
            doorbell_ring(writer->config.input_bells[i]);
        }
    }
    count(writer->counters.lost, lost);
    return dropped == 0 && inputs_ended(writer) ? AGENT_FINISHED : (int)dropped;
}

static int give_up(struct store_writer *writer)
{
    writer->given_up = true;
    writer->retry_ns = 0;
    writer->unsynced_ns = TIME_NEVER;
    count(writer->counters.lost, writer->samples);
    log_event(LOG_ERROR, "store", "STO-003", writer->store->path,
              "path=%s reason=\"stopped while the disk takes nothing; %zu samples and what still waits are lost\"",
              writer->store->path, writer->samples);
    return drop(writer);
}

/* All inputs have ended: what is left is written and synced. */
static int finish(struct store_writer *writer, int64_t now_ns)
{
    const bool done = !writer->ready && (writer->unsynced_ns == TIME_NEVER || sync_log(writer, now_ns));
    return done ? AGENT_FINISHED : 0;
}

/* Says that book and database tell the same again, for those who read the book (open_rows.h). */
static void settle(struct store_writer *writer)
{
    (void)pthread_mutex_lock(&writer->store->settling); /* fails only on misuse */
    writer->store->settled = true;
    (void)pthread_mutex_unlock(&writer->store->settling);
}

/* Nothing is taken while a failed database could not be opened again. */
static size_t try_gather(struct store_writer *writer, int64_t now_ns)
{
    struct err why;
    if (!db_enter_healed(writer->store, &why)) {
        note_failure(writer, &why, now_ns);
        return 0;
    }
    (void)pthread_mutex_lock(&writer->store->settling); /* fails only on misuse */
    const size_t taken = gather(writer, now_ns);
    writer->store->settled =
        writer->seals == 0; /* samples in the book only are read from there; sealed ones are nowhere */
    (void)pthread_mutex_unlock(&writer->store->settling);
    db_leave(writer->store);
    return taken;
}

static int do_work(void *self, int64_t now_ns)
{
    struct store_writer *const writer = self;
    if (writer->given_up) {
        return drop(writer);
    }
    if (is_time_to_give_up(writer, now_ns)) {
        return give_up(writer);
    }
    const bool waiting = writer->retry_ns != 0 && now_ns < writer->retry_ns;
    size_t taken = 0;
    if (!writer->ready && !waiting) {
        taken = try_gather(writer, now_ns);
    }
    if (writer->ready) {
        if (waiting || !write_batch(writer, now_ns)) {
            return inputs_ended(writer) ? finish(writer, now_ns) : 0;
        }
        settle(writer);
    } else if (writer->samples == 0) {
        confirm_marks(writer); /* everything before them is written already */
    }
    if (!waiting && now_ns >= sync_due(writer)) {
        taken += sync_log(writer, now_ns);
    }
    if (taken == 0 && inputs_ended(writer)) {
        return finish(writer, now_ns);
    }
    return taken > INT32_MAX ? INT32_MAX : (int)taken;
}

static int64_t next_due(void *self)
{
    const struct store_writer *const writer = self;
    if (writer->retry_ns != 0) {
        return writer->retry_ns;
    }
    const int64_t sync_ns = sync_due(writer);
    return writer->samples > 0 && writer->due_ns < sync_ns ? writer->due_ns : sync_ns;
}

struct agent store_writer_agent(struct store_writer *writer)
{
    return (struct agent){.name = "writer", .self = writer, .do_work = do_work, .next_due = next_due};
}
