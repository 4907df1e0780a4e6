/*
 * sim_line: reading requests from a libuv stream, sending answers in order
 * (see sim_line.h).
 */
#include "simulators/sim_line.h"
#include "simulators/scenario.h"
#include <stdlib.h>
#include <string.h>

enum { FLOOD_WAITING_MOST = 1 << 20 };

/* A write that libuv has not finished; carries its own bytes. */
struct line_write {
    uv_write_t request;
    uint8_t bytes[];
};

struct sim_line *sim_line_new(uv_loop_t *loop, enum sim_framing framing, struct line_owner owner)
{
    struct sim_line *line = calloc(1, sizeof *line);
    if (line == NULL) {
        return NULL;
    }
    line->framing = framing;
    line->owner = owner;
    (void)uv_timer_init(loop, &line->timer); /* cannot fail */
    line->timer.data = line;
    line->open_handles = 2;
    return line;
}

static void on_closed(uv_handle_t *handle)
{
    struct sim_line *line = handle->data;
    line->open_handles--;
    if (line->open_handles == 0) {
        line->owner.on_end(line->owner.self, line);
        free(line);
    }
}

void sim_line_close(struct sim_line *line, bool reset)
{
    if (line->closing) {
        return;
    }
    line->closing = true;
    line->io.handle.data = line;
    uv_close((uv_handle_t *)&line->timer, on_closed);
    if (!reset || line->io.handle.type != UV_TCP || uv_tcp_close_reset(&line->io.tcp, on_closed) != 0) {
        uv_close(&line->io.handle, on_closed);
    }
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

static void on_written(uv_write_t *request, int status)
{
    struct sim_line *line = request->handle->data;
    free((struct line_write *)request->data);
    if (status < 0 && status != UV_ECANCELED) {
        sim_line_close(line, false);
    }
}

/* Starts a write of which the bytes are in place. */
static void start_write(struct sim_line *line, struct line_write *out, size_t len)
{
    out->request.data = out;
    uv_buf_t buf = uv_buf_init((char *)out->bytes, (unsigned)len);
    if (uv_write(&out->request, &line->io.stream, &buf, 1, on_written) != 0) {
        free(out);
        sim_line_close(line, false);
    }
}

static void write_bytes(struct sim_line *line, const uint8_t *bytes, size_t len)
{
    struct line_write *out = malloc(sizeof *out + len);
    if (out == NULL) {
        sim_line_close(line, false);
        return;
    }
    memcpy(out->bytes, bytes, len);
    start_write(line, out, len);
}

void sim_line_flood(struct sim_line *line, const uint8_t *bytes, size_t len, size_t times)
{
    struct line_write *out = NULL;
    if (!line->closing && uv_stream_get_write_queue_size(&line->io.stream) < FLOOD_WAITING_MOST) {
        out = malloc(sizeof *out + len * times);
    }
    if (out == NULL) {
        line->dropped++;
        return;
    }
    for (size_t i = 0; i < times; i++) {
        const unsigned number = ((unsigned)bytes[0] << 8 | bytes[1]) + (unsigned)i;
        memcpy(out->bytes + i * len, bytes, len);
        out->bytes[i * len] = (uint8_t)(number >> 8);
        out->bytes[i * len + 1] = (uint8_t)number;
    }
    start_write(line, out, len * times);
}

static void on_timer(uv_timer_t *timer);

/* Sends what is due; waits for the first answer that is not. */
static void pump(struct sim_line *line)
{
    while (line->count > 0 && !line->closing) {
        struct line_answer *answer = &line->answers[line->first];
        const uint64_t now_ms = uv_now(line->timer.loop);
        if (answer->due_ms > now_ms) {
            (void)uv_timer_start(&line->timer, on_timer, answer->due_ms - now_ms, 0); /* fails only when closing */
            return;
        }
        const size_t len = answer->dribble ? 1 : answer->len - answer->sent;
        write_bytes(line, answer->bytes + answer->sent, len);
        answer->sent += len;
        answer->due_ms = now_ms + SLOW_BYTE_MS;
        if (answer->sent == answer->len) {
            line->first = (line->first + 1) % LINE_ANSWERS;
            line->count--;
        }
    }
}

static void on_timer(uv_timer_t *timer)
{
    pump(timer->data);
}

void sim_line_send(struct sim_line *line, const uint8_t *bytes, size_t len, uint64_t delay_ms, bool dribble)
{
    if (line->count == LINE_ANSWERS || len > sizeof line->answers[0].bytes) {
        line->dropped++;
        return;
    }
    struct line_answer *answer = &line->answers[(line->first + line->count) % LINE_ANSWERS];
    line->count++;
    answer->due_ms = uv_now(line->timer.loop) + delay_ms;
    answer->dribble = dribble;
    answer->sent = 0;
    answer->len = len;
    memcpy(answer->bytes, bytes, len);
    if (line->count == 1) {
        pump(line);
    }
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

static void give_room(uv_handle_t *handle, size_t wish, uv_buf_t *ret_buf)
{
    (void)wish;
    struct sim_line *line = handle->data;
    *ret_buf = uv_buf_init((char *)line->in + line->filled, (unsigned)(sizeof line->in - line->filled));
}

static void take_requests(struct sim_line *line)
{
    size_t at = 0;
    while (!line->closing && at < line->filled) {
        struct sim_request request;
        const int taken = sim_frame_find(line->framing, line->in + at, line->filled - at, &request);
        if (taken == 0) {
            break;
        }
        if (taken > 0) {
            line->owner.on_request(line->owner.self, line, &request);
        }
        at += (size_t)(taken > 0 ? taken : -taken);
    }
    memmove(line->in, line->in + at, line->filled - at);
    line->filled -= at;
}

static void on_bytes(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    (void)buf; /* it is the line's own */
    struct sim_line *line = stream->data;
    if (got < 0) {
        sim_line_close(line, false);
        return;
    }
    line->filled += (size_t)got;
    take_requests(line);
}

int sim_line_open(struct sim_line *line)
{
    line->io.handle.data = line;
    return uv_read_start(&line->io.stream, give_room, on_bytes);
}
