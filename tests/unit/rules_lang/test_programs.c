/* What good expressions compile to, as postfix text with the slots resolved. */
#include "tests/unit/rules_lang/lang_print.h"
#include "tests/unit/rules_lang/lang_site.h"
#include "tests/unit/rules_lang/unit.h"
#include <string.h>

struct good {
    const char *text, *program;
};

static void check_all(const struct good *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct lang lang;
        lang_init(&lang);
        if (!lang_compile(&lang, cases[i].text, NULL, NULL)) {
            fail_msg("\"%s\" is refused: %s", cases[i].text, lang.mistakes.lines[0]);
        }
        struct buf got = {0};
        lang_print(&lang.site, &lang.code.when[0], &lang.code.reads, &got);
        if (strcmp(got.data, cases[i].program) != 0) {
            fail_msg("\"%s\" is \"%s\", not \"%s\"", cases[i].text, got.data, cases[i].program);
        }
        assert_int_equal(lang.mistakes.total, 0);
        buf_done(&got);
        lang_done(&lang);
    }
}

static void test_words_and_functions(void **state)
{
    (void)state;
    static const struct good cases[] = {
        {"value >= 1.0", "value 1 >="},
        {"true", "1"},
        {"false || true", "0 1 ||"},
        {"!false", "0 !"},
        {"age > 30s", "age 30 >"},
        {"age() > 30", "age 30 >"},
        {"unchanged() >= 4h", "unchanged 14400 >="},
        {"status('calibrating')", "status(own,calibrating)"},
        {"status('good') && !status('comm')", "status(own,good) status(own,comm) ! &&"},
        {"point() > 1", "point(own) 1 >"},
        {"point('tank-7/temp') > value", "point(tank-7/temp) value >"},
        {"pstatus('tank-7/level','stale')", "status(tank-7/level,stale)"},
        {"pstatus('tank-7/level', 'good')", "status(tank-7/level,good)"},
        {"mean(5m) > 1", "mean(own,300) 1 >"},
        {"min(5m) > max(10m)", "min(own,300) max(own,600) >"},
        {"range(1h) < stddev(1h)", "range(own,3600) stddev(own,3600) <"},
        {"count(1m) == 0", "count(own,60) 0 =="},
        {"first(1m) != last(1m)", "first(own,60) last(own,60) !="},
        {"delta(500ms) > slope(90)", "delta(own,0.5) slope(own,90) >"},
        {"changes(1d) <= 3", "changes(own,86400) 3 <="},
        {"ewma(10s) > zscore(1y)", "ewma(own,10) zscore(own,31536000) >"},
        {"anomaly(1d) > 2", "anomaly(own,86400) 2 >"},
        {"repeats('tank-7/temp', 1d) >= 60", "repeats(tank-7/temp,86400) 60 >="},
        {"anomaly('tank-7/temp', 1d) > 2", "anomaly(tank-7/temp,86400) 2 >"},
        {"mean('tank-7/temp', 5m) > 60", "mean(tank-7/temp,300) 60 >"},
        {"ewma('tank-7/temp',10s) > 60", "ewma(tank-7/temp,10) 60 >"},
        {"zscore('501工作面/甲烷', 1h) > 3", "zscore(501工作面/甲烷,3600) 3 >"},
        {"eta_up(1.5, 10m) < 30m", "1.5 eta_up(own,600) 1800 <"},
        {"eta_down('tank-7/level', 2, 1h) < 600", "2 eta_down(tank-7/level,3600) 600 <"},
        {"eta_up(mean(1h) + 1, 10m) < 30m", "mean(own,3600) 1 + eta_up(own,600) 1800 <"},
        {"eta_up(point('tank-7/temp'), 10m) < eta_down(-value, 10m)",
         "point(tank-7/temp) eta_up(own,600) value negate eta_down(own,600) <"},
        {" value\t>\n1 ", "value 1 >"},
        {"((value)) > (1)", "value 1 >"},
    };
    check_all(cases, sizeof cases / sizeof cases[0]);
}

static void test_every_status_word(void **state)
{
    (void)state;
    static const struct good cases[] = {
        {"status('comm')", "status(own,comm)"},     {"status('sensor')", "status(own,sensor)"},
        {"status('range')", "status(own,range)"},   {"status('calibrating')", "status(own,calibrating)"},
        {"status('stale')", "status(own,stale)"},   {"status('late')", "status(own,late)"},
        {"status('skew')", "status(own,skew)"},     {"status('manual')", "status(own,manual)"},
        {"status('merged')", "status(own,merged)"}, {"status('paused')", "status(own,paused)"},
    };
    check_all(cases, sizeof cases / sizeof cases[0]);
}

