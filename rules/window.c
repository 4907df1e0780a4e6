/*
 * window: see window.h.
 *
 * Entries stand in a ring by free-running positions:
 *
 *      kept            tail                head
 *        | older than a   | in the sums      | next
 *        | query's edge   |                  |
 *
 * kept follows the newest sample (newest - W), tail the latest query (t - W).
 * An entry is a sample while there are at most WINDOW_EXACT_MAX of them, later
 * a bucket of neighbours whose joint span is at most W/256.  A bucket leaves
 * the sums when its last sample is out, so the window may reach back by up to
 * W/256 too far, never too short.
 */
#include "rules/window.h"

#include "base/clock.h"
#include "rules/anomaly.h"
#include "rules/repeats.h"
#include "rules/window_sums.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct dot {
    int64_t time_ns;
    double value;
};

struct bucket {
    int64_t first_ns, last_ns;
    double first, last, min, max;
    struct sums sums; /* against the window's reference; changes and unequal are those inside the bucket */
};

/* Positions of entries that may yet become the least (or greatest), from front to back rising (falling). */
struct wedge {
    uint64_t *positions; /* ring of the window's capacity */
    uint64_t front, back;
};

struct window {
    enum window_kind kind;
    uint8_t needs;
    bool owned;        /* the rings are malloc'd, not the arena's */
    uint32_t capacity; /* entries, a power of two */
    uint32_t growths;
    int64_t width_ns;
    double resolution;
    uint64_t kept, tail, head;
    int64_t edge_ns; /* of the latest query: what is not later is out of the sums */
    struct reference reference;
    struct sums sums; /* over [tail, head) */
    struct wedge least, greatest;
    struct dot *dots;        /* ring; NULL once there are buckets */
    struct bucket *buckets;  /* ring; NULL before */
    struct anomaly *anomaly; /* of that kind only, like repeats; both the arena's */
    struct repeats *repeats;
    /* ewma, zscore, anomaly and repeats */
    int64_t answer_ns; /* time of the latest sample */
    double answer;     /* NaN before the first */
};

static int64_t subtract_time(int64_t a_ns, int64_t b_ns)
{
    int64_t result_ns = 0;
    return __builtin_sub_overflow(a_ns, b_ns, &result_ns) ? INT64_MIN : result_ns;
}

/* ---- entries ---- */

static uint32_t slot(const struct window *window, uint64_t position)
{
    return (uint32_t)(position & (window->capacity - 1));
}

static int64_t entry_time(const struct window *window, uint64_t position)
{
    uint32_t at = slot(window, position);
    return window->dots != NULL ? window->dots[at].time_ns : window->buckets[at].last_ns;
}

static double entry_first(const struct window *window, uint64_t position)
{
    uint32_t at = slot(window, position);
    return window->dots != NULL ? window->dots[at].value : window->buckets[at].first;
}

static double entry_last(const struct window *window, uint64_t position)
{
    uint32_t at = slot(window, position);
    return window->dots != NULL ? window->dots[at].value : window->buckets[at].last;
}

static double entry_extreme(const struct window *window, uint64_t position, bool least)
{
    uint32_t at = slot(window, position);
    if (window->dots != NULL) {
        return window->dots[at].value;
    }
    return least ? window->buckets[at].min : window->buckets[at].max;
}

static void entry_sums(const struct window *window, uint64_t position, struct sums *ret_sums)
{
    uint32_t at = slot(window, position);
    if (window->buckets != NULL) {
        *ret_sums = window->buckets[at].sums;
        return;
    }
    *ret_sums = (struct sums){0};
    sums_add_sample(ret_sums, window->needs, &window->reference, window->dots[at].time_ns, window->dots[at].value);
}

/* Adds (or takes away) the step from one value to its neighbour. */
static void count_step(const struct window *window, struct sums *sums, double from, double to, bool add)
{
    uint64_t unequal = from != to;
    uint64_t changes = fabs(to - from) > window->resolution;
    sums->unequal += add ? unequal : 0 - unequal;
    sums->changes += add ? changes : 0 - changes;
}

/* ---- wedges ---- */

static void wedge_push(const struct window *window, struct wedge *wedge, uint64_t position, bool least)
{
    double value = entry_extreme(window, position, least);
    while (wedge->back > wedge->front) {
        double last = entry_extreme(window, wedge->positions[slot(window, wedge->back - 1)], least);
        if (least ? last < value : last > value) {
            break;
        }
        wedge->back--;
    }
    wedge->positions[slot(window, wedge->back++)] = position;
}

