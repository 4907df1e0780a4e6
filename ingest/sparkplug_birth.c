/*
 * sparkplug_birth: births, deaths, and the aliases that births give.
 */
#include "ingest/sparkplug_session.h"

#include <stdlib.h>
#include <string.h>

/* ---- aliases ----------------------------------------------------------------------------------------------------- */

static int by_alias(const void *a, const void *b)
{
    const struct spb_alias *x = a;
    const struct spb_alias *y = b;
    if (x->alias != y->alias) {
        return x->alias < y->alias ? -1 : 1;
    }
    return x->item < y->item ? -1 : x->item > y->item;
}

const struct spb_alias *spb_alias_find(const struct spb_node *node, uint64_t alias)
{
    size_t low = 0;
    size_t high = node->alias_count;
    if (high == 0) {
        return NULL;
    }
    const uint64_t guess = alias - node->aliases[0].alias; /* most nodes count them without a gap */
    if (guess < high && node->aliases[guess].alias == alias) {
        return &node->aliases[guess];
    }
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (node->aliases[middle].alias < alias) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < node->alias_count && node->aliases[low].alias == alias ? &node->aliases[low] : NULL;
}

void spb_alias_add(struct spb_node *node, struct spb_alias alias)
{
    if (node->alias_count == node->alias_room) {
        const size_t room = node->alias_room == 0 ? 64 : 2 * node->alias_room;
        struct spb_alias *more = room <= SPB_ALIASES_MAX ? realloc(node->aliases, room * sizeof *node->aliases) : NULL;
        if (more == NULL) {
            node->aliases_full = true; /* those left out are passed over, not asked for again and again */
            return;
        }
        node->aliases = more;
        node->alias_room = room;
    }
    node->aliases[node->alias_count++] = alias;
}

/* Forgets the aliases of one scope. */
static void drop_aliases(struct spb_node *node, uint32_t scope)
{
    size_t left = 0;
    for (size_t i = 0; i < node->alias_count; i++) {
        if (node->aliases[i].scope != scope) {
            node->aliases[left++] = node->aliases[i];
        }
    }
    node->alias_count = left;
}

/* Of an alias given to several metrics nobody knows which is meant.  [0, from) are in order and well. */
static void unite_equal(struct spb_node *node, size_t from)
{
    size_t left = from;
    for (size_t i = from; i < node->alias_count; i++) {
        struct spb_alias *before = left > 0 ? &node->aliases[left - 1] : NULL;
        if (before == NULL || before->alias != node->aliases[i].alias) {
            node->aliases[left++] = node->aliases[i];
        } else if (before->item != node->aliases[i].item || before->scope != node->aliases[i].scope) {
            before->item = SPB_AMBIGUOUS;
        }
    }
    node->alias_count = left;
}

/* Puts those from `from` on, which are in order, where they belong among those before; room for them is lent. */
static void merge(struct spb_node *node, size_t from, struct spb_alias *room)
{
    struct spb_alias *all = node->aliases;
    size_t left = node->alias_count - from;
    memcpy(room, &all[from], left * sizeof *room);
    for (size_t to = node->alias_count; left > 0;) {
        const bool old = from > 0 && by_alias(&all[from - 1], &room[left - 1]) > 0;
        all[--to] = old ? all[--from] : room[--left];
    }
}

/* Puts the aliases of a birth, which stand from `from` on, in order with the others.  Devices are born one by one and
 * mostly give numbers above all before, so then only their own are looked at. */
static void order_aliases(struct spb_node *node, size_t from)
{
    const size_t count = node->alias_count - from;
    if (count == 0) {
        return;
    }
    qsort(&node->aliases[from], count, sizeof *node->aliases, by_alias);
    if (from > 0 && node->aliases[from - 1].alias >= node->aliases[from].alias) {
        struct spb_alias *room = malloc(count * sizeof *room);
        if (room != NULL) {
            merge(node, from, room);
        } else {
            qsort(node->aliases, node->alias_count, sizeof *node->aliases, by_alias);
        }
        free(room);
        from = 0;
    }
    unite_equal(node, from);
}

