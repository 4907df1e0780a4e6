/*
 * care_pin: which samples stay because of an alarm.
 *
 * The journal tells when an alarm was raised and cleared, so it is followed,
 * behind a cursor of its own, and nothing else needs to send word.  From
 * `raised` on the points concerned are held; at `cleared`, or when all is well
 * again in another way, the stretch becomes a pin of each of them.  Concerned
 * are all points of the alarm's hazard, else the alarm's own.
 *
 *        before        raised                  cleared        after
 *   ───────|──────────────|───────────────────────|──────────────|──────
 *          ^ held from here on                     pinned up to here ^
 *
 * A hold is kept for each point, under the alarm's name: what is pinned in the
 * end are the points that were concerned when it was raised, whatever the site
 * says by then.
 */
#include "base/memory.h"
#include "store/care_inside.h"
#include "store/dictionary.h"
#include "store/journal.h"
#include "store/pins.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_A_SLICE = 2000, CURSOR_BYTES = 8, HOLD_BYTES = 8, ALARM_MAX = 2048, HOLD_KEY_MAX = ALARM_MAX + 6 };

/* ---- points and their numbers ------------------------------------------------------------------------------------
 */

static bool take_series(void *self, const char *id, size_t len, uint32_t series)
{
    struct store_care *const care = self;
    const uint32_t point = site_point(care->config.site, id, len);
    if (series < care->series_count) {
        care->point_of[series] = point;
    }
    if (point != SITE_NONE) {
        care->series_of[point] = series;
    }
    return true;
}

enum err_code care_slice_map(struct store_care *care, bool *ret_done, struct err *err)
{
    const size_t points = care->config.site->point_count;
    uint32_t count = 0;
    *ret_done = true;
    enum err_code code = dictionary_count(care->config.store, &count, err);
    if (code != ERR_NONE) {
        return code;
    }
    care->series_count = count;
    care->point_of = memory_resize(care->point_of, count, sizeof *care->point_of);
    care->series_of = memory_resize(care->series_of, points, sizeof *care->series_of);
    memset(care->point_of, 0xff, count * sizeof *care->point_of); /* SITE_NONE */
    memset(care->series_of, 0xff, points * sizeof *care->series_of);
    return dictionary_walk(care->config.store, take_series, care, err);
}

/* ---- holds -------------------------------------------------------------------------------------------------------
 */

static size_t hold_key(uint8_t key[HOLD_KEY_MAX], const char *alarm, size_t alarm_len, uint32_t series)
{
    uint8_t *to = key;
    *to++ = 'o';
    memcpy(to, alarm, alarm_len);
    to += alarm_len;
    *to++ = 0;
    to = put_u32(to, series);
    return (size_t)(to - key);
}

/* Time does not wrap. */
static int64_t add_time(int64_t time_ns, int64_t more_ns)
{
    int64_t sum_ns = 0;
    return __builtin_add_overflow(time_ns, more_ns, &sum_ns) ? (more_ns < 0 ? INT64_MIN : INT64_MAX) : sum_ns;
}

static enum err_code hold_series(struct store_care *care, const struct store_event *event, uint32_t series,
                                 struct err *err)
{
    uint8_t key[HOLD_KEY_MAX];
    uint8_t value[NOTE_VALUE_MAX];
    bool found = false;
    struct removed removed;
    if (series == UINT32_MAX) {
        return ERR_NONE; /* a point that was never stored */
    }
    const size_t len = hold_key(key, event->alarm, event->alarm_len, series);
    enum err_code code = note_get(care->config.store, NULL, key, len, HOLD_BYTES, value, &found, err);
    if (code == ERR_NONE) {
        code = removed_get(care->config.store, NULL, series, &removed, err);
    }
    if (code != ERR_NONE || found) {
        return code; /* held since an earlier time */
    }
    const struct stretch *const raw = &removed.kept[KEPT_RAW];
    int64_t from_ns = add_time(event->time_ns, -care->config.site->pin_before_ns);
    from_ns = stretch_holds(raw, from_ns) ? raw->to_ns : from_ns; /* what is removed does not come back */
    (void)put_i64(value, from_ns);
    note_put(care->config.store, care->batch, key, len, value, HOLD_BYTES);
    return ERR_NONE;
}

