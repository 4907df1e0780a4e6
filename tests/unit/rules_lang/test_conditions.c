/* Conditions taken apart: the same truth as the program as it stands, and spans within which none turns. */
#include "rules/conditions.h"

#include "tests/unit/rules_lang/lang_site.h"
#include "tests/unit/rules_lang/unit.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 512, CASES = 3000, PROBES = 40 };

/* ---- the program as it stands, step by step: only what the texts below use ---- */

static double naive_two(enum op op, double a, double b)
{
    const double unknown = isnan(a) || isnan(b) ? NAN : 0.0;
    switch (op) {
    case OP_ADD:
        return a + b;
    case OP_SUBTRACT:
        return a - b;
    case OP_MULTIPLY:
        return a * b;
    case OP_DIVIDE:
        return b == 0.0 ? NAN : a / b;
    case OP_LESS:
        return unknown + (a < b);
    case OP_LESS_EQUAL:
        return unknown + (a <= b);
    case OP_GREATER:
        return unknown + (a > b);
    case OP_GREATER_EQUAL:
        return unknown + (a >= b);
    case OP_EQUAL:
        return unknown + (a == b);
    case OP_NOT_EQUAL:
        return unknown + (a != b);
    case OP_AND:
        return a == 0.0 || b == 0.0 ? 0.0 : unknown + 1.0;
    case OP_OR:
        return a == 1.0 || b == 1.0 ? 1.0 : unknown;
    default:
        fail_msg("an operator the naive machine does not know");
        return NAN;
    }
}

static double naive(const struct program *program, double value)
{
    double stack[PROGRAM_STACK_MAX];
    unsigned top = 0;
    for (unsigned i = 0; i < program->length; i++) {
        const struct instruction *in = &program->code[i];
        if (in->op == OP_NUMBER) {
            stack[top++] = in->number;
        } else if (in->op == OP_VALUE) {
            stack[top++] = value;
        } else if (in->op == OP_NEGATE) {
            stack[top - 1] = -stack[top - 1];
        } else if (in->op == OP_NOT) {
            stack[top - 1] = 1.0 - stack[top - 1];
        } else {
            top--;
            stack[top - 1] = naive_two((enum op)in->op, stack[top - 1], stack[top]);
        }
    }
    assert_int_equal(top, 1);
    return stack[0];
}

/* ---- random conditions ---- */

static uint64_t random_state = 1;

static unsigned draw(unsigned below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(random_state >> 33) % below;
}

static void add_text(char *text, const char *more)
{
    assert_true(strlen(text) + strlen(more) < TEXT_MAX);
    (void)strcat(text, more);
}

static void add_constant(char *text)
{
    static const char *const constants[] = {"0", "1", "2", "-1", "0.5", "1.5", "3", "1e-3", "1e300"};
    add_text(text, constants[draw(sizeof constants / sizeof constants[0])]);
}

static void add_number(char *text, int depth)
{
    if (depth == 0 || draw(3) == 0) {
        if (draw(3) == 0) {
            add_constant(text);
        } else {
            add_text(text, "value");
        }
        return;
    }
    static const char *const signs[] = {" + ", " - ", " * ", " / "};
    add_text(text, draw(6) == 0 ? "-(" : "(");
    add_number(text, depth - 1);
    add_text(text, signs[draw(4)]);
    add_number(text, depth - 1);
    add_text(text, ")");
}

static void add_comparison(char *text)
{
    static const char *const signs[] = {" < ", " <= ", " > ", " >= ", " == ", " != "};
    add_number(text, (int)draw(3));
    add_text(text, signs[draw(6)]);
    if (draw(2) == 0) {
        add_constant(text);
    } else {
        add_number(text, (int)draw(3));
    }
}

static void add_condition(char *text, int depth)
{
    if (depth == 0 || draw(3) == 0) {
        if (draw(8) == 0) {
            add_text(text, draw(2) == 0 ? "true" : "false");
        } else {
            add_comparison(text);
        }
        return;
    }
    add_text(text, draw(4) == 0 ? "!(" : "(");
    add_condition(text, depth - 1);
    add_text(text, draw(2) == 0 ? " && " : " || ");
    add_condition(text, depth - 1);
    add_text(text, ")");
}

static double draw_value(void)
{
    static const double values[] = {0, 1, 2, -1, 0.5, 1.5, 3, 1e-3, 1e300, -1e300, 0.75, -0.0};
    const double value = values[draw(sizeof values / sizeof values[0])];
    switch (draw(4)) {
    case 0:
        return nextafter(value, INFINITY);
    case 1:
        return nextafter(value, -INFINITY);
    case 2:
        return value;
    default:
        return (double)draw(8000) / 1000.0 - 4.0;
    }
}

