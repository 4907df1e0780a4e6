/* decimal: bit for bit what text_parse_number gives, or declined. */
#include "base/decimal.h"
#include "base/text.h"
#include "tests/unit/base/unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEHIND = DECIMAL_SIGHT };

/* Reads text with enough behind it, in memory of exactly that length; gives how many bytes were taken, 0: declined. */
static size_t read_with(const char *text, char behind, double *ret_value)
{
    const size_t len = strlen(text);
    char *copy = malloc(len + BEHIND);
    assert_non_null(copy);
    memcpy(copy, text, len);
    memset(copy + len, behind, BEHIND);
    const char *end = decimal_read(copy, copy + len + BEHIND, ret_value);
    const size_t taken = end != NULL ? (size_t)(end - copy) : 0;
    free(copy);
    return taken;
}

static void same_as_text_parse_number(const char *text)
{
    double quick = 0;
    double full = 0;
    const size_t taken = read_with(text, ',', &quick);
    if (taken == 0) {
        return;
    }
    assert_int_equal(taken, strlen(text));
    assert_true(text_parse_number(text, taken, &full));
    assert_memory_equal(&quick, &full, sizeof quick);
}

static void test_usual_numbers_are_read(void **state)
{
    static const char *const texts[] = {"0",
                                        "-0",
                                        "7",
                                        "1234567",
                                        "-1234567.5",
                                        "0.1",
                                        "-0.0",
                                        "3.20",
                                        "21.34",
                                        "1013.25",
                                        "0.00001",
                                        "1.1234567",
                                        "1.12345678",
                                        "37.12345678901234",
                                        "0.123456789012345"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double value;
        if (read_with(texts[i], ',', &value) != strlen(texts[i])) {
            fail_msg("%s is declined", texts[i]);
        }
        same_as_text_parse_number(texts[i]);
    }
}

static void test_other_forms_are_declined(void **state)
{
    static const char *const texts[] = {"",
                                        "-",
                                        "+1",
                                        ".5",
                                        "1.",
                                        "01",
                                        "-01.5",
                                        "00",
                                        "1e5",
                                        "1.5e3",
                                        "1E5",
                                        "1.2.3",
                                        "1-2",
                                        "--1",
                                        "12345678",
                                        "123456789.5",
                                        "true",
                                        "NaN",
                                        "1.1234567890123456",
                                        "9999999.9999999999",
                                        "\x80",
                                        "1\x80"
                                        "e"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double value;
        const size_t taken = read_with(texts[i], ',', &value);
        if (taken != 0 && texts[i][taken] != '\x80') { /* what stands behind is the caller's to judge */
            fail_msg("%s is taken", texts[i]);
        }
    }
}

static void test_the_end_of_the_text_is_left_alone(void **state)
{
    static const char text[] = "21.5,                     ";
    double value = 0;
    (void)state;
    assert_int_equal(sizeof text - 1, DECIMAL_SIGHT);
    for (size_t len = 0; len < DECIMAL_SIGHT; len++) {
        assert_null(decimal_read(text, text + len, &value));
    }
    assert_ptr_equal(decimal_read(text, text + DECIMAL_SIGHT, &value), text + 4);
    assert_true(value == 21.5);
}

static unsigned draw(void)
{
    return (unsigned)rand();
}

/* Digits, a point, signs and letters, mostly where they belong. */
static void write_random(char *text, size_t room)
{
    const unsigned whole = draw() % 9;
    const unsigned places = draw() % 18;
    size_t n = 0;
    if (draw() % 3 == 0) {
        text[n++] = '-';
    }
    for (unsigned i = 0; i < whole; i++) {
        text[n++] = (char)('0' + draw() % 10);
    }
    if (places > 0 && draw() % 8 != 0) {
        text[n++] = '.';
        for (unsigned i = 1; i < places; i++) {
            text[n++] = (char)('0' + draw() % 10);
        }
    }
    if (draw() % 16 == 0 && n > 0) {
        text[draw() % n] = "eE+-. x9"[draw() % 8];
    }
    assert_true(n < room);
    text[n] = '\0';
}

static void test_random_numbers_give_the_same_bits(void **state)
{
    char text[40];
    unsigned taken = 0;
    (void)state;
    srand(7);
    for (int round = 0; round < 300000; round++) {
        double quick = 0;
        double full = 0;
        write_random(text, sizeof text);
        const size_t len = read_with(text, ',', &quick);
        if (len == 0) {
            continue;
        }
        taken++;
        if (!text_parse_number(text, len, &full) || memcmp(&quick, &full, sizeof quick) != 0) {
            fail_msg("%s: %.17g and %.17g", text, quick, full);
        }
    }
    assert_true(taken > 150000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual_numbers_are_read),
        cmocka_unit_test(test_other_forms_are_declined),
        cmocka_unit_test(test_the_end_of_the_text_is_left_alone),
        cmocka_unit_test(test_random_numbers_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
