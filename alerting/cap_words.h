/*
 * cap_words: the fixed words of CAP documents, in Chinese and in English.
 *
 * What a user writes (names, messages, advice) is in the user's language; these
 * are the words around it.  Pure data.
 */
#ifndef DAVY_ALERTING_CAP_WORDS_H
#define DAVY_ALERTING_CAP_WORDS_H

#include "model/alarm.h"

enum cap_language { CAP_CHINESE, CAP_ENGLISH, CAP_LANGUAGES };

struct cap_words {
    const char *language; /* RFC 3066 */
    const char *colours[LEVEL_COUNT];
    const char *before[EV_CLEARED + 1], *behind[EV_CLEARED + 1]; /* colour and what it is, in a headline */
    const char *colon;
    const char *alarm, *forecast; /* what follows the name of what is measured */
    const char *reads, *reads_nothing, *condition, *open, *close;
    const char *named, *numbered, *number_end; /* "Alarm" name ", occurrence" number "" */
    const char *stop, *last_stop;
    const char *exercise, *test; /* note of documents that are not actual */
};

const struct cap_words *cap_words_of(enum cap_language language);

/* What is measured: a word for people, and CAP's category besides Safety (NULL: none).  A kind that is not known is its
 * own word. */
const char *cap_kind_name(const char *kind, enum cap_language language);
const char *cap_kind_category(const char *kind);

#endif
