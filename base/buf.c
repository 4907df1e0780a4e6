/* buf: see buf.h.  The room doubles; there is always one byte more than len, for the NUL. */
#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 256 };

void buf_done(struct buf *buf)
{
    if (buf != NULL) {
        free(buf->data);
        *buf = (struct buf){0};
    }
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

/* Makes room for len more bytes and the NUL; gives where they go. */
static char *reserve(struct buf *buf, size_t len)
{
    const size_t wanted = buf->len + len + 1;
    if (wanted > buf->cap) {
        size_t cap = buf->cap < FIRST_ROOM ? FIRST_ROOM : buf->cap * 2;
        cap = cap < wanted ? wanted : cap;
        buf->data = memory_resize(buf->data, cap, 1);
        buf->cap = cap;
    }
    return buf->data + buf->len;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    char *end = reserve(buf, len);
    if (len > 0) {
        memcpy(end, bytes, len);
    }
    end[len] = '\0';
    buf->len += len;
}

void buf_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_vprintf(buf, fmt, args);
    va_end(args);
}

void buf_vprintf(struct buf *buf, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    char *end = reserve(buf, FIRST_ROOM);
    const int wanted = vsnprintf(end, FIRST_ROOM, fmt, args);
    if (wanted >= FIRST_ROOM) {
        end = reserve(buf, (size_t)wanted);
        (void)vsnprintf(end, (size_t)wanted + 1, fmt, again);
    }
    va_end(again);
    if (wanted < 0) {
        *end = '\0'; /* only for a format that is wrong; the text then stays as it was */
        return;
    }
    buf->len += (size_t)wanted;
}

/* Adds what stands in a JSON string for a control character, a quote or a backslash. */
static void add_escaped(struct buf *buf, unsigned char byte)
{
    static const char *const named[] = {['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
    if (byte == '"' || byte == '\\') {
        const char pair[2] = {'\\', (char)byte};
        buf_add(buf, pair, sizeof pair);
    } else if (byte < sizeof named / sizeof named[0] && named[byte] != NULL) {
        buf_text(buf, named[byte]);
    } else {
        buf_printf(buf, "\\u%04x", byte);
    }
}

/* Gives how many bytes from text on can go into a JSON string as they are. */
static size_t clean_run(const char *text, size_t len)
{
    size_t run = 0;
    while (run < len) {
        const unsigned char byte = (unsigned char)text[run];
        if (byte < ' ' || byte == '"' || byte == '\\') {
            break;
        }
        uint32_t code = 0;
        const size_t step = byte < 0x80 ? 1 : text_utf8_char(text + run, len - run, &code);
        if (step == 0) {
            break;
        }
        run += step;
    }
    return run;
}

void buf_json_string(struct buf *buf, const char *text)
{
    const size_t len = strlen(text);
    buf_add(buf, "\"", 1);
    for (size_t at = 0; at < len;) {
        const size_t run = clean_run(text + at, len - at);
        buf_add(buf, text + at, run);
        at += run;
        if (at < len) {
            const unsigned char byte = (unsigned char)text[at++];
            if (byte < 0x80) {
                add_escaped(buf, byte);
            } else {
                buf_text(buf, "\xEF\xBF\xBD"); /* U+FFFD for a byte that is no UTF-8 */
            }
        }
    }
    buf_add(buf, "\"", 1);
}

void buf_number(struct buf *buf, double value)
{
    char text[TEXT_NUMBER_MAX];
    buf_add(buf, text, text_format_number(value, text));
}
