/*
 * sparkplug_order: messages of a node in the order of their seq.
 *
 * One that comes too early is copied and waits for those missing.  Where the
 * order cannot be known any more, messages are read by name only.
 */
#include "ingest/sparkplug_session.h"

#include <stdlib.h>
#include <string.h>

/* ---- one message whose turn it is -------------------------------------------------------------------------------- */

static void device_death(struct spb_reading *reading)
{
    struct spb_session *session = reading->session;
    const struct spb_node *node = &session->nodes[session->scopes[reading->scope].node];
    const int64_t told_ns = reading->payload.has_time ? spb_ms_to_ns(reading->payload.time_ms) : -1;
    session->counts.deaths++;
    spb_tell(session, SPB_NOTE_DEAD, session->scopes[reading->scope].id, "it says that it is dead (DDEATH)");
    spb_scope_lose(session, reading->scope, told_ns >= 0 ? told_ns : spb_loss_time(node, reading->message->seen_ns),
                   reading->message->seen_ns, reading->batch);
}

static void apply_data(struct spb_reading *reading)
{
    struct spb_session *session = reading->session;
    const struct spb_scope *scope = &session->scopes[reading->scope];
    if (!scope->born && !session->presume) {
        mqtt_aside(reading->batch, "data without a birth", 0);
        spb_want_birth(session, scope->node, reading->message->mono_ns, "data without a birth");
        return;
    }
    spb_read_metrics(reading);
}

/* A message whose turn it is, or whose turn can no longer be known (by_name). */
static void apply(struct spb_reading *reading, enum spb_type type)
{
    if (reading->scope == SITE_NONE) {
        return; /* a device that no point wants: only its place in the order counts */
    }
    switch (type) {
    case SPB_DBIRTH:
        reading->birth = true;
        if (reading->by_name) {
            mqtt_aside(reading->batch, "a birth out of order: another is asked for", 0);
        } else {
            spb_birth_device(reading);
        }
        break;
    case SPB_DDEATH:
        device_death(reading);
        break;
    default:
        apply_data(reading);
        break;
    }
}

/* ---- messages that wait ------------------------------------------------------------------------------------------ */

/* A message that waited, as if it came now. */
static void apply_held(struct spb_session *session, struct spb_held *held, int64_t mono_ns, bool by_name,
                       struct mqtt_batch *batch)
{
    struct spb_topic topic;
    size_t offset;
    const struct spb_message message = {
        .topic = held->bytes,
        .topic_len = held->topic_len,
        .payload = held->bytes + held->topic_len,
        .len = held->len,
        .seen_ns = held->seen_ns,
        .mono_ns = mono_ns,
    };
    struct spb_reading reading = {.session = session, .message = &message, .batch = batch, .by_name = by_name};
    if (spb_topic_read(message.topic, message.topic_len, &topic) == NULL &&
        spb_payload_read(message.payload, message.len, &reading.payload, &offset) == NULL) {
        reading.scope = spb_scope_find(session, &topic, spb_is_device_type(topic.type));
        apply(&reading, topic.type);
    }
}

static void take_out(struct spb_node *node, size_t i)
{
    node->held_bytes -= node->held[i].topic_len + node->held[i].len;
    free(node->held[i].bytes);
    node->held_count--;
    memmove(&node->held[i], &node->held[i + 1], (node->held_count - i) * sizeof node->held[0]);
}

void spb_order_next(struct spb_session *session, struct spb_node *node, int64_t mono_ns, struct mqtt_batch *batch)
{
    for (size_t i = 0; i < node->held_count && node->state == SPB_NODE_ONLINE;) {
        if (node->held[i].seq != node->expected) {
            i++;
            continue;
        }
        node->expected++;
        apply_held(session, &node->held[i], mono_ns, false, batch);
        take_out(node, i);
        i = 0;
    }
    if (node->held_count == 0) {
        node->held_until_ns = TIME_NEVER;
    }
}

void spb_order_flush(struct spb_session *session, struct spb_node *node, int64_t mono_ns, struct mqtt_batch *batch)
{
    while (node->held_count > 0) {
        size_t next = 0;
        for (size_t i = 1; i < node->held_count; i++) {
            const uint8_t ahead = (uint8_t)(node->held[i].seq - node->expected);
            next = ahead < (uint8_t)(node->held[next].seq - node->expected) ? i : next;
        }
        apply_held(session, &node->held[next], mono_ns, true, batch);
        take_out(node, next);
    }
    node->held_until_ns = TIME_NEVER;
}

