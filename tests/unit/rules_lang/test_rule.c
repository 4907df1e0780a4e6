/* A whole rule: what its expressions share, what is noted about each, and that one run tells all mistakes. */
#include "tests/unit/rules_lang/lang_site.h"
#include "tests/unit/rules_lang/unit.h"

static void compile(struct lang *lang, const char *when, const char *clear, const char *unless)
{
    lang_init(lang);
    if (!lang_compile(lang, when, clear, unless)) {
        fail_msg("refused: %s", lang->mistakes.lines[0]);
    }
}

static void test_an_absent_expression_has_no_code(void **state)
{
    (void)state;
    struct lang lang;
    compile(&lang, "value > 1", NULL, NULL);
    assert_non_null(lang.code.when[0].code);
    assert_null(lang.code.clear[0].code);
    assert_null(lang.code.unless.code);
    assert_null(lang.code.when[1].code);
    lang_done(&lang);
}

static void test_equal_reads_share_a_slot(void **state)
{
    (void)state;
    struct lang lang;
    compile(&lang, "mean(5m) > 1 && max(300) < 2 && stddev(5 * 1m) > slope(5m)", "changes(5m) == 0 && ewma(5m) > 0",
            "min(5m) < 0 || mean(10m) > 0 || mean('tank-7/level', 5m) > 0");
    const struct rule_reads *const reads = &lang.code.reads;
    assert_int_equal(reads->window_count, 4);
    assert_int_equal(reads->windows[0].point, SITE_NONE);
    assert_int_equal(reads->windows[0].width_ns, INT64_C(300000000000));
    assert_int_equal(reads->windows[0].kind, WINDOW_PLAIN);
    assert_int_equal(reads->windows[0].needs, NEED_SUM | NEED_SQUARES | NEED_EXTREMES | NEED_CHANGES | NEED_LINE);
    assert_int_equal(reads->windows[1].kind, WINDOW_EWMA);
    assert_int_equal(reads->windows[2].width_ns, INT64_C(600000000000));
    assert_int_equal(reads->windows[3].point, POINT_LEVEL);
    lang_done(&lang);
}

static void test_equal_points_share_a_slot(void **state)
{
    (void)state;
    struct lang lang;
    compile(&lang, "point('tank-7/temp') > point('501工作面/甲烷') && !pstatus('tank-7/temp', 'comm')",
            "point('tank-7/temp') < 1 && point() < 1 && status('good')", "pstatus('501工作面/甲烷', 'good')");
    assert_int_equal(lang.code.reads.point_count, 2);
    assert_int_equal(lang.code.reads.points[0], POINT_TEMP);
    assert_int_equal(lang.code.reads.points[1], POINT_GAS);
    assert_int_equal(lang.code.reads.window_count, 0);
    assert_int_equal(lang.code.unless.code[0].slot, 1);
    assert_int_equal(lang.code.unless.code[0].mask, 0);
    lang_done(&lang);
}

static void test_a_window_knows_whether_a_condition_reads_it(void **state)
{
    (void)state;
    struct lang lang;
    compile(&lang, "value > 1", "mean(1m) < 1", "mean(2m) > 1 || mean(1m) > 2");
    assert_int_equal(lang.code.reads.window_count, 2);
    assert_true(lang.code.reads.windows[0].in_condition);
    assert_false(lang.code.reads.windows[1].in_condition);
    lang_done(&lang);
}

