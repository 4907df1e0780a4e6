/*
 * alarm: the words of alarms: levels, events and acts as they are written.
 *
 * Pure functions over tables in the order of the enums.
 */
#include "model/alarm.h"

#include <string.h>

static const char *const level_words[LEVEL_COUNT] = {"none", "blue", "yellow", "orange", "red"};

static const char *const event_words[EV_COUNT] = {
    [EV_RAISED] = "raised",
    [EV_WORSENED] = "worsened",
    [EV_EASED] = "eased",
    [EV_CLEARED] = "cleared",
    [EV_BLIND] = "blind",
    [EV_SIGHTED] = "sighted",
    [EV_ACKED] = "acked",
    [EV_UNACKED] = "unacked",
    [EV_SHELVED] = "shelved",
    [EV_UNSHELVED] = "unshelved",
    [EV_SUPPRESSED] = "suppressed",
    [EV_UNSUPPRESSED] = "unsuppressed",
    [EV_OUT_OF_SERVICE] = "out_of_service",
    [EV_IN_SERVICE] = "in_service",
    [EV_COMMENTED] = "commented",
    [EV_CLOSED] = "closed",
};

static const char *const act_words[ACT_COUNT] = {
    [ACT_ACK] = "ack",
    [ACT_SHELVE] = "shelve",
    [ACT_UNSHELVE] = "unshelve",
    [ACT_COMMENT] = "comment",
    [ACT_CLOSE] = "close",
    [ACT_OUT_OF_SERVICE] = "out-of-service",
    [ACT_IN_SERVICE] = "in-service",
};

/* Gives the index of text[0..len) in words[first..count), or count. */
static size_t find_word(const char *const *words, size_t first, size_t count, const char *text, size_t len)
{
    for (size_t i = first; i < count; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0) {
            return i;
        }
    }
    return count;
}

const char *level_name(enum level level)
{
    assert(level < LEVEL_COUNT);
    return level_words[level];
}

bool level_parse(const char *text, size_t len, enum level *ret_level)
{
    size_t i = find_word(level_words, LEVEL_BLUE, LEVEL_COUNT, text, len);
    if (i == LEVEL_COUNT) {
        return false;
    }
    *ret_level = (enum level)i;
    return true;
}

const char *event_name(enum event_kind kind)
{
    assert(kind < EV_COUNT);
    return event_words[kind];
}

bool event_parse(const char *text, size_t len, enum event_kind *ret_kind)
{
    size_t i = find_word(event_words, 0, EV_COUNT, text, len);
    if (i == EV_COUNT) {
        return false;
    }
    *ret_kind = (enum event_kind)i;
    return true;
}

const char *act_name(enum act_kind kind)
{
    assert(kind < ACT_COUNT);
    return act_words[kind];
}

/* True when `text` is `word`, '_' standing for '-' too. */
static bool act_word_is(const char *word, const char *text, size_t len)
{
    if (strlen(word) != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] != word[i] && !(text[i] == '_' && word[i] == '-')) {
            return false;
        }
    }
    return true;
}

bool act_parse(const char *text, size_t len, enum act_kind *ret_kind)
{
    for (size_t i = 0; i < ACT_COUNT; i++) {
        if (act_word_is(act_words[i], text, len)) {
            *ret_kind = (enum act_kind)i;
            return true;
        }
    }
    return false;
}
