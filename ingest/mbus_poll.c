/*
 * mbus_poll: one poll of one planned read, from its first request to the last
 * sample.
 *
 * Every point of the read gets exactly one sample a poll: a reading, or `comm`
 * when its piece was refused, unanswered or not asked.  Room for all of them
 * is reserved before the first request, so an answer never meets a full ring.
 *
 * A value that has companions waits until they are answered too: the blocks of
 * one read are asked one after the other, and only when the poll ends is it
 * decoded by what its companions say.  Without one of them it is `comm`.
 *
 * Refused addresses.  Exception 2 (and 3: too many at once) cuts the piece and
 * asks its parts, until the refused values stand alone (mbus_cuts).  If at the
 * end not one value was had, it is not an address that is wrong: the marks are
 * forgotten, the read goes on whole, and the next search waits (10 s … 5 min).
 * Holes are asked again after 10 s, then after twice that, at last once a day.
 */
#include "ingest/mbus_state.h"

#include "base/log.h"
#include "ingest/mbus_decode.h"
#include <assert.h>
#include <string.h>

static const int64_t search_wait_min_ns = 10 * NS_PER_S;
static const int64_t search_wait_max_ns = 24 * 3600 * NS_PER_S;
static const int64_t hopeless_wait_max_ns = 300 * NS_PER_S; /* everything was refused */

static void put(struct bus_read *read, uint32_t item, struct reading reading)
{
    struct mbus_worker *worker = read->link->worker;
    const int64_t now_ns = sample_cut_time(worker->now_ns); /* shorter in the store, too */
    struct sample sample = {
        .time_ns = now_ns,
        .seen_ns = now_ns,
        .value = reading.value,
        .point = read->cuts.items[item].point,
        .status = reading.status,
    };
    router_put(worker->config.router, &sample);
    worker->put = true;
}

static void put_comm(struct bus_read *read, uint32_t item)
{
    put(read, item, (struct reading){.value = NAN, .status = ST_COMM});
}

/* What waits for its companions, and what others wait for: kept until the poll ends. */
static bool is_kept(const struct bus_read *read, uint32_t item)
{
    return read->cuts.items[item].companion || read->cuts.items[item].guided;
}

static const struct site_from *from_of(const struct bus_read *read, uint32_t item)
{
    return &read->link->worker->config.site->points[read->cuts.items[item].point].from;
}

/* Where a companion stands: any of the points that have it tells. */
static const struct site_from *place_of(const struct bus_read *read, uint32_t item)
{
    const struct site_from *from = from_of(read, item);
    const struct mbus_item *it = &read->cuts.items[item];
    for (size_t i = 0; it->companion && i < from->extra->companion_count; i++) {
        const struct site_from *place = &from->extra->companions[i].from;
        if ((uint8_t)place->table == it->table && place->address == it->at && mbus_value_size(place) == it->size) {
            return place;
        }
    }
    return from;
}

static void keep(struct bus_read *read, uint32_t item, const uint8_t *payload, size_t at)
{
    read->kept[item] = mbus_take(place_of(read, item), payload, at);
    read->has[item] = true;
}

/* Gives the sample of a value that has companions: all of it came, or it is `comm`. */
static void put_guided(struct bus_read *read, uint32_t item)
{
    const struct mbus_plan *plan = &read->link->worker->plan;
    const struct site_from *from = from_of(read, item);
    const uint32_t *links = &plan->companions[plan->links[read->plan->first_item + item]];
    uint64_t companions[COMPANIONS_MOST];
    bool all = read->has[item];
    for (size_t i = 0; all && i < from->extra->companion_count; i++) {
        all = read->has[links[i]];
        companions[i] = read->kept[links[i]];
    }
    if (all) {
        put(read, item, mbus_decode_guided(from, read->kept[item], companions));
    } else {
        put_comm(read, item);
    }
}

