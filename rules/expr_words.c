/* expr_words: see expr_words.h. */
#include "rules/expr_words.h"
#include "base/text.h"
#include <string.h>

enum { NAME_MAX_LENGTH = 64 }; /* of what a hint is looked for */

static const struct word words[] = {
    {"value", OP_VALUE, SHAPE_BARE, WINDOW_PLAIN, 0, false, "value > 1"},
    {"age", OP_AGE, SHAPE_AGE, WINDOW_PLAIN, 0, true, "age > 30s"},
    {"unchanged", OP_UNCHANGED, SHAPE_EMPTY, WINDOW_PLAIN, 0, true, "unchanged() > 4h"},
    {"status", OP_STATUS, SHAPE_FLAG, WINDOW_PLAIN, 0, false, "status('calibrating')"},
    {"point", OP_POINT, SHAPE_POINT, WINDOW_PLAIN, 0, false, "point('tank-7/level') or point()"},
    {"pstatus", OP_STATUS, SHAPE_PSTATUS, WINDOW_PLAIN, 0, false, "pstatus('tank-7/level', 'comm')"},
    {"mean", OP_MEAN, SHAPE_WINDOW, WINDOW_PLAIN, NEED_SUM, false, "mean(5m) or mean('tank-7/level', 5m)"},
    {"min", OP_MIN, SHAPE_WINDOW, WINDOW_PLAIN, NEED_EXTREMES, false, "min(5m) or min('tank-7/level', 5m)"},
    {"max", OP_MAX, SHAPE_WINDOW, WINDOW_PLAIN, NEED_EXTREMES, false, "max(5m) or max('tank-7/level', 5m)"},
    {"range", OP_RANGE, SHAPE_WINDOW, WINDOW_PLAIN, NEED_EXTREMES, false, "range(5m) or range('tank-7/level', 5m)"},
    {"stddev", OP_STDDEV, SHAPE_WINDOW, WINDOW_PLAIN, NEED_SUM | NEED_SQUARES, false,
     "stddev(5m) or stddev('tank-7/level', 5m)"},
    {"count", OP_COUNT, SHAPE_WINDOW, WINDOW_PLAIN, 0, false, "count(5m) or count('tank-7/level', 5m)"},
    {"first", OP_FIRST, SHAPE_WINDOW, WINDOW_PLAIN, 0, false, "first(5m) or first('tank-7/level', 5m)"},
    {"last", OP_LAST, SHAPE_WINDOW, WINDOW_PLAIN, 0, false, "last(5m) or last('tank-7/level', 5m)"},
    {"delta", OP_DELTA, SHAPE_WINDOW, WINDOW_PLAIN, 0, false, "delta(5m) or delta('tank-7/level', 5m)"},
    {"slope", OP_SLOPE, SHAPE_WINDOW, WINDOW_PLAIN, NEED_LINE, false, "slope(5m) or slope('tank-7/level', 5m)"},
    {"changes", OP_CHANGES, SHAPE_WINDOW, WINDOW_PLAIN, NEED_CHANGES, false,
     "changes(5m) or changes('tank-7/level', 5m)"},
    {"ewma", OP_EWMA, SHAPE_WINDOW, WINDOW_EWMA, 0, false, "ewma(5m) or ewma('tank-7/level', 5m)"},
    {"zscore", OP_ZSCORE, SHAPE_WINDOW, WINDOW_ZSCORE, NEED_SUM | NEED_SQUARES, false,
     "zscore(5m) or zscore('tank-7/level', 5m)"},
    {"anomaly", OP_ANOMALY, SHAPE_WINDOW, WINDOW_ANOMALY, 0, false, "anomaly(1d) or anomaly('tank-7/level', 1d)"},
    {"repeats", OP_REPEATS, SHAPE_WINDOW, WINDOW_REPEATS, 0, false, "repeats(7d) or repeats('tank-7/level', 7d)"},
    {"eta_up", OP_ETA_UP, SHAPE_ETA, WINDOW_PLAIN, NEED_LINE, true, "eta_up(10, 5m) or eta_up('tank-7/level', 10, 5m)"},
    {"eta_down", OP_ETA_DOWN, SHAPE_ETA, WINDOW_PLAIN, NEED_LINE, true,
     "eta_down(2, 5m) or eta_down('tank-7/level', 2, 5m)"},
};
enum { WORD_COUNT = sizeof words / sizeof words[0] };

static const struct {
    const char *takes;
    size_t least, most;
} shapes[] = {
    [SHAPE_BARE] = {"no parentheses", 0, 0},
    [SHAPE_AGE] = {"nothing", 0, 0},
    [SHAPE_EMPTY] = {"nothing between its parentheses", 0, 0},
    [SHAPE_FLAG] = {"one status word", 1, 1},
    [SHAPE_POINT] = {"the id of a point, or nothing", 0, 1},
    [SHAPE_PSTATUS] = {"the id of a point and a status word", 2, 2},
    [SHAPE_WINDOW] = {"a window, or the id of a point and a window", 1, 2},
    [SHAPE_ETA] = {"a limit and a window, or the id of a point and both", 2, 3},
};

const struct word *word_find(const char *name, size_t len)
{
    for (size_t i = 0; i < WORD_COUNT; i++) {
        if (strlen(words[i].name) == len && memcmp(name, words[i].name, len) == 0) {
            return &words[i];
        }
    }
    return NULL;
}

const char *word_nearest(const char *name, size_t len)
{
    const char *names[WORD_COUNT + 2];
    for (size_t i = 0; i < WORD_COUNT; i++) {
        names[i] = words[i].name;
    }
    names[WORD_COUNT] = "true";
    names[WORD_COUNT + 1] = "false";
    char text[NAME_MAX_LENGTH + 1];
    if (len > NAME_MAX_LENGTH) {
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    }
    text[len] = '\0';
    const int nearest = text_nearest(text, names, WORD_COUNT + 2);
    return nearest < 0 ? NULL : names[nearest];
}

const char *word_takes(const struct word *word)
{
    return shapes[word->shape].takes;
}

size_t word_args_least(const struct word *word)
{
    return shapes[word->shape].least;
}

size_t word_args_most(const struct word *word)
{
    return shapes[word->shape].most;
}