static void wedge_drop(const struct window *window, struct wedge *wedge, uint64_t tail)
{
    while (wedge->back > wedge->front && wedge->positions[slot(window, wedge->front)] < tail) {
        wedge->front++;
    }
}

static bool wants_extremes(const struct window *window)
{
    return (window->needs & NEED_EXTREMES) != 0;
}

/* ---- the sums' two ends ---- */

static void take_in(struct window *window, uint64_t position)
{
    if (window->dots != NULL) {
        const struct dot *dot = &window->dots[slot(window, position)];
        sums_add_sample(&window->sums, window->needs, &window->reference, dot->time_ns, dot->value);
    } else {
        sums_add(&window->sums, window->needs, &window->buckets[slot(window, position)].sums);
    }
    if (position > window->tail) {
        count_step(window, &window->sums, entry_last(window, position - 1), entry_first(window, position), true);
    }
    if (wants_extremes(window)) {
        wedge_push(window, &window->least, position, true);
        wedge_push(window, &window->greatest, position, false);
    }
}

static void let_go(struct window *window)
{
    if (window->dots != NULL) {
        const struct dot *dot = &window->dots[slot(window, window->tail)];
        sums_remove_sample(&window->sums, window->needs, &window->reference, dot->time_ns, dot->value);
    } else {
        sums_remove(&window->sums, window->needs, &window->buckets[slot(window, window->tail)].sums);
    }
    if (window->tail + 1 < window->head) {
        count_step(window, &window->sums, entry_last(window, window->tail), entry_first(window, window->tail + 1),
                   false);
    }
    window->tail++;
    if (wants_extremes(window)) {
        wedge_drop(window, &window->least, window->tail);
        wedge_drop(window, &window->greatest, window->tail);
    }
    if (window->tail == window->head) {
        window->sums = (struct sums){0}; /* not even a rounding is left */
    }
}

static void advance(struct window *window, int64_t edge_ns)
{
    window->edge_ns = edge_ns > window->edge_ns ? edge_ns : window->edge_ns;
    while (window->tail < window->head && entry_time(window, window->tail) <= window->edge_ns) {
        let_go(window);
    }
}

/* Builds sums and wedges anew from the entries; with samples as entries also the reference. */
static void rebuild(struct window *window)
{
    window->sums = (struct sums){0};
    window->least.front = window->least.back = 0;
    window->greatest.front = window->greatest.back = 0;
    if (window->dots != NULL && window->tail < window->head) {
        window->reference = (struct reference){entry_time(window, window->tail), entry_first(window, window->tail)};
    }
    for (uint64_t position = window->tail; position < window->head; position++) {
        take_in(window, position);
    }
}

/* ---- memory ---- */

static uint32_t first_capacity(int64_t width_ns, int64_t every_ns)
{
    uint64_t expected = every_ns > 0 ? (uint64_t)(width_ns / every_ns) + 2 : 16;
    uint32_t capacity = 16;
    while (capacity < expected && capacity < WINDOW_EXACT_MAX) {
        capacity *= 2;
    }
    return capacity;
}

struct window *window_new(struct arena *arena, enum window_kind kind, int64_t width_ns, uint8_t needs, int64_t every_ns,
                          double resolution)
{
    struct window *window = ARENA_NEW(arena, struct window);
    window->kind = kind;
    window->needs = kind == WINDOW_ZSCORE ? NEED_SQUARES : needs;
    window->needs |= (window->needs & NEED_SQUARES) != 0 ? NEED_SUM : 0;
    window->width_ns = width_ns;
    window->resolution = resolution;
    window->edge_ns = INT64_MIN;
    window->answer = NAN;
    if (kind == WINDOW_EWMA) {
        return window; /* one number; keeps no samples */
    }
    if (kind == WINDOW_ANOMALY) {
        window->anomaly = anomaly_new(arena, width_ns);
        return window; /* keeps its samples its own way, like */
    }
    if (kind == WINDOW_REPEATS) {
        window->repeats = repeats_new(arena, width_ns, resolution);
        return window;
    }
    window->capacity = first_capacity(width_ns, every_ns);
    window->dots = ARENA_ARRAY(arena, struct dot, window->capacity);
    if (wants_extremes(window)) {
        window->least.positions = ARENA_ARRAY(arena, uint64_t, window->capacity);
        window->greatest.positions = ARENA_ARRAY(arena, uint64_t, window->capacity);
    }
    return window;
}

static void free_rings(struct window *window)
{
    if (window->owned) {
        free(window->dots);
        free(window->buckets);
        free(window->least.positions);
        free(window->greatest.positions);
    }
}

void window_done(struct window *window)
{
    if (window != NULL) {
        free_rings(window);
        window->owned = false;
        window->dots = NULL;
        window->buckets = NULL;
    }
}

