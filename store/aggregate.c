/*
 * aggregate: means, extremes and counts over buckets of time, in one pass.
 *
 * Put together of hours, minutes and samples, whatever is largest and up to
 * date (cover.h).  Buckets merge without loss (bucket.h), so the answer is the
 * same to the last bit as from the samples alone.
 */
#include "base/memory.h"
#include "store/bucket.h"
#include "store/cover.h"
#include "store/tier.h"
#include "store/view.h"
#include <stdlib.h>

struct aggregation {
    int64_t every_ns;
    struct bucket bucket;
    bool begun;
    store_bucket_fn *fn;
    void *self;
    bool stopped;
    bool lost; /* a damaged block of a tier could not be made up for */
    struct view *view;
    struct cover cover;
    struct mark marks[MARKS_MAX];
    struct tier_block scratch;
};

/* ---- buckets ------------------------------------------------------------------------------------------------------
 */

static void bucket_end(struct aggregation *aggregation)
{
    if (aggregation->begun && aggregation->bucket.count > 0) {
        const struct store_bucket shown = bucket_show(&aggregation->bucket, aggregation->every_ns);
        aggregation->stopped = !aggregation->fn(aggregation->self, &shown);
    }
    aggregation->begun = false;
}

/* Makes ready for what happened at a time; false when enough was given. */
static bool reach(struct aggregation *aggregation, int64_t time_ns)
{
    const int64_t index = stretch_index(time_ns, aggregation->every_ns);
    if (aggregation->begun && index != aggregation->bucket.index) {
        bucket_end(aggregation);
    }
    if (!aggregation->begun) {
        bucket_begin(&aggregation->bucket, index);
        aggregation->begun = true;
    }
    return !aggregation->stopped;
}

static bool take_row(void *self, const struct store_row *row)
{
    struct aggregation *const aggregation = self;
    if (reach(aggregation, row->time_ns)) {
        bucket_add(&aggregation->bucket, row);
    }
    return !aggregation->stopped;
}

struct taking {
    struct aggregation *aggregation;
    int64_t length_ns;
};

static bool take_bucket(void *self, const struct bucket *bucket)
{
    const struct taking *const taking = self;
    struct aggregation *const aggregation = taking->aggregation;
    if (reach(aggregation, stretch_start(bucket->index, taking->length_ns))) {
        bucket_merge(&aggregation->bucket, bucket);
    }
    return !aggregation->stopped;
}

/* ---- pieces -------------------------------------------------------------------------------------------------------
 */

static enum err_code take_samples(struct aggregation *aggregation, int64_t from_ns, int64_t to_ns, struct err *err)
{
    bool stopped = false;
    return view_read(aggregation->view, from_ns, to_ns, take_row, aggregation, &stopped, err);
}

/* In place of a damaged block the samples are taken; where they were removed something is lost. */
static enum err_code take_in_place(struct aggregation *aggregation, int64_t from_ns, int64_t to_ns, struct err *err)
{
    const struct stretch *const raw = &aggregation->view->removed.kept[KEPT_RAW];
    aggregation->lost |= from_ns < raw->to_ns && to_ns > raw->from_ns;
    return take_samples(aggregation, from_ns, to_ns, err);
}

static enum err_code take_tier(struct aggregation *aggregation, enum tier tier, int64_t from_ns, int64_t to_ns,
                               struct err *err)
{
    const struct sweep_view *const swept = &aggregation->view->swept;
    const int64_t length_ns = tier_length(tier);
    struct taking taking = {.aggregation = aggregation, .length_ns = length_ns};
    const int64_t to = stretch_index(to_ns, length_ns);
    enum err_code code = ERR_NONE;
    for (int64_t from = stretch_index(from_ns, length_ns); code == ERR_NONE && from < to && !aggregation->stopped;) {
        int64_t bad = INT64_MAX;
        code = tier_read(swept->store, swept->snapshot, swept->series, tier, from, to, &aggregation->scratch,
                         take_bucket, &taking, &bad, err);
        from = to;
        if (code == ERR_NONE && bad < to) {
            const int64_t next = (tier_block_of(bad) + 1) * TIER_BUCKETS;
            from = next < to ? next : to;
            code = take_in_place(aggregation, stretch_start(bad, length_ns), stretch_start(from, length_ns), err);
        }
    }
    return code;
}

