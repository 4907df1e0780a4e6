/*
 * courier: see courier.h.
 */
#include "alerting/courier.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum {
    PASS_MAX = 64, /* events passed over in one cycle */
    PAUSE_FIRST_MS = 500,
    PAUSE_MAX_MS = 30000,
    PAUSE_DOUBLINGS = 6,
};

int64_t courier_pause_ns(unsigned failed, uint32_t *jitter)
{
    const unsigned doublings = failed < PAUSE_DOUBLINGS ? failed : PAUSE_DOUBLINGS;
    const int64_t grown_ms = (int64_t)PAUSE_FIRST_MS << doublings;
    const int64_t pause_ns = (grown_ms < PAUSE_MAX_MS ? grown_ms : PAUSE_MAX_MS) * NS_PER_MS;
    *jitter = *jitter * 1664525u + 1013904223u;
    return pause_ns - pause_ns / 3 * (int64_t)(*jitter >> 16) / 65536;
}

static struct counter *make_counter(const struct courier *courier, const char *what, const char *help)
{
    struct buf name = {0};
    buf_printf(&name, "%s.%s", courier->name, what);
    struct counter *counter = counter_new(courier->config.sink->counters, name.data, "", help);
    buf_done(&name);
    return counter;
}

/* Chance needs to differ between sites and sinks only. */
static uint32_t add_to_seed(uint32_t seed, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        seed = seed * 31 + (unsigned char)*c;
    }
    return seed;
}

enum err_code courier_open(struct courier *courier, const struct courier_config *config, struct err *err)
{
    const char *id = config->sink->sink->id;
    *courier = (struct courier){.config = *config, .name = memory_strdup(config->name)};
    courier->goal_len = (int)strcspn(config->goal, "?"); /* what follows may be a secret */
    courier->jitter = add_to_seed(add_to_seed(0, config->sink->site->id), config->name);
    courier->events = make_counter(courier, "events", "events delivered, or passed over");
    courier->brought = make_counter(courier, "delivered", "deliveries that the receiver confirmed");
    courier->failures = make_counter(courier, "failures", "tries that failed");
    courier->behind = make_counter(courier, "behind", "events of the journal not yet delivered");
    courier->config.name = courier->config.cursor = NULL; /* not needed any more */
    return cursor_open(&courier->cursor, config->sink->store, config->cursor, id, err);
}

void courier_done(struct courier *courier)
{
    cursor_done(&courier->cursor);
    journal_ahead_done(&courier->ahead);
    free(courier->name);
    courier->name = NULL;
}

/* ---- one event --------------------------------------------------------------------------------------------------- */

static void pass(struct courier *courier, const struct store_event *event, bool brought)
{
    if (courier->config.trade->passed != NULL) {
        courier->config.trade->passed(courier->config.self, event, brought);
    }
    courier->cursor.seq = event->seq;
    counter_add(courier->events, 1);
}

static void fail(struct courier *courier, int64_t now_ns, const struct err *err)
{
    const char *id = courier->config.sink->sink->id;
    counter_add(courier->failures, 1);
    log_event(LOG_WARN, "alerting", "ALT-030", courier->name,
              "sink=%s to=%.*s reason=\"%s\" seq=%llu events wait in the journal", id, courier->goal_len,
              courier->config.goal, err->text, (unsigned long long)courier->cursor.seq);
    courier->due_ns = now_ns + courier_pause_ns(courier->failed, &courier->jitter);
    courier->failed++;
    courier->phase = COURIER_WAITING;
}

static void succeed(struct courier *courier)
{
    if (courier->failed > 0) {
        log_event(LOG_INFO, "alerting", "ALT-031", courier->name, "sink=%s to=%.*s tries=%u delivers again",
                  courier->config.sink->sink->id, courier->goal_len, courier->config.goal, courier->failed);
    }
    courier->failed = 0;
    courier->phase = COURIER_IDLE;
    counter_add(courier->brought, 1);
}

