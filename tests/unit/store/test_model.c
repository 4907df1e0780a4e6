/*
 * Random operations against a plain model in memory: samples in order, late,
 * again and as history, alarms, whole and broken-off rounds of upkeep, clean and
 * unclean ends.  After each the store must give out what the model has, sample
 * by sample and bucket by bucket, to the last bit.
 *
 * The model keeps everything in a sorted row.  What was removed it asks of the
 * store, and then knows what must still be there.
 */
#include "base/memory.h"
#include "cmocka_all.h"
#include "keep_rig.h"
#include "store/bucket.h"
#include "store/removed.h"
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 4, OPERATIONS = 60, ROWS_MAX = 40000, PINS_MAX = 200, EVENTS_MAX = 200, QUESTIONS = 6 };

struct model_event {
    uint64_t seq;
    int64_t time_ns;
    int alarm;
    bool raised;
};

struct model_point {
    struct store_row *rows; /* by time */
    size_t count;
    struct stretch pins[PINS_MAX];
    size_t pin_count;
    int64_t held_ns[2]; /* by alarm; INT64_MAX: not */
    struct removed removed;
};

struct model {
    struct rig rig;
    struct site *site;
    char *path;
    uint64_t random;
    int64_t clock_ns;
    struct model_point points[KEEP_POINTS + 1];
    struct model_event events[EVENTS_MAX];
    size_t event_count, events_done;
    bool active[2];
};

/* ---- the model --------------------------------------------------------------------------------------------------- */

static bool is_pinned(const struct model_point *point, int64_t time_ns)
{
    for (size_t i = 0; i < point->pin_count; i++) {
        if (stretch_holds(&point->pins[i], time_ns)) {
            return true;
        }
    }
    return false;
}

