/*
 * Decoding: every type in every order, bits, "no reading", and the floats of a
 * second implementation.
 */
#include "field.h"
#include "ingest/mbus_decode.h"
#include "model/real32.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTORS DAVY_SHARED "/data/modbus/vectors.json"

static const char *const orders4[] = {"ABCD", "CDAB", "BADC", "DCBA"};
static const char *const orders8[] = {"ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"};

static struct site_from from_of(enum mbus_type type, uint8_t registers, const char *order)
{
    struct site_from from = {.table = TABLE_HOLDING, .type = type, .registers = registers, .scale = 1};
    for (uint8_t i = 0; i < 2 * registers; i++) {
        from.order[i] = order != NULL ? (uint8_t)(order[i] - 'A') : i;
    }
    return from;
}

/* Puts the value's bytes (most significant first) on the wire in this order, behind `at` other registers. */
static void put_wire(uint8_t *wire, size_t at, const uint8_t *bytes, size_t size, const char *order)
{
    for (size_t i = 0; i < size; i++) {
        wire[2 * at + i] = bytes[order != NULL ? order[i] - 'A' : (int)i];
    }
}

struct numeric {
    enum mbus_type type;
    uint8_t registers;
    uint8_t bytes[8];
    double value;
};

static const struct numeric numerics[] = {
    {TYPE_U16, 1, {0x00, 0x00}, 0},
    {TYPE_U16, 1, {0xFF, 0xFF}, 65535},
    {TYPE_U16, 1, {0x12, 0x34}, 4660},
    {TYPE_I16, 1, {0x80, 0x00}, -32768},
    {TYPE_I16, 1, {0xFF, 0xFF}, -1},
    {TYPE_I16, 1, {0x7F, 0xFF}, 32767},
    {TYPE_U32, 2, {0x01, 0x02, 0x03, 0x04}, 16909060},
    {TYPE_U32, 2, {0xFF, 0xFF, 0xFF, 0xFF}, 4294967295},
    {TYPE_I32, 2, {0x80, 0x00, 0x00, 0x00}, -2147483648.0},
    {TYPE_I32, 2, {0xFF, 0xFF, 0xFF, 0xFE}, -2},
    {TYPE_U64, 4, {0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00}, 4294967296.0},
    {TYPE_U64, 4, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, 18446744073709551615.0},
    {TYPE_I64, 4, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFD}, -3},
    {TYPE_I64, 4, {0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}, -9223372036854775808.0},
    {TYPE_F32, 2, {0x42, 0x4A, 0x00, 0x00}, 50.5},
    {TYPE_F32, 2, {0x00, 0x00, 0x00, 0x01}, 1.401298464324817e-45},
    {TYPE_F32, 2, {0x7F, 0x7F, 0xFF, 0xFF}, 3.4028234663852886e38},
    {TYPE_F64, 4, {0x40, 0x09, 0x21, 0xFB, 0x54, 0x44, 0x2D, 0x18}, 3.141592653589793},
    {TYPE_F64, 4, {0xC0, 0x5E, 0xDC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCD}, -123.45},
    {TYPE_BCD16, 1, {0x12, 0x34}, 1234},
    {TYPE_BCD16, 1, {0x99, 0x99}, 9999},
    {TYPE_BCD16, 1, {0x00, 0x00}, 0},
    {TYPE_BCD32, 2, {0x12, 0x34, 0x56, 0x78}, 12345678},
    {TYPE_BCD32, 2, {0x00, 0x00, 0x00, 0x07}, 7},
    {TYPE_BOOL, 1, {0x00, 0x00}, 0},
    {TYPE_BOOL, 1, {0x01, 0x00}, 1},
};

static void every_type_in_every_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numerics / sizeof *numerics; i++) {
        const struct numeric *row = &numerics[i];
        for (size_t o = 0; o < 4; o++) {
            const char *order = row->registers == 4 ? orders8[o] : row->registers == 2 ? orders4[o] : NULL;
            uint8_t wire[32] = {0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE};
            put_wire(wire, 3, row->bytes, 2U * row->registers, order);
            const struct site_from from = from_of(row->type, row->registers, order);
            const struct reading reading = mbus_decode(&from, wire, 3);
            assert_int_equal(reading.status, 0);
            assert_true(reading.value == row->value);
        }
    }
}

