/*
 * sim_replay: see sim_replay.h.
 */
#include "simulators/sim_replay.h"
#include "base/clock.h"
#include "simulators/publisher.h"
#include "simulators/sim_endpoint.h"
#include "simulators/sim_line.h"
#include <stdlib.h>
#include <string.h>

enum { BEAT_MS = 10, ANSWER_MOST = 8192, QUEUE = 10000, BAD_ADDRESS = 2, EXCEPTION_BIT = 0x80 };

struct sim_replay {
    const struct site *site;
    struct recording *recording;
    struct sim_replay_options options;
    struct endpoint_script script;
    struct sim_endpoint *endpoints; /* [source_count]; used are those of places */
    struct publisher **publishers;  /* [source_count]; NULL where there is none */
    uv_timer_t beat;
    uv_async_t bell;  /* rung by paho's threads */
    uint64_t zero_ns; /* monotonic; 0: the clock stands */
    size_t next_message;
    bool started, over;
};

/* The recording's time; before the first request its beginning. */
static int64_t replay_now(const struct sim_replay *replay)
{
    if (replay->zero_ns == 0) {
        return 0;
    }
    return (int64_t)((double)(uv_hrtime() - replay->zero_ns) * replay->options.speed);
}

/* ---- Modbus ------------------------------------------------------------------------------------------------------ */

/* Sends a recorded answer, in its pieces; then ends the connection if the recording did. */
static void send_recorded(const struct sim_replay *replay, struct sim_line *line,
                          const struct recording_exchange *exchange, uint16_t transaction)
{
    uint8_t bytes[ANSWER_MOST];
    size_t len = 0, at = 0;
    const struct recording_piece *pieces = &replay->recording->pieces[exchange->first_piece];
    size_t count = 0;
    for (; count < exchange->piece_count && len + pieces[count].len <= sizeof bytes; count++) {
        memcpy(bytes + len, pieces[count].bytes, pieces[count].len);
        len += pieces[count].len;
    }
    if (line->framing == FRAMING_TCP) {
        recording_retag(bytes, len, exchange->transaction, transaction);
    }
    for (size_t i = 0; i < count; i++) {
        const int64_t delay_ms = pieces[i].delay_ns / NS_PER_MS;
        for (size_t sent = 0; sent < pieces[i].len;) {
            const size_t left = pieces[i].len - sent;
            const size_t part = left < 2 * SIM_FRAME_MAX ? left : 2 * SIM_FRAME_MAX;
            sim_line_send(line, bytes + at + sent, part, delay_ms > 0 ? (uint64_t)delay_ms : 0, false);
            sent += part;
        }
        at += pieces[i].len;
    }
    if (exchange->cut) {
        sim_line_close(line, false);
    }
}

static void refuse(struct sim_line *line, const struct sim_request *request)
{
    const uint8_t pdu[2] = {request->pdu[0] | EXCEPTION_BIT, BAD_ADDRESS};
    uint8_t frame[SIM_FRAME_MAX];
    const size_t len = sim_frame_wrap(line->framing, request->transaction, request->unit, pdu, sizeof pdu, frame);
    sim_line_send(line, frame, len, 0, false);
}

static uint32_t place_of(const struct sim_replay *replay, const struct sim_endpoint *endpoint)
{
    return (uint32_t)(endpoint - replay->endpoints);
}

static void on_request(void *self, const struct sim_endpoint *endpoint, struct sim_line *line,
                       const struct sim_request *request)
{
    struct sim_replay *replay = self;
    if (replay->zero_ns == 0) {
        replay->zero_ns = uv_hrtime();
    }
    const int64_t slack_ns = replay->options.speed == 1 ? RECORDING_SLACK_NS : 0; /* faster: there is no keeping all */
    const struct recording_exchange *exchange =
        recording_answer(replay->recording, place_of(replay, endpoint), request->unit, request->pdu, request->pdu_len,
                         replay_now(replay), slack_ns);
    if (exchange == NULL) {
        refuse(line, request);
    } else {
        send_recorded(replay, line, exchange, request->transaction);
    }
}

