/* ask: see ask.h. */
#include "console/ask.h"

#include "base/clock.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

/* An answer from samples where minutes do not help: one bucket is looked at in one go. */
#define ODD_EVERY_MOST (24 * 3600 * NS_PER_S)
#define MINUTE_NS      (60 * NS_PER_S)

static const char *const state_names[STATE_COUNT] = {"active", "returned", "shelved", "suppressed", "out_of_service"};

static const char *const agg_names[ASK_AGGS] = {
    [AGG_MEAN] = "mean",   [AGG_MIN] = "min",   [AGG_MAX] = "max",       [AGG_COUNT] = "count",
    [AGG_FIRST] = "first", [AGG_LAST] = "last", [ASK_STATUS] = "status",
};

const char *ask_state_name(enum ask_state state)
{
    return state_names[state];
}

static int word_at(const char *const *words, int count, const char *text, size_t len)
{
    for (int i = 0; i < count; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0) {
            return i;
        }
    }
    return count;
}

enum ask_state ask_state_of(const char *text, size_t len)
{
    return (enum ask_state)word_at(state_names, STATE_COUNT, text, len);
}

const char *ask_agg_name(int agg)
{
    return agg_names[agg];
}

bool ask_whole(const char *text, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number)) {
            return false;
        }
    }
    if (text[0] != '\0') {
        *ret_number = number;
    }
    return text[0] != '\0';
}

/* ---- one parameter each ------------------------------------------------------------------------------------------ */

static enum err_code bad(struct err *err, const char *name, const char *value, const char *hint)
{
    return err_set(err, ERR_INPUT, "%s: \"%.200s\" makes no sense; %s", name, value, hint);
}

static enum err_code take_time(const char *name, const char *value, int64_t now_ns, int64_t *time_ns, struct err *err)
{
    return text_parse_moment(value, strlen(value), now_ns, time_ns)
               ? ERR_NONE
               : bad(err, name, value, "a time is 2026-01-05T08:00:00+08:00, Unix milliseconds, now or now-2h");
}

static enum err_code take_every(const char *value, int64_t *every_ns, struct err *err)
{
    if (!text_parse_duration(value, strlen(value), every_ns) || *every_ns <= 0) {
        return bad(err, "every", value,
                   "a duration is a whole number with ms s m h d y, like 10m, and more than nothing");
    }
    if (*every_ns > ODD_EVERY_MOST && *every_ns % MINUTE_NS != 0) {
        return bad(err, "every", value, "beyond a day it must be whole minutes");
    }
    return ERR_NONE;
}

static enum err_code take_whole(const char *name, const char *value, uint64_t *number, struct err *err)
{
    return ask_whole(value, number) ? ERR_NONE : bad(err, name, value, "it must be a whole number");
}

/* The length of the next word of a list with commas, and where the one after it begins; NULL: it was the last. */
static size_t word_len(const char *list, const char **ret_next)
{
    const size_t len = strcspn(list, ",");
    *ret_next = list[len] == ',' ? list + len + 1 : NULL;
    return len;
}

static enum err_code take_aggs(const char *value, struct ask *ask, struct err *err)
{
    for (const char *at = value, *next; at != NULL; at = next) {
        const size_t len = word_len(at, &next);
        const int agg = word_at(agg_names, ASK_AGGS, at, len);
        bool twice = false;
        for (size_t i = 0; i < ask->agg_count; i++) {
            twice |= ask->aggs[i] == agg;
        }
        if (agg == ASK_AGGS || twice) {
            return bad(err, "agg", value, "a list of mean, min, max, count, first, last, status, each once");
        }
        ask->aggs[ask->agg_count++] = agg;
    }
    return ERR_NONE;
}

static enum err_code take_states(const char *value, unsigned *states, struct err *err)
{
    *states = 0;
    for (const char *at = value, *next; at != NULL; at = next) {
        const size_t len = word_len(at, &next);
        const enum ask_state state = ask_state_of(at, len);
        if (state == STATE_COUNT) {
            return bad(err, "state", value, "a list of active, returned, shelved, suppressed, out_of_service");
        }
        *states |= 1U << state;
    }
    return ERR_NONE;
}

