/* The manual names every key, fault and usual value that the program knows. */
#include "simulators/fault.h"
#include "simulators/scenario_read.h"
#include "simulators/wave.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char *manual;

static int read_manual(void **state)
{
    (void)state;
    enum { MANUAL_MAX = 100000 };
    FILE *in = fopen(DAVY_MANUAL, "r");
    manual = calloc(1, MANUAL_MAX);
    assert_non_null(in);
    assert_non_null(manual);
    assert_true(fread(manual, 1, MANUAL_MAX - 1, in) > 0);
    return fclose(in);
}

static int free_manual(void **state)
{
    (void)state;
    free(manual);
    return 0;
}

/* The table row of a word must hold `text`. */
static bool has_row(const char *word, const char *text)
{
    char start[80];
    (void)snprintf(start, sizeof start, "\n| `%s` |", word);
    for (const char *row = strstr(manual, start); row != NULL; row = strstr(row + 1, start)) {
        const char *end = strchr(row + 1, '\n');
        const char *at = strstr(row, text);
        if (at != NULL && end != NULL && at < end) {
            return true;
        }
    }
    return false;
}

static void check_table(const struct conf_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct conf_key *key = &table->keys[i];
        if (!has_row(key->name, key->help) &&
            !(strcmp(key->name, "for") == 0 && has_row("status", "`for`"))) { /* told in the row of its object */
            fail_msg("%s: key %s is not in the manual with \"%s\"", table->name, key->name, key->help);
        }
        if (key->table != NULL) {
            check_table(key->table);
        }
    }
}

static void every_key_stands_in_the_manual(void **state)
{
    (void)state;
    check_table(&scenario_table);
}

static void every_fault_stands_in_the_manual(void **state)
{
    (void)state;
    for (enum fault_kind kind = FAULT_NONE + 1; kind < FAULT_COUNT; kind++) {
        char word[40];
        const char *argument = kind == FAULT_EXCEPTION || kind == FAULT_FLOOD ? ":N"
                               : kind == FAULT_DELAY                          ? ":D"
                               : kind == FAULT_CLOCK                          ? ":±D"
                                                                              : "";
        (void)snprintf(word, sizeof word, "%s%s", fault_name(kind), argument);
        if (!has_row(word, "")) {
            fail_msg("fault %s is not in the manual", word);
        }
    }
}

static void usual_values_are_those_of_the_manual(void **state)
{
    (void)state;
    const char *row = strstr(manual, "| kind | base | noise | step |");
    size_t kinds = 0;
    assert_non_null(row);
    row = strchr(strchr(row, '\n') + 1, '\n'); /* the rule below the heading */
    char kind[40];
    for (double base, noise, step; sscanf(row, "\n| `%39[^`]` | %lf | %lf | %lf |", kind, &base, &noise, &step) == 4;
         kinds++) {
        const struct site_point point = {.id = "p", .kind = kind, .from = {.source = SITE_NONE}};
        const struct wave wave = wave_default(&point);
        assert_true(wave.base == base && wave.noise == noise && wave.step == step);
        row = strchr(row + 1, '\n');
    }
    assert_int_equal(kinds, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_stands_in_the_manual),
        cmocka_unit_test(every_fault_stands_in_the_manual),
        cmocka_unit_test(usual_values_are_those_of_the_manual),
    };
    return cmocka_run_group_tests(tests, read_manual, free_manual);
}
