/*
 * trace_act: an operator's act as a row of an NDJSON trace.
 *
 * An act changes what alarms say, so unlike a sample it is taken only when
 * every key of it is understood.
 */
#include "base/text.h"
#include "model/trace_reader.h"
#include <math.h>
#include <string.h>

static const char *const act_keys[] = {"time",       "seen",  "do",  "alarm", "by",    "comment",
                                       "occurrence", "level", "for", "until", "cause", "measure"};
enum { ACT_KEYS = sizeof act_keys / sizeof act_keys[0] };

static bool keys_are_known(struct trace_reader *reader, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (i < ACT_KEYS && strcmp(act_keys[i], key) != 0) {
            i++;
        }
        if (i == ACT_KEYS) {
            char shown[TRACE_SHOWN_MAX + 4];
            int nearest = text_nearest(key, act_keys, ACT_KEYS);
            trace_aside(reader, "\"%s\" is not a key of an act%s%s%s",
                        trace_shown((struct trace_text){key, strlen(key)}, shown),
                        nearest >= 0 ? "; did you mean \"" : "", nearest >= 0 ? act_keys[nearest] : "",
                        nearest >= 0 ? "\"?" : "");
            return false;
        }
    }
    return true;
}

/* Copies a text into an act's field; absent leaves it empty. */
static bool copy_text(struct trace_reader *reader, const json_t *object, const char *key, char *field, size_t room)
{
    const json_t *value = json_object_get(object, key);
    field[0] = '\0';
    if (value == NULL) {
        return true;
    }
    if (!json_is_string(value)) {
        trace_aside(reader, "%s is not a text", key);
        return false;
    }
    if (json_string_length(value) >= room) {
        trace_aside(reader, "%s is longer than %zu bytes", key, room - 1);
        return false;
    }
    memcpy(field, json_string_value(value), json_string_length(value) + 1);
    return true;
}

static bool read_occurrence(struct trace_reader *reader, const json_t *object, struct act *act)
{
    const json_t *value = json_object_get(object, "occurrence");
    if (value == NULL) {
        return true;
    }
    double number = json_number_value(value); /* 0 when it is none */
    if (number < 1 || number > UINT32_MAX || number != floor(number)) {
        trace_aside(reader, "occurrence is not a whole number from 1 on");
        return false;
    }
    act->occurrence = (uint32_t)number;
    return true;
}

static bool read_level(struct trace_reader *reader, const json_t *object, struct act *act)
{
    const json_t *value = json_object_get(object, "level");
    enum level level;
    if (value == NULL) {
        return true;
    }
    if (!json_is_string(value) || !level_parse(json_string_value(value), json_string_length(value), &level)) {
        trace_aside(reader, "level is not one of blue yellow orange red");
        return false;
    }
    act->level = (uint8_t)level;
    return true;
}

static bool read_shelf(struct trace_reader *reader, const json_t *object, struct act *act)
{
    const json_t *length = json_object_get(object, "for");
    if (length != NULL && json_object_get(object, "until") != NULL) {
        trace_aside(reader, "for and until stand together; keep one of them");
        return false;
    }
    if (length != NULL && (!json_is_string(length) ||
                           !text_parse_duration(json_string_value(length), json_string_length(length), &act->for_ns) ||
                           act->for_ns == 0)) {
        trace_aside(reader, "for is not a duration longer than zero, such as \"10m\"");
        return false;
    }
    return trace_json_time(reader, object, "until", &act->until_ns);
}

static bool read_what(struct trace_reader *reader, const json_t *object, struct act *act)
{
    char shown[TRACE_SHOWN_MAX + 4];
    const json_t *what = json_object_get(object, "do");
    const json_t *alarm = json_object_get(object, "alarm");
    enum act_kind kind;
    if (!json_is_string(what) || !act_parse(json_string_value(what), json_string_length(what), &kind)) {
        trace_aside(reader, "do is not one of ack shelve unshelve comment close out-of-service in-service");
        return false;
    }
    if (!json_is_string(alarm)) {
        trace_aside(reader, alarm == NULL ? "alarm is missing" : "alarm is not a text");
        return false;
    }
    act->kind = (uint8_t)kind;
    act->alarm = site_alarm(reader->site, json_string_value(alarm), json_string_length(alarm));
    if (act->alarm == SITE_NONE) {
        struct trace_text text = {json_string_value(alarm), json_string_length(alarm)};
        trace_aside(reader, "alarm \"%s\" is not in the site", trace_shown(text, shown));
        return false;
    }
    return true;
}

bool trace_json_act(struct trace_reader *reader, json_t *object, int64_t time_ns, int64_t seen_ns,
                    struct trace_row *ret_row)
{
    struct act *act = &ret_row->act;
    *act = (struct act){.time_ns = time_ns, .level = LEVEL_NONE};
    ret_row->kind = TRACE_ACT;
    ret_row->time_ns = time_ns;
    ret_row->seen_ns = seen_ns;
    return keys_are_known(reader, object) && read_what(reader, object, act) &&
           copy_text(reader, object, "by", act->by, sizeof act->by) &&
           copy_text(reader, object, "comment", act->comment, sizeof act->comment) &&
           copy_text(reader, object, "cause", act->cause, sizeof act->cause) &&
           copy_text(reader, object, "measure", act->measure, sizeof act->measure) &&
           read_occurrence(reader, object, act) && read_level(reader, object, act) && read_shelf(reader, object, act);
}