static void calculate_terms(const struct conditions *conditions, double value, double *ret_terms)
{
    for (unsigned t = 0; t < conditions->term_count; t++) {
        assert_int_not_equal(conditions->terms[t].kind, TERM_GENERAL);
        ret_terms[t] = term_calculate(&conditions->terms[t], value);
    }
}

static double as_double(enum truth truth)
{
    return truth == TRUTH_UNKNOWN ? NAN : truth == TRUTH_TRUE;
}

static void assert_same_truth(const char *text, double value, double want, double got)
{
    if (isnan(want) != isnan(got) || (!isnan(want) && want != got)) {
        fail_msg("%s at %.17g: %g, not %g", text, value, got, want);
    }
}

static void test_parts_say_what_the_whole_says(void **state)
{
    (void)state;
    unsigned unknown = 0;
    for (int n = 0; n < CASES; n++) {
        struct lang lang;
        char when[TEXT_MAX] = "";
        char clear[TEXT_MAX] = "";
        add_condition(when, 3);
        add_condition(clear, 2);
        lang_init(&lang);
        assert_true(lang_compile(&lang, when, clear, NULL));
        const struct conditions *conditions = &lang.code.conditions;
        double terms[64];
        assert_true(conditions->term_count <= 64);
        for (int k = 0; k < PROBES; k++) {
            const double value = draw_value();
            calculate_terms(conditions, value, terms);
            const enum truth truth = formula_truth(&conditions->when[0], conditions->leaves, terms);
            assert_same_truth(when, value, naive(&lang.code.when[0], value), as_double(truth));
            unknown += truth == TRUTH_UNKNOWN;
            assert_same_truth(clear, value, naive(&lang.code.clear[0], value),
                              as_double(formula_truth(&conditions->clear[0], conditions->leaves, terms)));
        }
        lang_done(&lang);
    }
    assert_true(unknown > 100);
}

static void test_within_the_spans_no_truth_turns(void **state)
{
    (void)state;
    unsigned held = 0;
    unsigned left = 0;
    for (int n = 0; n < CASES; n++) {
        struct lang lang;
        char when[TEXT_MAX] = "";
        add_condition(when, 3);
        lang_init(&lang);
        assert_true(lang_compile(&lang, when, NULL, NULL));
        const struct conditions *conditions = &lang.code.conditions;
        double terms[64];
        struct span spans[64];
        const double first = draw_value();
        calculate_terms(conditions, first, terms);
        const bool known = conditions_spans(conditions, terms, spans);
        assert_true(!known || conditions_hold(conditions, terms, spans));
        const double truth = naive(&lang.code.when[0], first);
        for (int k = 0; known && k < PROBES; k++) {
            const double value = draw_value();
            calculate_terms(conditions, value, terms);
            if (conditions_hold(conditions, terms, spans)) {
                assert_same_truth(when, value, truth, naive(&lang.code.when[0], value));
                held++;
            } else {
                left++;
            }
        }
        lang_done(&lang);
    }
    assert_true(held > 10000 && left > 10000);
}

/* ---- shapes ---- */

static void test_what_levels_share_is_one_term(void **state)
{
    (void)state;
    struct lang lang;
    lang_init(&lang);
    assert_true(lang_compile(&lang, "mean(5m) >= 2 && value > 1", "mean(5m) < 1.5", "1 > value"));
    assert_int_equal(lang.code.conditions.term_count, 2);
    assert_int_equal(lang.code.conditions.leaf_count, 4);
    assert_int_equal(lang.code.conditions.kind, TERM_GENERAL);
    lang_done(&lang);
}

static void test_the_kind_is_that_of_the_most_general_term(void **state)
{
    (void)state;
    static const struct {
        const char *when;
        enum term_kind kind;
    } cases[] = {
        {"true", TERM_VALUE},
        {"value >= 1 && value < 2", TERM_VALUE},
        {"value * value >= 1", TERM_ARITHMETIC},
        {"value > value + 1", TERM_ARITHMETIC},
        {"value > 1 || status('comm')", TERM_GENERAL},
        {"value > point('tank-7/temp')", TERM_GENERAL},
        {"age > 5", TERM_GENERAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lang lang;
        lang_init(&lang);
        assert_true(lang_compile(&lang, cases[i].when, NULL, NULL));
        assert_int_equal(lang.code.conditions.kind, cases[i].kind);
        lang_done(&lang);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_say_what_the_whole_says),
        cmocka_unit_test(test_within_the_spans_no_truth_turns),
        cmocka_unit_test(test_what_levels_share_is_one_term),
        cmocka_unit_test(test_the_kind_is_that_of_the_most_general_term),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
