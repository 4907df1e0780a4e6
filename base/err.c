/* err: see err.h.  Texts are built aside first, so that an argument may be the error's own old text. */
#include "base/err.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cuts what snprintf had to cut back to a whole character. */
static void keep_whole(struct err *err, const char *text, int wanted)
{
    const size_t room = sizeof err->text - 1;
    size_t len = wanted < 0 ? 0 : (size_t)wanted;
    if (len > room) {
        len = text_utf8_cut(text, room);
    }
    memcpy(err->text, text, len);
    err->text[len] = '\0';
}

enum err_code err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    if (err == NULL) {
        return code;
    }
    char text[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    const int wanted = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    err->code = code;
    keep_whole(err, text, wanted);
    return code;
}

enum err_code err_prefix(struct err *err, const char *fmt, ...)
{
    if (err == NULL) {
        return ERR_ENV;
    }
    char prefix[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(prefix, sizeof prefix, fmt, args);
    va_end(args);
    char text[2 * sizeof err->text + 2];
    keep_whole(err, text, snprintf(text, sizeof text, "%s: %s", prefix, err->text));
    return err->code;
}
