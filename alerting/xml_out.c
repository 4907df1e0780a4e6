/*
 * xml_out: see xml_out.h.
 */
#include "alerting/xml_out.h"
#include "base/text.h"
#include <stdbool.h>
#include <string.h>

/* Char of XML 1.0, of well-formed UTF-8. */
static bool is_char(uint32_t code)
{
    return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code != 0xfffe && code != 0xffff);
}

static const char *escape_of(uint32_t code)
{
    switch (code) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;"; /* needed in "]]>" only, but easier to read everywhere */
    case '&':
        return "&amp;";
    case '\r':
        return "&#13;"; /* a reader would make a newline of it */
    default:
        return NULL;
    }
}

void xml_text(struct buf *out, const char *text)
{
    const size_t len = strlen(text);
    for (size_t at = 0; at < len;) {
        uint32_t code = 0;
        const size_t step = text_utf8_char(text + at, len - at, &code);
        if (step == 0 || !is_char(code)) {
            buf_text(out, "\uFFFD");
        } else if (escape_of(code) != NULL) {
            buf_text(out, escape_of(code));
        } else {
            buf_add(out, text + at, step);
        }
        at += step == 0 ? 1 : step;
    }
}

static void set_in(struct buf *out, int depth)
{
    for (int i = 0; i < depth; i++) {
        buf_text(out, "  ");
    }
}

void xml_leaf(struct buf *out, int depth, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return;
    }
    set_in(out, depth);
    buf_printf(out, "<%s>", name);
    xml_text(out, text);
    buf_printf(out, "</%s>\n", name);
}

void xml_open(struct buf *out, int depth, const char *name)
{
    set_in(out, depth);
    buf_printf(out, "<%s>\n", name);
}

void xml_close(struct buf *out, int depth, const char *name)
{
    set_in(out, depth);
    buf_printf(out, "</%s>\n", name);
}
