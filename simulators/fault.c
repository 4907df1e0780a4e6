/*
 * fault: the table of kinds (see fault.h).
 */
#include "simulators/fault.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

enum argument { ARG_NONE, ARG_CODE, ARG_DURATION, ARG_COUNT, ARG_SHIFT };
enum { FLOOD_MOST = 1000 };
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
    [FAULT_HALF_OPEN] = {"half-open", ARG_NONE, ON_TCP, true},
    [FAULT_BUSY] = {"busy", ARG_NONE, ON_TCP, true},
    [FAULT_FLOOD] = {"flood", ARG_COUNT, ON_TCP | ON_MQTT, false},
    [FAULT_CLOCK] = {"clock", ARG_SHIFT, ON_MQTT, true},
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

static bool parse_whole(const char *text, int64_t most, int64_t *ret_number)
{
    double number = 0;
    if (!text_parse_number(text, strlen(text), &number) || number < 1 || number > (double)most ||
        number != (double)(int64_t)number) {
        return false;
    }
    *ret_number = (int64_t)number;
    return true;
}

/* "+1h" or "-10m". */
static bool parse_shift(const char *text, int64_t *ret_ns)
{
    const bool back = text[0] == '-';
    if ((!back && text[0] != '+') || !text_parse_duration(text + 1, strlen(text + 1), ret_ns) || *ret_ns == 0) {
        return false;
    }
    *ret_ns = back ? -*ret_ns : *ret_ns;
    return true;
}

/* Reads what stands behind the colon; NULL when it is right. */
static const char *parse_argument(enum argument argument, const char *text, int64_t *ret_value)
{
    switch (argument) {
    case ARG_NONE:
        return text == NULL ? NULL : "takes no argument";
    case ARG_CODE:
        return text != NULL && parse_whole(text, UINT8_MAX, ret_value)
                   ? NULL
                   : "needs an exception code from 1 to 255, such as \"exception:4\"";
    case ARG_DURATION:
        return text != NULL && text_parse_duration(text, strlen(text), ret_value)
                   ? NULL
                   : "needs a duration, such as \"delay:800ms\"";
    case ARG_COUNT:
        return text != NULL && parse_whole(text, FLOOD_MOST, ret_value)
                   ? NULL
                   : "needs a number from 1 to 1000, such as \"flood:100\"";
    case ARG_SHIFT:
        break;
    }
    return text != NULL && parse_shift(text, ret_value)
               ? NULL
               : "needs a sign and a duration, such as \"clock:+1h\" or \"clock:-10m\"";
}

const char *fault_parse(const char *text, enum fault_kind *ret_kind, int64_t *ret_value)
{
    const char *colon = strchr(text, ':');
    const enum fault_kind kind = find_kind(text, colon != NULL ? (size_t)(colon - text) : strlen(text));
    if (kind == FAULT_NONE) {
        return "fault is not known";
    }
    int64_t value = 0;
    const char *wrong = parse_argument(kinds[kind].argument, colon != NULL ? colon + 1 : NULL, &value);
    if (wrong != NULL) {
        return wrong;
    }
    *ret_kind = kind;
    *ret_value = value;
    return NULL;
}

const char *fault_name(enum fault_kind kind)
{
    return kinds[kind].name;
}

bool fault_is_harmless(enum fault_kind kind)
{
    return kind == FAULT_NONE || kind == FAULT_DUPLICATE || kind == FAULT_BUSY || kind == FAULT_FLOOD;
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
