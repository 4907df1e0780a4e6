/*
 * lang_site: a small fixed site, and one rule compiled against it.
 *
 * Points: tank-7/level  tank-7/temp  face-501/t1/ch4  501工作面/甲烷
 */
#ifndef DAVY_TESTS_UNIT_RULES_LANG_LANG_SITE_H
#define DAVY_TESTS_UNIT_RULES_LANG_LANG_SITE_H

#include "base/arena.h"
#include "base/mistakes.h"
#include "model/site.h"
#include "rules/program.h"

enum { POINT_LEVEL, POINT_TEMP, POINT_CH4, POINT_GAS, POINT_COUNT };

struct lang {
    struct site site;
    struct site_point points[POINT_COUNT];
    struct site_rule rule; /* one level; tests may add more */
    struct arena arena;
    struct mistakes mistakes;
    struct rule_code code;
};

void lang_init(struct lang *lang);
void lang_done(struct lang *lang);

/* Compiles a rule of one level; clear and unless may be NULL.  Mistakes and memory pile up until lang_done. */
bool lang_compile(struct lang *lang, const char *when, const char *clear, const char *unless);

#endif
