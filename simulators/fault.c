/*
 * fault: the table of kinds (see fault.h).
 */
#include "simulators/fault.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

enum argument { ARG_NONE, ARG_CODE, ARG_DURATION };
enum {
    ON_TCP = 1,
    ON_SERIAL = 2,
    ON_PLAIN = 4, /* MQTT in all formats but Sparkplug */
    ON_SPARKPLUG = 8,
    ON_MODBUS = ON_TCP | ON_SERIAL,
    ON_MQTT = ON_PLAIN | ON_SPARKPLUG,
};

static const struct {
    const char *name;
    enum argument argument;
    unsigned on;
    bool whole;
} kinds[FAULT_COUNT] = {
    [FAULT_NONE] = {"none", ARG_NONE, 0, false},
    [FAULT_TIMEOUT] = {"timeout", ARG_NONE, ON_MODBUS, false},
    [FAULT_SILENT] = {"silent", ARG_NONE, ON_MODBUS, true},
    [FAULT_EXCEPTION] = {"exception", ARG_CODE, ON_MODBUS, false},
    [FAULT_DELAY] = {"delay", ARG_DURATION, ON_MODBUS, false},
    [FAULT_RESET] = {"reset", ARG_NONE, ON_TCP, true},
    [FAULT_DISCONNECT] = {"disconnect", ARG_NONE, ON_TCP | ON_MQTT, true},
    [FAULT_SLOW_BYTES] = {"slow-bytes", ARG_NONE, ON_MODBUS, false},
    [FAULT_WRONG_TID] = {"wrong-tid", ARG_NONE, ON_MODBUS, false},
    [FAULT_GARBAGE] = {"garbage", ARG_NONE, ON_MODBUS, false},
    [FAULT_DUPLICATE] = {"duplicate", ARG_NONE, ON_TCP | ON_MQTT, false},
    [FAULT_MALFORMED] = {"malformed", ARG_NONE, ON_MQTT, false},
    [FAULT_REORDER] = {"reorder", ARG_NONE, ON_MQTT, false},
    [FAULT_LOST] = {"lost", ARG_NONE, ON_SPARKPLUG, false},
    [FAULT_WRONG_ALIAS] = {"wrong-alias", ARG_NONE, ON_SPARKPLUG, false},
};

static enum fault_kind find_kind(const char *name, size_t len)
{
    for (enum fault_kind kind = FAULT_NONE + 1; kind < FAULT_COUNT; kind++) {
        if (strlen(kinds[kind].name) == len && memcmp(kinds[kind].name, name, len) == 0) {
            return kind;
        }
    }
    return FAULT_NONE;
}

static bool parse_code(const char *text, int64_t *ret_code)
{
    double code = 0;
    if (!text_parse_number(text, strlen(text), &code) || code < 1 || code > 255 || code != (double)(int64_t)code) {
        return false;
    }
    *ret_code = (int64_t)code;
    return true;
}

const char *fault_parse(const char *text, enum fault_kind *ret_kind, int64_t *ret_value)
{
    const char *colon = strchr(text, ':');
    const enum fault_kind kind = find_kind(text, colon != NULL ? (size_t)(colon - text) : strlen(text));
    if (kind == FAULT_NONE) {
        return "fault is not known";
    }
    int64_t value = 0;
    switch (kinds[kind].argument) {
    case ARG_NONE:
        if (colon != NULL) {
            return "takes no argument";
        }
        break;
    case ARG_CODE:
        if (colon == NULL || !parse_code(colon + 1, &value)) {
            return "needs an exception code from 1 to 255, such as \"exception:4\"";
        }
        break;
    case ARG_DURATION:
        if (colon == NULL || !text_parse_duration(colon + 1, strlen(colon + 1), &value)) {
            return "needs a duration, such as \"delay:800ms\"";
        }
        break;
    }
    *ret_kind = kind;
    *ret_value = value;
    return NULL;
}

const char *fault_name(enum fault_kind kind)
{
    return kinds[kind].name;
}

bool fault_fits(enum fault_kind kind, const struct site_source *source)
{
    static const unsigned on[] = {
        [SOURCE_MODBUS_TCP] = ON_TCP,
        [SOURCE_MODBUS_RTU] = ON_SERIAL,
        [SOURCE_MODBUS_RTU_TCP] = ON_TCP,
        [SOURCE_MQTT] = ON_PLAIN,
    };
    const bool sparkplug = source->type == SOURCE_MQTT && source->format == FORMAT_SPARKPLUG;
    return (kinds[kind].on & (sparkplug ? ON_SPARKPLUG : on[source->type])) != 0;
}

bool fault_is_whole(enum fault_kind kind)
{
    return kinds[kind].whole;
}

void fault_names(const struct site_source *source, char *ret_text, size_t size)
{
    size_t len = 0;
    ret_text[0] = '\0';
    for (enum fault_kind kind = FAULT_NONE + 1; kind < FAULT_COUNT; kind++) {
        if (fault_fits(kind, source) && len < size) {
            len += (size_t)snprintf(ret_text + len, size - len, "%s%s", len > 0 ? ", " : "", kinds[kind].name);
        }
    }
}

static bool strikes(const struct fault *fault, uint32_t source, int32_t unit)
{
    return fault->source == source && (fault->unit == FAULT_ANY_UNIT || fault->unit == unit);
}

const struct fault *fault_at(const struct scenario *scenario, uint32_t source, int32_t unit, int64_t t_ns)
{
    const struct fault *newest = NULL;
    for (size_t i = 0; i < scenario->fault_count && scenario->faults[i].at_ns <= t_ns; i++) {
        const struct fault *fault = &scenario->faults[i];
        if (strikes(fault, source, unit) && t_ns < fault->end_ns) {
            newest = fault;
        }
    }
    return newest;
}

int64_t fault_end(const struct scenario *scenario, uint32_t source, enum fault_kind kind, int64_t t_ns)
{
    const struct fault *fault = fault_at(scenario, source, FAULT_ANY_UNIT, t_ns);
    while (fault != NULL && fault->kind == kind && fault->end_ns != INT64_MAX) {
        t_ns = fault->end_ns;
        fault = fault_at(scenario, source, FAULT_ANY_UNIT, t_ns);
    }
    return fault != NULL && fault->kind == kind ? INT64_MAX : t_ns;
}
