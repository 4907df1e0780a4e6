/* expr_source: see expr_source.h. */
#include "rules/expr_source.h"
#include "base/buf.h"
#include <stdarg.h>

/* Bytes of UTF-8 that continue a character do not count. */
static size_t character_of(const char *text, size_t at)
{
    size_t n = 1;
    for (size_t i = 0; i < at; i++) {
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    return n;
}

void expr_mistake(struct expr_source *source, size_t at, const char *hint, const char *fact, ...)
{
    source->broken = true;
    struct buf line = {0};
    va_list args;
    va_start(args, fact);
    buf_vprintf(&line, fact, args);
    va_end(args);
    mistakes_add(source->mistakes, source->file, source->place, hint != NULL ? hint : EXPR_HINT, "at character %zu: %s",
                 character_of(source->text, at), line.data);
    buf_done(&line);
}
