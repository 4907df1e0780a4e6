/*
 * sim_mqtt: gateways stepped by a beat, publishers fed (see sim_mqtt.h).
 */
#include "simulators/sim_mqtt.h"
#include "base/clock.h"
#include "simulators/fault.h"
#include "simulators/gateway.h"
#include "simulators/payload.h"
#include "simulators/publisher.h"
#include "simulators/sim_edge.h"
#include <stdlib.h>

enum { BEAT_MS = 10 }; /* how exactly a message leaves on time */

struct player {
    struct gateway gateway;
    struct publisher *publisher;
    struct sim_edge *edge; /* a Sparkplug source: in place of the two above */
};

struct sim_mqtt {
    const struct site *site;
    const struct scenario *scenario;
    struct sim_mqtt_times times;
    struct player *players;
    size_t player_count;
    struct buf text; /* the message being written */
    uv_timer_t beat;
    uv_async_t bell; /* rung by paho's threads; should a ring be lost, the beat comes soon */
    bool started;
};

static void ring(void *self)
{
    struct sim_mqtt *mqtt = self;
    (void)uv_async_send(&mqtt->bell); /* fails only when it is closing */
}

static void queue_message(struct sim_mqtt *mqtt, struct player *player, const struct gateway_message *message)
{
    const struct fault *fault = fault_at(mqtt->scenario, player->gateway.source, FAULT_ANY_UNIT, message->t_ns);
    const enum fault_kind kind = fault == NULL ? FAULT_NONE : fault->kind;
    buf_clear(&mqtt->text);
    if (kind == FAULT_MALFORMED) {
        payload_write_broken(message->seq, &mqtt->text);
        publisher_put(player->publisher, mqtt->text.data, mqtt->text.len);
        buf_clear(&mqtt->text);
    }
    gateway_payload(&player->gateway, message, mqtt->times.epoch_ns, &mqtt->text);
    const int64_t copies = kind == FAULT_FLOOD ? 1 + fault->value : kind == FAULT_DUPLICATE ? 2 : 1;
    for (int64_t i = 0; i < copies; i++) {
        publisher_put(player->publisher, mqtt->text.data, mqtt->text.len);
    }
}

static void play(struct sim_mqtt *mqtt, struct player *player, int64_t t_ns)
{
    if (player->edge != NULL) {
        sim_edge_play(player->edge, t_ns, mqtt->times.epoch_ns);
        return;
    }
    while (player->gateway.next_ns <= t_ns) {
        struct gateway_message messages[2];
        const size_t count = gateway_step(&player->gateway, messages);
        for (size_t i = 0; i < count; i++) {
            queue_message(mqtt, player, &messages[i]);
        }
    }
    const struct fault *fault = fault_at(mqtt->scenario, player->gateway.source, FAULT_ANY_UNIT, t_ns);
    publisher_work(player->publisher, t_ns, fault != NULL && fault->kind == FAULT_DISCONNECT);
}

static void work(struct sim_mqtt *mqtt)
{
    const int64_t t_ns = (int64_t)(uv_hrtime() - mqtt->times.start_ns);
    for (size_t i = 0; i < mqtt->player_count; i++) {
        play(mqtt, &mqtt->players[i], t_ns);
    }
}

static void on_beat(uv_timer_t *timer)
{
    work(timer->data);
}

static void on_bell(uv_async_t *bell)
{
    work(bell->data);
}

static enum err_code add_player(struct sim_mqtt *mqtt, uint32_t source, struct err *err)
{
    struct player *player = &mqtt->players[mqtt->player_count++];
    if (mqtt->site->sources[source].format == FORMAT_SPARKPLUG) {
        return sim_edge_new(mqtt->site, mqtt->scenario, source, ring, mqtt, &player->edge, err);
    }
    const enum err_code code = gateway_init(&player->gateway, mqtt->site, mqtt->scenario, source, err);
    if (code != ERR_NONE) {
        return code;
    }
    return publisher_new(mqtt->site->id, &mqtt->site->sources[source], PUBLISHER_QUEUE, ring, mqtt, &player->publisher,
                         err);
}

