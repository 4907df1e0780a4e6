/*
 * mqtt_window: sending ahead of confirmations, in order.  See mqtt_window.h.
 */
#include "alerting/mqtt_window.h"
#include "alerting/manager.h"
#include "base/log.h"
#include "base/text.h"
#include <jansson.h>
#include <string.h>

/* ---- topics ------------------------------------------------------------------------------------------------------ */

/* True for what brokers refuse in a topic: wildcards, control characters, code points that are no characters. */
static bool is_unfit(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == '+' || code == '#' || code == '%' ||
           (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe;
}

/* Ids have nothing unfit; the name of a group, which is a tag's text, may. */
static void add_to_topic(struct buf *topic, const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t code = 0;
        const size_t step = text_utf8_char(text + at, len - at, &code);
        const size_t bytes = step == 0 ? 1 : step;
        if (step > 0 && !is_unfit(code)) {
            buf_add(topic, text + at, bytes);
        } else {
            for (size_t i = 0; i < bytes; i++) {
                buf_printf(topic, "%%%02X", (unsigned char)text[at + i]);
            }
        }
        at += bytes;
    }
}

const char *mqtt_window_topic(struct mqtt_window *window, const char *branch, const char *leaf, size_t leaf_len)
{
    buf_clear(&window->topic);
    buf_printf(&window->topic, "davy/v1/%s/%s", window->site_id, branch);
    add_to_topic(&window->topic, leaf, leaf_len);
    return window->topic.data;
}

/* Gives the level an event's JSON says.  Inside a string every quote is escaped, so this key is found nowhere else. */
static const char *level_of(const struct store_event *event, size_t *ret_len)
{
    static const char key[] = ",\"level\":\"";
    const char *at = memmem(event->json, event->json_len, key, sizeof key - 1);
    if (at == NULL) {
        *ret_len = strlen("none");
        return "none";
    }
    at += sizeof key - 1;
    const char *end = memchr(at, '"', event->json_len - (size_t)(at - event->json));
    *ret_len = end == NULL ? 0 : (size_t)(end - at);
    return at;
}

/* ---- handing over ------------------------------------------------------------------------------------------------ */

void mqtt_window_begin(struct mqtt_window *window, uint64_t after)
{
    window->head = window->count = 0;
    window->sent_seq = after;
    window->renewed = window->failed = false;
    buf_clear(&window->anew);
    window->anew_at = 0;
}

void mqtt_window_done(struct mqtt_window *window)
{
    buf_done(&window->anew);
    buf_done(&window->topic);
}

static bool is_full(const struct mqtt_window *window)
{
    return window->count == MQTT_WINDOW;
}

static struct mqtt_slot *next_slot(struct mqtt_window *window, uint64_t seq)
{
    struct mqtt_slot *slot = &window->slots[(window->head + window->count++) % MQTT_WINDOW];
    slot->seq = seq;
    slot->parts = 0;
    return slot;
}

/* Sends one message of a slot; false when the link is no good. */
static bool send_part(struct mqtt_window *window, struct mqtt_slot *slot, const char *topic, const char *payload,
                      size_t len, bool retained)
{
    struct mqtt_receipt *receipt = &slot->receipts[slot->parts++];
    const enum err_code code = mqtt_link_publish(window->link, topic, payload, len, retained, receipt, &window->err);
    window->failed = window->failed || code != ERR_NONE;
    return code == ERR_NONE;
}

static bool send_event(void *self, const struct store_event *event)
{
    struct mqtt_window *window = self;
    struct mqtt_slot *slot = next_slot(window, event->seq);
    size_t level_len;
    const char *level = level_of(event, &level_len);
    const char *topic = mqtt_window_topic(window, "events/", level, level_len);
    if (!send_part(window, slot, topic, event->json, event->json_len, false)) {
        return false;
    }
    topic = mqtt_window_topic(window, "alarms/", event->alarm, event->alarm_len);
    if (!send_part(window, slot, topic, event->state, event->state_len, true)) {
        return false;
    }
    window->sent_seq = event->seq;
    return !is_full(window);
}

static bool note_state(void *self, const char *key, size_t key_len, const void *bytes, size_t len)
{
    struct mqtt_window *window = self;
    json_t *state = json_loadb(bytes, len, 0, NULL);
    const char *alarm = json_string_value(json_object_get(state, "alarm")); /* the key may hold a hash instead */
    if (alarm != NULL) {
        buf_add(&window->anew, alarm, strlen(alarm) + 1);
        buf_add(&window->anew, bytes, len);
        buf_add(&window->anew, "", 1);
    } else {
        log_event(LOG_WARN, "alerting", "ALT-003", "record", "key=\"%.*s\" cannot be read", (int)key_len, key);
    }
    json_decref(state);
    return true;
}

/* Sends states anew as far as there is room; true when some were sent. */
static bool send_anew(struct mqtt_window *window)
{
    bool some = false;
    while (window->anew_at < window->anew.len && !is_full(window)) {
        const char *alarm = window->anew.data + window->anew_at;
        const size_t alarm_len = strlen(alarm);
        const char *state = alarm + alarm_len + 1;
        const size_t state_len = strlen(state);
        const char *topic = mqtt_window_topic(window, "alarms/", alarm, alarm_len);
        if (!send_part(window, next_slot(window, 0), topic, state, state_len, true)) {
            return false;
        }
        window->anew_at += alarm_len + state_len + 2;
        some = true;
    }
    return some;
}

enum err_code mqtt_window_send(struct mqtt_window *window, uint64_t confirmed, bool *ret_some, struct err *err)
{
    const uint64_t newest = store_last_seq(window->store);
    const uint64_t before = window->sent_seq;
    enum err_code code = ERR_NONE;
    *ret_some = false;
    if (!window->renewed && window->count == 0 && confirmed >= newest) {
        window->renewed = true;
        code = store_scan(window->store, MANAGER_SHOWN, note_state, window, err);
    }
    if (code == ERR_NONE && window->anew_at < window->anew.len) {
        *ret_some = send_anew(window);
    } else if (code == ERR_NONE && !is_full(window) && before < newest) {
        code = store_events(window->store, before, send_event, window, err);
        *ret_some = window->sent_seq != before;
    }
    return window->failed ? err_set(err, ERR_ENV, "%s", window->err.text) : code;
}

/* ---- confirmations ----------------------------------------------------------------------------------------------- */

static int slot_outcome(const struct mqtt_slot *slot)
{
    int outcome = RECEIPT_CONFIRMED;
    for (unsigned i = 0; i < slot->parts; i++) {
        const int part = (int)cell_get(&slot->receipts[i].outcome);
        if (part != RECEIPT_CONFIRMED && outcome != RECEIPT_FAILED) {
            outcome = part;
        }
    }
    return outcome;
}

enum err_code mqtt_window_settle(struct mqtt_window *window, uint64_t *cursor, uint64_t *ret_events, bool *ret_some,
                                 struct err *err)
{
    *ret_events = 0;
    *ret_some = false;
    while (window->count > 0) {
        const struct mqtt_slot *slot = &window->slots[window->head];
        const int outcome = slot_outcome(slot);
        if (outcome == RECEIPT_FAILED) {
            return err_set(err, ERR_ENV, "the broker did not confirm a message");
        }
        if (outcome == RECEIPT_OPEN) {
            break;
        }
        if (slot->seq != 0) {
            *cursor = slot->seq;
            (*ret_events)++;
        }
        window->head = (window->head + 1) % MQTT_WINDOW;
        window->count--;
        *ret_some = true;
    }
    return ERR_NONE;
}
