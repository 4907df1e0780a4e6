/* Values into registers and what comes back; the decoding here is written anew. */
#include "model/sample.h"
#include "simulators/encode.h"
#include <float.h>
#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct site_from make(enum mbus_type type, unsigned registers, const char *order)
{
    struct site_from from = {
        .table = TABLE_INPUT, .type = type, .registers = (uint8_t)registers, .scale = 1, .offset = 0};
    for (size_t i = 0; order[i] != '\0'; i++) {
        from.order[i] = (uint8_t)(order[i] - 'A');
    }
    return from;
}

/* Bytes as they travel, put in order A, B, C … */
static uint64_t collect(const uint16_t *registers, const char *order)
{
    uint64_t value = 0;
    const size_t bytes = strlen(order);
    for (char letter = 'A'; letter < 'A' + (char)bytes; letter++) {
        const size_t at = (size_t)(strchr(order, letter) - order);
        const unsigned byte = at % 2 == 0 ? registers[at / 2] >> 8 : registers[at / 2] & 0xffU;
        value = value << 8 | byte;
    }
    return value;
}

static uint64_t encoded(enum mbus_type type, unsigned registers, const char *order, double value)
{
    const struct site_from from = make(type, registers, order);
    uint16_t words[4] = {0};
    encode_put(&from, encode_value(&from, value), words);
    return collect(words, order);
}

static void known_bytes_of_a_float_in_four_orders(void **state)
{
    (void)state;
    static const struct {
        const char *order;
        uint16_t words[2];
    } rows[] = {
        {"ABCD", {0x3f82, 0x8f5c}}, {"CDAB", {0x8f5c, 0x3f82}}, {"BADC", {0x823f, 0x5c8f}}, {"DCBA", {0x5c8f, 0x823f}}};
    for (size_t i = 0; i < 4; i++) {
        const struct site_from from = make(TYPE_F32, 2, rows[i].order);
        uint16_t words[2] = {0};
        encode_put(&from, encode_value(&from, 1.02), words);
        assert_int_equal(words[0], rows[i].words[0]);
        assert_int_equal(words[1], rows[i].words[1]);
    }
}

