/* history_out: see history_out.h. */
#include "app/history_out.h"

#include "app/control_import.h"
#include "app/control_socket.h"
#include "app/history_line.h"
#include "base/agent.h"
#include "base/clock.h"
#include "base/memory.h"
#include "store/store.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { SLOTS = 8192, BUFFER = 1 << 16 };

struct history_out {
    const struct site *site;
    bool live;

    /* a monitor runs */
    struct control_socket socket;
    char *buffer;
    size_t len;

    /* none runs */
    struct store *store;
    struct store_writer *writer;
    struct agent agent;
    struct ring *ring;
    struct cell kept;
    struct clock clock;
};

/* ---- a monitor runs ---- */

static enum err_code flush(struct history_out *out, struct err *err)
{
    for (size_t done = 0; done < out->len;) {
        ssize_t n = send(out->socket.fd, out->buffer + done, out->len - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return err_set(err, ERR_ENV, "the monitor takes no more (%s); what was sent may be kept, import again",
                           n < 0 ? strerror(errno) : "closed");
        }
        done += (size_t)n;
    }
    out->len = 0;
    return ERR_NONE;
}

static enum err_code add_text(struct history_out *out, const char *text, size_t len, struct err *err)
{
    if (out->len + len > BUFFER) {
        enum err_code code = flush(out, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    memcpy(out->buffer + out->len, text, len);
    out->len += len;
    return ERR_NONE;
}

static enum err_code begin_live(struct history_out *out, struct err *err)
{
    static const char request[] = "{\"do\":\"import\"}\n";
    struct timeval patience = {.tv_sec = IMPORT_PATIENCE_NS / NS_PER_S};
    (void)setsockopt(out->socket.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(out->socket.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    out->live = true;
    out->buffer = memory_new(BUFFER, 1);
    return add_text(out, request, sizeof request - 1, err);
}

/* Reads the one line of the answer. */
static enum err_code read_answer(struct history_out *out, uint64_t *ret_unknown, struct err *err)
{
    char text[1024];
    size_t len = 0;
    ssize_t n = 0;
    while (len < sizeof text && (n = recv(out->socket.fd, text + len, sizeof text - len, 0)) > 0) {
        len += (size_t)n;
    }
    json_t *answer = json_loadb(text, len, 0, NULL);
    enum err_code code = ERR_NONE;
    if (json_is_true(json_object_get(answer, "ok"))) {
        *ret_unknown = (uint64_t)json_integer_value(json_object_get(answer, "unknown"));
    } else {
        const char *reason = json_string_value(json_object_get(answer, "error"));
        code = err_set(err, ERR_ENV, "the monitor did not confirm (%s); what was sent may be kept, import again",
                       reason != NULL ? reason : "it stopped, or its disk takes nothing");
    }
    json_decref(answer);
    return code;
}

static enum err_code finish_live(struct history_out *out, uint64_t *ret_unknown, struct err *err)
{
    enum err_code code = add_text(out, "end\n", 4, err);
    if (code == ERR_NONE) {
        code = flush(out, err);
    }
    return code == ERR_NONE ? read_answer(out, ret_unknown, err) : code;
}

/* ---- none runs ---- */

static enum err_code begin_alone(struct history_out *out, const char *store_path, struct err *err)
{
    enum err_code code = store_open(store_path, out->site->id, &out->store, err);
    if (code == ERR_NONE) {
        code = ring_open(sizeof(struct sample), SLOTS, 0, &out->ring, err);
    }
    const struct store_writer_config config = {
        .store = out->store,
        .site = out->site,
        .sync_ns = out->site->store_sync_ns,
        .history = out->ring,
        .history_kept = &out->kept,
    };
    if (code == ERR_NONE) {
        code = store_writer_new(&config, &out->writer, err);
    }
    if (code == ERR_NONE) {
        clock_init(&out->clock);
        out->agent = store_writer_agent(out->writer);
    }
    return code;
}

/* Runs the writer until what is in the ring is on its way to the disk; a disk that goes on failing ends it. */
static enum err_code run_writer(struct history_out *out, struct err *err)
{
    int did = 0;
    while (did != AGENT_FINISHED) {
        did = out->agent.do_work(out->agent.self, clock_now_ns(&out->clock));
    }
    return ring_fill(out->ring) == 0 ? ERR_NONE : err_set(err, ERR_ENV, "the disk takes nothing; see the log above");
}

static enum err_code put_alone(struct history_out *out, const struct sample *sample, struct err *err)
{
    enum err_code code = ERR_NONE;
    if (!ring_push(out->ring, sample)) {
        code = run_writer(out, err);
        if (code == ERR_NONE && !ring_push(out->ring, sample)) {
            code = err_set(err, ERR_ENV, "the writer took nothing");
        }
    }
    return code;
}

static enum err_code finish_alone(struct history_out *out, struct err *err)
{
    const struct sample mark = {.point = POINT_MARK, .time_ns = 1};
    enum err_code code = put_alone(out, &mark, err);
    if (code == ERR_NONE) {
        code = run_writer(out, err);
    }
    return code == ERR_NONE && cell_get(&out->kept) != 1 ? err_set(err, ERR_ENV, "the disk took not everything") : code;
}

/* ---- both ---- */

enum err_code history_out_open(const struct site *site, const char *store_path, struct history_out **ret_out,
                               struct err *err)
{
    struct history_out *out = memory_new(1, sizeof *out);
    out->site = site;
    out->socket = (struct control_socket){.fd = -1, .folder = -1};
    struct err why = {0};
    enum err_code code = control_socket_connect(store_path, &out->socket, &why);
    if (code == ERR_NONE) {
        code = begin_live(out, err);
    } else if (code == ERR_NO) {
        code = begin_alone(out, store_path, err);
    } else {
        code = err_set(err, code, "%s", why.text);
    }
    if (code != ERR_NONE) {
        history_out_close(out);
        return code;
    }
    *ret_out = out;
    return ERR_NONE;
}

void history_out_close(struct history_out *out)
{
    if (out == NULL) {
        return;
    }
    control_socket_close(&out->socket);
    store_writer_free(out->writer);
    store_close(out->store);
    ring_free(out->ring);
    free(out->buffer);
    free(out);
}

enum err_code history_out_put(struct history_out *out, const struct sample *sample, struct err *err)
{
    if (!out->live) {
        return put_alone(out, sample, err);
    }
    char line[HISTORY_LINE_MAX];
    size_t len = history_line_format(sample, out->site->points[sample->point].id, line);
    return add_text(out, line, len, err);
}

enum err_code history_out_finish(struct history_out *out, uint64_t *ret_unknown, struct err *err)
{
    *ret_unknown = 0;
    return out->live ? finish_live(out, ret_unknown, err) : finish_alone(out, err);
}
