/* text, part matching: globs, and the nearest known word for a hint. */
#include "base/text.h"
#include <string.h>

/* Bytes of the character that text (not at its end) begins with; a byte that is no UTF-8 counts as one character. */
static size_t character(const char *text)
{
    uint32_t code = 0;
    const size_t step = text_utf8_char(text, strnlen(text, 4), &code);
    return step > 0 ? step : 1;
}

bool text_glob(const char *pattern, const char *text)
{
    /* Only the last star need ever be tried again: what the stars before it matched stays the earliest match. */
    const char *after_star = NULL;
    const char *retry = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            after_star = ++pattern;
            retry = text;
        } else if (*pattern == '?') {
            pattern++;
            text += character(text);
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (after_star != NULL) {
            retry += character(retry);
            pattern = after_star;
            text = retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

enum { WORD_MAX = 128 }; /* longer words get no hint */

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Edit distance in bytes where swapping two neighbours is one edit (optimal string alignment), by rows. */
static int distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int rows[3][WORD_MAX + 1];
    int *before = rows[0];
    int *above = rows[1];
    int *row = rows[2];
    for (size_t j = 0; j <= b_len; j++) {
        above[j] = (int)j;
        before[j] = 0;
    }
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        int *const oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_len];
}

int text_nearest(const char *word, const char *const *candidates, size_t n)
{
    const size_t len = strlen(word);
    if (len > WORD_MAX) {
        return -1;
    }
    int best = -1;
    int best_distance = (len / 3 > 0 ? (int)(len / 3) : 1) + 1;
    for (size_t i = 0; i < n && best_distance > 0; i++) {
        const size_t other = strlen(candidates[i]);
        const size_t apart = other > len ? other - len : len - other;
        if (other > WORD_MAX || apart >= (size_t)best_distance) {
            continue;
        }
        const int d = distance(word, len, candidates[i], other);
        if (d < best_distance) {
            best = (int)i;
            best_distance = d;
        }
    }
    return best;
}
