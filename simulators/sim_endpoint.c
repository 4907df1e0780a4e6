/*
 * sim_endpoint: listeners, lines and what faults do to an answer (see
 * sim_endpoint.h).
 */
#include "simulators/sim_endpoint.h"
#include "simulators/fault.h"
#include "simulators/sim_line.h"
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BACKLOG = 128,
    NO_PATH_TO_UNIT = 0x0b, /* exception of a gateway without such a unit */
    EXCEPTION_BIT = 0x80
};

static int64_t endpoint_now(const struct sim_endpoint *endpoint)
{
    return (int64_t)(uv_hrtime() - endpoint->start_ns);
}

static bool is_serial(const struct sim_endpoint *endpoint)
{
    return endpoint->where->type == SOURCE_MODBUS_RTU;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

struct sim_device *sim_endpoint_device(struct sim_endpoint *endpoint, uint8_t unit)
{
    for (size_t i = 0; i < endpoint->device_count; i++) {
        if (endpoint->devices[i].unit == unit) {
            return &endpoint->devices[i];
        }
    }
    return NULL;
}

static void send_garbage(struct sim_line *line, uint8_t *frame, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        frame[i] ^= (uint8_t)(0x5a + 37 * i);
    }
    sim_line_send(line, frame, len, 0, false);
}

/* Answers to nobody's requests, right behind the true one; on a line without transactions those of another unit. */
static void send_strangers(struct sim_line *line, const uint8_t *frame, size_t len, int64_t times)
{
    enum { FAR = 0x40 };
    uint8_t stranger[SIM_FRAME_MAX];
    memcpy(stranger, frame, len);
    stranger[0] ^= FAR;
    sim_line_flood(line, stranger, len, (size_t)times);
}

/* Sends an answer as the fault of the moment has it. */
static void send_answer(struct sim_line *line, const struct fault *fault, const struct sim_request *request,
                        const uint8_t *pdu, size_t len)
{
    enum { NS_PER_MILLI = 1000000 };
    const enum fault_kind kind = fault == NULL ? FAULT_NONE : fault->kind;
    const bool wrong = kind == FAULT_WRONG_TID;
    const bool rtu = line->framing == FRAMING_RTU;
    uint8_t frame[2 * SIM_FRAME_MAX];
    const size_t frame_len = sim_frame_wrap(line->framing, (uint16_t)(request->transaction + wrong),
                                            (uint8_t)(request->unit + (wrong && rtu)), pdu, len, frame);
    switch (kind) {
    case FAULT_GARBAGE:
        send_garbage(line, frame, frame_len);
        break;
    case FAULT_DELAY:
        sim_line_send(line, frame, frame_len, (uint64_t)(fault->value / NS_PER_MILLI), false);
        break;
    case FAULT_SLOW_BYTES:
        sim_line_send(line, frame, frame_len, 0, true);
        break;
    case FAULT_DUPLICATE:
        memcpy(frame + frame_len, frame, frame_len);
        sim_line_send(line, frame, 2 * frame_len, 0, false);
        break;
    case FAULT_FLOOD:
        sim_line_send(line, frame, frame_len, 0, false);
        send_strangers(line, frame, frame_len, fault->value);
        break;
    default:
        sim_line_send(line, frame, frame_len, 0, false);
        break;
    }
}

