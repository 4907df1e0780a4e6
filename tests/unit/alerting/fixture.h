/*
 * fixture: a small site built by hand, and a way to tell a book's events in one
 * line, for all tests of alerting.
 */
#ifndef DAVY_TESTS_ALERTING_FIXTURE_H
#define DAVY_TESTS_ALERTING_FIXTURE_H

#include "alerting/alarm_book.h"
#include "model/site.h"

/* cmocka.h asks for these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum fixture_point { P_T1, P_T2, P_TANK, P_FREE, P_COUNT };

/*
 * rule    points               what is special
 * power   t1 t2 tank free      a cause
 * limit   t1 t2 tank free      suppressed by power
 * latch   t1                   latch; a cause
 * group   group "A" of t1 t2   vote
 * twice   t1                   suppressed by power and latch
 * t1 and t2 are of hazard face, tank of hazard tank, free of none.
 */
enum fixture_alarm {
    A_POWER_T1,
    A_POWER_T2,
    A_POWER_TANK,
    A_POWER_FREE,
    A_LIMIT_T1,
    A_LIMIT_T2,
    A_LIMIT_TANK,
    A_LIMIT_FREE,
    A_LATCH,
    A_GROUP,
    A_TWICE,
    A_COUNT
};

/* The site; one per process, const, nothing to free. */
const struct site *fixture_site(void);

/* A copy of it whose rules may be changed (in the order above) and whose tables of names are filled; free with
 * fixture_free. */
struct site *fixture_copy(void);
/* Fills the tables of names anew after the counts of the copy were lowered. */
void fixture_index(struct site *site);
void fixture_free(struct site *site);

/* 2026-01-05T00:00:00Z plus s seconds. */
int64_t at(int64_t s);

/* Gives a verdict STEP at second s. */
struct verdict step(enum fixture_alarm alarm, int64_t s, enum level level, unsigned flags, double value);
/* The same with value 1 given to the book as a step of its own. */
void judge(struct alarm_book *book, enum fixture_alarm alarm, int64_t s, enum level level, unsigned flags);

/* Gives an act by "li" at second s; a shelf with a reason. */
struct act act_of(enum act_kind kind, enum fixture_alarm alarm, int64_t s);

/* Asserts the events since the last time, then clears them: "raised limit:t1#1 yellow; blind limit:t1#1 yellow";
 * "" for none. */
#define expect(book, text) fixture_expect(book, text, __FILE__, __LINE__)
void fixture_expect(struct alarm_book *book, const char *text, const char *file, int line);

#endif
