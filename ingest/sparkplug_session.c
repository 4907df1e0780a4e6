/*
 * sparkplug_session: births and deaths of nodes, and when to ask for a rebirth
 * (see sparkplug_session.h).
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
        spb_order_drop(&session->nodes[n]);
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

void spb_node_turn(struct spb_session *session, struct spb_node *node, enum spb_state state)
{
    session->online -= node->state == SPB_NODE_ONLINE;
    session->online += state == SPB_NODE_ONLINE;
    node->state = state;
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

void spb_make_unsure(struct spb_session *session, struct spb_node *node, int64_t mono_ns, const char *why)
{
    if (node->state == SPB_NODE_ONLINE) {
        spb_node_turn(session, node, SPB_NODE_UNSURE);
        for (uint32_t s = node->scope; s != SITE_NONE; s = session->scopes[s].next) {
            session->scopes[s].wait_ns = mono_ns + SPB_PATIENCE_NS;
        }
        spb_due(session, mono_ns + SPB_PATIENCE_NS);
    }
    spb_want_birth(session, session->scopes[node->scope].node, mono_ns, why);
}

int64_t spb_loss_time(const struct spb_node *node, int64_t seen_ns)
{
    return node->lag_ns > SPB_CLOCK_SLACK_NS ? seen_ns - node->lag_ns : seen_ns;
}

/* ---- births and deaths of nodes ---------------------------------------------------------------------------------- */

static void take_birth(struct spb_reading *reading, struct spb_node *node)
{
    if (node->state == SPB_NODE_ONLINE && node->has_last && reading->payload.has_time &&
        reading->payload.time_ms == node->last_time_ms && reading->payload.seq == node->last_seq) {
        reading->session->counts.repeats++;
        return;
    }
    reading->birth = true;
    spb_order_older(reading, node);
    spb_order_note(node, reading);
    spb_birth_node(reading);
    spb_order_next(reading->session, node, reading->message->mono_ns, reading->batch);
}

static void lose_node(struct spb_session *session, struct spb_node *node, enum spb_state state, int64_t seen_ns,
                      struct mqtt_batch *batch)
{
    spb_node_turn(session, node, state);
    node->ask = false;
    node->heard = false;
    node->has_last = false;
    node->alias_count = 0;
    spb_order_drop(node);
    for (uint32_t s = node->scope; s != SITE_NONE; s = session->scopes[s].next) {
        spb_scope_lose(session, s, spb_loss_time(node, seen_ns), seen_ns, batch);
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
    spb_order_flush(session, node, mono_ns, reading->batch);
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
    const char *reason = spb_payload_read(reading->message->payload, reading->message->len, &reading->payload, &offset);
    if (reason == NULL && reading->payload.has_seq && reading->payload.seq > UINT8_MAX) {
        reason = "its seq is greater than 255";
    }
    if (reason != NULL) {
        mqtt_aside(reading->batch, reason, offset);
        return;
    }
    struct spb_node *node = &session->nodes[session->scopes[own].node];
    reading->scope = spb_is_device_type(topic->type) ? spb_scope_find(session, topic, true) : own;
    session->counts.messages++;
    if (topic->type == SPB_NDEATH) {
        take_death(reading, node);
        return;
    }
    note_lag(node, reading);
    if (topic->type == SPB_NBIRTH) {
        take_birth(reading, node);
    } else {
        spb_order_take(reading, node, topic->type);
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
            spb_make_unsure(session, &session->nodes[n], mono_ns, "not all could be taken");
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

/* A node without a rebirth of its own goes on telling metrics by name, so UNSURE stays what it is. */
static void end_patience(struct spb_session *session, uint32_t index, int64_t seen_ns, struct mqtt_batch *batch)
{
    struct spb_scope *scope = &session->scopes[index];
    const struct spb_node *node = &session->nodes[scope->node];
    const bool born = scope->born && node->state == SPB_NODE_UNSURE;
    /* (What only looked like a device, the first levels of a metric's name, has no items once the births told better.)
     */
    if (scope->wait_ns > 0 && scope->first_item != SITE_NONE) {
        spb_tell(session, SPB_NOTE_DEAD, scope->id, "no birth has come");
    }
    spb_scope_lose(session, index, spb_loss_time(node, seen_ns), seen_ns, batch);
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
            spb_order_give_up(session, node, mono_ns, batch);
        }
        spb_due(session, node->held_until_ns);
        spb_due(session, node->ask && session->connected ? node->ask_ns : TIME_NEVER);
    }
    tick_scopes(session, seen_ns, mono_ns, batch);
}
