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
#include "base/decimal.h"
#include "base/text.h"
#include "ingest/mqtt_decode.h"
#include "ingest/mqtt_names.h"
#include "ingest/mqtt_scan.h"

#include <string.h>

#define READING_TIME_NONE INT64_MIN /* a reading without time */

/* A decoding under way. */
struct davy {
    const struct mqtt_keys *keys;
    const struct mqtt_message *message;
    struct mqtt_batch *batch;
    struct scan scan;
    struct mqtt_heading heading;
    int64_t time_ns;  /* of values that carry none */
    bool time_broken; /* there is one, but it cannot be read: such values cannot be taken */
    bool begun;
    uint32_t before;       /* target of the key taken last, keys->count before the first */
    struct span last_time; /* the text of the own time read last, in the message */
    int64_t last_time_ns;
    char scratch[MQTT_KEY_MAX];
};

/* One reading, either way of writing it. */
struct parts {
    double value;
    int64_t time_ns;
    uint16_t status;
    const char *trouble; /* why it cannot be taken; NULL: it can */
    size_t offset;       /* of the trouble */
};

static bool span_is(struct span span, const char *word)
{
    return span.len == strlen(word) && memcmp(span.text, word, span.len) == 0;
}

static void aside(struct davy *davy, const char *reason)
{
    mqtt_aside(davy->batch, reason, scan_offset(&davy->scan));
}

static void trouble(struct davy *davy, struct parts *parts, const char *reason, const char *at)
{
    if (parts->trouble == NULL) {
        parts->trouble = reason;
        parts->offset = (size_t)(at - davy->scan.begin);
    }
}

/* Takes a bare value: number, true, false, null.  False when it is none of these. */
static bool take_value(struct scan *scan, double *ret_value)
{
    const char first = scan_peek(scan);
    const char *behind = decimal_read(scan->at, scan->end, ret_value);
    if (behind != NULL) {
        scan->at = behind;
        return true;
    }
    if ((first >= '0' && first <= '9') || (first == '-' && !(scan->end - scan->at > 1 && scan->at[1] == 'I'))) {
        const struct span number = scan_number(scan);
        /* A number that the text ends with may be half of one. */
        return scan->at < scan->end && text_parse_number(number.text, number.len, ret_value);
    }
    *ret_value = NAN;
    if (scan_word(scan, "true")) {
        *ret_value = 1;
        return true;
    }
    if (scan_word(scan, "false")) {
        *ret_value = 0;
        return true;
    }
    return scan_word(scan, "null") || scan_word(scan, "NaN") || scan_word(scan, "Infinity") ||
           scan_word(scan, "-Infinity");
}

static bool take_time(struct davy *davy, int64_t *ret_ns)
{
    struct scan *scan = &davy->scan;
    struct span span;
    if (scan_peek(scan) == '"') {
        return scan_string(scan, davy->scratch, sizeof davy->scratch, &span) &&
               text_parse_time(span.text, span.len, ret_ns);
    }
    span = scan_number(scan);
    return span.len > 0 && text_parse_time(span.text, span.len, ret_ns);
}

/* Takes the value of a "value" member or of a key. */
static void take_reading(struct davy *davy, struct parts *parts)
{
    struct scan *scan = &davy->scan;
    const char first = scan_peek(scan);
    const char *at = scan->at;
    if (!take_value(scan, &parts->value)) {
        trouble(davy, parts, first == '"' ? "a text is not a value" : "this is not a value", at);
        scan->at = at;
        (void)scan_skip(scan); /* where it fails, the caller misses its comma and recovers */
    }
}

static void take_status(struct davy *davy, struct parts *parts)
{
    struct scan *scan = &davy->scan;
    (void)scan_peek(scan);
    const char *at = scan->at;
    struct span span;
    if (!scan_string(scan, davy->scratch, sizeof davy->scratch, &span)) {
        trouble(davy, parts, "the status cannot be read", at);
        scan->at = at;
        (void)scan_skip(scan);
    } else if (!status_parse(span.text, span.len, &parts->status)) {
        trouble(davy, parts, "the status is not known", at);
    }
}

