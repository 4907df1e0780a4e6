/*
 * sim_trace: plays the scenario against an ideal reader (see sim_trace.h).
 *
 * The reader polls each Modbus point exactly at its ticks, gives up on an
 * answer at the source's timeout, and does not poll a point whose answer is
 * still on its way.  Rows of one moment: points read over Modbus and points
 * without a source in the order of the site, then the gateways.
 */
#include "simulators/sim_trace.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/sample.h"
#include "model/trace.h"
#include "simulators/course.h"
#include "simulators/encode.h"
#include "simulators/fault.h"
#include "simulators/gateway.h"
#include "simulators/sim_device.h"
#include "simulators/trace_rows.h"
#include <math.h>
#include <stdlib.h>

struct player {
    const struct site *site;
    const struct scenario *scenario;
    struct trace_rows rows;
    struct gateway *gateways; /* [source]; only those of MQTT sources are used */
    int64_t *busy_ns;         /* [point], until when its answer is on its way */
    bool *dead;               /* [source], a Sparkplug node that is cut off, and that was written */
};

static bool is_sparkplug(const struct site *site, uint32_t source)
{
    return site->sources[source].type == SOURCE_MQTT && site->sources[source].format == FORMAT_SPARKPLUG;
}

static bool is_mqtt(const struct site *site, uint32_t source)
{
    return source != SITE_NONE && site->sources[source].type == SOURCE_MQTT;
}

/* ---- Modbus ------------------------------------------------------------------------------------------------------ */

/* How long a dribbled answer takes that holds this point's whole block. */
static enum err_code slow_answer(const struct player *player, uint32_t point, int64_t *ret_ns, struct err *err)
{
    enum { OVERHEAD_TCP = 9, OVERHEAD_RTU = 5 };
    const struct site_from *from = &player->site->points[point].from;
    const struct site_source *source = &player->site->sources[from->source];
    struct sim_device device;
    const enum err_code code = sim_device_init(&device, player->site, player->scenario, from->source, from->unit, err);
    if (code == ERR_NONE) {
        const bool bits = encode_is_bits(from->table);
        const uint32_t block =
            sim_device_block(&device, from->table, from->address, bits ? source->max_coils : source->max_registers);
        const uint32_t overhead = source->type == SOURCE_MODBUS_TCP ? OVERHEAD_TCP : OVERHEAD_RTU;
        const uint32_t bytes = overhead + (bits ? (block + 7) / 8 : block * 2);
        *ret_ns = bytes * (int64_t)SLOW_BYTE_MS * NS_PER_MS;
    }
    sim_device_done(&device);
    return code;
}

/* How long the answer about a point takes at t_ns; TIME_NEVER when there is none, or a wrong one. */
static enum err_code answer_time(const struct player *player, uint32_t point, int64_t t_ns, int64_t *ret_ns,
                                 struct err *err)
{
    const struct site_from *from = &player->site->points[point].from;
    const struct fault *fault = fault_at(player->scenario, from->source, from->unit, t_ns);
    enum err_code code = ERR_NONE;
    int64_t wait_ns = TIME_NEVER;
    if (fault == NULL || fault_is_harmless(fault->kind)) {
        wait_ns = 0; /* a second answer to the same request, and strangers, are thrown away */
    } else if (fault->kind == FAULT_DELAY) {
        wait_ns = fault->value;
    } else if (fault->kind == FAULT_SLOW_BYTES) {
        code = slow_answer(player, point, &wait_ns, err);
    }
    *ret_ns = wait_ns < player->site->sources[from->source].timeout_ns ? wait_ns : TIME_NEVER;
    return code;
}

static enum err_code no_memory(struct err *err)
{
    return err_set(err, ERR_ENV, "out of memory");
}

