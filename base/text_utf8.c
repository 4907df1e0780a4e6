/* text, part UTF-8: one decoder, and what is said in terms of it. */
#include "base/text.h"
#include <string.h>

/* Rows of table 3-7 of the Unicode standard: what may follow each first byte. */
struct utf8_row {
    unsigned char first_from, first_to;
    unsigned char second_from, second_to;
    unsigned char length;
};

static const struct utf8_row utf8_rows[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
    {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

static const struct utf8_row *row_of(unsigned char first)
{
    for (size_t i = 0; i < sizeof utf8_rows / sizeof utf8_rows[0]; i++) {
        if (first >= utf8_rows[i].first_from && first <= utf8_rows[i].first_to) {
            return &utf8_rows[i];
        }
    }
    return NULL;
}

size_t text_utf8_char(const char *text, size_t len, uint32_t *ret_code)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (len == 0) {
        return 0;
    }
    if (bytes[0] < 0x80) {
        *ret_code = bytes[0];
        return 1;
    }
    const struct utf8_row *row = row_of(bytes[0]);
    if (row == NULL || row->length > len || bytes[1] < row->second_from || bytes[1] > row->second_to) {
        return 0;
    }
    uint32_t code = bytes[0] & (0x7FU >> row->length);
    for (size_t i = 1; i < row->length; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (bytes[i] & 0x3FU);
    }
    *ret_code = code;
    return row->length;
}

size_t text_utf8_cut(const char *text, size_t len)
{
    size_t cut = len;
    while (cut > 0 && len - cut < 3 && ((unsigned char)text[cut - 1] & 0xC0) == 0x80) {
        cut--;
    }
    if (cut == 0 || (unsigned char)text[cut - 1] < 0xC0) {
        return len; /* ends with ASCII, or with what is no UTF-8 anyway */
    }
    uint32_t code = 0;
    return text_utf8_char(text + cut - 1, len - cut + 1, &code) > 0 ? len : cut - 1;
}

bool text_is_utf8(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t code = 0;
        const size_t step = text_utf8_char(text + at, len - at, &code);
        if (step == 0 || code == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

static bool is_id_ascii(uint32_t code)
{
    return (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') || (code >= 'a' && code <= 'z') ||
           code == '.' || code == '_' || code == '-' || code == '/';
}

/* Spaces, controls, marks of order and punctuation outside ASCII that an id may not hold. */
static bool is_barred(uint32_t code)
{
    static const uint32_t barred[][2] = {
        {0x0080, 0x00A0}, {0x1680, 0x1680}, {0x2000, 0x206F}, {0x3000, 0x303F},
        {0xFEFF, 0xFEFF}, {0xFF00, 0xFF0F}, {0xFFFE, 0xFFFF},
    };
    for (size_t i = 0; i < sizeof barred / sizeof barred[0]; i++) {
        if (code >= barred[i][0] && code <= barred[i][1]) {
            return true;
        }
    }
    return false;
}

bool text_is_id(const char *id)
{
    enum { ID_CHARACTERS_MAX = 128 };
    const size_t len = strlen(id);
    size_t characters = 0;
    for (size_t at = 0; at < len; characters++) {
        uint32_t code = 0;
        const size_t step = text_utf8_char(id + at, len - at, &code);
        if (step == 0 || characters == ID_CHARACTERS_MAX || (code < 0x80 ? !is_id_ascii(code) : is_barred(code))) {
            return false;
        }
        at += step;
    }
    return characters > 0;
}