static void not_a_number_and_infinity_are_no_reading(void **state)
{
    static const struct numeric rows[] = {
        {TYPE_F32, 2, {0x7F, 0xC0, 0x00, 0x00}, 0},
        {TYPE_F32, 2, {0x7F, 0x80, 0x00, 0x00}, 0},
        {TYPE_F32, 2, {0xFF, 0x80, 0x00, 0x00}, 0},
        {TYPE_F32, 2, {0x7F, 0x80, 0x00, 0x01}, 0},
        {TYPE_F64, 4, {0x7F, 0xF8}, 0},
        {TYPE_F64, 4, {0x7F, 0xF0}, 0},
        {TYPE_F64, 4, {0xFF, 0xF0}, 0},
        {TYPE_BCD16, 1, {0x12, 0x3A}, 0},
        {TYPE_BCD32, 2, {0xF0, 0x00, 0x00, 0x00}, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct site_from from = from_of(rows[i].type, rows[i].registers, NULL);
        const struct reading reading = mbus_decode(&from, rows[i].bytes, 0);
        assert_true(isnan(reading.value));
        assert_int_equal(reading.status, ST_SENSOR);
    }
}

static void bits_count_from_the_lowest_and_include_both_ends(void **state)
{
    static const struct {
        enum mbus_type type;
        uint8_t lo, hi;
        double value;
    } rows[] = {
        {TYPE_BIT, 0, 0, 1},   {TYPE_BIT, 1, 0, 0},     {TYPE_BIT, 15, 0, 1},       {TYPE_BITS, 0, 3, 5},
        {TYPE_BITS, 4, 7, 10}, {TYPE_BITS, 8, 15, 195}, {TYPE_BITS, 0, 15, 0xC3A5}, {TYPE_BITS, 15, 15, 1},
    };
    static const uint8_t wire[] = {0xC3, 0xA5};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct site_from from = from_of(rows[i].type, 1, NULL);
        from.bit_lo = rows[i].lo;
        from.bit_hi = rows[i].hi;
        assert_true(mbus_decode(&from, wire, 0).value == rows[i].value);
    }
}

static void coils_are_one_and_zero(void **state)
{
    static const uint8_t wire[] = {0x05, 0x80};
    (void)state;
    for (size_t at = 0; at < 16; at++) {
        const struct site_from from = {
            .table = at % 2 == 0 ? TABLE_COIL : TABLE_DISCRETE, .type = TYPE_BOOL, .scale = 1};
        const double want = at == 0 || at == 2 || at == 15 ? 1 : 0;
        assert_true(mbus_decode(&from, wire, at).value == want);
    }
}

static void raw_values_that_mean_no_reading(void **state)
{
    static const double invalid[] = {32768, -9999};
    static const struct {
        enum mbus_type type;
        uint8_t registers;
        uint8_t bytes[4];
        bool none;
    } rows[] = {
        {TYPE_U16, 1, {0x80, 0x00}, true},
        {TYPE_U16, 1, {0x80, 0x01}, false},
        {TYPE_I16, 1, {0xD8, 0xF1}, true}, /* -9999 */
        {TYPE_I16, 1, {0x80, 0x00}, true}, /* -32768, in manuals 32768 or 0x8000 */
        {TYPE_I16, 1, {0x7F, 0xFF}, false},
        {TYPE_I32, 2, {0x00, 0x00, 0x80, 0x00}, true},
        {TYPE_F32, 2, {0xC6, 0x1C, 0x3C, 0x00}, true}, /* -9999 */
        {TYPE_F32, 2, {0xC6, 0x1C, 0x38, 0x00}, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct site_from from = from_of(rows[i].type, rows[i].registers, NULL);
        from.invalid = invalid;
        from.invalid_count = 2;
        const struct reading reading = mbus_decode(&from, rows[i].bytes, 0);
        assert_int_equal(reading.status, rows[i].none ? ST_SENSOR : 0);
        assert_int_equal(isnan(reading.value), rows[i].none);
    }
}

static void a_decimal_that_a_float_only_comes_near_to_is_found(void **state)
{
    static const double invalid[] = {-99.9};
    static const uint8_t wire[] = {0xC2, 0xC7, 0xCC, 0xCD};
    (void)state;
    struct site_from from = from_of(TYPE_F32, 2, NULL);
    from.invalid = invalid;
    from.invalid_count = 1;
    assert_int_equal(mbus_decode(&from, wire, 0).status, ST_SENSOR);
}

static void engineering_value_is_raw_times_scale_plus_offset(void **state)
{
    static const uint8_t wire[] = {0x04, 0xB0}; /* 1200: 110 %LEL of a panel with 0.1 and -10 */
    (void)state;
    struct site_from from = from_of(TYPE_U16, 1, NULL);
    from.scale = 0.1;
    from.offset = -10;
    assert_true(mbus_decode(&from, wire, 0).value == 1200 * 0.1 + -10);
    from.scale = 1e308;
    assert_int_equal(mbus_decode(&from, wire, 0).status, ST_SENSOR); /* it would be infinite */
}

static size_t unhex(const char *hex, uint8_t *bytes)
{
    size_t n = 0;
    unsigned byte;
    while (sscanf(hex + 2 * n, "%2x", &byte) == 1) {
        bytes[n++] = (uint8_t)byte;
    }
    return n;
}

static void floats_of_the_vectors(void **state)
{
    (void)state;
    json_error_t error;
    json_t *root = json_load_file(VECTORS, 0, &error);
    if (root == NULL) {
        print_message("skipped: no " VECTORS "\n");
        skip();
    }
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(root, "float32_orders"), i, row)
    {
        const float sent = strtof(json_string_value(json_object_get(row, "value")), NULL);
        for (size_t o = 0; o < 4; o++) {
            uint8_t wire[4];
            assert_int_equal(unhex(json_string_value(json_object_get(row, orders4[o])), wire), 4);
            const struct site_from from = from_of(TYPE_F32, 2, orders4[o]);
            const struct reading reading = mbus_decode(&from, wire, 0);
            assert_true(isfinite(sent) ? reading.value == real32_value(sent) : reading.status == ST_SENSOR);
            assert_true(!isfinite(sent) || (float)reading.value == sent);
        }
    }
    assert_int_equal(i, 7);
    json_decref(root);
}