/* One poll of one point, or one sample of a point without source. */
static enum err_code play_point(struct player *player, uint32_t index, int64_t t_ns, struct err *err)
{
    const struct sim_point *point = &player->scenario->points[index];
    const struct site_point *place = &player->site->points[index];
    if (t_ns < player->busy_ns[index]) {
        return ERR_NONE;
    }
    struct sim_reading reading = course_reading(point, place, course_tick(point, t_ns));
    int64_t wait_ns = 0;
    if (place->from.source != SITE_NONE) {
        const enum err_code code = answer_time(player, index, t_ns, &wait_ns, err);
        if (code != ERR_NONE) {
            return code;
        }
        reading = encode_seen(&place->from, reading);
    }
    if (wait_ns == TIME_NEVER) {
        reading = (struct sim_reading){.value = NAN, .status = ST_COMM};
        wait_ns = 0;
    }
    player->busy_ns[index] = t_ns + wait_ns;
    const int64_t seen_ns = player->scenario->start_ns + t_ns + wait_ns;
    const struct sample sample = {
        .time_ns = seen_ns, .seen_ns = seen_ns, .value = reading.value, .point = index, .status = reading.status};
    return trace_rows_add(&player->rows, &sample) ? ERR_NONE : no_memory(err);
}

/* ---- gateways ---------------------------------------------------------------------------------------------------- */

/* The death of a node is a reading without value of each of its points. */
static enum err_code play_death(struct player *player, const struct gateway *gateway, int64_t t_ns, struct err *err)
{
    player->dead[gateway->source] = true;
    for (size_t i = 0; i < gateway->point_count; i++) {
        const int64_t now_ns = player->scenario->start_ns + t_ns;
        const struct sample sample = {.time_ns = now_ns,
                                      .seen_ns = now_ns,
                                      .value = NAN,
                                      .point = gateway->points[i],
                                      .status = ST_COMM | ST_STALE};
        if (!trace_rows_add(&player->rows, &sample)) {
            return no_memory(err);
        }
    }
    return ERR_NONE;
}

/* What becomes of a Sparkplug message: false when nothing arrives. */
static bool arrives(const struct player *player, uint32_t source, int64_t t_ns)
{
    const struct fault *fault = fault_at(player->scenario, source, FAULT_ANY_UNIT, t_ns);
    return fault == NULL || (fault->kind != FAULT_LOST && fault->kind != FAULT_WRONG_ALIAS);
}

/* What arrives of a message that leaves at t_ns: at once, or when the gateway is connected again. */
static enum err_code play_message(struct player *player, const struct gateway *gateway,
                                  const struct gateway_message *message, int64_t t_ns, struct err *err)
{
    const struct scenario *scenario = player->scenario;
    const int64_t arrives_ns = fault_end(scenario, gateway->source, FAULT_DISCONNECT, t_ns);
    const bool history = arrives_ns > t_ns && is_sparkplug(player->site, gateway->source);
    if (history && !player->dead[gateway->source] && play_death(player, gateway, t_ns, err) != ERR_NONE) {
        return err->code;
    }
    player->dead[gateway->source] = history;
    if (arrives_ns >= scenario->length_ns || !arrives(player, gateway->source, message->t_ns)) {
        return ERR_NONE; /* not within this trace, or not at all */
    }
    for (size_t i = 0; i < gateway->point_count; i++) {
        const uint32_t index = gateway->points[i];
        const struct site_point *place = &player->site->points[index];
        const struct sim_point *point = &scenario->points[index];
        if (!gateway_holds(gateway, index, message)) {
            continue;
        }
        const struct sim_reading reading =
            encode_told(&place->from, course_reading(point, place, course_tick(point, message->t_ns)));
        const struct sample sample = {.time_ns = scenario->start_ns + message->t_ns + gateway_shift(gateway, message),
                                      .seen_ns = scenario->start_ns + arrives_ns,
                                      .value = reading.value,
                                      .point = index,
                                      .status = (uint16_t)(reading.status | (history ? ST_LATE : 0))};
        if (!trace_rows_add(&player->rows, &sample)) {
            return no_memory(err);
        }
    }
    return ERR_NONE;
}

static enum err_code play_gateway(struct player *player, struct gateway *gateway, int64_t t_ns, struct err *err)
{
    struct gateway_message messages[2];
    const size_t count = gateway_step(gateway, messages);
    /* a Sparkplug host puts a swapped pair in order */
    const bool turned = count == 2 && messages[0].seq > messages[1].seq && is_sparkplug(player->site, gateway->source);
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < count && code == ERR_NONE; i++) {
        code = play_message(player, gateway, &messages[turned ? count - 1 - i : i], t_ns, err);
    }
    return code;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static int64_t next_moment(const struct player *player, int64_t t_ns)
{
    int64_t next_ns = TIME_NEVER;
    for (size_t i = 0; i < player->site->point_count; i++) {
        const int64_t every_ns = player->scenario->points[i].every_ns;
        const int64_t due_ns = (t_ns / every_ns + 1) * every_ns;
        next_ns = due_ns < next_ns ? due_ns : next_ns;
    }
    return next_ns;
}

