/*
 * edge: see edge.h.
 */
#include "simulators/edge.h"

#include "base/clock.h"
#include "simulators/edge_payload.h"
#include "simulators/payload.h"
#include <stdlib.h>
#include <string.h>

/* ---- who has what ------------------------------------------------------------------------------------------------ */

static size_t id_len(const char *key)
{
    const size_t group = strcspn(key, "/");
    if (key[group] == '\0') {
        return 0;
    }
    const size_t node = strcspn(key + group + 1, "/");
    return key[group + 1 + node] == '\0' ? 0 : group + 1 + node;
}

bool edge_id(const char *key, struct buf *ret_id)
{
    const size_t len = key != NULL ? id_len(key) : 0;
    buf_clear(ret_id);
    buf_add(ret_id, key != NULL ? key : "", len);
    return len > 0;
}

static bool is_of(const char *key, const char *id)
{
    const size_t len = strlen(id);
    return key != NULL && strncmp(key, id, len) == 0 && key[len] == '/';
}

/* Leaves the gateway only the points of this node. */
static void keep_own(struct gateway *gateway, const char *id)
{
    size_t left = 0;
    for (size_t i = 0; i < gateway->point_count; i++) {
        if (is_of(gateway->site->points[gateway->points[i]].from.key, id)) {
            gateway->points[left++] = gateway->points[i];
        }
    }
    gateway->point_count = left;
    gateway->next_ns = left > 0 ? gateway->next_ns : TIME_NEVER;
}

/* Finds or makes a device; gives its scope. */
static uint32_t scope_of(struct edge *edge, const char *name, size_t len)
{
    for (size_t i = 0; i < edge->device_count; i++) {
        if (strlen(edge->devices[i]) == len && memcmp(edge->devices[i], name, len) == 0) {
            return (uint32_t)i + 1;
        }
    }
    edge->devices[edge->device_count] = strndup(name, len);
    return (uint32_t)++edge->device_count;
}

static bool is_known(const struct edge *edge, const char *key)
{
    for (size_t m = 0; m < edge->metric_count; m++) {
        const size_t place = edge->metrics[m].place;
        if (strcmp(edge->gateway.site->points[edge->gateway.points[place]].from.key, key) == 0) {
            return true;
        }
    }
    return false;
}

static void add_metric(struct edge *edge, size_t place)
{
    const char *key = edge->gateway.site->points[edge->gateway.points[place]].from.key;
    const char *rest = key + strlen(edge->id) + 1;
    const size_t first = strcspn(rest, "/");
    const bool device = rest[first] == '/';
    if (is_known(edge, key)) {
        return; /* another point shows it too */
    }
    edge->metrics[edge->metric_count] = (struct edge_metric){
        .name = device ? rest + first + 1 : rest,
        .scope = device ? scope_of(edge, rest, first) : 0,
        .alias = edge->metric_count + 1,
        .place = place,
    };
    edge->metric_count++;
}

