/*
 * buf: a growing text for the edges (JSON out, messages), never for the hot path.
 *
 * Memory: zero-initialise; the buffer owns `data` (NUL-terminated once written); buf_done frees.
 */
#ifndef DAVY_BASE_BUF_H
#define DAVY_BASE_BUF_H

#include "base/err.h"
#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t len;
    size_t cap;
};

void buf_done(struct buf *buf);
void buf_clear(struct buf *buf);
void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *buf, const char *fmt, va_list args) PRINTF_LIKE(2, 0);
/* Adds "text" as a JSON string with quotes; escapes as JSON.stringify does, other UTF-8 stays as it is,
 * bytes that are not UTF-8 become U+FFFD. */
void buf_json_string(struct buf *buf, const char *text);
/* Adds a number as ECMAScript prints it (text_format_number). */
void buf_number(struct buf *buf, double value);

#endif
