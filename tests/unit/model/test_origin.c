/* Where a point comes from, as a text; and from a value back to what the device sent. */
#include "model/origin.h"
#include "model/real32.h"
#include "model/sample.h"
#include "model/scaling.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct site_from make(enum mbus_type type, double scale, double offset)
{
    struct site_from from = {.type = type, .scale = scale, .offset = offset};
    scaling_prepare(&from);
    return from;
}

static void every_register_is_found_again(void **state)
{
    static const double scales[] = {1, 0.1, 0.01, 0.25, 10, -0.5, 0.001, 1.0 / 3};
    static const double offsets[] = {0, -40, 2.5, 0.005};
    (void)state;
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        for (size_t o = 0; o < sizeof offsets / sizeof *offsets; o++) {
            const struct site_from from = make(TYPE_I16, scales[s], offsets[o]);
            for (int sent = -32768; sent <= 32767; sent += 7) {
                double raw = NAN;
                assert_true(origin_raw(&from, scaling_value(&from, sent), &raw));
                assert_true(raw == sent);
            }
        }
    }
}

static void floats_are_found_again(void **state)
{
    const struct site_from plain = make(TYPE_F32, 1, 0);
    const struct site_from scaled = make(TYPE_F32, 0.1, -4);
    uint32_t dice = 1;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        dice = dice * 1664525 + 1013904223;
        uint32_t bits = dice;
        float sent = 0;
        memcpy(&sent, &bits, sizeof sent);
        if (!isfinite(sent) || fabsf(sent) < 1e-30F || fabsf(sent) > 1e30F) {
            continue;
        }
        double raw = NAN;
        assert_true(origin_raw(&plain, real32_value(sent), &raw));
        assert_true((float)raw == sent);
        if (origin_raw(&scaled, scaling_value(&scaled, real32_value(sent)), &raw)) { /* it may be lost in the offset */
            assert_true((float)raw == sent);
        }
    }
}

static void what_was_not_sent_so_has_no_raw_value(void **state)
{
    double raw = 7;
    const struct site_from tenths = make(TYPE_U16, 0.1, 0);
    const struct site_from bit = make(TYPE_BIT, 1, 0);
    const struct site_from wide = make(TYPE_U64, 1, 0);
    const struct site_from none = make(TYPE_U16, 0, 3);
    (void)state;
    assert_false(origin_raw(&tenths, 0.25, &raw));   /* between two registers */
    assert_false(origin_raw(&tenths, -0.1, &raw));   /* below all */
    assert_false(origin_raw(&tenths, 6553.6, &raw)); /* above all */
    assert_false(origin_raw(&bit, 2, &raw));
    assert_false(origin_raw(&wide, 0x1p60, &raw)); /* many whole numbers are this double */
    assert_false(origin_raw(&none, 3, &raw));      /* every one gives 3 */
    assert_false(origin_raw(&tenths, NAN, &raw));
    assert_true(raw == 7);
}

static void json_numbers_are_found_again(void **state)
{
    struct site_from from = make(TYPE_U16, 1, 0);
    double raw = NAN;
    (void)state;
    from.key = "T7.LVL";
    assert_true(origin_raw(&from, 3.2, &raw));
    assert_true(raw == 3.2);
}

static void a_point_is_told_as_it_is(void **state)
{
    struct site_source sources[] = {{.id = "plc-1", .type = SOURCE_MODBUS_TCP, .host = "10.0.0.7", .port = 502},
                                    {.id = "gw", .type = SOURCE_MQTT, .url = "mqtt://b:1883"}};
    const struct site site = {.sources = sources, .source_count = 2};
    struct site_point ch4 = {.id = "t1",
                             .name = "501面\"T1\"",
                             .unit = "%CH4",
                             .has_range = true,
                             .range_hi = 10,
                             .from = {.source = 0, .unit = 1, .table = TABLE_INPUT, .address = 4, .scale = 0.01}};
    const struct site_point level = {.id = "l", .from = {.source = 1, .key = "T7.LVL", .scale = 1}};
    const struct site_point manual = {.id = "m", .from = {.source = SITE_NONE}};
    struct buf out = {0};
    (void)state;
    assert_true(site_from_shape(&ch4.from, TYPE_F32, "CDAB"));
    origin_format(&out, &site, &ch4);
    assert_string_equal(out.data,
                        "{\"name\":\"501面\\\"T1\\\"\",\"unit\":\"%CH4\",\"range\":[0,10],\"source\":\"plc-1\","
                        "\"over\":\"modbus-tcp\",\"at\":\"10.0.0.7:502\",\"unit_id\":1,\"table\":\"input\","
                        "\"address\":4,\"type\":\"f32\",\"order\":\"CDAB\",\"scale\":0.01,\"offset\":0}");
    buf_clear(&out);
    origin_format(&out, &site, &level);
    assert_string_equal(out.data, "{\"source\":\"gw\",\"over\":\"mqtt\",\"at\":\"mqtt://b:1883\",\"key\":\"T7.LVL\","
                                  "\"scale\":1,\"offset\":0}");
    buf_clear(&out);
    origin_format(&out, &site, &manual);
    assert_string_equal(out.data, "{}");
    buf_done(&out);
}