static bool is_down(void *self, const struct sim_endpoint *endpoint)
{
    const struct sim_replay *replay = self;
    return recording_is_out(replay->recording, place_of(replay, endpoint), replay_now(replay));
}

/* ---- MQTT -------------------------------------------------------------------------------------------------------- */

static void send_messages(struct sim_replay *replay, int64_t t_ns)
{
    const struct recording *recording = replay->recording;
    for (; replay->next_message < recording->message_count; replay->next_message++) {
        const struct recording_message *message = &recording->messages[replay->next_message];
        if (message->at_ns > t_ns) {
            return;
        }
        const struct publisher_manner manner = {.topic = message->topic,
                                                .topic_len = message->topic_len,
                                                .qos = message->qos,
                                                .retained = message->retained};
        publisher_put_as(replay->publishers[message->source], &manner, message->payload, message->len);
    }
}

static size_t waiting(const struct sim_replay *replay)
{
    size_t count = 0;
    for (size_t i = 0; i < replay->site->source_count; i++) {
        count += replay->publishers[i] != NULL ? publisher_waiting(replay->publishers[i]) : 0;
    }
    return count;
}

/* ---- the beat ---------------------------------------------------------------------------------------------------- */

static void work(struct sim_replay *replay)
{
    const int64_t t_ns = replay_now(replay);
    if (replay->zero_ns != 0) {
        send_messages(replay, t_ns);
    }
    for (size_t i = 0; i < replay->site->source_count; i++) {
        if (replay->publishers[i] != NULL) {
            publisher_work(replay->publishers[i], (int64_t)uv_hrtime(), false);
        } else if (replay->endpoints[i].where != NULL) {
            sim_endpoint_check(&replay->endpoints[i]);
        }
    }
    const bool played = replay->zero_ns != 0 && t_ns > replay->recording->length_ns &&
                        replay->next_message == replay->recording->message_count && waiting(replay) == 0;
    if (played && !replay->over) {
        replay->over = true;
        if (replay->options.on_over != NULL) {
            replay->options.on_over(replay->options.self);
        }
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

static void ring(void *self)
{
    struct sim_replay *replay = self;
    (void)uv_async_send(&replay->bell); /* fails only when it is closing */
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static bool has_messages(const struct recording *recording, uint32_t source)
{
    for (size_t i = 0; i < recording->message_count; i++) {
        if (recording->messages[i].source == source) {
            return true;
        }
    }
    return false;
}

static enum err_code add_source(struct sim_replay *replay, uint32_t source, struct err *err)
{
    const struct site_source *where = &replay->site->sources[source];
    if (where->type == SOURCE_MQTT) {
        return has_messages(replay->recording, source)
                   ? publisher_new(replay->site->id, where, QUEUE, ring, replay, &replay->publishers[source], err)
                   : ERR_NONE;
    }
    if (recording_place(replay->site, source) == source) {
        replay->endpoints[source] =
            (struct sim_endpoint){.script = &replay->script,
                                  .start_ns = uv_hrtime(),
                                  .where = where,
                                  .framing = where->type == SOURCE_MODBUS_TCP ? FRAMING_TCP : FRAMING_RTU,
                                  .pty = {.near_fd = -1, .far_fd = -1}};
    }
    return ERR_NONE;
}

enum err_code sim_replay_new(const struct site *site, struct recording *recording,
                             const struct sim_replay_options *options, struct sim_replay **ret_replay, struct err *err)
{
    struct sim_replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    *replay = (struct sim_replay){.site = site, .recording = recording, .options = *options};
    replay->script = (struct endpoint_script){.self = replay, .on_request = on_request, .is_down = is_down};
    replay->endpoints = calloc(site->source_count + 1, sizeof replay->endpoints[0]);
    replay->publishers = calloc(site->source_count + 1, sizeof(struct publisher *));
    enum err_code code =
        replay->endpoints == NULL || replay->publishers == NULL ? err_set(err, ERR_ENV, "out of memory") : ERR_NONE;
    for (uint32_t source = 0; source < site->source_count && code == ERR_NONE; source++) {
        code = add_source(replay, source, err);
    }
    if (code != ERR_NONE) {
        sim_replay_free(replay);
        return code;
    }
    *ret_replay = replay;
    return ERR_NONE;
}

static void say(const struct sim_replay *replay, uint32_t source)
{
    const struct site_source *where = &replay->site->sources[source];
    if (replay->publishers[source] != NULL) {
        (void)fprintf(replay->options.notes, "publishing %s %s\n", where->id, where->url);
    } else if (where->type == SOURCE_MODBUS_RTU) {
        (void)fprintf(replay->options.notes, "listening %s %s\n", where->id, where->device);
    } else if (where->type != SOURCE_MQTT) {
        (void)fprintf(replay->options.notes, "listening %s %s:%u\n", where->id, where->host, where->port);
    }
}

static void say_state(const struct sim_replay *replay)
{
    const struct recording *recording = replay->recording;
    FILE *notes = replay->options.notes;
    (void)fprintf(notes, "recording: %zu requests, %zu messages, %.1f s\n", recording->exchange_count,
                  recording->message_count, (double)recording->length_ns / 1e9);
    if (recording->lost > 0) {
        (void)fprintf(notes, "recording: %llu records are missing in it\n", (unsigned long long)recording->lost);
    }
    if (recording->passed_over > 0) {
        (void)fprintf(notes, "recording: %zu records are of sources that are not in this site\n",
                      recording->passed_over);
    }
    if (recording->left_out > 0) {
        (void)fprintf(notes, "recording: its last %zu bytes are no whole record and are left out\n",
                      recording->left_out);
    }
}

enum err_code sim_replay_start(struct sim_replay *replay, uv_loop_t *loop, struct err *err)
{
    const int failed = uv_async_init(loop, &replay->bell, on_bell);
    if (failed != 0) {
        return err_set(err, ERR_ENV, "no descriptor to be woken by: %s", uv_strerror(failed));
    }
    (void)uv_timer_init(loop, &replay->beat); /* cannot fail */
    replay->bell.data = replay;
    replay->beat.data = replay;
    replay->started = true;
    for (uint32_t i = 0; i < replay->site->source_count; i++) {
        replay->endpoints[i].loop = loop;
        if (replay->endpoints[i].where != NULL && sim_endpoint_open(&replay->endpoints[i], err) != ERR_NONE) {
            return ERR_ENV;
        }
        if (replay->options.notes != NULL) {
            say(replay, i);
        }
    }
    if (replay->options.notes != NULL) {
        say_state(replay);
    }
    if (replay->recording->exchange_count == 0) {
        replay->zero_ns = uv_hrtime();
    }
    (void)uv_timer_start(&replay->beat, on_beat, 0, BEAT_MS); /* fails only when closing */
    return ERR_NONE;
}

static void free_publishers(struct sim_replay *replay)
{
    for (size_t i = 0; replay->publishers != NULL && i < replay->site->source_count; i++) {
        publisher_free(replay->publishers[i]);
        replay->publishers[i] = NULL;
    }
}

void sim_replay_stop(struct sim_replay *replay)
{
    if (replay == NULL || !replay->started) {
        return;
    }
    replay->started = false;
    free_publishers(replay); /* first: their callbacks ring the bell */
    uv_close((uv_handle_t *)&replay->beat, NULL);
    uv_close((uv_handle_t *)&replay->bell, NULL);
    for (size_t i = 0; i < replay->site->source_count; i++) {
        if (replay->endpoints[i].where != NULL) {
            sim_endpoint_close(&replay->endpoints[i]);
        }
    }
}

void sim_replay_free(struct sim_replay *replay)
{
    if (replay == NULL) {
        return;
    }
    free_publishers(replay);
    free(replay->endpoints);
    free(replay->publishers);
    free(replay);
}
