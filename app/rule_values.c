/* rule_values: see rule_values.h. */
#include "app/rule_values.h"

#include "base/text.h"
#include "model/sample.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    const char *text;
    size_t len;
};

/* One word taken apart. */
struct series {
    bool empty;
    uint16_t status;
    double from, to; /* NaN: no value */
    uint64_t count;
    bool steps;
};

static bool read_count(const char *text, size_t len, uint64_t *ret_count)
{
    uint64_t count = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || count > RULE_PLACES_MAX) {
            return false;
        }
        count = count * 10 + (uint64_t)(text[i] - '0');
    }
    *ret_count = count;
    return len > 0 && count >= 1 && count <= RULE_PLACES_MAX;
}

static const char *find(const char *text, size_t len, const char *what)
{
    return memmem(text, len, what, strlen(what));
}

/* Cuts a trailing xN off. */
static bool cut_times(struct word *word, uint64_t *ret_count)
{
    *ret_count = 1;
    const char *x = memrchr(word->text, 'x', word->len);
    if (x == NULL) {
        return true;
    }
    size_t head = (size_t)(x - word->text);
    if (!read_count(x + 1, word->len - head - 1, ret_count)) {
        return false;
    }
    word->len = head;
    return true;
}

/* Cuts a leading FLAG: off. */
static bool cut_flag(struct word *word, uint16_t *ret_status)
{
    const char *colon = memchr(word->text, ':', word->len);
    if (colon == NULL) {
        return true;
    }
    size_t head = (size_t)(colon - word->text);
    if (head == 0 || !status_parse(word->text, head, ret_status)) {
        return false;
    }
    word->text += head + 1;
    word->len -= head + 1;
    return true;
}

static bool read_steps(const struct word *word, const char *dots, struct series *series)
{
    size_t first = (size_t)(dots - word->text);
    const char *slash = memchr(dots, '/', word->len - first);
    if (slash == NULL) {
        return false;
    }
    size_t second = (size_t)(slash - dots) - 2;
    series->steps = true;
    return text_parse_number(word->text, first, &series->from) && text_parse_number(dots + 2, second, &series->to) &&
           read_count(slash + 1, word->len - first - 2 - second - 1, &series->count);
}

static bool read_word(struct word word, struct series *series)
{
    *series = (struct series){.from = NAN, .to = NAN, .count = 1};
    bool flagged = memchr(word.text, ':', word.len) != NULL;
    if (!cut_flag(&word, &series->status)) {
        return false;
    }
    const char *dots = find(word.text, word.len, "..");
    if (dots != NULL) {
        return read_steps(&word, dots, series);
    }
    if (!cut_times(&word, &series->count) || word.len == 0) {
        return false;
    }
    if (word.len == 1 && word.text[0] == '_' && !flagged) {
        series->empty = true;
        return true;
    }
    if (text_parse_number(word.text, word.len, &series->from)) {
        series->to = series->from;
        return true;
    }
    return !flagged && status_parse(word.text, word.len, &series->status) && series->status != 0;
}

/* A + (B - A)·i/(N - 1), rounded to 9 decimals; of one sample A. */
static double step_value(const struct series *series, uint64_t i)
{
    if (!series->steps || series->count == 1) {
        return series->from;
    }
    double value = series->from + (series->to - series->from) * (double)i / (double)(series->count - 1);
    char text[64];
    /* Through decimal text, as a person would round; scaling by 1e9 would round twice. */
    int len = snprintf(text, sizeof text, "%.9f", value);
    return len > 0 && (size_t)len < sizeof text ? strtod(text, NULL) : value;
}

enum err_code rule_values_read(const char *text, rule_place_fn *fn, void *self, struct err *err)
{
    uint64_t places = 0;
    for (const char *at = text + strspn(text, " \t\n"); *at != '\0'; at += strspn(at, " \t\n")) {
        struct word word = {.text = at, .len = strcspn(at, " \t\n")};
        struct series series;
        if (!read_word(word, &series)) {
            return err_set(err, ERR_INPUT,
                           "\"%.*s\" is no series; allowed are AxN, A..B/N, _xN, FLAG, FLAG:AxN with numbers A, B and "
                           "whole N",
                           (int)word.len, word.text);
        }
        places += series.count;
        if (places > RULE_PLACES_MAX) {
            return err_set(err, ERR_INPUT, "more than %d places in one series", RULE_PLACES_MAX);
        }
        for (uint64_t i = 0; i < series.count; i++) {
            struct rule_place place = {
                .empty = series.empty, .value = step_value(&series, i), .status = series.status};
            if (!fn(self, &place)) {
                return ERR_NONE;
            }
        }
        at += word.len;
    }
    return ERR_NONE;
}