static enum err_code hold_points(struct store_care *care, const struct store_event *event, const uint32_t *points,
                                 size_t count, struct err *err)
{
    enum err_code code = ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && i < count; i++) {
        code = hold_series(care, event, care->series_of[points[i]], err);
    }
    return code;
}

static enum err_code hold_hazard(struct store_care *care, const struct store_event *event, uint32_t hazard,
                                 struct err *err)
{
    const struct site *const site = care->config.site;
    enum err_code code = ERR_NONE;
    for (uint32_t i = 0; code == ERR_NONE && i < site->point_count; i++) {
        if (site->points[i].hazard == hazard) {
            code = hold_series(care, event, care->series_of[i], err);
        }
    }
    return code;
}

/* An alarm the site no longer has: its event names the point and the hazard. */
static enum err_code hold_named(struct store_care *care, const struct store_event *event, const json_t *json,
                                struct err *err)
{
    const struct site *const site = care->config.site;
    const char *const hazard = json_string_value(json_object_get(json, "hazard"));
    const char *const point = json_string_value(json_object_get(json, "point"));
    const uint32_t place = hazard == NULL ? TABLE_NONE : table_find(&site->hazard_by_id, hazard, strlen(hazard));
    enum err_code code = place == TABLE_NONE ? ERR_NONE : hold_hazard(care, event, place, err);
    uint32_t series = UINT32_MAX;
    if (code == ERR_NONE && point != NULL) {
        code = dictionary_find(care->config.store, point, &series, err);
        code = code == ERR_NO ? ERR_NONE : code;
    }
    return code == ERR_NONE ? hold_series(care, event, series, err) : code;
}

static enum err_code hold(struct store_care *care, const struct store_event *event, const json_t *json,
                          struct err *err)
{
    const struct site *const site = care->config.site;
    const uint32_t index = site_alarm(site, event->alarm, event->alarm_len);
    if (index == SITE_NONE) {
        return hold_named(care, event, json, err);
    }
    const struct site_alarm *const alarm = &site->alarms[index];
    enum err_code code = alarm->hazard == SITE_NONE ? ERR_NONE : hold_hazard(care, event, alarm->hazard, err);
    return code == ERR_NONE ? hold_points(care, event, alarm->members, alarm->member_count, err) : code;
}

/* ---- pins --------------------------------------------------------------------------------------------------------
 */

static enum err_code pin_series(struct store_care *care, uint32_t series, int64_t from_ns, int64_t to_ns,
                                struct err *err)
{
    const struct stretch pin = {.from_ns = from_ns, .to_ns = to_ns};
    if (from_ns >= to_ns) {
        return ERR_NONE;
    }
    care_count(care->counters.pins, 1);
    return pins_add(care->config.store, care->batch, series, &pin, err);
}

/* Turns the alarm's holds into pins; *ret_any: there were some. */
static enum err_code release(struct store_care *care, const struct store_event *event, bool *ret_any, struct err *err)
{
    struct store *const store = care->config.store;
    uint8_t prefix[HOLD_KEY_MAX];
    const size_t len = hold_key(prefix, event->alarm, event->alarm_len, 0) - 4;
    const int64_t to_ns = add_time(event->time_ns, care->config.site->pin_after_ns);
    struct db_walk walk;
    enum err_code code = ERR_NONE;
    db_walk_begin(&walk, store, CF_NOTES, NULL, prefix, len, NULL, 0);
    for (; code == ERR_NONE && db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t key_len;
        size_t value_len;
        const uint8_t *const key = db_walk_key(&walk, &key_len);
        const uint8_t *const value = db_walk_value(&walk, &value_len);
        if (key_len != len + 4 || memcmp(key, prefix, len) != 0) {
            break;
        }
        const uint32_t series = get_u32(key + len);
        *ret_any = true;
        if (note_check(key, key_len, value, value_len, HOLD_BYTES)) {
            code = pin_series(care, series, get_i64(value), to_ns, err);
        }
        note_remove(store, care->batch, key, key_len);
    }
    const enum err_code walked = db_walk_end(&walk, store, code == ERR_NONE ? err : NULL);
    return code != ERR_NONE ? code : walked;
}