enum err_code sim_mqtt_new(const struct site *site, const struct scenario *scenario, struct sim_mqtt_times times,
                           struct sim_mqtt **ret_mqtt, struct err *err)
{
    struct sim_mqtt *mqtt = calloc(1, sizeof *mqtt);
    struct player *players = calloc(site->source_count + 1, sizeof *players);
    if (mqtt == NULL || players == NULL) {
        free(mqtt);
        free(players);
        return err_set(err, ERR_ENV, "out of memory");
    }
    *mqtt = (struct sim_mqtt){.site = site, .scenario = scenario, .times = times, .players = players};
    enum err_code code = ERR_NONE;
    for (uint32_t i = 0; i < site->source_count && code == ERR_NONE; i++) {
        if (site->sources[i].type == SOURCE_MQTT) {
            code = add_player(mqtt, i, err);
        }
    }
    if (code != ERR_NONE) {
        sim_mqtt_free(mqtt);
        return code;
    }
    *ret_mqtt = mqtt;
    return ERR_NONE;
}

static void say(const struct site *site, FILE *notes)
{
    for (size_t i = 0; i < site->source_count; i++) {
        const struct site_source *source = &site->sources[i];
        if (source->type == SOURCE_MQTT) {
            (void)fprintf(notes, "publishing %s %s\n", source->id, source->url);
        }
    }
}

enum err_code sim_mqtt_start(struct sim_mqtt *mqtt, uv_loop_t *loop, FILE *notes, struct err *err)
{
    const int code = uv_async_init(loop, &mqtt->bell, on_bell);
    if (code != 0) {
        return err_set(err, ERR_ENV, "no descriptor to be woken by: %s", uv_strerror(code));
    }
    (void)uv_timer_init(loop, &mqtt->beat); /* cannot fail */
    mqtt->bell.data = mqtt;
    mqtt->beat.data = mqtt;
    mqtt->started = true;
    if (notes != NULL) {
        say(mqtt->site, notes);
    }
    if (mqtt->player_count > 0) {
        (void)uv_timer_start(&mqtt->beat, on_beat, 0, BEAT_MS); /* fails only when closing */
    }
    return ERR_NONE;
}

void sim_mqtt_stop(struct sim_mqtt *mqtt)
{
    if (mqtt == NULL) {
        return;
    }
    for (size_t i = 0; i < mqtt->player_count; i++) { /* first: their callbacks ring the bell */
        publisher_free(mqtt->players[i].publisher);
        sim_edge_free(mqtt->players[i].edge);
        mqtt->players[i].publisher = NULL;
        mqtt->players[i].edge = NULL;
    }
    if (mqtt->started) {
        mqtt->started = false;
        uv_close((uv_handle_t *)&mqtt->beat, NULL);
        uv_close((uv_handle_t *)&mqtt->bell, NULL);
    }
}

void sim_mqtt_free(struct sim_mqtt *mqtt)
{
    if (mqtt == NULL) {
        return;
    }
    for (size_t i = 0; i < mqtt->player_count; i++) {
        publisher_free(mqtt->players[i].publisher);
        sim_edge_free(mqtt->players[i].edge);
        gateway_done(&mqtt->players[i].gateway);
    }
    buf_done(&mqtt->text);
    free(mqtt->players);
    free(mqtt);
}

uint64_t sim_mqtt_dropped(const struct sim_mqtt *mqtt)
{
    uint64_t dropped = 0;
    for (size_t i = 0; i < mqtt->player_count; i++) {
        dropped += mqtt->players[i].edge != NULL ? sim_edge_dropped(mqtt->players[i].edge)
                                                 : publisher_dropped(mqtt->players[i].publisher);
    }
    return dropped;
}