enum err_code edge_init(struct edge *edge, const struct site *site, const struct scenario *scenario, uint32_t source,
                        const char *id, struct err *err)
{
    *edge = (struct edge){.id = strdup(id)};
    const enum err_code code = gateway_init(&edge->gateway, site, scenario, source, err);
    if (code != ERR_NONE) {
        return code;
    }
    keep_own(&edge->gateway, id);
    edge->metrics = calloc(edge->gateway.point_count + 1, sizeof *edge->metrics);
    edge->devices = calloc(edge->gateway.point_count + 1, sizeof *edge->devices);
    if (edge->id == NULL || edge->metrics == NULL || edge->devices == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    for (size_t i = 0; i < edge->gateway.point_count; i++) {
        add_metric(edge, i);
    }
    return ERR_NONE;
}

void edge_done(struct edge *edge)
{
    for (size_t i = 0; i < edge->device_count; i++) {
        free(edge->devices[i]);
    }
    free(edge->devices);
    free(edge->metrics);
    free(edge->id);
    buf_done(&edge->topic);
    buf_done(&edge->bytes);
    gateway_done(&edge->gateway);
    *edge = (struct edge){0};
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static void write_topic(const struct edge *edge, const char *type, uint32_t scope, struct buf *topic)
{
    const size_t group = strcspn(edge->id, "/");
    buf_clear(topic);
    buf_printf(topic, "spBv1.0/%.*s/%s%s", (int)group, edge->id, type, edge->id + group);
    if (scope > 0) {
        buf_printf(topic, "/%s", edge->devices[scope - 1]);
    }
}

static void send(struct edge *edge, const char *type, uint32_t scope)
{
    write_topic(edge, type, scope, &edge->topic);
    edge->send(edge->send_self, edge->topic.data, edge->bytes.data, edge->bytes.len);
}

static void send_birth(struct edge *edge, uint32_t scope, int64_t t_ns, int64_t epoch_ns)
{
    const int64_t time_ms = (epoch_ns + t_ns) / NS_PER_MS;
    edge_payload_begin(&edge->bytes, time_ms);
    if (scope == 0) {
        edge_payload_bdseq(&edge->bytes, edge->bdseq);
        edge_payload_rebirth(&edge->bytes);
    }
    for (size_t m = 0; m < edge->metric_count; m++) {
        const struct edge_metric *metric = &edge->metrics[m];
        const struct edge_value value = {.name = metric->name,
                                         .alias = metric->alias,
                                         .typed = true,
                                         .number = gateway_item(&edge->gateway, metric->place, t_ns).number};
        if (metric->scope == scope) {
            edge_payload_value(&edge->bytes, time_ms, &value);
        }
    }
    edge_payload_end(&edge->bytes, edge->seq++);
    send(edge, scope == 0 ? "NBIRTH" : "DBIRTH", scope);
}

void edge_send_births(struct edge *edge, int64_t t_ns, int64_t epoch_ns)
{
    edge->seq = 0;
    for (uint32_t scope = 0; scope <= edge->device_count; scope++) {
        send_birth(edge, scope, t_ns, epoch_ns);
    }
}

static void send_data_of(struct edge *edge, uint32_t scope, const struct gateway_message *message, int64_t epoch_ns,
                         struct edge_how how)
{
    const uint64_t strange = how.wrong_alias ? edge->metric_count : 0; /* beyond those the births gave */
    const int64_t time_ms = (epoch_ns + message->t_ns + how.shift_ns) / NS_PER_MS;
    size_t count = 0;
    edge_payload_begin(&edge->bytes, time_ms);
    for (size_t m = 0; m < edge->metric_count; m++) {
        const struct edge_metric *metric = &edge->metrics[m];
        if (metric->scope == scope && gateway_holds(&edge->gateway, edge->gateway.points[metric->place], message)) {
            const struct edge_value value = {.alias = metric->alias + strange,
                                             .historical = how.historical,
                                             .number =
                                                 gateway_item(&edge->gateway, metric->place, message->t_ns).number};
            edge_payload_value(&edge->bytes, time_ms, &value);
            count++;
        }
    }
    if (count == 0) {
        return;
    }
    edge_payload_end(&edge->bytes, edge->seq++);
    const int64_t copies = how.copies > 0 ? how.copies : 1;
    for (int64_t i = 0; !how.lost && i < copies; i++) {
        send(edge, scope == 0 ? "NDATA" : "DDATA", scope);
    }
}

void edge_send_data(struct edge *edge, const struct gateway_message *message, int64_t epoch_ns, struct edge_how how)
{
    if (how.broken) {
        buf_clear(&edge->bytes);
        payload_write_broken(message->seq, &edge->bytes);
        buf_text(&edge->bytes, "\xff"); /* even nothing would be a payload */
        send(edge, "NDATA", 0);
    }
    for (uint32_t scope = 0; scope <= edge->device_count; scope++) {
        send_data_of(edge, scope, message, epoch_ns, how);
    }
}

void edge_write_death(struct edge *edge, int64_t time_ms, struct buf *ret_topic, struct buf *ret_bytes)
{
    write_topic(edge, "NDEATH", 0, ret_topic);
    edge_payload_begin(ret_bytes, time_ms);
    edge_payload_bdseq(ret_bytes, edge->bdseq);
    edge_payload_end(ret_bytes, -1);
}

void edge_command_topic(const struct edge *edge, struct buf *ret_topic)
{
    write_topic(edge, "NCMD", 0, ret_topic);
}