/* Elements of one moment follow one another. */
static bool is_last_time(const struct davy *davy)
{
    const struct span *last = &davy->last_time;
    const struct scan *scan = &davy->scan;
    return last->len > 0 && (size_t)(scan->end - scan->at) > last->len &&
           memcmp(scan->at, last->text, last->len) == 0 && !decimal_goes_on(scan->at[last->len]);
}

static void take_own_time(struct davy *davy, struct parts *parts)
{
    struct scan *scan = &davy->scan;
    (void)scan_peek(scan);
    const char *at = scan->at;
    if (is_last_time(davy)) {
        parts->time_ns = davy->last_time_ns;
        scan->at += davy->last_time.len;
    } else if (take_time(davy, &parts->time_ns)) {
        davy->last_time = (struct span){.text = at, .len = (size_t)(scan->at - at)};
        davy->last_time_ns = parts->time_ns;
    } else {
        trouble(davy, parts, "the time cannot be read", at);
        scan->at = at;
        (void)scan_skip(scan);
    }
}

/* Takes `"name":`.  False when there is none. */
static bool take_name(struct davy *davy, struct span *ret_name)
{
    return scan_string(&davy->scan, davy->scratch, sizeof davy->scratch, ret_name) && scan_take(&davy->scan, ':');
}

/* Between two members: true when another follows.  What is neither comma nor end is set aside up to the next. */
static bool another(struct davy *davy, char close)
{
    struct scan *scan = &davy->scan;
    for (;;) {
        const char c = scan_peek(scan);
        if (c == ',') {
            scan->at++;
            return true;
        }
        if (c == close) {
            scan->at++;
            return false;
        }
        if (scan->at == scan->end) {
            aside(davy, "the message ends early");
            return false;
        }
        aside(davy, "a comma or the end should stand here");
        if (c == '}' || c == ']') {
            scan->at++; /* a bracket too many */
        }
        scan_recover(scan);
    }
}

/* What is known to follow the key taken last is what the next message is expected to say. */
static void learn(struct davy *davy, uint32_t target)
{
    if (target != TABLE_NONE) {
        davy->keys->names[davy->before].after = target;
    }
}

static bool is_empty(struct davy *davy, char close)
{
    return scan_take(&davy->scan, close);
}

static bool begin(struct davy *davy)
{
    if (!davy->begun) {
        davy->begun = true;
        davy->time_ns = davy->heading.has_time ? davy->heading.time_ns : davy->message->seen_ns;
        return mqtt_begin(davy->batch, &davy->heading);
    }
    return !davy->batch->stopped;
}

/* ---- {"value": …, "status": …, "time": …} and {"point": …, …} ---- */

enum member { MEMBER_NONE, MEMBER_VALUE, MEMBER_STATUS, MEMBER_TIME, MEMBER_POINT, MEMBER_OTHER };

/* Takes the name of a sample's member with its colon; MEMBER_NONE when none can be read. */
static enum member take_member_name(struct davy *davy)
{
    static const struct {
        char text[9];
        uint8_t len;
        enum member member;
    } usual[] = {{"\"value\":", 8, MEMBER_VALUE}, {"\"time\":", 7, MEMBER_TIME}, {"\"point\":", 8, MEMBER_POINT}};
    struct scan *scan = &davy->scan;
    struct span name;
    for (size_t i = 0; i < sizeof usual / sizeof *usual && scan->end - scan->at >= 8; i++) {
        if (memcmp(scan->at, usual[i].text, 7) == 0 && (usual[i].len == 7 || scan->at[7] == ':')) {
            scan->at += usual[i].len;
            return usual[i].member;
        }
    }
    if (!take_name(davy, &name)) {
        return MEMBER_NONE;
    }
    return span_is(name, "value")    ? MEMBER_VALUE
           : span_is(name, "status") ? MEMBER_STATUS
           : span_is(name, "time")   ? MEMBER_TIME
           : span_is(name, "point")  ? MEMBER_POINT
                                     : MEMBER_OTHER;
}

