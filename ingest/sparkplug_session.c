/*
 * sparkplug_session: the order of messages, deaths, and when to ask for a
 * rebirth (see sparkplug_session.h).
 */
#include "ingest/sparkplug_session.h"

#include "ingest/back_off.h"
#include <stdlib.h>
#include <string.h>

static const int64_t ask_spread_ns = 2 * NS_PER_MS; /* between two nodes when all are asked */

/* ---- life -------------------------------------------------------------------------------------------------------- */

void spb_session_init(struct spb_session *session, const struct site *site, uint32_t source, int64_t mono_ns,
                      struct arena *arena)
{
    *session = (struct spb_session){
        .host_id = site->sources[source].host_id,
        .reorder_ns = site->sources[source].reorder_ns,
        .due_ns = mono_ns + SPB_PATIENCE_NS,
    };
    spb_items_init(session, site, source, arena);
    for (uint32_t s = 0; s < session->scope_count; s++) {
        session->scopes[s].wait_ns = session->due_ns;
    }
}

static void drop_held(struct spb_node *node)
{
    for (size_t i = 0; i < node->held_count; i++) {
        free(node->held[i].bytes);
    }
    node->held_count = 0;
    node->held_bytes = 0;
    node->held_until_ns = TIME_NEVER;
}

void spb_session_recall(struct spb_session *session, uint32_t index, int64_t time_ns, uint16_t status)
{
    struct spb_item *item = &session->items[index];
    item->newest_ns = time_ns;
    item->lost = (status & SPB_LOST) == SPB_LOST;
    item->marked = item->lost;
    item->mark_ns = time_ns;
}

void spb_session_done(struct spb_session *session)
{
    for (uint32_t n = 0; n < session->node_count; n++) {
        drop_held(&session->nodes[n]);
        free(session->nodes[n].aliases);
    }
    spb_items_done(session);
}

void spb_tell(const struct spb_session *session, enum spb_note note, const char *who, const char *detail)
{
    if (session->told != NULL) {
        session->told(session->told_self, note, who, detail);
    }
}

void spb_due(struct spb_session *session, int64_t mono_ns)
{
    if (mono_ns < session->due_ns) {
        session->due_ns = mono_ns;
    }
}

static const char *node_id(const struct spb_session *session, const struct spb_node *node)
{
    return session->scopes[node->scope].id;
}

/* ---- rebirths ---------------------------------------------------------------------------------------------------- */

/* Doubles with every request; a node that was well for twice as long as it last waited begins anew. */
static void plan_ask(struct spb_node *node, int64_t mono_ns)
{
    const int64_t wait_ns = back_off_wait(node->seed, node->tries, SPB_ASK_MIN_NS, SPB_ASK_MAX_NS);
    if (node->asked_ns == 0 || mono_ns - node->asked_ns > 2 * wait_ns) {
        node->tries = 0;
        node->ask_ns = mono_ns;
    } else {
        node->ask_ns = node->asked_ns + wait_ns;
    }
}

void spb_want_birth(struct spb_session *session, uint32_t index, int64_t mono_ns, const char *why)
{
    struct spb_node *node = &session->nodes[index];
    if (node->ask && node->heard) {
        return;
    }
    if (node->ask) { /* asked in vain so far, and now it speaks */
        node->asked_ns = 0;
    }
    node->heard = true;
    node->ask = true;
    plan_ask(node, mono_ns);
    spb_due(session, node->ask_ns);
    spb_tell(session, SPB_NOTE_UNSURE, node_id(session, node), why);
}

const char *spb_session_ask(struct spb_session *session, int64_t mono_ns)
{
    for (uint32_t n = 0; session->connected && n < session->node_count; n++) {
        struct spb_node *node = &session->nodes[n];
        if (node->ask && node->ask_ns <= mono_ns) {
            node->asked_ns = mono_ns;
            node->ask_ns = mono_ns + back_off_wait(node->seed, node->tries, SPB_ASK_MIN_NS, SPB_ASK_MAX_NS);
            node->tries++;
            spb_due(session, node->ask_ns);
            return node_id(session, node);
        }
    }
    return NULL;
}