void spb_order_give_up(struct spb_session *session, struct spb_node *node, int64_t mono_ns, struct mqtt_batch *batch)
{
    session->counts.gaps++;
    spb_make_unsure(session, node, mono_ns, "messages are missing");
    spb_order_flush(session, node, mono_ns, batch);
}

/* Copies a message that came too early; false when there is no room. */
static bool hold(struct spb_session *session, struct spb_node *node, const struct spb_reading *reading)
{
    const struct spb_message *message = reading->message;
    const size_t bytes = message->topic_len + message->len;
    char *copy = node->held_count < SPB_HELD_MAX && bytes <= SPB_HELD_BYTES - node->held_bytes ? malloc(bytes) : NULL;
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, message->topic, message->topic_len);
    memcpy(copy + message->topic_len, message->payload, message->len);
    if (node->held_count == 0) {
        node->held_until_ns = message->mono_ns + session->reorder_ns;
        spb_due(session, node->held_until_ns);
    }
    node->held[node->held_count++] = (struct spb_held){
        .bytes = copy,
        .topic_len = message->topic_len,
        .len = message->len,
        .seen_ns = message->seen_ns,
        .time_ms = reading->payload.time_ms,
        .seq = (uint8_t)reading->payload.seq,
    };
    node->held_bytes += bytes;
    return true;
}

static bool is_held(const struct spb_node *node, const struct spb_reading *reading)
{
    for (size_t i = 0; i < node->held_count; i++) {
        if (node->held[i].seq == reading->payload.seq && node->held[i].time_ms == reading->payload.time_ms) {
            return true;
        }
    }
    return false;
}

void spb_order_note(struct spb_node *node, const struct spb_reading *reading)
{
    node->has_last = reading->payload.has_seq && reading->payload.has_time;
    node->last_seq = (uint8_t)reading->payload.seq;
    node->last_time_ms = reading->payload.time_ms;
}

static void take_in_order(struct spb_reading *reading, struct spb_node *node, enum spb_type type)
{
    struct spb_session *session = reading->session;
    const int64_t mono_ns = reading->message->mono_ns;
    const uint8_t seq = (uint8_t)reading->payload.seq;
    if (!reading->payload.has_seq || seq == node->expected) { /* without a number there is no order to see to */
        node->expected = reading->payload.has_seq ? (uint8_t)(seq + 1) : node->expected;
        spb_order_note(node, reading);
        apply(reading, type);
        spb_order_next(session, node, mono_ns, reading->batch);
        return;
    }
    const bool again = node->has_last && seq == node->last_seq && reading->payload.time_ms == node->last_time_ms;
    if (again || is_held(node, reading)) {
        session->counts.repeats++;
        return;
    }
    if (hold(session, node, reading)) {
        return;
    }
    spb_order_give_up(session, node, mono_ns, reading->batch);
    reading->by_name = true;
    apply(reading, type);
}

void spb_order_take(struct spb_reading *reading, struct spb_node *node, enum spb_type type)
{
    struct spb_session *session = reading->session;
    if (session->presume) {
        reading->by_name = type != SPB_DBIRTH;
        apply(reading, type);
        return;
    }
    switch (node->state) {
    case SPB_NODE_ONLINE:
        take_in_order(reading, node, type);
        break;
    case SPB_NODE_UNSURE:
        reading->by_name = true;
        apply(reading, type);
        break;
    default:
        mqtt_aside(reading->batch, "its node has no birth yet", 0);
        spb_want_birth(session, session->scopes[node->scope].node, reading->message->mono_ns, "no birth is known");
        break;
    }
}

void spb_order_drop(struct spb_node *node)
{
    for (size_t i = 0; i < node->held_count; i++) {
        free(node->held[i].bytes);
    }
    node->held_count = 0;
    node->held_bytes = 0;
    node->held_until_ns = TIME_NEVER;
}

void spb_order_older(struct spb_reading *reading, struct spb_node *node)
{
    for (size_t i = 0; i < node->held_count;) {
        if (reading->payload.has_time && node->held[i].time_ms >= reading->payload.time_ms) {
            i++;
            continue;
        }
        apply_held(reading->session, &node->held[i], reading->message->mono_ns, true, reading->batch);
        take_out(node, i);
    }
    if (node->held_count == 0) {
        node->held_until_ns = TIME_NEVER;
    }
}