/* Keeps the code of an exception with the points it struck; 0: they are answered again. */
static void keep_exception(struct bus_read *read, uint8_t exception)
{
    struct cell *cells = read->link->worker->config.exceptions;
    for (uint32_t i = read->piece.first; cells != NULL && i < read->piece.first + read->piece.count; i++) {
        if (!read->cuts.items[i].companion) {
            cell_set(&cells[read->cuts.items[i].point], exception);
        }
    }
    read->excepted = read->excepted || exception != 0;
}

static bool reserve(struct bus_read *read)
{
    struct mbus_worker *worker = read->link->worker;
    if (!router_room(worker->config.router, worker->reserved + read->plan->item_count)) {
        counter_add(read->link->count.skipped, 1);
        return false;
    }
    worker->reserved += read->plan->item_count;
    return true;
}

static void release(struct bus_read *read)
{
    assert(read->link->worker->reserved >= read->plan->item_count);
    read->link->worker->reserved -= read->plan->item_count;
}

static void ask_piece(struct bus_read *read)
{
    line_ask(read->link, read->ask, read->cuts.items[read->piece.first].table, read->piece.at, read->piece.size);
}

static void wait_longer(struct bus_read *read, int64_t most_ns)
{
    read->search_wait_ns = read->search_wait_ns == 0 ? search_wait_min_ns : 2 * read->search_wait_ns;
    if (read->search_wait_ns > most_ns) {
        read->search_wait_ns = most_ns;
    }
    read->search_ns = read->link->worker->mono_ns + read->search_wait_ns;
}

static void log_holes(const struct bus_read *read)
{
    const struct site *site = read->link->worker->config.site;
    const struct mbus_item *items = read->cuts.items;
    for (uint32_t i = 0; i < read->cuts.count; i++) {
        if ((read->cuts.marks[i] & MARK_HOLE) != 0) {
            log_event(LOG_WARN, "ingest", "ING-005", site->points[items[i].point].id,
                      "source=%s unit=%u point=%s address=%u reason=\"the device refuses this address (exception %u)\"",
                      read->link->source->id, read->unit->unit, site->points[items[i].point].id, items[i].at,
                      read->exception);
        }
    }
}

static void log_read(const struct bus_read *read, enum log_level level, const char *id, const char *what)
{
    log_event(level, "ingest", id, read->link->source->id, "source=%s unit=%u address=%u count=%u %s exception=%u",
              read->link->source->id, read->unit->unit, read->plan->address, read->plan->count, what, read->exception);
}

/* A search for refused addresses has come to its end. */
static void learn_search(struct bus_read *read)
{
    if (read->hopeless) {
        read->search_wait_ns = 0; /* what was found while everything was refused is doubtful */
    }
    read->hopeless = read->answered == 0;
    if (read->hopeless) {
        mbus_cuts_clear(&read->cuts);
        wait_longer(read, hopeless_wait_max_ns);
    } else {
        wait_longer(read, search_wait_max_ns);
        log_holes(read);
    }
}

/* What the poll has taught about refused addresses. */
static void learn(struct bus_read *read)
{
    if (read->answered == read->cuts.count) {
        if (read->refused) {
            log_read(read, LOG_INFO, "ING-006", "reason=\"no longer refused\"");
        }
        if (read->divided && read->search_ns <= read->link->worker->mono_ns) {
            read->search_ns = read->link->worker->mono_ns + search_wait_max_ns;
        }
        read->refused = false;
        read->hopeless = false;
        read->search_wait_ns = 0;
    } else {
        if (read->searching) {
            learn_search(read);
        }
        if (read->exception != 0 && !read->refused) {
            log_read(read, LOG_WARN, "ING-007", "reason=\"refused\"");
            read->refused = true;
        }
    }
    if (read->divided) {
        read->divided = mbus_cuts_any(&read->cuts);
    }
}