static void on_request(void *self, struct sim_line *line, const struct sim_request *request)
{
    struct sim_endpoint *endpoint = self;
    struct sim_device *device = sim_endpoint_device(endpoint, request->unit);
    uint8_t answer[SIM_PDU_MAX];
    if (line->dead) {
        return;
    }
    if (endpoint->script != NULL) {
        endpoint->script->on_request(endpoint->script->self, endpoint, line, request);
        return;
    }
    if (device == NULL) {
        if (line->framing == FRAMING_TCP) { /* on a bus nobody speaks for an absent unit */
            answer[0] = request->pdu[0] | EXCEPTION_BIT;
            answer[1] = NO_PATH_TO_UNIT;
            send_answer(line, NULL, request, answer, 2);
        }
        return;
    }
    const int64_t t_ns = endpoint_now(endpoint);
    const struct fault *fault = fault_at(endpoint->scenario, device->source, device->unit, t_ns);
    const enum fault_kind kind = fault == NULL ? FAULT_NONE : fault->kind;
    if (kind == FAULT_TIMEOUT || kind == FAULT_SILENT || kind == FAULT_HALF_OPEN) {
        line->dead = kind == FAULT_HALF_OPEN;
        return;
    }
    if (kind == FAULT_RESET || kind == FAULT_DISCONNECT) {
        sim_line_close(line, kind == FAULT_RESET);
        return;
    }
    size_t len = sim_device_answer(device, t_ns, request->pdu, request->pdu_len, answer);
    if (kind == FAULT_EXCEPTION) {
        answer[0] = request->pdu[0] | EXCEPTION_BIT;
        answer[1] = (uint8_t)fault->value;
        len = 2;
    }
    send_answer(line, fault, request, answer, len);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void on_line_end(void *self, struct sim_line *line)
{
    struct sim_endpoint *endpoint = self;
    endpoint->dropped += line->dropped;
    for (struct sim_line **at = &endpoint->lines; *at != NULL; at = &(*at)->next) {
        if (*at == line) {
            *at = line->next;
            endpoint->line_count--;
            return;
        }
    }
}

static struct sim_line *add_line(struct sim_endpoint *endpoint)
{
    const struct line_owner owner = {.self = endpoint, .on_request = on_request, .on_end = on_line_end};
    struct sim_line *line = sim_line_new(endpoint->loop, endpoint->framing, owner);
    if (line != NULL) {
        line->next = endpoint->lines;
        endpoint->lines = line;
        endpoint->line_count++;
    }
    return line;
}

static void close_lines(struct sim_endpoint *endpoint)
{
    for (struct sim_line *line = endpoint->lines; line != NULL; line = line->next) {
        sim_line_close(line, false); /* frees it later, from the loop */
    }
}

/* True when a fault of that kind strikes a source of this endpoint. */
static bool is_struck(const struct sim_endpoint *endpoint, enum fault_kind kind, int64_t t_ns)
{
    for (size_t i = 0; i < endpoint->device_count; i++) {
        const uint32_t source = endpoint->devices[i].source;
        const struct fault *fault = fault_at(endpoint->scenario, source, FAULT_ANY_UNIT, t_ns);
        if (fault != NULL && fault->kind == kind) {
            return true;
        }
    }
    return false;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct sim_endpoint *endpoint = listener->data;
    struct sim_line *line = status == 0 ? add_line(endpoint) : NULL;
    if (line == NULL) {
        return;
    }
    (void)uv_tcp_init(endpoint->loop, &line->io.tcp); /* cannot fail without a family */
    const bool taken = uv_accept(listener, &line->io.stream) == 0;
    line->dead = is_struck(endpoint, FAULT_HALF_OPEN, endpoint_now(endpoint));
    if (endpoint->line_count > ENDPOINT_LINES_MAX || is_struck(endpoint, FAULT_BUSY, endpoint_now(endpoint))) {
        endpoint->refused++;
        sim_line_close(line, false);
    } else if (!taken || sim_line_open(line) != 0) {
        sim_line_close(line, false);
    } else {
        (void)uv_tcp_nodelay(&line->io.tcp, 1); /* slower without, but right */
    }
}

/* ---- listeners --------------------------------------------------------------------------------------------------- */

static void on_listener_closed(uv_handle_t *handle)
{
    struct sim_endpoint *endpoint = handle->data;
    endpoint->state = LISTENER_CLOSED;
}

static void close_listener(struct sim_endpoint *endpoint)
{
    if (endpoint->state == LISTENER_OPEN) {
        endpoint->state = LISTENER_CLOSING;
        uv_close((uv_handle_t *)&endpoint->listener, on_listener_closed);
    }
}

static int bind_listener(struct sim_endpoint *endpoint)
{
    char port[8];
    (void)snprintf(port, sizeof port, "%u", endpoint->where->port);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    uv_getaddrinfo_t lookup;
    int code = uv_getaddrinfo(endpoint->loop, &lookup, NULL, endpoint->where->host, port, &hints);
    if (code != 0) {
        return code;
    }
    code = uv_tcp_bind(&endpoint->listener, lookup.addrinfo->ai_addr, 0);
    uv_freeaddrinfo(lookup.addrinfo);
    return code != 0 ? code : uv_listen((uv_stream_t *)&endpoint->listener, BACKLOG, on_connection);
}

static enum err_code open_listener(struct sim_endpoint *endpoint, struct err *err)
{
    const struct site_source *where = endpoint->where;
    (void)uv_tcp_init(endpoint->loop, &endpoint->listener); /* cannot fail without a family */
    endpoint->listener.data = endpoint;
    endpoint->state = LISTENER_OPEN;
    const int code = bind_listener(endpoint);
    if (code != 0) {
        close_listener(endpoint);
        return err_set(err, ERR_ENV,
                       "source \"%s\": cannot listen on %s:%u: %s; use a free port and an address of this machine",
                       where->id, where->host, where->port, uv_strerror(code));
    }
    return ERR_NONE;
}

static enum err_code open_serial(struct sim_endpoint *endpoint, struct err *err)
{
    enum err_code code = sim_pty_open(endpoint->where->device, &endpoint->pty, err);
    if (code != ERR_NONE) {
        return code;
    }
    struct sim_line *line = add_line(endpoint);
    if (line == NULL) {
        (void)close(endpoint->pty.near_fd);
        return err_set(err, ERR_ENV, "out of memory");
    }
    (void)uv_pipe_init(endpoint->loop, &line->io.pipe, 0); /* cannot fail */
    const int opened = uv_pipe_open(&line->io.pipe, endpoint->pty.near_fd);
    if (opened != 0) {
        (void)close(endpoint->pty.near_fd);
    }
    if (opened != 0 || sim_line_open(line) != 0) {
        sim_line_close(line, false);
        return err_set(err, ERR_ENV, "%s: cannot be read", endpoint->where->device);
    }
    return ERR_NONE;
}

static void deaden_lines(struct sim_endpoint *endpoint)
{
    for (struct sim_line *line = endpoint->lines; line != NULL; line = line->next) {
        line->dead = true;
    }
}

enum err_code sim_endpoint_open(struct sim_endpoint *endpoint, struct err *err)
{
    return is_serial(endpoint) ? open_serial(endpoint, err) : open_listener(endpoint, err);
}

void sim_endpoint_check(struct sim_endpoint *endpoint)
{
    if (is_serial(endpoint)) {
        return;
    }
    const int64_t t_ns = endpoint_now(endpoint);
    if (is_struck(endpoint, FAULT_HALF_OPEN, t_ns)) {
        deaden_lines(endpoint);
    }
    const bool down = endpoint->script != NULL && endpoint->script->is_down(endpoint->script->self, endpoint);
    if (down || is_struck(endpoint, FAULT_DISCONNECT, t_ns)) {
        close_listener(endpoint);
        close_lines(endpoint);
    } else if (endpoint->state == LISTENER_CLOSED) {
        struct err ignored; /* the port may be in use for a moment: tried again at the next check */
        (void)open_listener(endpoint, &ignored);
    }
}

void sim_endpoint_close(struct sim_endpoint *endpoint)
{
    close_listener(endpoint);
    close_lines(endpoint);
    sim_pty_close(&endpoint->pty);
}

void sim_endpoint_done(struct sim_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->device_count; i++) {
        sim_device_done(&endpoint->devices[i]);
    }
    free(endpoint->devices);
    endpoint->devices = NULL;
    endpoint->device_count = 0;
}
