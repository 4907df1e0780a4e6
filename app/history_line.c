/* history_line: see history_line.h. */
#include "app/history_line.h"

#include "base/clock.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

size_t history_line_format(const struct sample *sample, const char *point_id, char ret_line[HISTORY_LINE_MAX])
{
    char value[TEXT_NUMBER_MAX] = "";
    if (!isnan(sample->value)) {
        (void)text_format_number(sample->value, value);
    }
    int len = snprintf(ret_line, HISTORY_LINE_MAX, "%lld,%lld,%u,%s,%.512s\n", (long long)(sample->time_ns / NS_PER_MS),
                       (long long)(sample->seen_ns / NS_PER_MS), sample->status, value, point_id);
    return (size_t)len;
}

/* Cuts the next of the parts at a comma. */
static bool take_part(const char **at, const char *end, const char **ret_part, size_t *ret_len)
{
    const char *comma = memchr(*at, ',', (size_t)(end - *at));
    if (comma == NULL) {
        return false;
    }
    *ret_part = *at;
    *ret_len = (size_t)(comma - *at);
    *at = comma + 1;
    return true;
}

static bool take_whole(const char **at, const char *end, int64_t most, int64_t *ret_whole)
{
    const char *part;
    size_t len;
    if (!take_part(at, end, &part, &len) || len == 0) {
        return false;
    }
    bool minus = part[0] == '-';
    int64_t whole = 0;
    for (size_t i = minus; i < len; i++) {
        if (part[i] < '0' || part[i] > '9' || whole > (most - (part[i] - '0')) / 10) {
            return false;
        }
        whole = whole * 10 + (part[i] - '0');
    }
    *ret_whole = minus ? -whole : whole;
    return len > (size_t)minus;
}

static bool take_value(const char **at, const char *end, double *ret_value)
{
    const char *part;
    size_t len;
    if (!take_part(at, end, &part, &len)) {
        return false;
    }
    *ret_value = NAN;
    return len == 0 || text_parse_number(part, len, ret_value);
}

enum history_line history_line_parse(const struct site *site, const char *line, size_t len, struct sample *ret_sample)
{
    static const int64_t most_ms = INT64_MAX / NS_PER_MS;
    const char *at = line;
    const char *end = line + len;
    int64_t time_ms, seen_ms, status;
    double value;
    if (!take_whole(&at, end, most_ms, &time_ms) || !take_whole(&at, end, most_ms, &seen_ms) ||
        !take_whole(&at, end, (1 << ST_COUNT) - 1, &status) || status < 0 || !take_value(&at, end, &value)) {
        return HISTORY_NONSENSE;
    }
    uint32_t point = site_point(site, at, (size_t)(end - at));
    if (point == SITE_NONE) {
        return HISTORY_UNKNOWN_POINT;
    }
    *ret_sample = (struct sample){
        .time_ns = time_ms * NS_PER_MS,
        .seen_ns = seen_ms * NS_PER_MS,
        .value = value,
        .point = point,
        .status = (uint16_t)status,
    };
    sample_settle(ret_sample);
    return HISTORY_SAMPLE;
}
