/*
 * mqtt_davy: the scanner for payloads of format `davy`.
 *
 *   {"time": T, "seq": N, "values": {"key": 3.2, "key": {"value": 41.5, "status": "…", "time": T}, …}}
 *   [{"point": "key", "time": T, "value": 3.2, "status": "good"}, …]
 *
 * Written by hand because this is the way in of most samples: it reads each
 * byte once and builds nothing.  Only when `values` stands before `time` and
 * `seq` is it passed over first and read afterwards.  jansson is its oracle in
 * the tests.
 *
 * What usually comes goes a short way first: the key that followed last time
 * (mqtt_names.h) with a plain number (base/decimal.h), the usual names of
 * members, the time of the element before.  Each takes only what the long way
 * would take alike, and leaves the rest to it.
 *
 * Beyond JSON it takes the bare words NaN, Infinity and -Infinity, which some
 * senders print; they are "no reading", like null.
 */
#include "ingest/mqtt_davy.h"

#include "base/decimal.h"
#include "base/text.h"

static bool begin(struct davy *davy)
{
    if (!davy->begun) {
        davy->begun = true;
        davy->time_ns = davy->heading.has_time ? davy->heading.time_ns : davy->message->seen_ns;
        return mqtt_begin(davy->batch, &davy->heading);
    }
    return !davy->batch->stopped;
}

/* A missing or unreadable time of the message only matters to readings without one of their own. */
static struct parts fresh_parts(const struct davy *davy)
{
    return (struct parts){.value = NAN, .time_ns = davy->time_broken ? READING_TIME_NONE : davy->time_ns};
}

static void put(struct davy *davy, uint32_t target, const struct parts *parts, size_t offset)
{
    if (parts->trouble != NULL) {
        mqtt_aside(davy->batch, parts->trouble, parts->offset);
    } else if (parts->time_ns == READING_TIME_NONE) {
        mqtt_aside(davy->batch, "the message's time cannot be read", offset);
    } else if (parts->status == 0 && !isnan(parts->value) && mqtt_is_plain(&davy->keys->targets[target])) {
        mqtt_put_plain(davy->batch, davy->keys->targets[target].point, parts->time_ns, davy->message->seen_ns,
                       parts->value);
    } else {
        mqtt_put(davy->keys, davy->message, davy->batch, target, parts->time_ns, parts->value, parts->status);
    }
}

/* ---- {"time": …, "seq": …, "values": {…}} ---- */

/* Takes pairs as long as each is the expected key, a plain number and a comma, and the point takes it as it is. */
static void take_expected(struct davy *davy)
{
    const struct mqtt_keys *keys = davy->keys;
    const char *end = davy->scan.end;
    while (!davy->batch->stopped) {
        const char *at = davy->scan.at;
        const uint32_t target = mqtt_names_guess(keys->names, davy->before, at, end);
        if (target == TABLE_NONE || !mqtt_is_plain(&keys->targets[target])) {
            return;
        }
        double value;
        at += keys->names[target].len;
        at = end - at > DECIMAL_SIGHT ? decimal_read(at + (*at == ' '), end, &value) : NULL;
        if (at == NULL || *at != ',') {
            return;
        }
        davy->before = target;
        davy->scan.at = at + 1 + (at[1] == ' ');
        mqtt_put_plain(davy->batch, keys->targets[target].point, davy->time_ns, davy->message->seen_ns, value);
    }
}

/* Takes a key with its colon and gives its target, TABLE_NONE when no point has it.  False when there is no key. */
static bool take_key(struct davy *davy, uint32_t *ret_target)
{
    const struct mqtt_keys *keys = davy->keys;
    struct scan *scan = &davy->scan;
    struct span key;
    uint32_t target = mqtt_names_guess(keys->names, davy->before, scan->at, scan->end);
    if (target != TABLE_NONE) {
        scan->at += keys->names[target].len;
    } else if (davy_take_name(davy, &key)) {
        target = table_find(&keys->table, key.text, key.len);
        davy_learn(davy, target);
    } else {
        return false;
    }
    davy->before = target != TABLE_NONE ? target : davy->before;
    *ret_target = target;
    return true;
}

/* Takes one `"key": value`. */
static void take_pair(struct davy *davy)
{
    struct scan *scan = &davy->scan;
    const size_t offset = scan_offset(scan);
    uint32_t target;
    if (!take_key(davy, &target)) {
        davy_aside(davy, "a key should stand here");
        scan_recover(scan);
        return;
    }
    if (target == TABLE_NONE) {
        mqtt_aside(davy->batch, "no point has this key", offset);
        (void)scan_skip(scan);
        return;
    }
    struct parts parts = fresh_parts(davy);
    if (scan_take(scan, '{')) {
        davy_take_members(davy, &parts, NULL);
    } else {
        davy_take_reading(davy, &parts);
    }
    put(davy, target, &parts, offset);
}

