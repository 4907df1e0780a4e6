/* target: see target.h. */
#include "console/target.h"

#include "base/text.h"
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool is_clean(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    return text_is_utf8(text, len);
}

/* Decodes the piece from *at up to one of `ends` in place and ends it by NUL.  *at stands behind it then; the character
 * that ended it is in *ret_end. */
static bool take_piece(char **at, const char *ends, char *ret_end, const char **ret_piece)
{
    char *in = *at;
    char *out = *at;
    *ret_piece = *at;
    for (; *in != '\0' && strchr(ends, *in) == NULL; in++) {
        if (*in != '%') {
            *out++ = *in;
            continue;
        }
        const int high = hex_digit(in[1]);
        const int low = high < 0 ? -1 : hex_digit(in[2]);
        if (low < 0) {
            return false;
        }
        *out++ = (char)(high << 4 | low);
        in += 2;
    }
    *ret_end = *in;
    *at = *in == '\0' ? in : in + 1;
    *out = '\0';
    return is_clean(*ret_piece, (size_t)(out - *ret_piece)); /* an encoded NUL is no text either */
}

/* The part behind "http://authority", for requests as they are sent to a proxy. */
static char *path_of(char *text)
{
    if (strncmp(text, "http://", 7) != 0) {
        return text;
    }
    return text + 7 + strcspn(text + 7, "/");
}

static bool take_path(char **at, struct target *target, char *ret_end)
{
    *ret_end = '/';
    while (*ret_end == '/') {
        const char *segment = NULL;
        if (!take_piece(at, "/?#", ret_end, &segment)) {
            return false;
        }
        if (segment[0] == '\0' && *ret_end != '/') {
            return true; /* a slash at the end, and "/" itself */
        }
        if (segment[0] == '\0' || target->segment_count == TARGET_SEGMENTS) {
            return false;
        }
        target->segments[target->segment_count++] = segment;
    }
    return true;
}

static bool take_params(char **at, struct target *target, char end)
{
    while (end == '?' || end == '&') {
        struct target_param param = {.value = ""};
        if (!take_piece(at, "=&#", &end, &param.name) || (end == '=' && !take_piece(at, "&#", &end, &param.value))) {
            return false;
        }
        if (param.name[0] == '\0' && param.value[0] == '\0') {
            continue; /* "?" alone, "&&" */
        }
        if (target->param_count == TARGET_PARAMS || target_param(target, param.name) != NULL) {
            return false;
        }
        target->params[target->param_count++] = param;
    }
    return true;
}

bool target_parse(char *text, size_t len, struct target *ret_target)
{
    struct target target = {0};
    char *at = path_of(text);
    char end = '\0';
    if (memchr(text, '\0', len) != NULL || *at++ != '/' || !take_path(&at, &target, &end) ||
        !take_params(&at, &target, end)) {
        return false;
    }
    *ret_target = target;
    return true;
}

const char *target_param(const struct target *target, const char *name)
{
    for (size_t i = 0; i < target->param_count; i++) {
        if (strcmp(target->params[i].name, name) == 0) {
            return target->params[i].value;
        }
    }
    return NULL;
}
