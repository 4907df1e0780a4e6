/*
 * sim_edge: see sim_edge.h.
 */
#include "simulators/sim_edge.h"

#include "simulators/edge.h"
#include "simulators/edge_link.h"
#include "simulators/fault.h"
#include <stdlib.h>
#include <string.h>

/* A message that was written but has not left yet. */
struct written {
    char *topic, *bytes;
    size_t len;
    uint64_t seq; /* of the gateway's message it belongs to */
};

enum { WRITTEN_MAX = 2 * 1024 };

struct node {
    struct edge edge;
    struct edge_link *link;
    struct gateway_message *waiting; /* ring */
    size_t first, count;
    uint64_t dropped;
    struct written *written; /* while a swapped pair is written */
    size_t written_count;
    uint64_t writing; /* 0: messages leave at once */
};

struct sim_edge {
    const struct scenario *scenario;
    uint32_t source;
    struct node *nodes;
    size_t count;
};

/* ---- messages on their way --------------------------------------------------------------------------------------- */

static void on_send(void *self, const char *topic, const char *bytes, size_t len)
{
    struct node *node = self;
    if (node->writing == 0 || node->written_count == WRITTEN_MAX) {
        edge_link_send(node->link, topic, bytes, len);
        return;
    }
    struct written *written = &node->written[node->written_count++];
    *written = (struct written){.topic = strdup(topic), .bytes = malloc(len + 1), .len = len, .seq = node->writing};
    if (written->bytes != NULL) {
        memcpy(written->bytes, bytes, len);
    }
}

static void let_go(struct node *node, uint64_t seq)
{
    for (size_t i = 0; i < node->written_count; i++) {
        struct written *written = &node->written[i];
        if (written->seq == seq && written->topic != NULL && written->bytes != NULL) {
            edge_link_send(node->link, written->topic, written->bytes, written->len);
        }
    }
}

static void forget_written(struct node *node)
{
    for (size_t i = 0; i < node->written_count; i++) {
        free(node->written[i].topic);
        free(node->written[i].bytes);
    }
    node->written_count = 0;
}

static struct edge_how how_at(const struct sim_edge *edge, const struct node *node,
                              const struct gateway_message *message)
{
    const struct fault *fault = fault_at(edge->scenario, edge->source, FAULT_ANY_UNIT, message->t_ns);
    const enum fault_kind kind = fault == NULL ? FAULT_NONE : fault->kind;
    return (struct edge_how){
        .wrong_alias = kind == FAULT_WRONG_ALIAS,
        .lost = kind == FAULT_LOST,
        .copies = kind == FAULT_FLOOD       ? 1 + fault->value
                  : kind == FAULT_DUPLICATE ? 2
                                            : 1,
        .shift_ns = gateway_shift(&node->edge.gateway, message),
        .broken = kind == FAULT_MALFORMED,
    };
}

/* While it is cut off moments wait; the oldest goes when there are too many. */
static void keep_for_later(struct node *node, const struct gateway_message *message)
{
    if (node->count == PUBLISHER_QUEUE) {
        node->first = (node->first + 1) % PUBLISHER_QUEUE;
        node->count--;
        node->dropped++;
    }
    node->waiting[(node->first + node->count) % PUBLISHER_QUEUE] = *message;
    node->count++;
}

static void send_waiting(struct node *node, int64_t epoch_ns)
{
    for (; node->count > 0; node->count--) {
        const struct gateway_message *message = &node->waiting[node->first];
        const struct edge_how how = {.historical = true, .shift_ns = gateway_shift(&node->edge.gateway, message)};
        edge_send_data(&node->edge, message, epoch_ns, how);
        node->first = (node->first + 1) % PUBLISHER_QUEUE;
    }
}

/* Numbered in the order of their making, sent in the order given. */
static void send_pair(struct sim_edge *edge, struct node *node, const struct gateway_message pair[2], int64_t epoch_ns)
{
    const size_t earlier = pair[0].seq < pair[1].seq ? 0 : 1;
    for (size_t i = 0; i < 2; i++) {
        const struct gateway_message *message = &pair[i == 0 ? earlier : 1 - earlier];
        node->writing = message->seq;
        edge_send_data(&node->edge, message, epoch_ns, how_at(edge, node, message));
    }
    node->writing = 0;
    let_go(node, pair[0].seq);
    let_go(node, pair[1].seq);
    forget_written(node);
}