static void numbers_come_back_from_every_type_and_order(void **state)
{
    (void)state;
    static const char *const orders[][4] = {
        {"AB", "BA"}, {"ABCD", "CDAB", "BADC", "DCBA"}, {"ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal((int16_t)encoded(TYPE_I16, 1, orders[0][i], -1234), -1234);
        assert_int_equal((uint16_t)encoded(TYPE_U16, 1, orders[0][i], 54321), 54321);
        assert_int_equal((uint16_t)encoded(TYPE_BCD16, 1, orders[0][i], 9071), 0x9071);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal((int32_t)encoded(TYPE_I32, 2, orders[1][i], -123456789), -123456789);
        assert_true((uint32_t)encoded(TYPE_U32, 2, orders[1][i], 4000000000.0) == 4000000000U);
        assert_true((uint32_t)encoded(TYPE_BCD32, 2, orders[1][i], 12345678) == 0x12345678U);
        assert_true((int64_t)encoded(TYPE_I64, 4, orders[2][i], -1e15) == -1000000000000000);
        assert_true(encoded(TYPE_U64, 4, orders[2][i], 0x1p63) == UINT64_C(1) << 63);
        double number;
        const uint64_t bits = encoded(TYPE_F64, 4, orders[2][i], 0.1);
        memcpy(&number, &bits, sizeof number);
        assert_true(number == 0.1);
    }
}

static void what_does_not_fit_saturates(void **state)
{
    (void)state;
    assert_int_equal(encoded(TYPE_U16, 1, "AB", -5), 0);
    assert_int_equal(encoded(TYPE_U16, 1, "AB", 1e9), 65535);
    assert_int_equal((int16_t)encoded(TYPE_I16, 1, "AB", 1e9), 32767);
    assert_int_equal((int16_t)encoded(TYPE_I16, 1, "AB", -1e9), -32768);
    assert_int_equal(encoded(TYPE_BCD16, 1, "AB", 12345), 0x9999);
    assert_int_equal(encoded(TYPE_BCD16, 1, "AB", -1), 0);
    assert_true((int64_t)encoded(TYPE_I64, 4, "ABCDEFGH", 1e30) == INT64_MAX);
    assert_true((int64_t)encoded(TYPE_I64, 4, "ABCDEFGH", -1e30) == INT64_MIN);
    assert_true(encoded(TYPE_U64, 4, "ABCDEFGH", 1e30) == UINT64_MAX);
    const uint32_t bits = (uint32_t)encoded(TYPE_F32, 2, "ABCD", 1e300);
    float number;
    memcpy(&number, &bits, sizeof number);
    assert_true(number == FLT_MAX);
}

static void the_reader_gets_the_value_rounded_by_the_register(void **state)
{
    (void)state;
    struct site_from from = make(TYPE_I16, 1, "AB");
    from.scale = 0.1;
    from.offset = -40;
    const struct sim_reading seen = encode_seen(&from, (struct sim_reading){.value = 22.26});
    assert_true(seen.value == 623 * 0.1 - 40 && seen.status == 0);
    const struct site_from packed = make(TYPE_BCD32, 2, "CDAB");
    assert_true(encode_seen(&packed, (struct sim_reading){.value = 40961.4}).value == 40961);
    assert_int_equal(encode_seen(&packed, (struct sim_reading){.value = NAN}).status, ST_SENSOR);
    const struct site_from single = make(TYPE_F32, 2, "ABCD");
    assert_true(encode_seen(&single, (struct sim_reading){.value = 0.3}).value ==
                0.3); /* as the decimal it stands for */
    assert_true(encode_seen(&single, (struct sim_reading){.value = 1.0 / 3.0}).value == 0.33333334);
}

static void bits_share_a_register(void **state)
{
    (void)state;
    struct site_from bit = make(TYPE_BIT, 1, "AB"), bits = make(TYPE_BITS, 1, "AB");
    bit.bit_lo = bit.bit_hi = 15;
    bits.bit_lo = 2;
    bits.bit_hi = 5;
    uint16_t word = 0x0f03;
    encode_put(&bit, encode_value(&bit, 1), &word);
    encode_put(&bits, encode_value(&bits, 9), &word);
    assert_int_equal(word, 0x8f27);
    encode_put(&bit, encode_value(&bit, 0), &word);
    encode_put(&bits, encode_value(&bits, 99), &word); /* 15 is the most */
    assert_int_equal(word, 0x0f3f);
    assert_true(encode_seen(&bits, (struct sim_reading){.value = 9}).value == 9);
}

static void coils_and_discretes_are_one_bit(void **state)
{
    (void)state;
    const struct site_from coil = {.table = TABLE_COIL, .type = TYPE_BOOL, .scale = 1};
    uint16_t word = 7;
    encode_put(&coil, encode_value(&coil, 1), &word);
    assert_int_equal(word, 1);
    encode_put(&coil, encode_value(&coil, 0.2), &word);
    assert_int_equal(word, 0);
    assert_int_equal(encode_width(&coil), 1);
}

static void a_lost_sensor_is_shown_by_an_invalid_value(void **state)
{
    (void)state;
    static const double first[] = {-9999}, pattern[] = {32768}, decimal[] = {-999.9};
    struct raw raw;
    struct site_from from = make(TYPE_I16, 1, "AB");
    assert_false(encode_invalid(&from, &raw));
    from.invalid = first;
    from.invalid_count = 1;
    assert_true(encode_invalid(&from, &raw));
    assert_int_equal((int16_t)raw.bits, -9999);
    from.invalid = pattern; /* written as the unsigned pattern of 0x8000 */
    assert_true(encode_invalid(&from, &raw));
    assert_int_equal(raw.bits, 0x8000);
    struct site_from single = make(TYPE_F32, 2, "ABCD");
    assert_true(encode_invalid(&single, &raw));
    assert_int_equal(raw.bits & 0x7f800000, 0x7f800000); /* a NaN */
    single.invalid = decimal;
    single.invalid_count = 1;
    assert_true(encode_invalid(&single, &raw));
    const struct sim_reading lost = {.value = NAN, .status = ST_SENSOR};
    const struct sim_reading seen = encode_seen(&single, lost);
    assert_true(isnan(seen.value) && seen.status == ST_SENSOR);
    const struct site_from coil = {.table = TABLE_COIL, .type = TYPE_BOOL, .scale = 1};
    assert_false(encode_invalid(&coil, &raw));
}

static void a_value_that_happens_to_be_invalid_is_no_reading(void **state)
{
    (void)state;
    static const double invalid[] = {65535};
    struct site_from from = make(TYPE_U16, 1, "AB");
    from.invalid = invalid;
    from.invalid_count = 1;
    assert_true(isnan(encode_seen(&from, (struct sim_reading){.value = 70000}).value));
}

static void a_gateway_sends_the_raw_number_as_text(void **state)
{
    (void)state;
    const struct site_from from = {.scale = 0.1, .offset = 5};
    assert_true(encode_number_told(&from, 9.2) == 42);
    assert_true(encode_told(&from, (struct sim_reading){.value = 9.2}).value == 42 * 0.1 + 5);
    const struct site_from plain = {.scale = 1, .offset = 0};
    assert_true(encode_number_told(&plain, 0.1 + 0.2) == 0.1 + 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_bytes_of_a_float_in_four_orders),
        cmocka_unit_test(numbers_come_back_from_every_type_and_order),
        cmocka_unit_test(what_does_not_fit_saturates),
        cmocka_unit_test(the_reader_gets_the_value_rounded_by_the_register),
        cmocka_unit_test(bits_share_a_register),
        cmocka_unit_test(coils_and_discretes_are_one_bit),
        cmocka_unit_test(a_lost_sensor_is_shown_by_an_invalid_value),
        cmocka_unit_test(a_value_that_happens_to_be_invalid_is_no_reading),
        cmocka_unit_test(a_gateway_sends_the_raw_number_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
