/*
 * cap_event: see cap_event.h.
 */
#include "alerting/cap_event.h"
#include "base/clock.h"
#include "base/text.h"
#include <math.h>
#include <string.h>

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static const char *text_of(const struct cap_event *event, const char *key)
{
    return json_string_value(json_object_get(event->json, key));
}

static bool has(const char *text, size_t len, const char *part)
{
    return len > 0 && memmem(text, len, part, strlen(part)) != NULL;
}

/* Inside a string every quote is escaped, so these are found as keys only. */
static bool is_silent(const struct store_event *event)
{
    return has(event->state, event->state_len, ",\"state\":\"shelved\"") ||
           has(event->state, event->state_len, ",\"state\":\"out_of_service\"") ||
           has(event->state, event->state_len, ",\"state\":\"suppressed\"");
}

static bool is_suppressed_at_once(const struct store_event *events, size_t behind)
{
    for (size_t i = 1; i <= behind; i++) {
        const struct store_event *next = &events[i];
        if (next->alarm_len != events->alarm_len || memcmp(next->alarm, events->alarm, next->alarm_len) != 0) {
            return false;
        }
        if (has(next->json, next->json_len, ",\"event\":\"suppressed\"")) {
            return true;
        }
        if (!has(next->json, next->json_len, ",\"event\":\"blind\"") &&
            !has(next->json, next->json_len, ",\"event\":\"unacked\"")) {
            return false;
        }
    }
    return false;
}

static bool take_words(struct cap_event *event)
{
    const char *kind = text_of(event, "event"), *level = text_of(event, "level");
    const json_t *value = json_object_get(event->json, "value");
    event->alarm = text_of(event, "alarm");
    event->rule = text_of(event, "rule");
    event->point = text_of(event, "point");
    event->hazard = text_of(event, "hazard");
    event->gas = text_of(event, "kind");
    event->unit = text_of(event, "unit");
    event->when = text_of(event, "when");
    event->message = text_of(event, "message");
    event->advice = text_of(event, "advice");
    event->status = text_of(event, "status");
    event->occurrence = (uint32_t)json_integer_value(json_object_get(event->json, "occurrence"));
    event->value = json_is_number(value) ? json_number_value(value) : NAN;
    event->level = LEVEL_NONE;
    return kind != NULL && event_parse(kind, strlen(kind), &event->kind) && event->alarm != NULL &&
           (level == NULL || level_parse(level, strlen(level), &event->level));
}

enum err_code cap_event_read(struct cap_event *event, const struct store_event *events, size_t behind, struct err *err)
{
    cap_event_done(event);
    *event = (struct cap_event){.json = json_loadb(events->json, events->json_len, 0, NULL),
                                .seq = events->seq,
                                .time_ns = events->time_ns,
                                .silent = is_silent(events) || is_suppressed_at_once(events, behind),
                                .well = events->state_len == 0};
    if (!take_words(event)) {
        return err_set(err, ERR_INPUT, "event %llu of the journal cannot be understood",
                       (unsigned long long)events->seq);
    }
    return ERR_NONE;
}

void cap_event_done(struct cap_event *event)
{
    json_decref(event->json);
    event->json = NULL;
}

/* ---- deciding ---------------------------------------------------------------------------------------------------- */

enum cap_decision cap_decide(const struct cap_event *event, bool has_earlier)
{
    const bool begins = event->kind == EV_RAISED || event->kind == EV_WORSENED || event->kind == EV_EASED;
    if (event->silent || event->level == LEVEL_NONE || (!begins && event->kind != EV_CLEARED)) {
        return CAP_NOTHING;
    }
    if (has_earlier) {
        return CAP_UPDATE;
    }
    return begins ? CAP_ALERT : CAP_NOTHING;
}

/* ---- forecasts --------------------------------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* A number, or a duration as seconds. */
static bool take_seconds(const char *text, size_t len, double *ret_s)
{
    int64_t ns;
    if (text_parse_duration(text, len, &ns)) {
        *ret_s = (double)ns / (double)NS_PER_S;
        return true;
    }
    return text_parse_number(text, len, ret_s);
}

/* "< 30m" or "<= 600" behind the call. */
static double bound_behind(const char *at)
{
    double seconds;
    at += strspn(at, " \t");
    if (*at != '<') {
        return INFINITY;
    }
    at += at[1] == '=' ? 2 : 1;
    at += strspn(at, " \t");
    size_t len = 0;
    while (is_word(at[len])) {
        len++;
    }
    return take_seconds(at, len, &seconds) ? seconds : INFINITY;
}

/* "30m >" or "600 >=" before it. */
static double bound_before(const char *begin, const char *at)
{
    double seconds;
    while (at > begin && (at[-1] == ' ' || at[-1] == '\t')) {
        at--;
    }
    at -= at > begin && at[-1] == '=' ? 1 : 0;
    if (at == begin || *--at != '>') {
        return INFINITY;
    }
    while (at > begin && (at[-1] == ' ' || at[-1] == '\t')) {
        at--;
    }
    const char *from = at;
    while (from > begin && is_word(from[-1])) {
        from--;
    }
    return take_seconds(from, (size_t)(at - from), &seconds) ? seconds : INFINITY;
}

/* Gives the end of a quoted id, or of what stands in parentheses; at the end of the text, that. */
static const char *skip(const char *at)
{
    int depth = 0;
    do {
        if (*at == '\'') {
            at += 1 + strcspn(at + 1, "'");
            at -= *at == '\0' ? 1 : 0;
        }
        depth += (*at == '(') - (*at == ')');
        at += *at != '\0';
    } while (depth > 0 && *at != '\0');
    return at;
}

bool cap_is_forecast(const char *when, double *ret_within_s)
{
    bool found = false;
    *ret_within_s = INFINITY;
    for (const char *at = when; at != NULL && *at != '\0';) {
        size_t word = 0;
        while (is_word(at[word])) {
            word++;
        }
        if ((word == 6 && memcmp(at, "eta_up", 6) == 0) || (word == 8 && memcmp(at, "eta_down", 8) == 0)) {
            const char *open = at + word + strspn(at + word, " \t");
            found = true;
            *ret_within_s =
                fmin(*ret_within_s, fmin(bound_before(when, at), *open == '(' ? bound_behind(skip(open)) : INFINITY));
        }
        at = word > 0 ? at + word : *at == '\'' ? skip(at) : at + 1;
    }
    return found;
}