static void step(struct sim_edge *edge, struct node *node, int64_t epoch_ns)
{
    struct gateway_message messages[2];
    const size_t count = gateway_step(&node->edge.gateway, messages);
    if (!edge_link_is_up(node->link)) {
        for (size_t i = 0; i < count; i++) {
            keep_for_later(node, &messages[i]);
        }
    } else if (count == 2) {
        send_pair(edge, node, messages, epoch_ns);
    } else if (count == 1) {
        edge_send_data(&node->edge, &messages[0], epoch_ns, how_at(edge, node, &messages[0]));
    }
}

static void play_node(struct sim_edge *edge, struct node *node, int64_t t_ns, int64_t epoch_ns)
{
    const struct fault *fault = fault_at(edge->scenario, edge->source, FAULT_ANY_UNIT, t_ns);
    const bool cut = fault != NULL && fault->kind == FAULT_DISCONNECT;
    if (edge_link_work(node->link, t_ns, epoch_ns, cut)) {
        const struct gateway_message now = {.t_ns = t_ns};
        edge_send_births(&node->edge, t_ns, epoch_ns + gateway_shift(&node->edge.gateway, &now));
        send_waiting(node, epoch_ns);
    }
    while (node->edge.gateway.next_ns <= t_ns) {
        step(edge, node, epoch_ns);
    }
}

void sim_edge_play(struct sim_edge *edge, int64_t t_ns, int64_t epoch_ns)
{
    for (size_t i = 0; i < edge->count; i++) {
        play_node(edge, &edge->nodes[i], t_ns, epoch_ns);
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static bool is_known(const struct sim_edge *edge, const char *id)
{
    for (size_t i = 0; i < edge->count; i++) {
        if (strcmp(edge->nodes[i].edge.id, id) == 0) {
            return true;
        }
    }
    return false;
}

static enum err_code add_node(struct sim_edge *edge, const struct site *site, const char *id, void (*wake)(void *),
                              void *wake_self, struct err *err)
{
    struct node *node = &edge->nodes[edge->count++];
    const enum err_code code = edge_init(&node->edge, site, edge->scenario, edge->source, id, err);
    node->waiting = calloc(PUBLISHER_QUEUE, sizeof *node->waiting);
    node->written = calloc(WRITTEN_MAX, sizeof *node->written);
    node->edge.send = on_send;
    node->edge.send_self = node;
    if (code != ERR_NONE) {
        return code;
    }
    if (node->waiting == NULL || node->written == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    return edge_link_new(site->id, &site->sources[edge->source], edge->count, &node->edge, wake, wake_self, &node->link,
                         err);
}

static enum err_code add_nodes(struct sim_edge *edge, const struct site *site, void (*wake)(void *), void *wake_self,
                               struct err *err)
{
    enum err_code code = ERR_NONE;
    struct buf id = {0};
    for (size_t i = 0; i < site->point_count && code == ERR_NONE; i++) {
        const struct site_from *from = &site->points[i].from;
        if (from->source == edge->source && edge_id(from->key, &id) && !is_known(edge, id.data)) {
            code = add_node(edge, site, id.data, wake, wake_self, err);
        }
    }
    buf_done(&id);
    return code;
}

enum err_code sim_edge_new(const struct site *site, const struct scenario *scenario, uint32_t source,
                           void (*wake)(void *self), void *wake_self, struct sim_edge **ret_edge, struct err *err)
{
    struct sim_edge *edge = calloc(1, sizeof *edge);
    struct node *nodes = calloc(site->point_count + 1, sizeof *nodes);
    if (edge == NULL || nodes == NULL) {
        free(edge);
        free(nodes);
        return err_set(err, ERR_ENV, "out of memory");
    }
    *edge = (struct sim_edge){.scenario = scenario, .source = source, .nodes = nodes};
    const enum err_code code = add_nodes(edge, site, wake, wake_self, err);
    if (code != ERR_NONE) {
        sim_edge_free(edge);
        return code;
    }
    *ret_edge = edge;
    return ERR_NONE;
}

uint64_t sim_edge_dropped(const struct sim_edge *edge)
{
    uint64_t dropped = 0;
    for (size_t i = 0; edge != NULL && i < edge->count; i++) {
        dropped += edge->nodes[i].dropped;
    }
    return dropped;
}

void sim_edge_free(struct sim_edge *edge)
{
    if (edge == NULL) {
        return;
    }
    for (size_t i = 0; i < edge->count; i++) { /* all at once, not one after the other */
        edge_link_leave(edge->nodes[i].link);
    }
    for (size_t i = 0; i < edge->count; i++) {
        edge_link_free(edge->nodes[i].link);
        edge_done(&edge->nodes[i].edge);
        free(edge->nodes[i].waiting);
        free(edge->nodes[i].written);
    }
    free(edge->nodes);
    free(edge);
}
