/* expr_hint: see expr_hint.h. */
#include "rules/expr_hint.h"

#include "base/clock.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct slip {
    const char *written;
    const char *meant;  /* the word to write instead, or NULL … */
    const char *advice; /* … and then how to say it */
};

static const struct slip words[] = {
    {"avg", "mean", NULL},
    {"average", "mean", NULL},
    {"平均", "mean", NULL},
    {"maximum", "max", NULL},
    {"minimum", "min", NULL},
    {"最大", "max", NULL},
    {"最小", "min", NULL},
    {"std", "stddev", NULL},
    {"stdev", "stddev", NULL},
    {"sigma", "stddev", NULL},
    {"rate", "slope", NULL},
    {"trend", "slope", NULL},
    {"derivative", "slope", NULL},
    {"gradient", "slope", NULL},
    {"diff", "delta", NULL},
    {"change", "delta", NULL},
    {"ema", "ewma", NULL},
    {"quality", "status", NULL},
    {"eta", NULL, "write eta_up(10, 5m) for a limit above, eta_down(10, 5m) for one below"},
    {"sum", NULL, "write mean(5m) * count(5m)"},
    {"median", NULL, "mean(5m) is the average, ewma(5m) one that forgets"},
    {"prev", NULL, "first(5m) is the oldest reading of the last five minutes, delta(5m) how far it went since"},
    {"previous", NULL, "first(5m) is the oldest reading of the last five minutes, delta(5m) how far it went since"},
    {"abs", NULL, "write both sides: value > 1 || value < -1"},
    {"sqrt", NULL, "compare squares: value * value > 4"},
    {"pow", NULL, "there are no powers; write value * value"},
    {"time", NULL, "rules do not ask for the time of day; a plan is a point, such as point('shift/maintenance') == 1"},
    {"now", NULL, "rules do not ask for the time of day; a plan is a point, such as point('shift/maintenance') == 1"},
    {"hour", NULL, "rules do not ask for the time of day; a plan is a point, such as point('shift/maintenance') == 1"},
    {"level", NULL, "the level of an alarm cannot be asked for; repeat the condition that enters it"},
    {"null", NULL, "a reading that is missing makes value unknown; ask status('sensor'), status('comm') or age > 10s"},
    {"NULL", NULL, "a reading that is missing makes value unknown; ask status('sensor'), status('comm') or age > 10s"},
    {"nan", NULL, "a reading that is missing makes value unknown; ask status('sensor'), status('comm') or age > 10s"},
    {"NaN", NULL, "a reading that is missing makes value unknown; ask status('sensor'), status('comm') or age > 10s"},
    {"between", NULL, "write value > 1 && value < 2"},
    {"is", "==", NULL},
    {"if", NULL, "write the condition alone"},
    {"then", NULL, "write the condition alone"},
};

static const struct slip signs[] = {
    {"%", NULL, "numbers have no unit: they are in the point's own"},
    {"^", NULL, "there are no powers; write value * value"},
    {"**", NULL, "there are no powers; write value * value"},
    {"[", NULL, "windows stand in round parentheses: mean(5m)"},
    {"{", NULL, "only messages have words in braces; write value"},
    {"$", NULL, "words have no sign before them; write value"},
    {";", NULL, "join conditions by && or ||, or make two levels of them"},
    {"?", NULL, "join conditions by && or ||"},
};

static const struct {
    const char *written, *unit;
} units[] = {
    {"msec", "ms"}, {"sec", "s"},    {"secs", "s"},    {"second", "s"}, {"seconds", "s"}, {"S", "s"},    {"min", "m"},
    {"mins", "m"},  {"minute", "m"}, {"minutes", "m"}, {"M", "m"},      {"hr", "h"},      {"hrs", "h"},  {"hour", "h"},
    {"hours", "h"}, {"H", "h"},      {"day", "d"},     {"days", "d"},   {"D", "d"},       {"year", "y"}, {"years", "y"},
    {"秒", "s"},    {"分", "m"},     {"分钟", "m"},    {"小时", "h"},   {"天", "d"},      {"年", "y"},
};
static const char *const own_units[] = {"ms", "s", "m", "h", "d", "y"};