/* From now on aliases are not trusted; what stays without birth for long is lost. */
static void make_unsure(struct spb_session *session, struct spb_node *node, int64_t mono_ns, const char *why)
{
    if (node->state == SPB_NODE_ONLINE) {
        node->state = SPB_NODE_UNSURE;
        for (uint32_t s = node->scope; s != SITE_NONE; s = session->scopes[s].next) {
            session->scopes[s].wait_ns = mono_ns + SPB_PATIENCE_NS;
        }
        spb_due(session, mono_ns + SPB_PATIENCE_NS);
    }
    spb_want_birth(session, session->scopes[node->scope].node, mono_ns, why);
}

/* ---- messages in their order ------------------------------------------------------------------------------------- */

/* When what is lost now was lost, by the node's clock. */
static int64_t loss_time(const struct spb_node *node, int64_t seen_ns)
{
    return node->lag_ns > SPB_CLOCK_SLACK_NS ? seen_ns - node->lag_ns : seen_ns;
}

static void device_death(struct spb_reading *reading)
{
    struct spb_session *session = reading->session;
    const struct spb_node *node = &session->nodes[session->scopes[reading->scope].node];
    const int64_t told_ns = reading->payload.has_time ? spb_ms_to_ns(reading->payload.time_ms) : -1;
    session->counts.deaths++;
    spb_tell(session, SPB_NOTE_DEAD, session->scopes[reading->scope].id, "it says that it is dead (DDEATH)");
    spb_scope_lose(session, reading->scope, told_ns >= 0 ? told_ns : loss_time(node, reading->message->seen_ns),
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

static bool is_device_type(enum spb_type type)
{
    return type >= SPB_DBIRTH && type <= SPB_DCMD;
}

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
        reading.scope = spb_scope_find(session, &topic, is_device_type(topic.type));
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

/* Those whose turn has come now. */
static void release_next(struct spb_session *session, struct spb_node *node, int64_t mono_ns, struct mqtt_batch *batch)
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

/* What is missing does not come any more: the others go on without it, as far as they can be understood. */
static void give_up_waiting(struct spb_session *session, struct spb_node *node, int64_t mono_ns,
                            struct mqtt_batch *batch)
{
    session->counts.gaps++;
    make_unsure(session, node, mono_ns, "messages are missing");
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

static void note_taken(struct spb_node *node, const struct spb_reading *reading)
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
        note_taken(node, reading);
        apply(reading, type);
        release_next(session, node, mono_ns, reading->batch);
        return;
    }
    const bool again = node->has_last && seq == node->last_seq && reading->payload.time_ms == node->last_time_ms;
    if (again || is_held(node, reading)) {
        session->counts.repeats++;
        return;
    }
    if (!reading->message->kept_by_us && hold(session, node, reading)) {
        return;
    }
    give_up_waiting(session, node, mono_ns, reading->batch);
    reading->by_name = true;
    apply(reading, type);
}

static void take_of_node(struct spb_reading *reading, struct spb_node *node, enum spb_type type)
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

/* ---- births and deaths of nodes ---------------------------------------------------------------------------------- */

/* What waited and was sent before the birth belongs to the session before: only its names still mean something. */
static void settle_older(struct spb_reading *reading, struct spb_node *node)
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

static void take_birth(struct spb_reading *reading, struct spb_node *node)
{
    if (node->state == SPB_NODE_ONLINE && node->has_last && reading->payload.has_time &&
        reading->payload.time_ms == node->last_time_ms && reading->payload.seq == node->last_seq) {
        reading->session->counts.repeats++;
        return;
    }
    reading->birth = true;
    settle_older(reading, node);
    note_taken(node, reading);
    spb_birth_node(reading);
    release_next(reading->session, node, reading->message->mono_ns, reading->batch);
}

static void lose_node(struct spb_session *session, struct spb_node *node, enum spb_state state, int64_t seen_ns,
                      struct mqtt_batch *batch)
{
    node->state = state;
    node->ask = false;
    node->heard = false;
    node->has_last = false;
    node->alias_count = 0;
    drop_held(node);
    for (uint32_t s = node->scope; s != SITE_NONE; s = session->scopes[s].next) {
        spb_scope_lose(session, s, loss_time(node, seen_ns), seen_ns, batch);
    }
}

/* A death of an earlier connection of the node may come after the birth of its next one. */
static void take_death(struct spb_reading *reading, struct spb_node *node)
{
    struct spb_session *session = reading->session;
    const int64_t mono_ns = reading->message->mono_ns;
    uint64_t bdseq;
    if (node->has_bdseq && node->state != SPB_NODE_UNKNOWN && spb_find_bdseq(reading->message, &bdseq) &&
        bdseq != node->bdseq) {
        mqtt_aside(reading->batch, "the death of an earlier session of the node", 0);
        return;
    }
    while (node->held_count > 0) {
        apply_held(session, &node->held[0], mono_ns, true, reading->batch);
        take_out(node, 0);
    }
    session->counts.deaths++;
    spb_tell(session, SPB_NOTE_DEAD, node_id(session, node), "it is dead (NDEATH)");
    lose_node(session, node, SPB_NODE_OFFLINE, reading->message->seen_ns, reading->batch);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static void take_state(struct spb_session *session, const struct spb_topic *topic, const struct spb_message *message)
{
    const bool ours = session->host_id != NULL && topic->node.len == strlen(session->host_id) &&
                      memcmp(topic->node.data, session->host_id, topic->node.len) == 0;
    if (ours && spb_state_is_offline(message->payload, message->len)) {
        session->state_again = true;
    }
}

/* How far the node's clock is behind ours, the way included. */
static void note_lag(struct spb_node *node, const struct spb_reading *reading)
{
    const int64_t time_ns = reading->payload.has_time ? spb_ms_to_ns(reading->payload.time_ms) : -1;
    if (time_ns >= 0) {
        node->lag_ns = reading->message->seen_ns - time_ns;
    }
}

static void take_payload(struct spb_reading *reading, const struct spb_topic *topic)
{
    struct spb_session *session = reading->session;
    const uint32_t own = spb_scope_find(session, topic, false);
    if (own == SITE_NONE) {
        session->counts.foreign++;
        return;
    }
    if (reading->message->retained) {
        mqtt_aside(reading->batch, "a retained message may be of any age", 0);
        return;
    }
    size_t offset = 0;
    const char *reason =
        spb_payload_read(reading->message->payload, reading->message->len, &reading->payload, &offset);
    if (reason == NULL && reading->payload.has_seq && reading->payload.seq > UINT8_MAX) {
        reason = "its seq is greater than 255";
    }
    if (reason != NULL) {
        mqtt_aside(reading->batch, reason, offset);
        return;
    }
    struct spb_node *node = &session->nodes[session->scopes[own].node];
    reading->scope = is_device_type(topic->type) ? spb_scope_find(session, topic, true) : own;
    session->counts.messages++;
    if (topic->type == SPB_NDEATH) {
        take_death(reading, node);
        return;
    }
    note_lag(node, reading);
    if (topic->type == SPB_NBIRTH) {
        take_birth(reading, node);
    } else {
        take_of_node(reading, node, topic->type);
    }
}

void spb_session_spoilt(struct spb_session *session, int64_t mono_ns)
{
    for (uint32_t i = 0; i < session->keys.count; i++) {
        struct spb_item *item = &session->items[i];
        if (item->key == NULL || session->scopes[item->scope].born) {
            continue;
        }
        struct spb_scope *scope = &session->scopes[item->scope];
        if (item->lost && scope->wait_ns == TIME_NEVER) {
            scope->wait_ns = 0;
        }
        item->lost = item->lost && scope->wait_ns != 0;
    }
    for (uint32_t n = 0; n < session->node_count; n++) {
        if (session->nodes[n].state == SPB_NODE_ONLINE) {
            make_unsure(session, &session->nodes[n], mono_ns, "not all could be taken");
        }
    }
    spb_due(session, 0);
}

void spb_session_take(struct spb_session *session, const struct spb_message *message, struct mqtt_batch *batch)
{
    struct spb_reading reading = {.session = session, .message = message, .batch = batch};
    struct spb_topic topic;
    const char *reason = spb_topic_read(message->topic, message->topic_len, &topic);
    if (reason != NULL) {
        mqtt_aside(batch, reason, 0);
    } else if (topic.type == SPB_STATE) {
        take_state(session, &topic, message);
    } else if (topic.type != SPB_NCMD && topic.type != SPB_DCMD) {
        take_payload(&reading, &topic);
    }
}

void spb_session_up(struct spb_session *session, int64_t mono_ns)
{
    session->connected = true;
    for (uint32_t n = 0; n < session->node_count; n++) {
        struct spb_node *node = &session->nodes[n];
        node->ask = true;
        node->heard = false;
        node->tries = 0;
        node->ask_ns = mono_ns + n * ask_spread_ns;
    }
    spb_due(session, mono_ns);
}

void spb_session_down(struct spb_session *session, int64_t seen_ns, struct mqtt_batch *batch)
{
    session->connected = false;
    session->state_again = false;
    for (uint32_t n = 0; n < session->node_count; n++) {
        lose_node(session, &session->nodes[n], SPB_NODE_UNKNOWN, seen_ns, batch);
    }
}

/* The first levels of a metric's name look like a device until the births tell better. */
static bool owns_items(const struct spb_session *session, uint32_t scope)
{
    const struct spb_node *node = &session->nodes[session->scopes[scope].node];
    for (uint32_t i = 0; i < node->item_count; i++) {
        if (session->items[session->node_items[node->first_item + i]].scope == scope) {
            return true;
        }
    }
    return false;
}

/* A node without a rebirth of its own goes on telling metrics by name, so UNSURE stays what it is. */
static void end_patience(struct spb_session *session, uint32_t index, int64_t seen_ns, struct mqtt_batch *batch)
{
    struct spb_scope *scope = &session->scopes[index];
    const struct spb_node *node = &session->nodes[scope->node];
    const bool born = scope->born && node->state == SPB_NODE_UNSURE;
    if (scope->wait_ns > 0 && owns_items(session, index)) {
        spb_tell(session, SPB_NOTE_DEAD, scope->id, "no birth has come");
    }
    spb_scope_lose(session, index, loss_time(node, seen_ns), seen_ns, batch);
    scope->born = born;
}

static void tick_scopes(struct spb_session *session, int64_t seen_ns, int64_t mono_ns, struct mqtt_batch *batch)
{
    for (uint32_t s = 0; s < session->scope_count; s++) {
        if (session->scopes[s].wait_ns <= mono_ns && !batch->stopped) {
            end_patience(session, s, seen_ns, batch);
        }
        spb_due(session, session->scopes[s].wait_ns);
    }
}

void spb_session_tick(struct spb_session *session, int64_t seen_ns, int64_t mono_ns, struct mqtt_batch *batch)
{
    session->due_ns = TIME_NEVER;
    for (uint32_t n = 0; n < session->node_count; n++) {
        struct spb_node *node = &session->nodes[n];
        if (node->held_until_ns <= mono_ns && !batch->stopped) {
            give_up_waiting(session, node, mono_ns, batch);
        }
        spb_due(session, node->held_until_ns);
        spb_due(session, node->ask && session->connected ? node->ask_ns : TIME_NEVER);
    }
    tick_scopes(session, seen_ns, mono_ns, batch);
}

uint32_t spb_session_online(const struct spb_session *session)
{
    uint32_t online = 0;
    for (uint32_t n = 0; n < session->node_count; n++) {
        online += session->nodes[n].state == SPB_NODE_ONLINE;
    }
    return online;
}