static void test_precedence_and_grouping(void **state)
{
    (void)state;
    static const struct good cases[] = {
        {"value + 2 * 3 > 4", "value 6 + 4 >"},
        {"value * 2 + value > 4", "value 2 * value + 4 >"},
        {"(value + 2) * value > 4", "value 2 + value * 4 >"},
        {"value - 1 - value > 0", "value 1 - value - 0 >"},
        {"value / 2 / value * 3 > 0", "value 2 / value / 3 * 0 >"},
        {"-value * 2 > 0", "value negate 2 * 0 >"},
        {"- -value > 0", "value negate negate 0 >"},
        {"2 - -value > 0", "2 value negate - 0 >"},
        {"value > 1 && value < 2 || value == 3", "value 1 > value 2 < && value 3 == ||"},
        {"value > 1 || value < 2 && value == 3", "value 1 > value 2 < value 3 == && ||"},
        {"(value > 1 || value < 2) && value == 3", "value 1 > value 2 < || value 3 == &&"},
        {"!(value > 1) && !!status('comm')", "value 1 > ! status(own,comm) ! ! &&"},
        {"value + 1 < value - 1", "value 1 + value 1 - <"},
    };
    check_all(cases, sizeof cases / sizeof cases[0]);
}

static void test_constants_are_folded(void **state)
{
    (void)state;
    static const struct good cases[] = {
        {"value > -1", "value -1 >"},
        {"value > - - 1", "value 1 >"},
        {"value > 1 + 2 * 3 - 4 / 8", "value 6.5 >"},
        {"value > (1 + 2) * 3", "value 9 >"},
        {"mean(2 * 5m) > 1", "mean(own,600) 1 >"},
        {"mean(5m + 30) > 1", "mean(own,330) 1 >"},
        {"mean(1h / 4) > 1", "mean(own,900) 1 >"},
        {"mean(0.1 + 0.2) > 1", "mean(own,0.3) 1 >"},
        {"age > 2 * 5m", "age 600 >"},
        {"value > 0.1 + 0.2", "value 0.30000000000000004 >"},
        {"1 + 1 == 2", "2 2 =="},
        {"value > 1 / 0", "value unknown >"},
        {"value > -1 / 0", "value unknown >"},
        {"value > 0 / 0 + 1", "value unknown >"},
        {"value / 0 > 1", "value 0 / 1 >"},
        {"value * (1 + 1) > 1", "value 2 * 1 >"},
        {"value + 1 + 1 > 1", "value 1 + 1 + 1 >"},
        {"eta_up(3 / 2, 10m) < 2 * 5m", "1.5 eta_up(own,600) 600 <"},
    };
    check_all(cases, sizeof cases / sizeof cases[0]);
}

static void test_durations_go_with_times_and_arithmetic(void **state)
{
    (void)state;
    static const struct good cases[] = {
        {"age > 5m", "age 300 >"},
        {"5m < age", "300 age <"},
        {"unchanged() > 5m", "unchanged 300 >"},
        {"eta_up(1, 5m) < 5m", "1 eta_up(own,300) 300 <"},
        {"age > 300 && unchanged() < 20", "age 300 > unchanged 20 < &&"},
        {"delta(1h) / 1h > 1", "delta(own,3600) 3600 / 1 >"},
        {"value * 1h > 1h", "value 3600 * 3600 >"},
        {"value > 1h / 1m", "value 60 >"},
        {"5m < 300", "300 300 <"},
    };
    check_all(cases, sizeof cases / sizeof cases[0]);
}

static void test_windows_of_any_size(void **state)
{
    (void)state;
    static const struct good cases[] = {
        {"mean(1ms) > 1", "mean(own,0.001) 1 >"},
        {"mean(0.000000001) > 1", "mean(own,1e-9) 1 >"},
        {"mean(285y) > 1", "mean(own,8987760000) 1 >"},
    };
    check_all(cases, sizeof cases / sizeof cases[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_and_functions),
        cmocka_unit_test(test_every_status_word),
        cmocka_unit_test(test_precedence_and_grouping),
        cmocka_unit_test(test_constants_are_folded),
        cmocka_unit_test(test_durations_go_with_times_and_arithmetic),
        cmocka_unit_test(test_windows_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
