/*
 * A request from anybody: its target on the first line, a host on the second,
 * the body behind them.  What is read must be well-formed, and encoded again it
 * must read the same.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "console/act_body.h"
#include "console/ask.h"
#include "console/guard.h"
#include "console/route.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

/* Every byte encoded: the way of writing it that has the most to decode. */
static void put_encoded(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

static void encode(struct buf *out, const struct target *target)
{
    buf_text(out, target->segment_count == 0 ? "/" : "");
    for (size_t i = 0; i < target->segment_count; i++) {
        buf_text(out, "/");
        put_encoded(out, target->segments[i]);
    }
    for (size_t i = 0; i < target->param_count; i++) {
        buf_text(out, i == 0 ? "?" : "&");
        put_encoded(out, target->params[i].name);
        buf_text(out, "=");
        put_encoded(out, target->params[i].value);
    }
}

static void check_same(const struct target *first, const struct target *second)
{
    must(first->segment_count == second->segment_count && first->param_count == second->param_count, "as many parts");
    for (size_t i = 0; i < first->segment_count; i++) {
        must(strcmp(first->segments[i], second->segments[i]) == 0, "the same path");
        must(text_is_utf8(first->segments[i], strlen(first->segments[i])), "a path is text");
    }
    for (size_t i = 0; i < first->param_count; i++) {
        must(strcmp(first->params[i].name, second->params[i].name) == 0, "the same name");
        must(strcmp(first->params[i].value, second->params[i].value) == 0, "the same value");
    }
}

static void check_target(char *text, size_t len)
{
    struct target target;
    struct target again;
    struct ask ask;
    struct err err;
    struct buf encoded = {0};
    if (!target_parse(text, len, &target)) {
        return;
    }
    encode(&encoded, &target);
    must(target_parse(encoded.data, encoded.len, &again), "it can be read again");
    check_same(&target, &again);
    buf_done(&encoded);
    const struct route route = route_find(&target);
    if (route.kind != ROUTE_NONE && ask_read(route.kind, &target, NS_PER_S, &ask, &err) == ERR_NONE) {
        must(ask.every_ns >= 0 && ask.agg_count <= ASK_AGGS && (ask.every_ns > 0 || ask.agg_count == 0), "buckets");
        must(ask.states < 1U << STATE_COUNT, "states");
    }
}

static void check_body(char *text, size_t len)
{
    for (int kind = 0; kind < ACT_COUNT; kind++) {
        struct act act;
        struct err err = {0};
        if (act_body_read((enum act_kind)kind, text, len, &act, &err) == ERR_NONE) {
            must(act.by[0] != '\0', "who acted is known");
            must(kind != ACT_SHELVE || (act.for_ns > 0) != (act.until_ns > 0), "a shelf has one end");
            must(act.level < LEVEL_COUNT, "levels");
        } else {
            must(err.text[0] != '\0', "a refusal has words");
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    char *line = memchr(text, '\n', size);
    char *host = line == NULL ? text + size : line + 1;
    char *end = memchr(host, '\n', size - (size_t)(host - text));
    char *body = end == NULL ? text + size : end + 1;
    if (line != NULL) {
        *line = '\0';
    }
    if (end != NULL) {
        *end = '\0';
    }
    struct err err;
    const struct guard_headers headers = {.host = host, .origin = host, .content_type = host};
    (void)guard_check(&headers, "127.0.0.1", true, &err); /* must only stay within its bytes */
    check_body(body, size - (size_t)(body - text));
    check_target(text, line == NULL ? size : (size_t)(line - text));
    free(text);
    return 0;
}
