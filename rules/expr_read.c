/* expr_read: see expr_read.h. */
#include "rules/expr_read.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/sample.h"
#include "rules/expr_hint.h"
#include "rules/expr_lex.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HINT_MAX = 256,
    SHOWN_MAX = 80,          /* bytes of a name in a message */
    NAME_LENGTH_MAX = 128,   /* bytes of a name for which a similar one is sought */
    SEARCHED_POINTS = 5000,  /* sites with more points get no similar id: each would be compared */
    SEARCHED_MISTAKES = 100, /* nor do the mistakes after these */
};
static const double width_least_s = 1e-9; /* the clock's grain */
static const double width_most_s = 9e9;   /* 285 years: what int64 nanoseconds hold */

const char *expr_type_name(const struct node *node)
{
    switch (node->type) {
    case TYPE_NUMBER:
        return node->unit == UNIT_DURATION ? "a duration" : "a number";
    case TYPE_TRUTH:
        return "a condition";
    case TYPE_TEXT:
        return "a text";
    case TYPE_MISTAKE:
        break;
    }
    return "a mistake";
}

static int shown(const struct node *node)
{
    return (int)(node->len <= SHOWN_MAX ? node->len : text_utf8_cut(node->text, SHOWN_MAX));
}

/* "did you mean "x"?", or NULL when nothing is near; the texts come from the caller. */
static const char *did_you_mean(char *room, const char *nearest)
{
    if (nearest == NULL) {
        return NULL;
    }
    (void)snprintf(room, HINT_MAX, "did you mean \"%s\"?", nearest);
    return room;
}

static const char *nearest_id(const struct expr_source *source, const struct site *site, const struct node *id)
{
    if (site->point_count >= SEARCHED_POINTS || source->mistakes->total >= SEARCHED_MISTAKES ||
        id->len > NAME_LENGTH_MAX) {
        return NULL;
    }
    char word[NAME_LENGTH_MAX + 1];
    memcpy(word, id->text, id->len);
    word[id->len] = '\0';
    const char **ids = memory_new(site->point_count, sizeof *ids);
    for (size_t i = 0; i < site->point_count; i++) {
        ids[i] = site->points[i].id;
    }
    const int nearest = text_nearest(word, ids, site->point_count);
    free(ids);
    return nearest < 0 ? NULL : site->points[nearest].id;
}

static bool read_point(struct expr_source *source, const struct site *site, const struct node *arg, uint32_t *ret_point)
{
    if (arg->type == TYPE_MISTAKE) {
        return false;
    }
    if (arg->type != TYPE_TEXT) {
        expr_mistake(source, arg->at, "ids stand in single quotes, such as 'tank-7/level'",
                     "expected the id of a point, found %s", expr_type_name(arg));
        return false;
    }
    const uint32_t point = site_point(site, arg->text, arg->len);
    if (point == SITE_NONE) {
        char hint[HINT_MAX];
        expr_mistake(source, arg->at, did_you_mean(hint, nearest_id(source, site, arg)),
                     "the site has no point \"%.*s\"", shown(arg), arg->text);
        return false;
    }
    *ret_point = point;
    return true;
}

/* What to write instead of a text that is no status word. */
static void hint_for_flag(const struct node *flag, char hint[HINT_MAX])
{
    char texts[ST_COUNT][STATUS_TEXT_MAX];
    const char *words[ST_COUNT + 1] = {[ST_COUNT] = "good"};
    for (unsigned i = 0; i < ST_COUNT; i++) {
        (void)status_format((uint16_t)(1u << i), texts[i]);
        words[i] = texts[i];
    }
    char word[NAME_LENGTH_MAX + 1] = "";
    if (flag->len <= NAME_LENGTH_MAX) {
        memcpy(word, flag->text, flag->len);
    }
    const int nearest = text_nearest(word, words, ST_COUNT + 1);
    if (memchr(flag->text, '+', flag->len) != NULL) {
        (void)snprintf(hint, HINT_MAX, "ask for one at a time: status('comm') || status('stale')");
    } else if (nearest >= 0) {
        (void)snprintf(hint, HINT_MAX, "did you mean \"%s\"?", words[nearest]);
    } else {
        size_t len = (size_t)snprintf(hint, HINT_MAX, "there are good");
        for (unsigned i = 0; i < ST_COUNT; i++) {
            len += (size_t)snprintf(hint + len, HINT_MAX - len, " %s", texts[i]);
        }
    }
}

/* One status word; 'good' is mask 0. */
static bool read_flag(struct expr_source *source, const struct node *arg, uint32_t *ret_mask)
{
    if (arg->type == TYPE_MISTAKE) {
        return false;
    }
    if (arg->type != TYPE_TEXT) {
        expr_mistake(source, arg->at, "status words stand in single quotes, such as 'calibrating'",
                     "expected a status word, found %s", expr_type_name(arg));
        return false;
    }
    uint16_t mask = 0;
    const bool single = arg->len > 0 && memchr(arg->text, '+', arg->len) == NULL;
    if (!single || !status_parse(arg->text, arg->len, &mask)) {
        char hint[HINT_MAX];
        hint_for_flag(arg, hint);
        expr_mistake(source, arg->at, hint, "\"%.*s\" is not a status word", shown(arg), arg->text);
        return false;
    }
    *ret_mask = mask;
    return true;
}

/* "write mean(5m) or mean('tank-7/level', 5m)" */
static const char *hint_for_use(const struct word *word, char hint[HINT_MAX])
{
    (void)snprintf(hint, HINT_MAX, "write %s", word->example);
    return hint;
}