static void *need_memory(size_t n, size_t size)
{
    void *memory = calloc(n, size);
    if (memory == NULL) {
        abort(); /* judging without its data would be worse than a restart; bounded by WINDOW_EXACT_MAX entries */
    }
    return memory;
}

/* Replaces all rings by new ones whose entries [0, count) the caller has filled in; the tail is found anew. */
static void take_rings(struct window *window, uint32_t capacity, struct dot *dots, struct bucket *buckets,
                       uint64_t count)
{
    free_rings(window);
    window->owned = true;
    window->dots = dots;
    window->buckets = buckets;
    window->capacity = capacity;
    if (wants_extremes(window)) {
        window->least.positions = need_memory(capacity, sizeof *window->least.positions);
        window->greatest.positions = need_memory(capacity, sizeof *window->greatest.positions);
    }
    window->kept = 0;
    window->head = count;
    window->tail = 0;
    while (window->tail < count && entry_time(window, window->tail) <= window->edge_ns) {
        window->tail++;
    }
    rebuild(window);
    window->growths++;
}

static void grow(struct window *window)
{
    uint32_t capacity = window->capacity * 2;
    struct dot *dots = need_memory(capacity, sizeof *dots);
    uint64_t count = window->head - window->kept;
    for (uint64_t i = 0; i < count; i++) {
        dots[i] = window->dots[slot(window, window->kept + i)];
    }
    take_rings(window, capacity, dots, NULL, count);
}

/* ---- buckets ---- */

static struct bucket bucket_of(const struct window *window, int64_t time_ns, double value)
{
    struct bucket bucket = {
        .first_ns = time_ns, .last_ns = time_ns, .first = value, .last = value, .min = value, .max = value};
    sums_add_sample(&bucket.sums, window->needs, &window->reference, time_ns, value);
    return bucket;
}

static void join(const struct window *window, struct bucket *a, const struct bucket *b)
{
    sums_add(&a->sums, window->needs, &b->sums);
    count_step(window, &a->sums, a->last, b->first, true);
    a->last_ns = b->last_ns;
    a->last = b->last;
    a->min = b->min < a->min ? b->min : a->min;
    a->max = b->max > a->max ? b->max : a->max;
}

/* Joins neighbours as long as their span stays within W/256; at most 2 x 256 + 1 are left of a full window. */
static void squeeze(struct window *window)
{
    struct bucket *buckets = need_memory(WINDOW_EXACT_MAX, sizeof *buckets);
    uint64_t count = 0;
    for (uint64_t position = window->kept; position < window->head; position++) {
        struct bucket next = window->buckets != NULL
                                 ? window->buckets[slot(window, position)]
                                 : bucket_of(window, entry_time(window, position), entry_first(window, position));
        if (count > 0 &&
            subtract_time(next.last_ns, buckets[count - 1].first_ns) <= window->width_ns / WINDOW_EDGE_PARTS) {
            join(window, &buckets[count - 1], &next);
        } else {
            buckets[count++] = next;
        }
    }
    take_rings(window, WINDOW_EXACT_MAX, NULL, buckets, count);
}

/* ---- adding ---- */

static void make_room(struct window *window)
{
    if (window->head - window->kept < window->capacity) {
        return;
    }
    if (window->buckets == NULL && window->capacity < WINDOW_EXACT_MAX) {
        grow(window);
    } else {
        squeeze(window);
    }
}

static void append(struct window *window, int64_t time_ns, double value)
{
    int64_t oldest_ns = subtract_time(time_ns, window->width_ns);
    advance(window, oldest_ns);
    while (window->kept < window->tail && entry_time(window, window->kept) <= oldest_ns) {
        window->kept++;
    }
    make_room(window);
    uint64_t position = window->head++;
    if (window->tail == position) {
        window->reference = (struct reference){time_ns, value};
    }
    if (window->dots != NULL) {
        window->dots[slot(window, position)] = (struct dot){time_ns, value};
    } else {
        window->buckets[slot(window, position)] = bucket_of(window, time_ns, value);
    }
    take_in(window, position);
    if (window->dots != NULL && slot(window, position) == 0 && position > 0) {
        rebuild(window); /* once a turn of the ring: the reference stays near */
    }
}

static void add_ewma(struct window *window, int64_t time_ns, double value)
{
    if (isnan(window->answer)) {
        window->answer = value;
    } else {
        double passed_ns = (double)(time_ns - window->answer_ns);
        window->answer += (1.0 - exp(-passed_ns / (double)window->width_ns)) * (value - window->answer);
    }
    window->answer_ns = time_ns;
}