static void finish(struct bus_read *read)
{
    for (uint32_t i = 0; i < read->cuts.count; i++) {
        if (is_kept(read, i)) {
            if (read->cuts.items[i].guided) {
                put_guided(read, i);
            }
        } else if (i >= read->cursor || (read->cuts.marks[i] & MARK_HOLE) != 0) {
            put_comm(read, i);
        }
    }
    read->lost = read->answered < read->cuts.count;
    release(read);
    if (read->ask != NULL) { /* a poll without the wire has none */
        read->ask->state = ASK_FREE;
        read->ask = NULL;
    }
}

/* Goes on behind the cursor, or ends. */
static void next_piece(struct bus_read *read)
{
    if (mbus_cuts_next(&read->cuts, read->cursor, &read->piece)) {
        ask_piece(read);
        return;
    }
    read->cursor = read->cuts.count;
    learn(read);
    finish(read);
}

/* Nothing is known yet. */
static void begin(struct bus_read *read)
{
    read->cursor = 0;
    read->answered = 0;
    read->cost_ns = 0;
    if (read->has != NULL) {
        memset(read->has, 0, read->cuts.count * sizeof *read->has);
    }
}

bool poll_start(struct bus_read *read, struct bus_ask *ask)
{
    if (!reserve(read)) {
        return false;
    }
    count_poll(read);
    *ask = (struct bus_ask){.read = read, .unit = read->unit};
    read->ask = ask;
    begin(read);
    read->exception = 0;
    read->searching = false;
    read->joined = 0;
    if (read->divided) {
        if (read->link->worker->mono_ns >= read->search_ns) {
            mbus_cuts_reopen(&read->cuts);
        }
        read->joined = mbus_cuts_try_join(&read->cuts);
    }
    next_piece(read);
    return true;
}

void poll_reply(struct bus_read *read, const uint8_t *payload)
{
    const struct site *site = read->link->worker->config.site;
    for (uint32_t i = read->piece.first; i < read->piece.first + read->piece.count; i++) {
        const struct mbus_item *item = &read->cuts.items[i];
        const size_t at = (size_t)item->at - read->piece.at;
        if (item->companion || item->guided) {
            keep(read, i, payload, at);
        } else {
            put(read, i, mbus_decode(&site->points[item->point].from, payload, at));
        }
    }
    if (read->excepted) {
        keep_exception(read, 0);
    }
    read->answered += read->piece.count;
    read->cursor = read->piece.first + read->piece.count;
    next_piece(read);
}

static bool piece_holds(const struct mbus_piece *piece, uint32_t item)
{
    return item > piece->first && item < piece->first + piece->count;
}

/* The device refuses an address of the piece.  True when smaller pieces are to be asked. */
static bool divide(struct bus_read *read)
{
    if (read->joined != 0 && piece_holds(&read->piece, read->joined)) {
        mbus_cuts_confirm(&read->cuts, read->joined);
        read->joined = 0;
        return true;
    }
    if (read->hopeless && !read->searching && read->link->worker->mono_ns < read->search_ns) {
        return false;
    }
    read->searching = true;
    read->divided = true;
    (void)mbus_cuts_refused(&read->cuts, &read->piece);
    return true;
}

void poll_exception(struct bus_read *read, uint8_t exception)
{
    read->exception = exception;
    keep_exception(read, exception);
    const bool address = exception == EXCEPTION_ADDRESS || exception == EXCEPTION_VALUE;
    if (address && read->cuts.count > 1 && divide(read)) {
        next_piece(read); /* the same items in smaller pieces, or those behind a hole */
        return;
    }
    for (uint32_t i = read->piece.first; i < read->piece.first + read->piece.count; i++) {
        if (!is_kept(read, i)) {
            put_comm(read, i);
        }
    }
    read->cursor = read->piece.first + read->piece.count;
    next_piece(read);
}

void poll_fail(struct bus_read *read)
{
    finish(read);
}

void poll_comm(struct bus_read *read)
{
    if (!reserve(read)) {
        return;
    }
    count_poll(read);
    begin(read);
    finish(read);
}