static void test_what_each_function_needs(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t kind, needs;
    } cases[] = {
        {"mean(5m) > 1", WINDOW_PLAIN, NEED_SUM},
        {"min(5m) > 1", WINDOW_PLAIN, NEED_EXTREMES},
        {"max(5m) > 1", WINDOW_PLAIN, NEED_EXTREMES},
        {"range(5m) > 1", WINDOW_PLAIN, NEED_EXTREMES},
        {"stddev(5m) > 1", WINDOW_PLAIN, NEED_SUM | NEED_SQUARES},
        {"count(5m) > 1", WINDOW_PLAIN, 0},
        {"first(5m) > 1", WINDOW_PLAIN, 0},
        {"last(5m) > 1", WINDOW_PLAIN, 0},
        {"delta(5m) > 1", WINDOW_PLAIN, 0},
        {"slope(5m) > 1", WINDOW_PLAIN, NEED_LINE},
        {"changes(5m) > 1", WINDOW_PLAIN, NEED_CHANGES},
        {"eta_up(1, 5m) < 1", WINDOW_PLAIN, NEED_LINE},
        {"eta_down(1, 5m) < 1", WINDOW_PLAIN, NEED_LINE},
        {"ewma(5m) > 1", WINDOW_EWMA, 0},
        {"zscore(5m) > 1", WINDOW_ZSCORE, NEED_SUM | NEED_SQUARES},
        {"anomaly(1d) > 2", WINDOW_ANOMALY, 0},
        {"repeats(1d) > 2", WINDOW_REPEATS, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lang lang;
        compile(&lang, cases[i].text, NULL, NULL);
        assert_int_equal(lang.code.reads.windows[0].kind, cases[i].kind);
        assert_int_equal(lang.code.reads.windows[0].needs, cases[i].needs);
        lang_done(&lang);
    }
}

static void test_what_is_noted_about_a_program(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool own, time, eta;
        uint16_t stack;
    } cases[] = {
        {"value > 1", true, false, false, 2},
        {"true", false, false, false, 1},
        {"age > 5", false, true, false, 2},
        {"unchanged() > 5", true, true, false, 2},
        {"status('comm')", false, false, false, 1},
        {"point() > 1", false, false, false, 2},
        {"point('tank-7/temp') > 1", false, false, false, 2},
        {"pstatus('tank-7/temp', 'comm')", false, false, false, 1},
        {"mean(5m) > 1", true, false, false, 2},
        {"ewma(5m) > 1", true, false, false, 2},
        {"zscore(5m) > 1", true, false, false, 2},
        {"anomaly(1d) > 2", true, false, false, 2},
        {"repeats(1d) > 2", true, false, false, 2},
        {"mean('tank-7/temp', 5m) > 1", false, false, false, 2},
        {"eta_up(1, 5m) < 5m", true, false, true, 2},
        {"eta_down('tank-7/temp', value, 5m) < 5m", true, false, true, 2},
        {"eta_down('tank-7/temp', 1, 5m) < 5m", false, false, true, 2},
        {"1 + (2 + (3 + value)) > 0", true, false, false, 4},
        {"value > 1 && value > 2 && value > 3", true, false, false, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lang lang;
        compile(&lang, cases[i].text, NULL, NULL);
        const struct program *const program = &lang.code.when[0];
        if (program->reads_own != cases[i].own || program->reads_time != cases[i].time ||
            program->uses_eta != cases[i].eta || program->stack != cases[i].stack) {
            fail_msg("\"%s\": own %d, time %d, eta %d, stack %d", cases[i].text, program->reads_own,
                     program->reads_time, program->uses_eta, program->stack);
        }
        lang_done(&lang);
    }
}

static void test_a_rule_reads_time_when_any_expression_does(void **state)
{
    (void)state;
    struct lang lang;
    compile(&lang, "value > 1", "value < 1", "true");
    assert_false(lang.code.reads_time);
    lang_done(&lang);
    compile(&lang, "age > 1", NULL, NULL);
    assert_true(lang.code.reads_time);
    lang_done(&lang);
    compile(&lang, "value > 1", "unchanged() > 1", NULL);
    assert_true(lang.code.reads_time);
    lang_done(&lang);
    compile(&lang, "value > 1", NULL, "age > 1");
    assert_true(lang.code.reads_time);
    lang_done(&lang);
}