/* ---- companions ---- */

static struct reading decode_with(const struct site_from *from, const uint8_t *payload, const uint8_t *beside)
{
    uint64_t companions[COMPANIONS_MOST];
    for (size_t i = 0; i < from->extra->companion_count; i++) {
        companions[i] = mbus_take(&from->extra->companions[i].from, beside, i);
    }
    return mbus_decode_guided(from, mbus_take(from, payload, 0), companions);
}

static void a_value_is_what_its_companions_say(void **state)
{
    (void)state;
    const struct site_case states[] = {{.raw = 1}, {.raw = 8, .status = ST_CALIBRATING}};
    const struct site_case word_orders[] = {{.raw = 0, .order = {0, 1, 2, 3}}, {.raw = 1, .order = {2, 3, 0, 1}}};
    struct site_companion companions[] = {
        {.use = COMPANION_STATUS,
         .other = ST_SENSOR,
         .cases = states,
         .case_count = 2,
         .from = from_of(TYPE_BITS, 1, NULL)},
        {.use = COMPANION_ORDER, .cases = word_orders, .case_count = 2, .from = from_of(TYPE_U16, 1, NULL)},
        {.use = COMPANION_SCALE, .as = COMPANION_DECIMALS, .from = from_of(TYPE_U16, 1, "BA")},
    };
    companions[0].from.bit_lo = 4;
    companions[0].from.bit_hi = 7;
    const struct site_extra extra = {.companions = companions, .companion_count = 3};
    struct site_from from = from_of(TYPE_U32, 2, NULL);
    from.extra = &extra;
    scaling_prepare(&from);
    static const uint8_t plain[] = {0x00, 0x00, 0x01, 0x02};
    static const uint8_t swapped[] = {0x01, 0x02, 0x00, 0x00};
    static const uint8_t good[] = {0xFF, 0x1F, 0, 0, 1, 0};
    static const uint8_t calibrating[] = {0, 0x80, 0, 1, 2, 0};
    static const uint8_t strange_state[] = {0, 0x20, 0, 0, 1, 0};
    static const uint8_t strange_order[] = {0, 0x10, 0, 7, 1, 0};
    struct reading reading = decode_with(&from, plain, good);
    assert_true(reading.value == 25.8 && reading.status == 0);
    reading = decode_with(&from, swapped, calibrating);
    assert_true(reading.value == 2.58 && reading.status == ST_CALIBRATING);
    reading = decode_with(&from, plain, strange_state);
    assert_true(reading.value == 25.8 && reading.status == ST_SENSOR);
    reading = decode_with(&from, plain, strange_order);
    assert_true(isnan(reading.value) && reading.status == ST_SENSOR);
}

static void an_enumeration_gives_its_values_and_nothing_else(void **state)
{
    (void)state;
    const struct site_value values[] = {{0, 20.9}, {2, -1}};
    const struct site_extra extra = {.values = values, .value_count = 2};
    struct site_from from = from_of(TYPE_U16, 1, NULL);
    from.extra = &extra;
    static const uint8_t payload[] = {0, 2, 0, 1, 0, 0};
    assert_true(mbus_decode(&from, payload, 0).value == -1);
    assert_true(isnan(mbus_decode(&from, payload, 1).value));
    assert_int_equal(mbus_decode(&from, payload, 1).status, ST_SENSOR);
    assert_true(mbus_decode(&from, payload, 2).value == 20.9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_in_every_order),
        cmocka_unit_test(not_a_number_and_infinity_are_no_reading),
        cmocka_unit_test(bits_count_from_the_lowest_and_include_both_ends),
        cmocka_unit_test(coils_are_one_and_zero),
        cmocka_unit_test(raw_values_that_mean_no_reading),
        cmocka_unit_test(a_decimal_that_a_float_only_comes_near_to_is_found),
        cmocka_unit_test(engineering_value_is_raw_times_scale_plus_offset),
        cmocka_unit_test(floats_of_the_vectors),
        cmocka_unit_test(a_value_is_what_its_companions_say),
        cmocka_unit_test(an_enumeration_gives_its_values_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