static enum err_code play_moment(struct player *player, int64_t t_ns, struct err *err)
{
    const struct site *site = player->site;
    enum err_code code = ERR_NONE;
    for (uint32_t i = 0; i < site->point_count && code == ERR_NONE; i++) {
        if (!is_mqtt(site, site->points[i].from.source) && t_ns % player->scenario->points[i].every_ns == 0) {
            code = play_point(player, i, t_ns, err);
        }
    }
    for (uint32_t i = 0; i < site->source_count && code == ERR_NONE; i++) {
        if (is_mqtt(site, i) && player->gateways[i].next_ns == t_ns) {
            code = play_gateway(player, &player->gateways[i], t_ns, err);
        }
    }
    return code;
}

static enum err_code play(struct player *player, struct err *err)
{
    const struct scenario *scenario = player->scenario;
    enum err_code code = ERR_NONE;
    for (int64_t t_ns = 0; t_ns < scenario->length_ns && code == ERR_NONE; t_ns = next_moment(player, t_ns)) {
        trace_rows_flush(&player->rows, scenario->start_ns + t_ns);
        code = play_moment(player, t_ns, err);
    }
    if (code == ERR_NONE) {
        trace_rows_flush(&player->rows, scenario->start_ns + scenario->length_ns);
    }
    return code;
}

/* A column `seen` is needed when something arrives later than it was taken and says so. */
static bool needs_seen(const struct scenario *scenario, const struct site *site)
{
    for (size_t i = 0; i < scenario->fault_count; i++) {
        if (is_mqtt(site, scenario->faults[i].source) &&
            (scenario->faults[i].kind == FAULT_DISCONNECT || scenario->faults[i].kind == FAULT_REORDER ||
             scenario->faults[i].kind == FAULT_CLOCK)) {
            return true;
        }
    }
    return false;
}

static enum err_code start(struct player *player, struct err *err)
{
    const struct site *site = player->site;
    player->gateways = calloc(site->source_count + 1, sizeof player->gateways[0]);
    player->busy_ns = calloc(site->point_count + 1, sizeof player->busy_ns[0]);
    player->dead = calloc(site->source_count + 1, sizeof player->dead[0]);
    if (player->gateways == NULL || player->busy_ns == NULL || player->dead == NULL) {
        return no_memory(err);
    }
    enum err_code code = ERR_NONE;
    for (uint32_t i = 0; i < site->source_count && code == ERR_NONE; i++) {
        if (is_mqtt(site, i)) {
            code = gateway_init(&player->gateways[i], site, player->scenario, i, err);
        }
    }
    return code;
}

static void stop(struct player *player)
{
    for (size_t i = 0; player->gateways != NULL && i < player->site->source_count; i++) {
        gateway_done(&player->gateways[i]);
    }
    free(player->gateways);
    free(player->busy_ns);
    free(player->dead);
    trace_rows_done(&player->rows);
}

static void write_end(const struct player *player)
{
    char text[TEXT_TIME_MAX];
    (void)text_format_time(player->scenario->start_ns + player->scenario->length_ns, text);
    (void)fprintf(player->rows.out, "%s,,,%s\n", text, player->rows.with_seen ? "," : "");
}

enum err_code sim_trace_write(const struct site *site, const struct scenario *scenario, FILE *out,
                              uint64_t *ret_samples, struct err *err)
{
    struct player player = {
        .site = site,
        .scenario = scenario,
        .rows = {.site = site, .out = out, .with_seen = needs_seen(scenario, site)},
    };
    enum err_code code = start(&player, err);
    if (code == ERR_NONE) {
        trace_write_header(out, player.rows.with_seen);
        code = play(&player, err);
    }
    if (code == ERR_NONE) {
        write_end(&player);
        if (fflush(out) != 0 || ferror(out) != 0) {
            code = err_set(err, ERR_ENV, "the trace cannot be written; is the disk full?");
        }
    }
    if (code == ERR_NONE && ret_samples != NULL) {
        *ret_samples = player.rows.written;
    }
    stop(&player);
    return code;
}