static void add_zscore(struct window *window, int64_t time_ns, double value)
{
    advance(window, subtract_time(time_ns, window->width_ns));
    window->answer = NAN;
    if (window->sums.count >= 2 && window->sums.unequal > 0) {
        struct view view = {.sums = window->sums, .reference = window->reference};
        double deviation = view_answer(&view, OP_STDDEV);
        double distance = value - view_answer(&view, OP_MEAN);
        window->answer = deviation > 0.0 ? distance / deviation : NAN;
    }
    append(window, time_ns, value);
}

void window_add(struct window *window, int64_t time_ns, double value)
{
    switch (window->kind) {
    case WINDOW_PLAIN:
        append(window, time_ns, value);
        break;
    case WINDOW_EWMA:
        add_ewma(window, time_ns, value);
        break;
    case WINDOW_ZSCORE:
        add_zscore(window, time_ns, value);
        break;
    case WINDOW_ANOMALY:
        window->answer = anomaly_add(window->anomaly, time_ns, value);
        break;
    case WINDOW_REPEATS:
        window->answer = repeats_add(window->repeats, time_ns, value);
        break;
    }
}

/* ---- fetching ahead ---- */

/* The empty statements have an effect, as the compiler sees it: without one it would leave out the calls. */

void window_fetch(const struct window *window)
{
    for (size_t at = 0; at < sizeof *window; at += 64) {
        __builtin_prefetch((const char *)window + at, 1);
    }
    __asm__ volatile("");
}

void window_fetch_entries(const struct window *window)
{
    if (window->dots != NULL) {
        __builtin_prefetch(&window->dots[slot(window, window->head)], 1);
        __builtin_prefetch(&window->dots[slot(window, window->tail)]);
        __builtin_prefetch(&window->dots[slot(window, window->kept)]);
    }
    __asm__ volatile("");
}

/* ---- asking ---- */

/* A query at an earlier time than the one before: entry by entry. */
static void scan(const struct window *window, int64_t edge_ns, struct view *ret_view)
{
    struct view view = {.reference = window->reference};
    for (uint64_t position = window->kept; position < window->head; position++) {
        if (entry_time(window, position) <= edge_ns) {
            continue;
        }
        struct sums one;
        entry_sums(window, position, &one);
        double least = entry_extreme(window, position, true);
        double greatest = entry_extreme(window, position, false);
        if (view.sums.count == 0) {
            view.first = entry_first(window, position);
            view.min = least;
            view.max = greatest;
        } else {
            count_step(window, &one, view.last, entry_first(window, position), true);
            view.min = least < view.min ? least : view.min;
            view.max = greatest > view.max ? greatest : view.max;
        }
        sums_add(&view.sums, window->needs, &one);
        view.last = entry_last(window, position);
    }
    *ret_view = view;
}

static void see(struct window *window, int64_t t_ns, struct view *ret_view)
{
    int64_t edge_ns = subtract_time(t_ns, window->width_ns);
    if (edge_ns < window->edge_ns) {
        scan(window, edge_ns, ret_view);
        return;
    }
    advance(window, edge_ns);
    *ret_view = (struct view){.sums = window->sums, .reference = window->reference};
    if (window->tail == window->head) {
        return;
    }
    ret_view->first = entry_first(window, window->tail);
    ret_view->last = entry_last(window, window->head - 1);
    if (wants_extremes(window)) {
        ret_view->min = entry_extreme(window, window->least.positions[slot(window, window->least.front)], true);
        ret_view->max = entry_extreme(window, window->greatest.positions[slot(window, window->greatest.front)], false);
    }
}

double window_query(struct window *window, enum op op, int64_t t_ns)
{
    if (window->kind != WINDOW_PLAIN) {
        return window->answer;
    }
    struct view view;
    see(window, t_ns, &view);
    return view_answer(&view, op);
}

double window_eta(struct window *window, double limit, bool up, int64_t t_ns)
{
    struct view view;
    see(window, t_ns, &view);
    return view_eta(&view, limit, up, t_ns);
}

static size_t ring_bytes(const struct window *window)
{
    size_t entry = window->dots != NULL ? sizeof *window->dots : sizeof *window->buckets;
    return window->capacity * (entry + (wants_extremes(window) ? 2 * sizeof(uint64_t) : 0));
}

size_t window_bytes(const struct window *window)
{
    return sizeof *window + ring_bytes(window);
}

size_t window_grown_bytes(const struct window *window)
{
    return window->owned ? ring_bytes(window) : 0;
}

uint32_t window_growths(const struct window *window)
{
    return window->growths;
}