static void test_plain_limits_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum plain plain;
        double limit;
    } cases[] = {
        {"value < 1.5", PLAIN_LESS, 1.5},
        {"value <= 1.5", PLAIN_LESS_EQUAL, 1.5},
        {"value > 1.5", PLAIN_GREATER, 1.5},
        {"value >= 1.5", PLAIN_GREATER_EQUAL, 1.5},
        {"1.5 < value", PLAIN_GREATER, 1.5},
        {"1.5 <= value", PLAIN_GREATER_EQUAL, 1.5},
        {"1.5 > value", PLAIN_LESS, 1.5},
        {"1.5 >= value", PLAIN_LESS_EQUAL, 1.5},
        {"value > -1", PLAIN_GREATER, -1},
        {"value > 2 * 3 - 1", PLAIN_GREATER, 5},
        {"(value) > (2)", PLAIN_GREATER, 2},
        {"value == 1", PLAIN_NO, 0},
        {"value != 1", PLAIN_NO, 0},
        {"value > 1 / 0", PLAIN_NO, 0}, /* never known: not for a bare comparison */
        {"value > value", PLAIN_NO, 0},
        {"1 > 2", PLAIN_NO, 0},
        {"-value > 1", PLAIN_NO, 0},
        {"value + 0 > 1", PLAIN_NO, 0},
        {"!(value > 1)", PLAIN_NO, 0},
        {"value > 1 && true", PLAIN_NO, 0},
        {"age > 1", PLAIN_NO, 0},
        {"point() > 1", PLAIN_NO, 0},
        {"true", PLAIN_NO, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lang lang;
        compile(&lang, cases[i].text, NULL, NULL);
        const struct program *const program = &lang.code.when[0];
        if (program->plain != cases[i].plain || program->limit != cases[i].limit) {
            fail_msg("\"%s\": plain %d, limit %g", cases[i].text, program->plain, program->limit);
        }
        lang_done(&lang);
    }
}

static void test_levels_are_compiled_in_their_order(void **state)
{
    (void)state;
    struct lang lang;
    lang_init(&lang);
    lang.rule.level_count = 3;
    lang.rule.levels[1] = (struct site_level){.level = LEVEL_ORANGE, .when = "value > 2", .clear = "value < 1"};
    lang.rule.levels[2] = (struct site_level){.level = LEVEL_RED, .when = "value > 3"};
    assert_true(lang_compile(&lang, "value > 1", NULL, NULL));
    assert_true(lang.code.when[0].limit == 1);
    assert_true(lang.code.when[1].limit == 2);
    assert_true(lang.code.clear[1].limit == 1);
    assert_true(lang.code.when[2].limit == 3);
    assert_null(lang.code.clear[2].code);
    assert_null(lang.code.when[3].code);
    lang_done(&lang);
}

static void test_one_run_tells_the_mistakes_of_all_expressions(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "site.json: rules[0].levels[0].when: at character 1: \"valeu\" is not known; did you mean \"value\"?",
        "site.json: rules[0].levels[0].clear: at character 8: expected a number, found the end; a condition is like "
        "value >= 1.5 && age < 30s",
        "site.json: rules[0].levels[1].when: at character 1: expected a condition, found a number; compare it with "
        "something, such as value > 1",
        "site.json: rules[0].unless: at character 8: \"com\" is not a status word; did you mean \"comm\"?",
    };
    struct lang lang;
    lang_init(&lang);
    lang.code.reads_time = true;
    lang.rule.level_count = 2;
    lang.rule.levels[1] = (struct site_level){.level = LEVEL_RED, .when = "value", .clear = "value < 1"};
    assert_false(lang_compile(&lang, "valeu > 1", "value <", "status('com')"));
    assert_true(lang.code.reads_time); /* what it had to give is untouched */
    assert_int_equal(lang.mistakes.total, sizeof lines / sizeof lines[0]);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_string_equal(lang.mistakes.lines[i], lines[i]);
    }
    lang_done(&lang);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_absent_expression_has_no_code),
        cmocka_unit_test(test_equal_reads_share_a_slot),
        cmocka_unit_test(test_equal_points_share_a_slot),
        cmocka_unit_test(test_a_window_knows_whether_a_condition_reads_it),
        cmocka_unit_test(test_what_each_function_needs),
        cmocka_unit_test(test_what_is_noted_about_a_program),
        cmocka_unit_test(test_a_rule_reads_time_when_any_expression_does),
        cmocka_unit_test(test_plain_limits_are_found),
        cmocka_unit_test(test_levels_are_compiled_in_their_order),
        cmocka_unit_test(test_one_run_tells_the_mistakes_of_all_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