static size_t place_of(const struct model_point *point, int64_t time_ns)
{
    size_t low = 0;
    size_t high = point->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (point->rows[middle].time_ns < time_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The last written counts. */
static void model_write(struct model_point *point, int64_t time_ns, double value, uint16_t status)
{
    const size_t at = place_of(point, time_ns);
    if (at == point->count || point->rows[at].time_ns != time_ns) {
        assert_true(point->count < ROWS_MAX);
        memmove(&point->rows[at + 1], &point->rows[at], (point->count - at) * sizeof *point->rows);
        point->count++;
    }
    point->rows[at] = (struct store_row){.time_ns = time_ns, .value = value, .status = status};
}

static bool concerns(int alarm, uint32_t point)
{
    return alarm == 0 ? point < 2 : point == 2; /* r:p0 the hazard, r:p2 its point alone */
}

static void model_event(struct model *model, const struct model_event *event)
{
    for (uint32_t i = 0; i <= KEEP_POINTS; i++) {
        struct model_point *const point = &model->points[i];
        int64_t *const held_ns = &point->held_ns[event->alarm];
        if (!concerns(event->alarm, i)) {
            continue;
        }
        if (event->raised) {
            const struct stretch *const raw = &point->removed.kept[KEPT_RAW];
            const int64_t from_ns = event->time_ns - 10 * MINUTE;
            *held_ns = stretch_holds(raw, from_ns) ? raw->to_ns : from_ns;
        } else {
            assert_true(point->pin_count < PINS_MAX);
            point->pins[point->pin_count++] =
                (struct stretch){.from_ns = *held_ns, .to_ns = event->time_ns + 30 * MINUTE};
            *held_ns = INT64_MAX;
        }
    }
}

/* Learns what a round, or a part of one, has done: alarms followed first, then things removed. */
static void model_follow(struct model *model)
{
    struct store *const store = model->rig.store;
    uint8_t value[NOTE_VALUE_MAX];
    bool found = false;
    struct err err;
    assert_true(db_enter(store, &err));
    assert_int_equal(note_get(store, NULL, "j", 1, 8, value, &found, &err), ERR_NONE);
    const uint64_t seq = found ? get_u64(value) : 0;
    while (model->events_done < model->event_count && model->events[model->events_done].seq <= seq) {
        model_event(model, &model->events[model->events_done++]);
    }
    for (uint32_t i = 0; i <= KEEP_POINTS; i++) {
        struct model_point *const point = &model->points[i];
        const struct stretch before = point->removed.kept[KEPT_RAW];
        assert_int_equal(removed_get(store, NULL, i, &point->removed, &err), ERR_NONE);
        const struct stretch *const raw = &point->removed.kept[KEPT_RAW];
        if (raw->to_ns > before.to_ns || raw->from_ns != raw->to_ns) {
            assert_true(raw->to_ns <= model->clock_ns - 12 * HOUR);
            for (int alarm = 0; alarm < 2; alarm++) {
                assert_true(raw->to_ns <= point->held_ns[alarm]);
            }
        }
    }
    db_leave(store);
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

static double any_value(struct model *model, uint16_t *ret_status)
{
    static const uint16_t statuses[] = {0, 0, 0, 0, ST_COMM, ST_CALIBRATING, ST_RANGE, ST_MANUAL};
    *ret_status = statuses[random_below(&model->random, 8)];
    const double value = (double)random_below(&model->random, 5000) / 100;
    return random_below(&model->random, 20) == 0 ? (double)NAN : value;
}

/* Writes one sample that counts; what lies in a removed stretch does not. */
static void write_one(struct model *model, uint32_t point, int64_t time_ns, bool history)
{
    struct model_point *const known = &model->points[point];
    uint16_t status;
    const double value = any_value(model, &status);
    const bool gone = stretch_holds(&known->removed.kept[KEPT_RAW], time_ns);
    if (gone && is_pinned(known, time_ns)) {
        return; /* samples written into a pin are given out, but not counted: left out here */
    }
    if (history) {
        rig_import(&model->rig, point, time_ns, value, status);
    } else {
        rig_put(&model->rig, point, time_ns, model->clock_ns, value, status);
    }
    if (!gone) {
        model_write(known, time_ns, value, status);
    }
}

static int64_t some_time(struct model *model, int64_t back_ns)
{
    return model->clock_ns - (int64_t)random_below(&model->random, (uint64_t)(back_ns / NS_PER_S)) * NS_PER_S;
}

static void in_order(struct model *model, uint32_t point, int n)
{
    for (int i = 0; i < n; i++) {
        model->clock_ns += 30 * NS_PER_S;
        write_one(model, point, model->clock_ns, false);
    }
}

static void late_or_again(struct model *model, uint32_t point, int n)
{
    const struct model_point *const known = &model->points[point];
    for (int i = 0; i < n; i++) {
        const bool again = known->count > 0 && random_below(&model->random, 2) == 0;
        const size_t recent = known->count < 4000 ? known->count : 4000;
        write_one(model, point,
                  again ? known->rows[known->count - 1 - random_below(&model->random, recent)].time_ns
                        : some_time(model, 20 * HOUR),
                  false);
    }
}

static void history(struct model *model, uint32_t point, int n)
{
    int64_t time_ns = some_time(model, 80 * HOUR);
    for (int i = 0; i < n; i++) {
        time_ns += random_below(&model->random, 9) == 0 ? (int64_t)random_below(&model->random, 600) * NS_PER_S
                                                        : 20 * NS_PER_S;
        if (time_ns < model->clock_ns) { /* what lies ahead of all samples loses against those that still come */
            write_one(model, point, time_ns, true);
        }
    }
}

static void alarm_event(struct model *model)
{
    static const char *const names[2] = {"r:p0", "r:p2"};
    const int alarm = (int)random_below(&model->random, 2);
    if (model->event_count == EVENTS_MAX) {
        return;
    }
    model->active[alarm] = !model->active[alarm];
    put_event(model->rig.store, model->active[alarm] ? EV_RAISED : EV_CLEARED, names[alarm], model->clock_ns);
    model->events[model->event_count++] = (struct model_event){
        .seq = store_last_seq(model->rig.store),
        .time_ns = model->clock_ns,
        .alarm = alarm,
        .raised = model->active[alarm],
    };
}

static void again(struct model *model, bool clean)
{
    (clean ? rig_close : rig_drop)(&model->rig);
    rig_open(&model->rig, model->path, model->site, NS_PER_S);
}

static void operate(struct model *model)
{
    const uint32_t point = (uint32_t)random_below(&model->random, KEEP_POINTS + 1);
    const int n = 1 + (int)random_below(&model->random, 700);
    switch (random_below(&model->random, 12)) {
    case 0:
    case 1:
    case 2:
    case 3:
        in_order(model, point, n);
        break;
    case 4:
    case 5:
        late_or_again(model, point, n);
        break;
    case 6:
        history(model, point, n);
        break;
    case 7:
        alarm_event(model);
        break;
    case 8:
    case 9:
        assert_true(rig_care(&model->rig, model->clock_ns, 0));
        model_follow(model);
        break;
    case 10:
        (void)rig_care(&model->rig, model->clock_ns, 1 + (unsigned)random_below(&model->random, 12));
        model_follow(model);
        break;
    default:
        again(model, random_below(&model->random, 2) == 0);
        break;
    }
    rig_run(&model->rig);
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

/* What counts for buckets of that length: of hours everything, as they are kept for ever. */
static bool counts(const struct model_point *point, int64_t time_ns, int64_t every_ns)
{
    const bool samples = !stretch_holds(&point->removed.kept[KEPT_RAW], time_ns);
    const bool minutes = every_ns % MINUTE == 0 && !stretch_holds(&point->removed.kept[KEPT_MINUTE], time_ns);
    return every_ns % HOUR == 0 || minutes || samples || is_pinned(point, time_ns);
}

static void digest_bucket(struct digest *digest, const struct bucket *bucket, int64_t every_ns)
{
    if (bucket->count == 0) {
        return;
    }
    const struct store_bucket shown = bucket_show(bucket, every_ns);
    digest_add(digest, (uint64_t)shown.start_ns);
    digest_add(digest, shown.status);
    for (int i = 0; i < AGG_KINDS; i++) {
        digest_add(digest, double_bits(shown.agg[i]));
    }
    digest->samples += shown.count;
    digest->count++;
}

static struct digest model_buckets(const struct model_point *point, int64_t from_ns, int64_t to_ns, int64_t every_ns)
{
    static struct bucket bucket;
    struct digest digest = {0};
    bucket_begin(&bucket, 0);
    for (size_t i = place_of(point, from_ns); i < point->count && point->rows[i].time_ns < to_ns; i++) {
        const struct store_row *const row = &point->rows[i];
        if (!counts(point, row->time_ns, every_ns)) {
            continue;
        }
        const int64_t index = stretch_index(row->time_ns, every_ns);
        if (index != bucket.index) {
            digest_bucket(&digest, &bucket, every_ns);
            bucket_begin(&bucket, index);
        }
        bucket_add(&bucket, row);
    }
    digest_bucket(&digest, &bucket, every_ns);
    return digest;
}

static struct digest model_rows(const struct model_point *point, int64_t from_ns, int64_t to_ns)
{
    struct digest digest = {0};
    for (size_t i = place_of(point, from_ns); i < point->count && point->rows[i].time_ns < to_ns; i++) {
        const struct store_row *const row = &point->rows[i];
        if (counts(point, row->time_ns, 1)) {
            digest_add(&digest, (uint64_t)row->time_ns);
            digest_add(&digest, double_bits(row->value));
            digest_add(&digest, row->status);
            digest.count++;
        }
    }
    return digest;
}

static void ask(struct model *model, uint32_t index)
{
    static const int64_t steps[] = {HOUR, 3 * HOUR, MINUTE, 7 * MINUTE, 90 * MINUTE, 10 * NS_PER_S};
    const struct model_point *const point = &model->points[index];
    struct store *const store = model->rig.store;
    if (point->count == 0) {
        return;
    }
    for (int i = 0; i < QUESTIONS; i++) {
        const int64_t every_ns = steps[i];
        const int64_t unit_ns = every_ns % HOUR == 0 ? HOUR : MINUTE; /* a part of an hour is not kept */
        int64_t from_ns = stretch_floor(some_time(model, 90 * HOUR), unit_ns);
        const int64_t long_ns = (int64_t)random_below(&model->random, 90 * (uint64_t)HOUR);
        const int64_t to_ns = from_ns + stretch_floor(long_ns, unit_ns);
        from_ns = random_below(&model->random, 3) == 0 ? INT64_MIN : from_ns;
        const struct digest came = digest_buckets(store, index, from_ns, to_ns, every_ns);
        const struct digest expected = model_buckets(point, from_ns, to_ns, every_ns);
        assert_int_equal(came.count, expected.count);
        assert_int_equal(came.samples, expected.samples);
        assert_int_equal(came.hash, expected.hash);
        const struct digest rows = digest_rows(store, index, from_ns, to_ns);
        const struct digest expected_rows = model_rows(point, from_ns, to_ns);
        assert_int_equal(rows.count, expected_rows.count);
        assert_int_equal(rows.hash, expected_rows.hash);
    }
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

static struct model *model_new(uint64_t seed)
{
    struct model *const model = memory_new(1, sizeof *model);
    model->path = folder_new();
    model->site = keep_site_make((struct site_keep){.raw_ns = 12 * HOUR, .minute_ns = 30 * HOUR});
    model->random = seed;
    model->clock_ns = epoch_ns;
    for (int i = 0; i <= KEEP_POINTS; i++) {
        model->points[i].rows = memory_new(ROWS_MAX, sizeof *model->points[i].rows);
        model->points[i].held_ns[0] = model->points[i].held_ns[1] = INT64_MAX;
    }
    rig_open(&model->rig, model->path, model->site, NS_PER_S);
    return model;
}

static void model_free(struct model *model)
{
    rig_close(&model->rig);
    for (int i = 0; i <= KEEP_POINTS; i++) {
        free(model->points[i].rows);
    }
    keep_site_unmake(model->site);
    folder_remove(model->path);
    free(model);
}

static void the_store_is_as_the_model(void **state)
{
    (void)state;
    uint64_t removed = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct model *const model = model_new(seed);
        struct err err;
        for (int i = 0; i < OPERATIONS; i++) {
            operate(model);
            ask(model, (uint32_t)random_below(&model->random, KEEP_POINTS + 1));
        }
        assert_true(rig_care(&model->rig, model->clock_ns, 0));
        model_follow(model);
        for (uint32_t point = 0; point <= KEEP_POINTS; point++) {
            ask(model, point);
            removed += model->points[point].removed.kept[KEPT_RAW].to_ns != 0;
        }
        assert_int_equal(store_verify(model->rig.store, NULL, NULL, &err), ERR_NONE);
        model_free(model);
    }
    assert_true(removed > SEEDS); /* else nothing of it was tried */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_is_as_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