static enum err_code take_pieces(struct aggregation *aggregation, struct err *err)
{
    enum err_code code = ERR_NONE;
    struct cover_piece piece;
    while (code == ERR_NONE && !aggregation->stopped && cover_next(&aggregation->cover, &piece)) {
        code = piece.from == KEPT_RAW ? take_samples(aggregation, piece.from_ns, piece.to_ns, err)
                                      : take_tier(aggregation, piece.from == KEPT_HOUR ? TIER_HOUR : TIER_MINUTE,
                                                  piece.from_ns, piece.to_ns, err);
    }
    return code;
}

/* ---- the plan -----------------------------------------------------------------------------------------------------
 */

/* Tells the cover what is not in the tiers yet: what is marked, and what is in no block. */
static enum err_code plan(struct aggregation *aggregation, int64_t from_ns, int64_t to_ns, struct err *err)
{
    const struct sweep_view *const swept = &aggregation->view->swept;
    struct cover *const cover = &aggregation->cover;
    const struct open_rows *const open = &aggregation->view->open;
    size_t count = 0;
    bool more = false;
    cover_begin(cover, from_ns, to_ns, aggregation->every_ns);
    if (!aggregation->view->tiers) {
        cover_behind(cover, INT64_MIN, INT64_MAX);
        return ERR_NONE;
    }
    const enum err_code code = marks_list(swept->store, swept->snapshot, swept->series, from_ns, to_ns,
                                          aggregation->marks, &count, &more, err);
    for (size_t i = 0; i < count; i++) {
        cover_behind(cover, aggregation->marks[i].start_ns, aggregation->marks[i].end_ns);
    }
    if (more) {
        cover_behind(cover, aggregation->marks[count - 1].start_ns, INT64_MAX);
    }
    for (int late = 0; late < 2; late++) {
        for (size_t i = 0; i < open->count[late]; i++) {
            cover_behind(cover, open->rows[late][i].time_ns, open->rows[late][i].time_ns);
        }
    }
    return code;
}

static enum err_code aggregate(struct aggregation *aggregation, int64_t from_ns, int64_t to_ns, struct err *err)
{
    enum err_code code = plan(aggregation, from_ns, to_ns, err);
    if (code == ERR_NONE) {
        cover_removed(&aggregation->cover, &aggregation->view->removed);
        code = take_pieces(aggregation, err);
    }
    if (code == ERR_NONE && !aggregation->stopped) {
        bucket_end(aggregation);
    }
    if (code == ERR_NONE && aggregation->lost) {
        return err_set(err, ERR_ENV, "%s: damaged aggregates were passed over; davy verify tells more",
                       aggregation->view->swept.store->path);
    }
    return code == ERR_NONE ? view_end(aggregation->view, err) : code;
}

enum err_code store_aggregate(struct store *store, const char *point_id, int64_t from_ns, int64_t to_ns,
                              int64_t every_ns, store_bucket_fn *fn, void *self, struct err *err)
{
    if (every_ns <= 0) {
        return err_set(err, ERR_INPUT, "a bucket must be longer than nothing");
    }
    struct view *view = NULL;
    enum err_code code = view_open(store, point_id, &view, err);
    if (code != ERR_NONE) {
        return code;
    }
    struct aggregation *const aggregation = memory_new(1, sizeof *aggregation);
    aggregation->every_ns = every_ns;
    aggregation->fn = fn;
    aggregation->self = self;
    aggregation->view = view;
    code = aggregate(aggregation, from_ns, to_ns, err);
    free(aggregation);
    view_close(view);
    return code;
}