static enum err_code take_all(const char *value, unsigned *states, struct err *err)
{
    if (strcmp(value, "1") == 0 || strcmp(value, "true") == 0 || value[0] == '\0') {
        *states = (1U << STATE_COUNT) - 1;
        return ERR_NONE;
    }
    return strcmp(value, "0") == 0 || strcmp(value, "false") == 0 ? ERR_NONE
                                                                  : bad(err, "all", value, "1 or 0 is meant");
}

static enum err_code take(const struct target_param *param, int64_t now_ns, struct ask *ask, struct err *err)
{
    const char *name = param->name;
    const char *value = param->value;
    const struct {
        const char *name;
        const char **text;
    } texts[] = {{"id", &ask->id}, {"kind", &ask->kind}, {"hazard", &ask->hazard}, {"alarm", &ask->alarm}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].text = value;
            return ERR_NONE;
        }
    }
    if (strcmp(name, "from") == 0 || strcmp(name, "to") == 0) {
        return take_time(name, value, now_ns, name[0] == 'f' ? &ask->from_ns : &ask->to_ns, err);
    }
    if (strcmp(name, "every") == 0) {
        return take_every(value, &ask->every_ns, err);
    }
    if (strcmp(name, "agg") == 0) {
        return take_aggs(value, ask, err);
    }
    if (strcmp(name, "limit") == 0) {
        return take_whole(name, value, &ask->limit, err);
    }
    if (strcmp(name, "after") == 0) {
        ask->has_after = true;
        return take_whole(name, value, &ask->after, err);
    }
    if (strcmp(name, "state") == 0) {
        return take_states(value, &ask->states, err);
    }
    if (strcmp(name, "all") == 0) {
        return take_all(value, &ask->states, err);
    }
    return level_parse(value, strlen(value), &ask->level) ? ERR_NONE
                                                          : bad(err, name, value, "blue, yellow, orange or red");
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static enum err_code unknown(const char *name, const char *const *known, struct err *err)
{
    size_t count = 0;
    while (known[count] != NULL) {
        count++;
    }
    const int nearest = text_nearest(name, known, count);
    if (nearest >= 0) {
        return err_set(err, ERR_INPUT, "\"%.100s\" is not a known parameter; did you mean \"%s\"?", name,
                       known[nearest]);
    }
    char list[128] = "there are none here";
    size_t len = 0;
    for (size_t i = 0; i < count; i++) { /* a few short words of our own: they fit */
        const int n = snprintf(list + len, sizeof list - len, i == 0 ? "known here: %s" : ", %s", known[i]);
        len += n > 0 && (size_t)n < sizeof list - len ? (size_t)n : 0;
    }
    return err_set(err, ERR_INPUT, "\"%.100s\" is not a known parameter; %s", name, list);
}

static bool is_known(const char *name, const char *const *known)
{
    for (; *known != NULL; known++) {
        if (strcmp(name, *known) == 0) {
            return true;
        }
    }
    return false;
}

static enum err_code settle(enum route_kind route, struct ask *ask, struct err *err)
{
    if (route == ROUTE_SAMPLES && ask->agg_count > 0 && ask->every_ns == 0) {
        return err_set(err, ERR_INPUT, "agg: aggregates are made of buckets; say how long with every, like every=1m");
    }
    if (ask->every_ns > 0 && ask->agg_count == 0) {
        for (int i = 0; i < AGG_KINDS; i++) {
            ask->aggs[ask->agg_count++] = i;
        }
    }
    return ERR_NONE;
}

enum err_code ask_read(enum route_kind route, const struct target *target, int64_t now_ns, struct ask *ret_ask,
                       struct err *err)
{
    struct ask ask = {
        .states = 1U << STATE_ACTIVE | 1U << STATE_RETURNED, /* those that are announced */
        .from_ns = now_ns - 3600 * NS_PER_S,
        .to_ns = now_ns,
        .limit = UINT64_MAX,
    };
    enum err_code code = ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && i < target->param_count; i++) {
        code = is_known(target->params[i].name, route_params(route))
                   ? take(&target->params[i], now_ns, &ask, err)
                   : unknown(target->params[i].name, route_params(route), err);
    }
    code = code == ERR_NONE ? settle(route, &ask, err) : code;
    if (code == ERR_NONE) {
        *ret_ask = ask;
    }
    return code;
}