/* ---- loss -------------------------------------------------------------------------------------------------------- */

void spb_scope_lose(struct spb_session *session, uint32_t index, int64_t time_ns, int64_t seen_ns,
                    struct mqtt_batch *batch)
{
    struct spb_scope *scope = &session->scopes[index];
    scope->born = false;
    scope->wait_ns = TIME_NEVER;
    for (uint32_t i = scope->first_item; i != SITE_NONE; i = session->items[i].next) {
        spb_item_lose(session, i, time_ns, seen_ns, batch);
    }
}

/* ---- births ------------------------------------------------------------------------------------------------------ */

/* Gives where the aliases of the birth will stand. */
static size_t begin_scope(struct spb_session *session, uint32_t index)
{
    struct spb_scope *scope = &session->scopes[index];
    struct spb_node *node = &session->nodes[scope->node];
    if (scope->has_aliases) {
        drop_aliases(node, index);
        scope->has_aliases = false;
    }
    session->births++;
    return node->alias_count;
}

/* What is thought to belong to the scope but was not in its birth has no value. */
static void end_scope(struct spb_reading *reading, size_t first_alias)
{
    struct spb_session *session = reading->session;
    const struct spb_message *message = reading->message;
    struct spb_scope *scope = &session->scopes[reading->scope];
    order_aliases(&session->nodes[scope->node], first_alias);
    for (uint32_t i = scope->first_item; i != SITE_NONE && !reading->batch->stopped; i = session->items[i].next) {
        struct spb_item *item = &session->items[i];
        if (item->seen != session->births) {
            item->bound = false;
            spb_tell(session, SPB_NOTE_UNNAMED, scope->id, item->key);
            spb_item_lose(session, i, message->seen_ns, message->seen_ns, reading->batch);
        }
    }
    scope->born = true;
    scope->wait_ns = TIME_NEVER;
    session->counts.births++;
    spb_tell(session, SPB_NOTE_BORN, scope->id, NULL);
}

bool spb_find_bdseq(const struct spb_message *message, uint64_t *ret_bdseq)
{
    struct spb_cursor cursor;
    struct spb_metric metric;
    const char *reason;
    spb_metrics_begin(&cursor, message->payload, message->len);
    while (spb_metric_next(&cursor, &metric, &reason)) {
        if (reason == NULL && metric.name.len == 5 && memcmp(metric.name.data, "bdSeq", 5) == 0 &&
            (metric.kind == SPB_AS_INT || metric.kind == SPB_AS_LONG)) {
            *ret_bdseq = metric.whole;
            return true;
        }
    }
    return false;
}

void spb_birth_node(struct spb_reading *reading)
{
    struct spb_session *session = reading->session;
    struct spb_node *node = &session->nodes[session->scopes[reading->scope].node];
    const int64_t wait_ns = reading->message->mono_ns + SPB_PATIENCE_NS;
    node->alias_count = 0;
    node->aliases_full = false;
    node->has_bdseq = spb_find_bdseq(reading->message, &node->bdseq);
    for (uint32_t s = session->scopes[reading->scope].next; s != SITE_NONE; s = session->scopes[s].next) {
        session->scopes[s].born = false; /* its own birth follows */
        session->scopes[s].has_aliases = false;
        session->scopes[s].wait_ns = wait_ns;
        spb_due(session, wait_ns);
    }
    const size_t first_alias = begin_scope(session, reading->scope);
    spb_read_metrics(reading);
    end_scope(reading, first_alias);
    spb_node_turn(session, node, SPB_NODE_ONLINE);
    node->expected = (uint8_t)((reading->payload.has_seq ? reading->payload.seq : 0) + 1);
    node->ask = false;
}

void spb_birth_device(struct spb_reading *reading)
{
    const size_t first_alias = begin_scope(reading->session, reading->scope);
    spb_read_metrics(reading);
    end_scope(reading, first_alias);
}
