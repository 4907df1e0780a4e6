/*
 * gateway: when messages are due, and what stands in them (see gateway.h).
 */
#include "simulators/gateway.h"
#include "base/clock.h"
#include "simulators/course.h"
#include "simulators/encode.h"
#include "simulators/fault.h"
#include "simulators/payload.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum err_code gateway_init(struct gateway *gateway, const struct site *site, const struct scenario *scenario,
                           uint32_t source, struct err *err)
{
    *gateway = (struct gateway){.site = site, .scenario = scenario, .source = source, .next_ns = TIME_NEVER};
    size_t count = 0;
    for (size_t i = 0; i < site->point_count; i++) {
        count += site->points[i].from.source == source;
    }
    if (count == 0) {
        return ERR_NONE; /* nothing is ever due */
    }
    gateway->points = calloc(count, sizeof gateway->points[0]);
    gateway->items = calloc(count, sizeof gateway->items[0]);
    if (gateway->points == NULL || gateway->items == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    for (uint32_t i = 0; i < site->point_count; i++) {
        if (site->points[i].from.source == source) {
            gateway->points[gateway->point_count++] = i;
        }
    }
    gateway->next_ns = 0;
    return ERR_NONE;
}

void gateway_done(struct gateway *gateway)
{
    free(gateway->points);
    free(gateway->items);
    *gateway = (struct gateway){0};
}

static int64_t next_after(const struct gateway *gateway, int64_t t_ns)
{
    int64_t next_ns = TIME_NEVER;
    for (size_t i = 0; i < gateway->point_count; i++) {
        const int64_t every_ns = gateway->scenario->points[gateway->points[i]].every_ns;
        const int64_t due_ns = (t_ns / every_ns + 1) * every_ns;
        next_ns = due_ns < next_ns ? due_ns : next_ns;
    }
    return next_ns;
}

size_t gateway_step(struct gateway *gateway, struct gateway_message ret_messages[2])
{
    const struct gateway_message message = {.t_ns = gateway->next_ns, .seq = ++gateway->seq};
    gateway->next_ns = next_after(gateway, message.t_ns);
    const struct fault *fault = fault_at(gateway->scenario, gateway->source, FAULT_ANY_UNIT, message.t_ns);
    const bool reorder = fault != NULL && fault->kind == FAULT_REORDER;
    if (!gateway->holding && reorder) {
        gateway->held = message;
        gateway->holding = true;
        return 0;
    }
    if (!gateway->holding) {
        ret_messages[0] = message;
        return 1;
    }
    gateway->holding = false;
    ret_messages[reorder ? 0 : 1] = message;
    ret_messages[reorder ? 1 : 0] = gateway->held;
    return 2;
}

bool gateway_release(struct gateway *gateway, struct gateway_message *ret_message)
{
    if (!gateway->holding) {
        return false;
    }
    gateway->holding = false;
    *ret_message = gateway->held;
    return true;
}

bool gateway_holds(const struct gateway *gateway, uint32_t point, const struct gateway_message *message)
{
    return message->t_ns % gateway->scenario->points[point].every_ns == 0;
}

/* ---- payloads ---------------------------------------------------------------------------------------------------- */

int64_t gateway_shift(const struct gateway *gateway, const struct gateway_message *message)
{
    const struct fault *fault = fault_at(gateway->scenario, gateway->source, FAULT_ANY_UNIT, message->t_ns);
    const bool told = payload_tells_time(&gateway->site->sources[gateway->source]);
    return fault != NULL && fault->kind == FAULT_CLOCK && told ? fault->value : 0;
}

struct payload_item gateway_item(const struct gateway *gateway, size_t i, int64_t t_ns)
{
    const struct site_point *place = &gateway->site->points[gateway->points[i]];
    const struct sim_point *point = &gateway->scenario->points[gateway->points[i]];
    const struct sim_reading reading = course_reading(point, place, course_tick(point, t_ns));
    return (struct payload_item){
        .key = place->from.key,
        .number = isnan(reading.value) ? NAN : encode_number_told(&place->from, reading.value),
        .status = reading.status};
}

void gateway_payload(const struct gateway *gateway, const struct gateway_message *message, int64_t epoch_ns,
                     struct buf *buf)
{
    size_t count = 0;
    for (size_t i = 0; i < gateway->point_count; i++) {
        if (gateway_holds(gateway, gateway->points[i], message)) {
            gateway->items[count++] = gateway_item(gateway, i, message->t_ns);
        }
    }
    const int64_t time_ns = epoch_ns + message->t_ns + gateway_shift(gateway, message);
    const struct payload payload = {
        .time_ms = time_ns / NS_PER_MS, .seq = message->seq, .items = gateway->items, .count = count};
    payload_write(&gateway->site->sources[gateway->source], &payload, buf);
}

void gateway_topic(const struct site_source *source, struct buf *buf)
{
    const char *topic = source->topic_count > 0 ? source->topics[0] : "";
    for (const char *c = topic; *c != '\0'; c++) {
        if (*c == '+') {
            buf_text(buf, source->id);
        } else if (*c == '#') {
            buf_text(buf, "sim");
        } else {
            buf_add(buf, c, 1);
        }
    }
}