static bool is(const char *word, const char *text, size_t len)
{
    return strlen(word) == len && memcmp(word, text, len) == 0;
}

static bool look_up(const struct slip *slips, size_t count, const char *text, size_t len, char ret_hint[EXPR_HINT_MAX])
{
    for (size_t i = 0; i < count; i++) {
        if (!is(slips[i].written, text, len)) {
            continue;
        }
        if (slips[i].meant != NULL) {
            (void)snprintf(ret_hint, EXPR_HINT_MAX, "did you mean \"%s\"?", slips[i].meant);
        } else {
            (void)snprintf(ret_hint, EXPR_HINT_MAX, "%s", slips[i].advice);
        }
        return true;
    }
    return false;
}

bool expr_hint_word(const char *word, size_t len, char ret_hint[EXPR_HINT_MAX])
{
    return look_up(words, sizeof words / sizeof words[0], word, len, ret_hint);
}

bool expr_hint_sign(const char *text, size_t len, char ret_hint[EXPR_HINT_MAX])
{
    return look_up(signs, sizeof signs / sizeof signs[0], text, len, ret_hint);
}

/* The language's own unit for one as people write it, NULL when it is none. */
static const char *unit_of(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof own_units / sizeof own_units[0]; i++) {
        if (is(own_units[i], text, len)) {
            return own_units[i];
        }
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (is(units[i].written, text, len)) {
            return units[i].unit;
        }
    }
    return NULL;
}

static size_t digits_and_point(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && ((text[n] >= '0' && text[n] <= '9') || text[n] == '.')) {
        n++;
    }
    return n;
}

/* The duration of so many units, in its largest whole unit; false when it is not whole milliseconds. */
static bool print_duration(double number, const char *unit, char ret_text[TEXT_DURATION_MAX])
{
    char one[8];
    int64_t unit_ns = 0;
    const int len = snprintf(one, sizeof one, "1%s", unit);
    if (!text_parse_duration(one, (size_t)len, &unit_ns)) {
        return false;
    }
    const double ms = number * (double)(unit_ns / NS_PER_MS);
    if (!(ms > 0 && ms < 1e12) || ms != floor(ms)) {
        return false;
    }
    (void)text_format_duration((int64_t)ms * NS_PER_MS, ret_text);
    return true;
}

bool expr_hint_number(const char *text, size_t len, char ret_hint[EXPR_HINT_MAX])
{
    const size_t digits = digits_and_point(text, len);
    const char *unit = unit_of(text + digits, len - digits);
    char duration[TEXT_DURATION_MAX];
    double number;
    if (unit == NULL || !text_parse_number(text, digits, &number) || !print_duration(number, unit, duration)) {
        return false;
    }
    (void)snprintf(ret_hint, EXPR_HINT_MAX, "did you mean \"%s\"?", duration);
    return true;
}

static size_t word_length(const char *text)
{
    size_t len = 0;
    while ((text[len] >= 'a' && text[len] <= 'z') || (unsigned char)text[len] >= 0x80) {
        len++;
    }
    return len;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool expr_hint_between(const char *text, size_t at, char ret_hint[EXPR_HINT_MAX])
{
    size_t end = at; /* of what stands before */
    while (end > 0 && text[end - 1] == ' ') {
        end--;
    }
    if (end == 0 || !is_digit(text[end - 1])) {
        return false;
    }
    size_t start = end;
    while (start > 0 && (is_digit(text[start - 1]) || text[start - 1] == '.')) {
        start--;
    }
    const int before = (int)(end - start < 20 ? end - start : 20);
    if (text[at] == ',' && is_digit(text[at + 1])) {
        size_t after = at + 1;
        while (is_digit(text[after]) && after < at + 20) {
            after++;
        }
        (void)snprintf(ret_hint, EXPR_HINT_MAX, "the decimal sign is a point: %.*s.%.*s", before, text + start,
                       (int)(after - at - 1), text + at + 1);
        return true;
    }
    const char *unit = unit_of(text + at, word_length(text + at));
    if (unit != NULL) {
        (void)snprintf(ret_hint, EXPR_HINT_MAX, "durations are written without a blank: %.*s%s", before, text + start,
                       unit);
    }
    return unit != NULL;
}