/* A window or time constant: a number or duration known now, greater than 0. */
static bool read_width(struct expr_source *source, const struct word *word, const struct node *arg,
                       int64_t *ret_width_ns)
{
    char hint[HINT_MAX];
    if (arg->type == TYPE_MISTAKE) {
        return false;
    }
    if (arg->type != TYPE_NUMBER) {
        expr_mistake(source, arg->at, hint_for_use(word, hint), "expected a length of time, found %s",
                     expr_type_name(arg));
        return false;
    }
    if (arg->kind != NODE_NUMBER) {
        expr_mistake(source, arg->at, hint_for_use(word, hint), "a length of time must be a constant");
        return false;
    }
    if (!(arg->number >= width_least_s && arg->number <= width_most_s)) {
        expr_mistake(source, arg->at, hint_for_use(word, hint),
                     "a length of time must be more than 0 and at most 285 years");
        return false;
    }
    *ret_width_ns = llround(arg->number * 1e9);
    return true;
}

static bool read_limit(struct expr_source *source, const struct word *word, struct node *arg, struct node **ret_limit)
{
    char hint[HINT_MAX];
    if (arg->type == TYPE_MISTAKE) {
        return false;
    }
    if (arg->type != TYPE_NUMBER || arg->unit == UNIT_DURATION) {
        expr_mistake(source, arg->at, hint_for_use(word, hint), "expected the limit, a number, found %s",
                     expr_type_name(arg));
        return false;
    }
    *ret_limit = arg;
    return true;
}

void expr_unknown_word(struct expr_source *source, const struct node *read)
{
    char hint[HINT_MAX];
    uint16_t mask = 0;
    const char *told = did_you_mean(hint, lex_meant_word(read->text, read->len));
    if (told == NULL && expr_hint_word(read->text, read->len, hint)) {
        told = hint;
    }
    if (told == NULL) {
        told = did_you_mean(hint, word_nearest(read->text, read->len));
    }
    if (told == NULL && status_parse(read->text, read->len, &mask)) {
        told = "status words stand in single quotes, such as 'calibrating'";
    }
    expr_mistake(source, read->at, told, "\"%.*s\" is not known", shown(read), read->text);
}

static bool may_be_in_id(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._-/", c) != NULL) || (unsigned char)c >= 0x80;
}

/* True when the word is part of the id of one of the site's points, written without quotes: as a difference or quotient
 * of words.  It is told at its first word. */
static bool is_unquoted_id(struct expr_source *source, const struct site *site, const struct node *read)
{
    const char *text = source->text;
    size_t start = read->at;
    size_t end = read->at;
    while (start > 0 && may_be_in_id(text[start - 1])) {
        start--;
    }
    while (may_be_in_id(text[end])) {
        end++;
    }
    if (end - start <= read->len || end - start > NAME_LENGTH_MAX ||
        site_point(site, text + start, end - start) == SITE_NONE) {
        return false;
    }
    if (start == read->at) {
        expr_mistake(source, start, "ids stand in single quotes", "\"%.*s\" is the id of a point", (int)(end - start),
                     text + start);
    }
    return true;
}

void expr_check_word(struct expr_source *source, const struct site *site, const struct node *read)
{
    if (read->word == NULL && !is_unquoted_id(source, site, read)) {
        expr_unknown_word(source, read);
    }
}

/* Whether parentheses and the number of arguments are as the word wants them. */
static bool check_call(struct expr_source *source, const struct node *read)
{
    const struct word *const word = read->word;
    const bool may_stand_alone = word->shape == SHAPE_BARE || word->shape == SHAPE_AGE;
    const bool parentheses_fit = read->called ? word->shape != SHAPE_BARE : may_stand_alone;
    if (parentheses_fit && read->arg_count >= word_args_least(word) && read->arg_count <= word_args_most(word)) {
        return true;
    }
    char hint[HINT_MAX];
    expr_mistake(source, read->at, hint_for_use(word, hint), "%s takes %s", word->name, word_takes(word));
    return false;
}

/* The arguments behind an id, which is there when one more than the least was given. */
static bool check_arguments(struct expr_source *source, const struct site *site, struct node *read)
{
    const enum word_shape shape = read->word->shape;
    struct node *const *args = read->args;
    bool fine = true;
    if (shape == SHAPE_PSTATUS || read->arg_count > word_args_least(read->word)) {
        fine = read_point(source, site, *args++, &read->point);
    }
    switch (shape) {
    case SHAPE_FLAG:
    case SHAPE_PSTATUS:
        return read_flag(source, args[0], &read->mask) && fine;
    case SHAPE_WINDOW:
        return read_width(source, read->word, args[0], &read->width_ns) && fine;
    case SHAPE_ETA:
        fine = read_limit(source, read->word, args[0], &read->limit) && fine;
        return read_width(source, read->word, args[1], &read->width_ns) && fine;
    case SHAPE_BARE:
    case SHAPE_AGE:
    case SHAPE_EMPTY:
    case SHAPE_POINT:
        break;
    }
    return fine;
}

void expr_check_read(struct expr_source *source, const struct site *site, struct node *read)
{
    read->point = SITE_NONE;
    if (read->word != NULL && check_call(source, read) && check_arguments(source, site, read)) {
        read->type = read->word->op == OP_STATUS ? TYPE_TRUTH : TYPE_NUMBER;
        read->unit = read->word->seconds ? UNIT_ANY : UNIT_VALUE;
    }
}
