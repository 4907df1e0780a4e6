/*
 * Precedence is C's: each text of the table is given to the C compiler as well,
 * and a small machine that runs the program must come to the same truth.
 */
#include "tests/unit/rules_lang/lang_site.h"
#include "tests/unit/rules_lang/unit.h"

#pragma GCC diagnostic ignored "-Wparentheses" /* that is the point of it */

/* The two operands of an operator as the program has them: the left one was pushed first. */
static double apply(unsigned op, double a, double b)
{
    switch (op) {
    case OP_ADD:
        return a + b;
    case OP_SUBTRACT:
        return a - b;
    case OP_MULTIPLY:
        return a * b;
    case OP_DIVIDE:
        return a / b;
    case OP_LESS:
        return a < b;
    case OP_LESS_EQUAL:
        return a <= b;
    case OP_GREATER:
        return a > b;
    case OP_GREATER_EQUAL:
        return a >= b;
    case OP_EQUAL:
        return a == b;
    case OP_NOT_EQUAL:
        return a != b;
    case OP_AND:
        return a != 0 && b != 0;
    case OP_OR:
        return a != 0 || b != 0;
    default:
        fail_msg("operator %u is not for this machine", op);
        return 0;
    }
}

static double run(const struct program *program, double value)
{
    double stack[PROGRAM_STACK_MAX];
    size_t depth = 0;
    for (size_t i = 0; i < program->length; i++) {
        const struct instruction *const one = &program->code[i];
        if (one->op == OP_NUMBER || one->op == OP_VALUE) {
            stack[depth++] = one->op == OP_VALUE ? value : one->number;
        } else if (one->op == OP_NEGATE || one->op == OP_NOT) {
            stack[depth - 1] = one->op == OP_NEGATE ? -stack[depth - 1] : stack[depth - 1] == 0;
        } else {
            depth--;
            stack[depth - 1] = apply(one->op, stack[depth - 1], stack[depth]);
        }
        assert_true(depth <= program->stack);
    }
    assert_int_equal(depth, 1);
    return stack[0];
}

#define BOTH(expression)                                                                                               \
    {                                                                                                                  \
#expression, (expression) != 0                                                                                 \
    }

static void check_with(double value)
{
    const struct {
        const char *text;
        bool truth;
    } cases[] = {
        BOTH(value > 1.0),
        BOTH(value + 1.0 * 3.0 > 6.5 - value),
        BOTH(1.0 - value - 2.0 < 0.0),
        BOTH(12.0 / value / 2.0 == 2.0),
        BOTH(12.0 / (value / 2.0) == 8.0),
        BOTH(-value + 3.0 >= 0.0),
        BOTH(-(value + 3.0) >= -6.0),
        BOTH(value > 1.0 || value > 2.0 && value < 1.0),
        BOTH((value > 1.0 || value > 2.0) && value < 1.0),
        BOTH(value < 1.0 && value < 0.0 || value == 3.0),
        BOTH(!(value > 2.0) || value == 3.0),
        BOTH(!(value > 2.0) && value == 3.0 || !(value != 0.5)),
        BOTH(!(value > 2.0 && value == 3.0)),
        BOTH(value - 1.0 * 2.0 / 4.0 + 1.0 <= 3.5),
        BOTH(2.0 - -value > 4.0),
        BOTH(1.0 < value && value < 10.0 || 1.0 > value && value > -10.0),
        BOTH(value * value - 2.0 * value * 3.0 + 9.0 == 0.0),
    };
    struct lang lang;
    lang_init(&lang);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(lang_compile(&lang, cases[i].text, NULL, NULL));
        if ((run(&lang.code.when[0], value) != 0) != cases[i].truth) {
            fail_msg("\"%s\" with %g is not %d", cases[i].text, value, cases[i].truth);
        }
    }
    lang_done(&lang);
}

static void test_precedence_is_that_of_c(void **state)
{
    (void)state;
    static const double values[] = {-11.5, -1.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 9.5, 100.0};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        check_with(values[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precedence_is_that_of_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
