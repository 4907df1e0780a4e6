/*
 * sim_modbus: the site's sources sorted into endpoints (see sim_modbus.h).
 *
 * A slow timer looks after the endpoints that a "disconnect" or a "half-open" strikes.
 */
#include "simulators/sim_modbus.h"
#include "simulators/sim_endpoint.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CHECK_MS = 20 }; /* how soon they are noticed */

struct sim_modbus {
    const struct site *site;
    const struct scenario *scenario;
    uint64_t start_ns;
    struct sim_endpoint *endpoints;
    size_t endpoint_count;
    uv_timer_t check;
    bool started;
};

static bool is_modbus(const struct site_source *source)
{
    return source->type != SOURCE_MQTT;
}

static bool same_place(const struct site_source *a, const struct site_source *b)
{
    if (a->type == SOURCE_MODBUS_RTU || b->type == SOURCE_MODBUS_RTU) {
        return a->type == b->type && strcmp(a->device, b->device) == 0;
    }
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static struct sim_endpoint *find_endpoint(struct sim_modbus *field, const struct site_source *source)
{
    for (size_t i = 0; i < field->endpoint_count; i++) {
        if (same_place(field->endpoints[i].where, source)) {
            return &field->endpoints[i];
        }
    }
    struct sim_endpoint *endpoint = &field->endpoints[field->endpoint_count++];
    *endpoint = (struct sim_endpoint){.scenario = field->scenario,
                                      .start_ns = field->start_ns,
                                      .where = source,
                                      .framing = source->type == SOURCE_MODBUS_TCP ? FRAMING_TCP : FRAMING_RTU,
                                      .pty = {.near_fd = -1, .far_fd = -1}};
    return endpoint;
}

static enum err_code add_device(const struct sim_modbus *field, struct sim_endpoint *endpoint, uint32_t source,
                                uint8_t unit, struct err *err)
{
    struct sim_device *devices = realloc(endpoint->devices, (endpoint->device_count + 1) * sizeof *devices);
    if (devices == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    endpoint->devices = devices;
    return sim_device_init(&devices[endpoint->device_count++], field->site, field->scenario, source, unit, err);
}

/* Makes the devices of one source's units. */
static enum err_code add_source(struct sim_modbus *field, uint32_t source, struct err *err)
{
    const struct site *site = field->site;
    struct sim_endpoint *endpoint = find_endpoint(field, &site->sources[source]);
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < site->point_count && code == ERR_NONE; i++) {
        const struct site_from *from = &site->points[i].from;
        if (from->source != source) {
            continue;
        }
        const struct sim_device *device = sim_endpoint_device(endpoint, from->unit);
        if (device == NULL) {
            code = add_device(field, endpoint, source, from->unit, err);
        } else if (device->source != source) {
            code = err_set(err, ERR_INPUT,
                           "sources \"%s\" and \"%s\" share unit %u of one connection; the simulator needs its points "
                           "under one source",
                           site->sources[device->source].id, site->sources[source].id, from->unit);
        }
    }
    return code;
}

enum err_code sim_modbus_new(const struct site *site, const struct scenario *scenario, uint64_t start_ns,
                             struct sim_modbus **ret_field, struct err *err)
{
    struct sim_modbus *field = calloc(1, sizeof *field);
    struct sim_endpoint *endpoints = calloc(site->source_count + 1, sizeof *endpoints);
    if (field == NULL || endpoints == NULL) {
        free(field);
        free(endpoints);
        return err_set(err, ERR_ENV, "out of memory");
    }
    *field = (struct sim_modbus){.site = site, .scenario = scenario, .start_ns = start_ns, .endpoints = endpoints};
    enum err_code code = ERR_NONE;
    for (uint32_t source = 0; source < site->source_count && code == ERR_NONE; source++) {
        if (is_modbus(&site->sources[source])) {
            code = add_source(field, source, err);
        }
    }
    if (code != ERR_NONE) {
        sim_modbus_free(field);
        return code;
    }
    *ret_field = field;
    return ERR_NONE;
}

static void say(const struct site_source *source, FILE *notes)
{
    if (source->type == SOURCE_MODBUS_RTU) {
        (void)fprintf(notes, "listening %s %s\n", source->id, source->device);
    } else if (is_modbus(source)) {
        (void)fprintf(notes, "listening %s %s:%u\n", source->id, source->host, source->port);
    }
}

/* A fault that strikes connections on which nothing is asked, too. */
static bool needs_check(const struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->fault_count; i++) {
        if (scenario->faults[i].kind == FAULT_DISCONNECT || scenario->faults[i].kind == FAULT_HALF_OPEN) {
            return true;
        }
    }
    return false;
}

static void on_check(uv_timer_t *timer)
{
    struct sim_modbus *field = timer->data;
    for (size_t i = 0; i < field->endpoint_count; i++) {
        sim_endpoint_check(&field->endpoints[i]);
    }
}

enum err_code sim_modbus_start(struct sim_modbus *field, uv_loop_t *loop, FILE *notes, struct err *err)
{
    (void)uv_timer_init(loop, &field->check); /* cannot fail */
    field->check.data = field;
    field->started = true;
    for (size_t i = 0; i < field->endpoint_count; i++) {
        field->endpoints[i].loop = loop;
        const enum err_code code = sim_endpoint_open(&field->endpoints[i], err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    for (size_t i = 0; notes != NULL && i < field->site->source_count; i++) {
        say(&field->site->sources[i], notes);
    }
    if (needs_check(field->scenario)) {
        (void)uv_timer_start(&field->check, on_check, CHECK_MS, CHECK_MS); /* fails only when closing */
    }
    return ERR_NONE;
}

void sim_modbus_say_lost(const struct sim_modbus *field, FILE *notes)
{
    for (size_t i = 0; i < field->endpoint_count; i++) {
        const struct sim_endpoint *endpoint = &field->endpoints[i];
        if (endpoint->refused > 0 || endpoint->dropped > 0) {
            (void)fprintf(notes, "%s: %llu connections and %llu requests were too many\n", endpoint->where->id,
                          (unsigned long long)endpoint->refused, (unsigned long long)endpoint->dropped);
        }
    }
}

void sim_modbus_stop(struct sim_modbus *field)
{
    if (field == NULL || !field->started) {
        return;
    }
    field->started = false;
    uv_close((uv_handle_t *)&field->check, NULL);
    for (size_t i = 0; i < field->endpoint_count; i++) {
        sim_endpoint_close(&field->endpoints[i]);
    }
}

void sim_modbus_free(struct sim_modbus *field)
{
    if (field == NULL) {
        return;
    }
    for (size_t i = 0; i < field->endpoint_count; i++) {
        sim_endpoint_done(&field->endpoints[i]);
    }
    free(field->endpoints);
    free(field);
}