/* What another register says of the value is part of where it comes from: a changed meaning is a change. */
static void companions_and_values_are_told(void **state)
{
    static const struct site_case codes[] = {{.raw = 0}, {.raw = 3, .status = ST_SENSOR}};
    static const struct site_case scales[] = {{.raw = 1, .factor = 0.5, .add = -2}};
    static const struct site_value values[] = {{.raw = 7, .value = 2}};
    struct site_companion companions[] = {
        {.use = COMPANION_STATUS, .other = ST_SENSOR, .from = {.address = 9}, .cases = codes, .case_count = 2},
        {.use = COMPANION_SCALE, .from = {.address = 10}, .cases = scales, .case_count = 1},
        {.use = COMPANION_SCALE, .as = COMPANION_DECIMALS, .from = {.address = 11}}};
    const struct site_extra extra = {
        .companions = companions, .companion_count = 3, .values = values, .value_count = 1};
    struct site_source sources[] = {{.id = "p", .type = SOURCE_MODBUS_TCP, .host = "h", .port = 1}};
    const struct site site = {.sources = sources, .source_count = 1};
    struct site_point point = {.id = "t", .from = {.unit = 1, .table = TABLE_INPUT, .scale = 1, .extra = &extra}};
    struct buf out = {0};
    (void)state;
    assert_true(site_from_shape(&point.from, TYPE_U16, "AB"));
    for (size_t i = 0; i < 3; i++) {
        companions[i].from.table = TABLE_HOLDING;
        assert_true(site_from_shape(&companions[i].from, TYPE_U16, "AB"));
    }
    origin_format(&out, &site, &point);
    assert_string_equal(
        out.data,
        "{\"source\":\"p\",\"over\":\"modbus-tcp\",\"at\":\"h:1\",\"unit_id\":1,\"table\":\"input\",\"address\":0,"
        "\"type\":\"u16\",\"order\":\"AB\",\"scale\":1,\"offset\":0,\"beside\":["
        "{\"use\":\"status\",\"table\":\"holding\",\"address\":9,\"type\":\"u16\",\"order\":\"AB\",\"as\":\"map\","
        "\"map\":{\"0\":\"good\",\"3\":\"sensor\"},\"else\":\"sensor\"},"
        "{\"use\":\"scale_from\",\"table\":\"holding\",\"address\":10,\"type\":\"u16\",\"order\":\"AB\",\"as\":\"map\","
        "\"map\":{\"1\":[0.5,-2]}},"
        "{\"use\":\"scale_from\",\"table\":\"holding\",\"address\":11,\"type\":\"u16\",\"order\":\"AB\","
        "\"as\":\"decimals\"}],\"values\":{\"7\":2}}");
    buf_done(&out);
}

static void a_rule_is_told_as_it_is(void **state)
{
    const struct site_rule rule = {
        .id = "high",
        .levels = {{.level = LEVEL_YELLOW, .when = "value >= 1.0", .clear = "value < 1.0", .on_delay_ns = 500000000},
                   {.level = LEVEL_RED, .when = "value >= 3"}},
        .level_count = 2,
        .latch = true,
        .point_count = 3,
        .digest = 0xabc,
    };
    struct buf out = {0};
    (void)state;
    origin_format_rule(&out, &rule);
    assert_string_equal(out.data,
                        "{\"levels\":[{\"level\":\"yellow\",\"when\":\"value >= 1.0\",\"clear\":\"value < 1.0\","
                        "\"on_delay_s\":0.5},{\"level\":\"red\",\"when\":\"value >= 3\"}],\"latch\":true,"
                        "\"points\":3,\"digest\":\"0000000000000abc\"}");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_register_is_found_again),
        cmocka_unit_test(floats_are_found_again),
        cmocka_unit_test(what_was_not_sent_so_has_no_raw_value),
        cmocka_unit_test(json_numbers_are_found_again),
        cmocka_unit_test(a_point_is_told_as_it_is),
        cmocka_unit_test(companions_and_values_are_told),
        cmocka_unit_test(a_rule_is_told_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
