/*
 * mqtt_davy_parts: see mqtt_davy.h.
 */
#include "ingest/mqtt_davy.h"

#include "base/decimal.h"
#include "base/text.h"

void davy_aside(struct davy *davy, const char *reason)
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

bool davy_take_time(struct davy *davy, int64_t *ret_ns)
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

void davy_take_reading(struct davy *davy, struct parts *parts)
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
    } else if (davy_take_time(davy, &parts->time_ns)) {
        davy->last_time = (struct span){.text = at, .len = (size_t)(scan->at - at)};
        davy->last_time_ns = parts->time_ns;
    } else {
        trouble(davy, parts, "the time cannot be read", at);
        scan->at = at;
        (void)scan_skip(scan);
    }
}

bool davy_take_name(struct davy *davy, struct span *ret_name)
{
    return scan_string(&davy->scan, davy->scratch, sizeof davy->scratch, ret_name) && scan_take(&davy->scan, ':');
}

bool davy_another(struct davy *davy, char close)
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
            davy_aside(davy, "the message ends early");
            return false;
        }
        davy_aside(davy, "a comma or the end should stand here");
        if (c == '}' || c == ']') {
            scan->at++; /* a bracket too many */
        }
        scan_recover(scan);
    }
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
    if (!davy_take_name(davy, &name)) {
        return MEMBER_NONE;
    }
    return davy_span_is(name, "value")    ? MEMBER_VALUE
           : davy_span_is(name, "status") ? MEMBER_STATUS
           : davy_span_is(name, "time")   ? MEMBER_TIME
           : davy_span_is(name, "point")  ? MEMBER_POINT
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
        davy_learn(davy, target);
    }
    *ret_target = target;
    if (target == TABLE_NONE) {
        trouble(davy, parts, "no point has this key", at);
    } else {
        davy->before = target;
    }
}

void davy_take_members(struct davy *davy, struct parts *parts, uint32_t *ret_target)
{
    if (davy_is_empty(davy, '}')) {
        return;
    }
    do {
        const enum member member = take_member_name(davy);
        if (member == MEMBER_NONE) {
            trouble(davy, parts, "a name should stand here", davy->scan.at);
            scan_recover(&davy->scan);
        } else if (member == MEMBER_VALUE) {
            davy_take_reading(davy, parts);
        } else if (member == MEMBER_STATUS) {
            take_status(davy, parts);
        } else if (member == MEMBER_TIME) {
            take_own_time(davy, parts);
        } else if (member == MEMBER_POINT && ret_target != NULL) {
            take_point(davy, parts, ret_target);
        } else {
            (void)scan_skip(&davy->scan); /* what else a sender likes to say */
        }
    } while (davy_another(davy, '}'));
}