/* Gives the event behind the cursor; NULL when there is none, or the journal cannot be read now. */
static const struct store_event *next_event(struct courier *courier, int64_t now_ns, size_t *ret_behind)
{
    const struct store_event *event = NULL;
    struct err err;
    if (journal_ahead_next(&courier->ahead, courier->config.sink->store, courier->cursor.seq, &event, ret_behind,
                           &err) != ERR_NONE) {
        fail(courier, now_ns, &err);
        return NULL;
    }
    return event;
}

/* Passes over what is of no concern and begins with what is; true when something moved. */
static bool take_up(struct courier *courier, int64_t now_ns)
{
    const struct courier_trade *trade = courier->config.trade;
    bool moved = false;
    for (int i = 0; i < PASS_MAX; i++) {
        size_t behind;
        const struct store_event *event = next_event(courier, now_ns, &behind);
        if (event == NULL) {
            break;
        }
        moved = true;
        if (trade->prepare(courier->config.self, (struct courier_event){event, behind})) {
            courier->seq = event->seq;
            courier->phase = COURIER_UNDER_WAY;
            trade->begin(courier->config.self, now_ns);
            break;
        }
        pass(courier, event, false);
    }
    return moved;
}

static bool go_on(struct courier *courier, int64_t now_ns)
{
    struct err err;
    switch (courier->config.trade->go_on(courier->config.self, now_ns, &err)) {
    case COURIER_OPEN:
        return false;
    case COURIER_FAILED:
        fail(courier, now_ns, &err);
        return false;
    case COURIER_DONE:
        break;
    }
    size_t behind;
    const struct store_event *event = next_event(courier, now_ns, &behind); /* still in hand */
    if (event != NULL) {
        succeed(courier);
        pass(courier, event, true);
    }
    return event != NULL;
}

/* ---- cycles ------------------------------------------------------------------------------------------------------ */

static void keep_place(struct courier *courier, int64_t now_ns, bool sync)
{
    struct err err;
    if (courier->config.trade->keep != NULL && cursor_is_due(&courier->cursor, now_ns, sync)) {
        courier->config.trade->keep(courier->config.self, courier->cursor.batch);
    }
    if (cursor_keep(&courier->cursor, now_ns, sync, &err) != ERR_NONE) {
        log_event(LOG_WARN, "alerting", "ALT-004", courier->name, "sink=%s reason=\"%s\" kept later",
                  courier->config.sink->sink->id, err.text);
    }
}

static bool move(struct courier *courier, int64_t now_ns)
{
    bool moved = false;
    if (courier->phase == COURIER_IDLE || (courier->phase == COURIER_WAITING && now_ns >= courier->due_ns)) {
        courier->phase = COURIER_IDLE;
        moved = take_up(courier, now_ns);
    }
    if (courier->phase == COURIER_UNDER_WAY) {
        moved = go_on(courier, now_ns) || moved;
    }
    const uint64_t newest = store_last_seq(courier->config.sink->store);
    counter_set(courier->behind, newest > courier->cursor.seq ? newest - courier->cursor.seq : 0);
    return moved;
}

bool courier_work(struct courier *courier, int64_t now_ns)
{
    const bool moved = move(courier, now_ns);
    keep_place(courier, now_ns, false);
    return moved;
}

bool courier_stop(struct courier *courier, int64_t now_ns, int64_t deadline_ns)
{
    const bool away = courier->phase == COURIER_WAITING;
    const bool moved = !away && now_ns < deadline_ns && move(courier, now_ns);
    if (moved || (courier->phase == COURIER_UNDER_WAY && now_ns < deadline_ns)) {
        keep_place(courier, now_ns, false);
        return true;
    }
    if (courier->phase == COURIER_UNDER_WAY) {
        courier->config.trade->break_off(courier->config.self);
        courier->phase = COURIER_WAITING;
    }
    if (courier->cursor.seq != courier->cursor.kept_seq) {
        keep_place(courier, now_ns, true);
    }
    return false;
}

int64_t courier_due(const struct courier *courier)
{
    const int64_t cursor_ns = cursor_due(&courier->cursor);
    const bool waiting = courier->phase == COURIER_WAITING;
    return waiting && courier->due_ns < cursor_ns ? courier->due_ns : cursor_ns;
}
