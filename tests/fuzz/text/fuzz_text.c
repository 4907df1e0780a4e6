/*
 * Every reader of base/text on the same bytes.  Numbers are held against
 * strtod; what was read must print and read back; a glob is held against a
 * slow matcher that is plainly right.
 */
#include "base/buf.h"
#include "base/decimal.h"
#include "base/text.h"
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

static void check_number(const char *text, size_t len)
{
    double value = 0;
    if (!text_parse_number(text, len, &value)) {
        return;
    }
    const double expected = strtod(text, NULL); /* what the grammar takes holds no NUL */
    must(memcmp(&value, &expected, sizeof value) == 0, "a number is read as strtod reads it");
    char printed[TEXT_NUMBER_MAX];
    double back = 1;
    must(text_parse_number(printed, text_format_number(value, printed), &back) && back == value,
         "a printed number reads back");
}

/* What the quick reader takes of the text is what the full one makes of it, wherever it ends. */
static void check_decimal(const char *text, size_t len)
{
    double quick = 0;
    double full = 0;
    const char *end = decimal_read(text, text + len, &quick);
    if (end != NULL) {
        must(text_parse_number(text, (size_t)(end - text), &full), "a decimal is a number");
        must(memcmp(&quick, &full, sizeof quick) == 0, "a decimal is read as a number is");
        must(end < text + len && !decimal_goes_on(*end), "a decimal is whole");
    }
}

static void check_time(const char *text, size_t len)
{
    enum { MS = 1000000 };
    int64_t ns = 0;
    if (!text_parse_time(text, len, &ns)) {
        return;
    }
    char printed[TEXT_TIME_MAX];
    int64_t back = 0;
    const size_t printed_len = text_format_time(ns, printed);
    if (ns < INT64_MIN + MS) {
        return; /* the millisecond it is cut to lies before the first time there is */
    }
    must(text_parse_time(printed, printed_len, &back), "a printed time is read");
    must(back <= ns && ns - back < MS, "a printed time is the same but for less than a millisecond");
}

static void check_duration(const char *text, size_t len)
{
    int64_t ns = 0;
    if (!text_parse_duration(text, len, &ns)) {
        return;
    }
    char printed[TEXT_DURATION_MAX];
    int64_t back = -1;
    must(text_parse_duration(printed, text_format_duration(ns, printed), &back) && back == ns,
         "a printed duration reads back");
}

static bool slow_glob(const char *pattern, const char *text)
{
    if (*pattern == '\0') {
        return *text == '\0';
    }
    if (*pattern == '*') {
        return slow_glob(pattern + 1, text) || (*text != '\0' && slow_glob(pattern, text + 1));
    }
    return *text != '\0' && (*pattern == '?' || *pattern == *text) && slow_glob(pattern + 1, text + 1);
}

/* The slow matcher knows bytes only and takes exponential time: short ASCII. */
static void check_glob(const char *text, size_t len)
{
    const char *line = memchr(text, '\n', len);
    char pattern[12];
    char word[12];
    if (line == NULL || (size_t)(line - text) >= sizeof pattern || len - (size_t)(line - text) > sizeof word) {
        return;
    }
    (void)snprintf(pattern, sizeof pattern, "%.*s", (int)(line - text), text);
    (void)snprintf(word, sizeof word, "%s", line + 1);
    const bool matches = text_glob(pattern, word);
    for (const char *at = text; at < text + len; at++) {
        if ((unsigned char)*at >= 0x80) {
            return;
        }
    }
    must(matches == slow_glob(pattern, word), "a glob matches as the slow matcher does");
}

static void check_utf8(const char *text, size_t len)
{
    (void)text_is_utf8(text, len);
    must(text_utf8_cut(text, len) <= len, "a cut is no longer than the text");
    if (text_is_id(text)) {
        must(text_is_utf8(text, strlen(text)), "an id is UTF-8");
    }
    struct buf json = {0};
    buf_json_string(&json, text);
    must(text_is_utf8(json.data, json.len), "a JSON string is UTF-8");
    buf_done(&json);
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
    check_number(text, size);
    check_decimal(text, size);
    check_time(text, size);
    check_duration(text, size);
    check_glob(text, size);
    check_utf8(text, size);
    free(text);
    return 0;
}