/* ---- events ------------------------------------------------------------------------------------------------------
 */

struct following {
    struct store_care *care;
    uint64_t seq; /* the last one done */
    unsigned count;
    bool full; /* the batch holds an alarm's holds or pins */
    enum err_code code;
    struct err *err;
};

static bool is_kind(const json_t *json, enum event_kind kind)
{
    const char *const word = json_string_value(json_object_get(json, "event"));
    enum event_kind found;
    return word != NULL && event_parse(word, strlen(word), &found) && found == kind;
}

/* An event that is no JSON is passed over; davy verify tells of what was changed. */
static enum err_code follow_event(struct following *following, const struct store_event *event)
{
    struct store_care *const care = following->care;
    json_t *const json = json_loadb(event->json, event->json_len, 0, NULL);
    enum err_code code = ERR_NONE;
    if (is_kind(json, EV_RAISED)) {
        following->full = true;
        code = hold(care, event, json, following->err);
    } else if (is_kind(json, EV_CLEARED) || event->state_len == 0) {
        code = release(care, event, &following->full, following->err);
    }
    json_decref(json);
    return code;
}

/* Changes of one alarm to a batch: what is in a batch cannot be seen yet by the next. */
static bool take_event(void *self, const struct store_event *event)
{
    struct following *const following = self;
    if (event->alarm_len <= ALARM_MAX) {
        following->code = follow_event(following, event);
    }
    if (following->code != ERR_NONE) {
        return false;
    }
    following->seq = event->seq;
    return !following->full && ++following->count < EVENTS_A_SLICE;
}

enum err_code care_pin_cursor(struct store_care *care, uint64_t *ret_seq, struct err *err)
{
    uint8_t value[NOTE_VALUE_MAX];
    bool found = false;
    const enum err_code code = note_get(care->config.store, NULL, "j", 1, CURSOR_BYTES, value, &found, err);
    if (code == ERR_NONE) {
        *ret_seq = found ? get_u64(value) : 0;
    }
    return code;
}

enum err_code care_slice_pins(struct store_care *care, bool *ret_done, struct err *err)
{
    uint64_t before = 0;
    uint8_t value[CURSOR_BYTES];
    enum err_code code = care_pin_cursor(care, &before, err);
    if (code != ERR_NONE) {
        return code;
    }
    struct following following = {.care = care, .seq = before, .err = err};
    code = journal_events(care->config.store, before, take_event, &following, err);
    code = following.code != ERR_NONE ? following.code : code;
    if (code == ERR_NONE && following.seq != before) {
        (void)put_u64(value, following.seq);
        note_put(care->config.store, care->batch, "j", 1, value, sizeof value);
    }
    *ret_done = following.seq == before;
    return code;
}

/* ---- what is held now --------------------------------------------------------------------------------------------
 */

enum err_code care_load_holds(struct store_care *care, struct err *err)
{
    struct db_walk walk;
    care->held_ns = memory_resize(care->held_ns, care->series_count, sizeof *care->held_ns);
    for (size_t i = 0; i < care->series_count; i++) {
        care->held_ns[i] = INT64_MAX;
    }
    db_walk_begin(&walk, care->config.store, CF_NOTES, NULL, "o", 1, "p", 1);
    for (; db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t key_len;
        size_t len;
        const uint8_t *const key = db_walk_key(&walk, &key_len);
        const uint8_t *const value = db_walk_value(&walk, &len);
        const uint32_t series = key_len > NOTE_SERIES_KEY ? get_u32(key + key_len - 4) : UINT32_MAX;
        if (series < care->series_count) { /* one that cannot be read holds everything */
            const int64_t from_ns = note_check(key, key_len, value, len, HOLD_BYTES) ? get_i64(value) : INT64_MIN;
            care->held_ns[series] = from_ns < care->held_ns[series] ? from_ns : care->held_ns[series];
        }
    }
    return db_walk_end(&walk, care->config.store, err);
}
