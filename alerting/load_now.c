/*
 * load_now: see load_now.h.  The last 10 minutes are 600 counts, one a second,
 * in a circle; the chattering alarms are a list.
 */
#include "alerting/load_now.h"

#include "alerting/load_figures.h"
#include "base/clock.h"
#include "base/memory.h"
#include <stdlib.h>

enum { SECONDS = LOAD_PERIOD_NS / NS_PER_S };

struct load_now {
    uint32_t counts[SECONDS]; /* [second % SECONDS] */
    int64_t second;           /* the latest one */
    uint64_t raised, standing;
    int64_t (*raises)[LOAD_CHATTER]; /* [alarm]: the last ones, the newest first; INT64_MIN: none */
    bool *active;                    /* [alarm] */
    uint32_t *chattering;            /* alarms */
    size_t chattering_count;
};

struct load_now *load_now_new(size_t alarms)
{
    struct load_now *load = memory_new(1, sizeof *load);
    load->second = INT64_MIN;
    load->raises = memory_new(alarms, sizeof *load->raises);
    load->active = memory_new(alarms, sizeof *load->active);
    load->chattering = memory_new(alarms, sizeof *load->chattering);
    for (size_t i = 0; i < alarms; i++) {
        for (int k = 0; k < LOAD_CHATTER; k++) {
            load->raises[i][k] = INT64_MIN;
        }
    }
    return load;
}

void load_now_free(struct load_now *load)
{
    if (load != NULL) {
        free(load->raises);
        free(load->active);
        free(load->chattering);
        free(load);
    }
}

bool load_now_active(struct load_now *load, uint32_t alarm, bool active)
{
    load->standing += (uint64_t)active - (uint64_t)load->active[alarm];
    const bool changed = load->active[alarm] != active;
    load->active[alarm] = active;
    return changed;
}

/* True when the last raises of an alarm lie within the last minute. */
static bool chatters(const struct load_now *load, uint32_t alarm, int64_t now_ns)
{
    const int64_t first_ns = load->raises[alarm][LOAD_CHATTER - 1];
    return first_ns != INT64_MIN && now_ns - first_ns <= LOAD_CHATTER_NS;
}

static void pass_seconds(struct load_now *load, int64_t second)
{
    if (load->second == INT64_MIN || second - load->second >= SECONDS) {
        for (int i = 0; i < SECONDS; i++) {
            load->counts[i] = 0;
        }
        load->raised = 0;
        load->second = second;
        return;
    }
    while (load->second < second) {
        load->second++;
        uint32_t *count = &load->counts[load->second % SECONDS];
        load->raised -= *count;
        *count = 0;
    }
}

void load_now_pass(struct load_now *load, int64_t now_ns)
{
    pass_seconds(load, now_ns / NS_PER_S);
    for (size_t i = load->chattering_count; i-- > 0;) {
        if (!chatters(load, load->chattering[i], now_ns)) {
            load->chattering[i] = load->chattering[--load->chattering_count];
        }
    }
}

void load_now_raised(struct load_now *load, uint32_t alarm, int64_t now_ns)
{
    load_now_pass(load, now_ns);
    load->counts[load->second % SECONDS]++;
    load->raised++;
    const bool chattered = chatters(load, alarm, now_ns);
    for (int k = LOAD_CHATTER - 1; k > 0; k--) {
        load->raises[alarm][k] = load->raises[alarm][k - 1];
    }
    load->raises[alarm][0] = now_ns;
    if (!chattered && chatters(load, alarm, now_ns)) {
        load->chattering[load->chattering_count++] = alarm;
    }
}

int64_t load_now_due(const struct load_now *load)
{
    return load->raised == 0 && load->chattering_count == 0 ? TIME_NEVER : (load->second + 1) * NS_PER_S;
}

uint64_t load_now_raised_10min(const struct load_now *load)
{
    return load->raised;
}

uint64_t load_now_chattering(const struct load_now *load)
{
    return load->chattering_count;
}

uint64_t load_now_standing(const struct load_now *load)
{
    return load->standing;
}
