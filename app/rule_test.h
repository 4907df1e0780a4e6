/*
 * rule_test: rule unit tests, read from their files.
 *
 * rule_test_load reads a test file and the site it names and adds every
 * mistake to one list; the result holds, per case, the rows in the order in
 * which the engine takes them and the events to expect.
 *
 * Memory: the result owns everything; rule_test_free accepts NULL.
 */
#ifndef DAVY_APP_RULE_TEST_H
#define DAVY_APP_RULE_TEST_H

#include "base/err.h"
#include "base/mistakes.h"
#include "model/site.h"
#include "model/trace.h"
#include "rules/rules.h"
#include <jansson.h>

struct rule_expect {
    int64_t time_ns;   /* TIME_NEVER: any */
    const json_t *keys; /* the object as written: every key but "at" must be equal in the event */
};

struct rule_case {
    const char *name;
    struct trace_row *rows; /* by time; of one time samples, then acts; a clock row at the end */
    size_t row_count;
    bool exact;
    struct rule_expect *expect;
    size_t expect_count;
};

struct rule_test {
    const char *file;
    json_t *root; /* the texts below live here */
    struct site *site;
    struct rules *rules;
    struct rule_case *cases;
    size_t case_count;
};

enum err_code rule_test_load(const char *file, struct mistakes *mistakes, struct rule_test **ret_test,
                             struct err *err) MUST_CHECK;
void rule_test_free(struct rule_test *test);

#endif
