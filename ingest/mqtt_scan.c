/*
 * mqtt_scan: see mqtt_scan.h.
 */
#include "ingest/mqtt_scan.h"

#include <string.h>

/* Reads four hex digits at `at`. */
static bool hex4(const char *at, const char *end, uint32_t *ret_unit)
{
    if (end - at < 4) {
        return false;
    }
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        const char c = at[i];
        uint32_t digit;
        if (c >= '0' && c <= '9') {
            digit = (uint32_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (uint32_t)(c - 'a' + 10);
        } else if (c >= 'A' && c <= 'F') {
            digit = (uint32_t)(c - 'A' + 10);
        } else {
            return false;
        }
        unit = unit << 4 | digit;
    }
    *ret_unit = unit;
    return true;
}

static size_t put_utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* Reads what follows "\u" and moves *at behind it, the second half of a pair included. */
static bool take_unicode(const char **at, const char *end, uint32_t *ret_code)
{
    uint32_t code;
    if (!hex4(*at, end, &code) || code == 0 || (code >= 0xDC00 && code <= 0xDFFF)) {
        return false;
    }
    *at += 4;
    if (code >= 0xD800 && code <= 0xDBFF) {
        uint32_t low;
        if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u' || !hex4(*at + 2, end, &low) || low < 0xDC00 ||
            low > 0xDFFF) {
            return false;
        }
        *at += 6;
        code = 0x10000 + ((code - 0xD800) << 10 | (low - 0xDC00));
    }
    *ret_code = code;
    return true;
}

/* Reads what follows a backslash and moves *at behind it. */
static bool take_escape(const char **at, const char *end, uint32_t *ret_code)
{
    static const char names[] = "\"\\/bfnrt";
    static const char codes[] = "\"\\/\b\f\n\r\t";
    if (*at == end) {
        return false;
    }
    const char name = *(*at)++;
    if (name == 'u') {
        return take_unicode(at, end, ret_code);
    }
    const char *found = name != '\0' ? strchr(names, name) : NULL;
    if (found == NULL) {
        return false;
    }
    *ret_code = (uint32_t)codes[found - names];
    return true;
}

/* The slow way: from `first` (behind the quote) on, with escapes. */
static bool unescape(struct scan *scan, const char *first, char *scratch, size_t room, struct span *ret_span)
{
    const char *at = first;
    size_t len = 0;
    while (at < scan->end && *at != '"') {
        uint32_t code = 0;
        if (len + 4 > room || (unsigned char)*at < 0x20) {
            return false;
        }
        if (*at != '\\') {
            scratch[len++] = *at++;
            continue;
        }
        at++;
        if (!take_escape(&at, scan->end, &code)) {
            return false;
        }
        len += put_utf8(code, scratch + len);
    }
    if (at == scan->end) {
        return false;
    }
    scan->at = at + 1;
    *ret_span = (struct span){.text = scratch, .len = len};
    return true;
}

bool scan_string(struct scan *scan, char *scratch, size_t room, struct span *ret_span)
{
    if (scan_peek(scan) != '"') {
        return false;
    }
    const char *first = scan->at + 1;
    const char *at = first;
    while (at < scan->end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) {
        at++;
    }
    if (at == scan->end || (unsigned char)*at < 0x20) {
        return false;
    }
    if (*at == '\\') {
        return unescape(scan, first, scratch, room, ret_span);
    }
    scan->at = at + 1;
    *ret_span = (struct span){.text = first, .len = (size_t)(at - first)};
    return true;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool scan_word(struct scan *scan, const char *word)
{
    const size_t len = strlen(word);
    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0) {
        return false;
    }
    if (scan->at + len < scan->end && is_word_char(scan->at[len])) {
        return false;
    }
    scan->at += len;
    return true;
}

/* Moves behind a string's closing quote, `at` being behind the opening one. */
static bool skip_string(struct scan *scan)
{
    while (scan->at < scan->end) {
        const char c = *scan->at++;
        if (c == '"') {
            return true;
        }
        if (c == '\\' && scan->at < scan->end) {
            scan->at++;
        }
    }
    return false;
}

bool scan_skip(struct scan *scan)
{
    size_t depth = 0;
    const char first = scan_peek(scan);
    if (first == '\0' || first == ',' || first == ':' || first == '}' || first == ']') {
        return false;
    }
    while (scan->at < scan->end) {
        const char c = *scan->at;
        if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
            return true; /* behind a bare word or number */
        }
        scan->at++;
        if (c == '"') {
            if (!skip_string(scan)) {
                return false;
            }
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        } else {
            continue;
        }
        if (depth == 0) {
            return true;
        }
    }
    return depth == 0;
}

void scan_recover(struct scan *scan)
{
    size_t depth = 0;
    while (scan->at < scan->end) {
        const char c = *scan->at;
        if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
            return;
        }
        scan->at++;
        if (c == '"') {
            (void)skip_string(scan); /* an open one takes the rest with it: there is nothing to find behind */
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
}
