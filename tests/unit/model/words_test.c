/* words_test: status, level, event and act words, both ways. */
#include "model/alarm.h"
#include "model/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void status_prints_in_bit_order(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        const char *text;
    } cases[] = {
        {0, "good"},
        {ST_COMM, "comm"},
        {ST_PAUSED | ST_COMM, "comm+paused"},
        {ST_STALE | ST_RANGE, "range+stale"},
        {(1 << ST_COUNT) - 1, "comm+sensor+range+calibrating+stale+late+skew+manual+merged+paused"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[STATUS_TEXT_MAX];
        assert_int_equal(status_format(cases[i].status, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

static void every_status_reads_back(void **state)
{
    (void)state;
    for (unsigned status = 0; status < 1u << ST_COUNT; status++) {
        char text[STATUS_TEXT_MAX];
        uint16_t back = 0xffff;
        size_t len = status_format((uint16_t)status, text);
        assert_true(len < sizeof text);
        assert_true(status_parse(text, len, &back));
        assert_int_equal(back, status);
    }
}

static void status_takes_any_order_and_refuses_the_rest(void **state)
{
    (void)state;
    uint16_t status = 7;
    assert_true(status_parse("", 0, &status));
    assert_int_equal(status, 0);
    assert_true(status_parse("stale+comm", 10, &status));
    assert_int_equal(status, ST_STALE | ST_COMM);
    assert_true(status_parse("late+late", 9, &status));
    assert_int_equal(status, ST_LATE);
    static const char *const wrong[] = {"Good", "comm+", "+comm", "comm++late", "good+comm", "com", "comm late", "+"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        status = 99;
        assert_false(status_parse(wrong[i], strlen(wrong[i]), &status));
        assert_int_equal(status, 99);
    }
}

static void a_sample_without_value_always_has_a_flag(void **state)
{
    (void)state;
    struct sample sample = {.value = INFINITY};
    sample_settle(&sample);
    assert_true(isnan(sample.value));
    assert_int_equal(sample.status, ST_SENSOR);
    sample = (struct sample){.value = NAN, .status = ST_COMM};
    sample_settle(&sample);
    assert_int_equal(sample.status, ST_COMM);
    sample = (struct sample){.value = -0.0};
    sample_settle(&sample);
    assert_int_equal(sample.status, 0);
    assert_true(sample.value == 0);
}

static void names_read_back(void **state)
{
    (void)state;
    for (int i = LEVEL_BLUE; i < LEVEL_COUNT; i++) {
        enum level level = LEVEL_NONE;
        const char *name = level_name((enum level)i);
        assert_true(level_parse(name, strlen(name), &level));
        assert_int_equal(level, i);
    }
    for (int i = 0; i < EV_COUNT; i++) {
        enum event_kind kind = EV_COUNT;
        const char *name = event_name((enum event_kind)i);
        assert_true(event_parse(name, strlen(name), &kind));
        assert_int_equal(kind, i);
    }
    for (int i = 0; i < ACT_COUNT; i++) {
        enum act_kind kind = ACT_COUNT;
        const char *name = act_name((enum act_kind)i);
        assert_true(act_parse(name, strlen(name), &kind));
        assert_int_equal(kind, i);
    }
}

static void odd_words_are_refused(void **state)
{
    (void)state;
    enum level level;
    enum act_kind act;
    enum event_kind event;
    assert_false(level_parse("none", 4, &level));
    assert_false(level_parse("re", 2, &level));
    assert_false(level_parse("", 0, &level));
    assert_false(event_parse("raise", 5, &event));
    assert_true(act_parse("out_of_service", 14, &act));
    assert_int_equal(act, ACT_OUT_OF_SERVICE);
    assert_false(act_parse("un-shelve", 9, &act));
    assert_false(act_parse("ACK", 3, &act));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_prints_in_bit_order),
        cmocka_unit_test(every_status_reads_back),
        cmocka_unit_test(status_takes_any_order_and_refuses_the_rest),
        cmocka_unit_test(a_sample_without_value_always_has_a_flag),
        cmocka_unit_test(names_read_back),
        cmocka_unit_test(odd_words_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