/* Takes the key of an element: a string, as it is expected or any. */
static void take_point(struct davy *davy, struct parts *parts, uint32_t *ret_target)
{
    const struct mqtt_keys *keys = davy->keys;
    struct scan *scan = &davy->scan;
    const char *at = scan->at;
    struct span name;
    (void)scan_peek(scan);
    uint32_t target = mqtt_names_guess_string(keys->names, davy->before, scan->at, scan->end);
    if (target != TABLE_NONE) {
        scan->at += keys->names[target].len - 1;
    } else if (!scan_string(scan, davy->scratch, sizeof davy->scratch, &name)) {
        trouble(davy, parts, "the point cannot be read", at);
        (void)scan_skip(scan);
        return;
    } else {
        target = table_find(&keys->table, name.text, name.len);
        learn(davy, target);
    }
    *ret_target = target;
    if (target == TABLE_NONE) {
        trouble(davy, parts, "no point has this key", at);
    } else {
        davy->before = target;
    }
}

/* Takes the members of a sample's object; the opening bracket is taken.  `ret_target` (NULL: the key is known already)
 * is set by "point". */
static void take_members(struct davy *davy, struct parts *parts, uint32_t *ret_target)
{
    if (is_empty(davy, '}')) {
        return;
    }
    do {
        const enum member member = take_member_name(davy);
        if (member == MEMBER_NONE) {
            trouble(davy, parts, "a name should stand here", davy->scan.at);
            scan_recover(&davy->scan);
        } else if (member == MEMBER_VALUE) {
            take_reading(davy, parts);
        } else if (member == MEMBER_STATUS) {
            take_status(davy, parts);
        } else if (member == MEMBER_TIME) {
            take_own_time(davy, parts);
        } else if (member == MEMBER_POINT && ret_target != NULL) {
            take_point(davy, parts, ret_target);
        } else {
            (void)scan_skip(&davy->scan); /* what else a sender likes to say */
        }
    } while (another(davy, '}'));
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
    } else if (take_name(davy, &key)) {
        target = table_find(&keys->table, key.text, key.len);
        learn(davy, target);
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
        aside(davy, "a key should stand here");
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
        take_members(davy, &parts, NULL);
    } else {
        take_reading(davy, &parts);
    }
    put(davy, target, &parts, offset);
}

static void take_values(struct davy *davy)
{
    if (!begin(davy)) {
        return;
    }
    if (!scan_take(&davy->scan, '{')) {
        aside(davy, "values should be an object");
        (void)scan_skip(&davy->scan);
        return;
    }
    if (is_empty(davy, '}')) {
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
    } while (!davy->batch->stopped && another(davy, '}'));
}

static void take_heading_time(struct davy *davy)
{
    (void)scan_peek(&davy->scan);
    const char *at = davy->scan.at;
    davy->heading.has_time = take_time(davy, &davy->heading.time_ns);
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
    if (is_empty(davy, '}')) {
        return;
    }
    do {
        if (!take_name(davy, &name)) {
            aside(davy, "a name should stand here");
            scan_recover(scan);
        } else if (span_is(name, "time")) {
            take_heading_time(davy);
        } else if (span_is(name, "seq")) {
            take_heading_seq(davy);
        } else if (!span_is(name, "values")) {
            (void)scan_skip(scan);
        } else if (davy->heading.has_time && davy->heading.has_seq) {
            take_values(davy);
        } else {
            later = scan->at;
            (void)scan_skip(scan);
        }
    } while (!davy->batch->stopped && another(davy, '}'));
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
        aside(davy, "an object should stand here");
        scan_recover(&davy->scan);
        return;
    }
    uint32_t target = TABLE_NONE;
    struct parts parts = fresh_parts(davy);
    take_members(davy, &parts, &target);
    if (parts.trouble == NULL && target == TABLE_NONE) {
        mqtt_aside(davy->batch, "a sample without point", offset);
        return;
    }
    put(davy, target, &parts, offset);
}

static void take_array(struct davy *davy)
{
    if (!begin(davy) || is_empty(davy, ']')) {
        return;
    }
    do {
        take_element(davy);
    } while (!davy->batch->stopped && another(davy, ']'));
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
        aside(&davy, "neither an object nor an array");
        return;
    }
    if (!batch->stopped && scan_peek(&davy.scan) != '\0') {
        aside(&davy, "something follows the message");
    }
}