static void take_values(struct davy *davy)
{
    if (!begin(davy)) {
        return;
    }
    if (!scan_take(&davy->scan, '{')) {
        davy_aside(davy, "values should be an object");
        (void)scan_skip(&davy->scan);
        return;
    }
    if (davy_is_empty(davy, '}')) {
        return;
    }
    do {
        (void)scan_peek(&davy->scan);
        if (!davy->time_broken) {
            take_expected(davy);
            (void)scan_peek(&davy->scan);
        }
        if (!davy->batch->stopped) {
            take_pair(davy);
        }
    } while (!davy->batch->stopped && davy_another(davy, '}'));
}

static void take_heading_time(struct davy *davy)
{
    (void)scan_peek(&davy->scan);
    const char *at = davy->scan.at;
    davy->heading.has_time = davy_take_time(davy, &davy->heading.time_ns);
    davy->time_broken = !davy->heading.has_time;
    if (davy->time_broken) {
        mqtt_aside(davy->batch, "the message's time cannot be read", (size_t)(at - davy->scan.begin));
        davy->scan.at = at;
        (void)scan_skip(&davy->scan);
    }
}

/* A seq that is not a whole number only means that repeats are not known. */
static void take_heading_seq(struct davy *davy)
{
    (void)scan_peek(&davy->scan);
    const char *at = davy->scan.at;
    double seq;
    const struct span number = scan_number(&davy->scan);
    davy->heading.has_seq = text_parse_number(number.text, number.len, &seq) && seq == floor(seq) && fabs(seq) < 9e15;
    if (davy->heading.has_seq) {
        davy->heading.seq = (int64_t)seq;
    } else {
        davy->scan.at = at;
        (void)scan_skip(&davy->scan);
    }
}

static void take_object(struct davy *davy)
{
    struct scan *scan = &davy->scan;
    const char *later = NULL; /* values that stand before time or seq */
    struct span name;
    if (davy_is_empty(davy, '}')) {
        return;
    }
    do {
        if (!davy_take_name(davy, &name)) {
            davy_aside(davy, "a name should stand here");
            scan_recover(scan);
        } else if (davy_span_is(name, "time")) {
            take_heading_time(davy);
        } else if (davy_span_is(name, "seq")) {
            take_heading_seq(davy);
        } else if (!davy_span_is(name, "values")) {
            (void)scan_skip(scan);
        } else if (davy->heading.has_time && davy->heading.has_seq) {
            take_values(davy);
        } else {
            later = scan->at;
            (void)scan_skip(scan);
        }
    } while (!davy->batch->stopped && davy_another(davy, '}'));
    if (later != NULL) {
        const struct scan behind = *scan;
        scan->at = later;
        take_values(davy);
        *scan = behind;
    }
}

/* ---- [{"point": …}, …] ---- */

static void take_element(struct davy *davy)
{
    (void)scan_peek(&davy->scan);
    const size_t offset = scan_offset(&davy->scan);
    if (!scan_take(&davy->scan, '{')) {
        davy_aside(davy, "an object should stand here");
        scan_recover(&davy->scan);
        return;
    }
    uint32_t target = TABLE_NONE;
    struct parts parts = fresh_parts(davy);
    davy_take_members(davy, &parts, &target);
    if (parts.trouble == NULL && target == TABLE_NONE) {
        mqtt_aside(davy->batch, "a sample without point", offset);
        return;
    }
    put(davy, target, &parts, offset);
}

static void take_array(struct davy *davy)
{
    if (!begin(davy) || davy_is_empty(davy, ']')) {
        return;
    }
    do {
        take_element(davy);
    } while (!davy->batch->stopped && davy_another(davy, ']'));
}

void mqtt_decode_davy(const struct mqtt_keys *keys, const struct mqtt_message *message, struct mqtt_batch *batch)
{
    struct davy davy = {
        .keys = keys,
        .message = message,
        .batch = batch,
        .before = keys->count,
        .scan = {.begin = message->payload, .at = message->payload, .end = message->payload + message->len},
    };
    if (scan_take(&davy.scan, '{')) {
        take_object(&davy);
    } else if (scan_take(&davy.scan, '[')) {
        take_array(&davy);
    } else {
        davy_aside(&davy, "neither an object nor an array");
        return;
    }
    if (!batch->stopped && scan_peek(&davy.scan) != '\0') {
        davy_aside(&davy, "something follows the message");
    }
}
