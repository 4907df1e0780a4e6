/* A message in each format; the shapes are those of the formats' own documents. */
#include "model/sample.h"
#include "simulators/payload.h"
#include <jansson.h>
#include <math.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct payload_item items[] = {
    {"T7.LVL", 3.25, 0}, {"T7.TMP", 41.5, ST_CALIBRATING}, {"T7.PRS", NAN, ST_SENSOR}, {"T7.H2S", NAN, ST_COMM}};

static void check(const struct site_source *source, size_t count, const char *want)
{
    const struct payload payload = {.time_ms = 1767571230000, .seq = 17, .items = items, .count = count};
    struct buf buf = {0};
    payload_write(source, &payload, &buf);
    assert_string_equal(buf.data, want);
    buf_done(&buf);
}

static void davy_tells_every_status(void **state)
{
    (void)state;
    const struct site_source source = {.id = "gw", .format = FORMAT_DAVY};
    check(&source, 4,
          "{\"time\":1767571230000,\"seq\":17,\"values\":{\"T7.LVL\":3.25,"
          "\"T7.TMP\":{\"value\":41.5,\"status\":\"calibrating\"},\"T7.PRS\":{\"status\":\"sensor\"},"
          "\"T7.H2S\":{\"status\":\"comm\"}}}");
    check(&source, 0, "{\"time\":1767571230000,\"seq\":17,\"values\":{}}");
}

static void neuron_has_errors_beside_its_values(void **state)
{
    (void)state;
    const struct site_source source = {.id = "gw", .format = FORMAT_NEURON};
    check(&source, 4,
          "{\"node\":\"gw\",\"group\":\"sim\",\"timestamp\":1767571230000,"
          "\"values\":{\"T7.LVL\":3.25,\"T7.TMP\":41.5,\"T7.PRS\":null},\"errors\":{\"T7.H2S\":3002}}");
}

static void thingsboard_has_a_time_and_values(void **state)
{
    (void)state;
    const struct site_source source = {.id = "gw", .format = FORMAT_THINGSBOARD};
    check(&source, 1, "{\"ts\":1767571230000,\"values\":{\"T7.LVL\":3.25}}");
}

static void json_puts_each_key_where_its_pointer_leads(void **state)
{
    (void)state;
    static const struct site_map map[] = {
        {"T7.LVL", "/tank/7/level"}, {"T7.PRS", "/tank/7/a~1b~0c"}, {"other", "/x"}, {"time", "/t"}, {"seq", "/n"}};
    const struct site_source source = {
        .id = "gw", .format = FORMAT_JSON, .map = map, .map_count = sizeof map / sizeof map[0]};
    check(&source, 3, "{\"tank\":{\"7\":{\"level\":3.25,\"a/b~c\":null}},\"t\":1767571230000,\"n\":17}");
}

static void what_a_format_cannot_say_is_known(void **state)
{
    (void)state;
    assert_true(payload_can_say(FORMAT_DAVY, ST_CALIBRATING | ST_MANUAL));
    assert_true(payload_can_say(FORMAT_NEURON, ST_COMM));
    assert_false(payload_can_say(FORMAT_NEURON, ST_CALIBRATING));
    assert_true(payload_can_say(FORMAT_JSON, ST_SENSOR));
    assert_false(payload_can_say(FORMAT_THINGSBOARD, ST_COMM));
}

static void broken_messages_are_no_telemetry(void **state)
{
    (void)state;
    for (uint64_t seq = 0; seq < 12; seq++) {
        struct buf buf = {0};
        payload_write_broken(seq, &buf);
        json_t *root = json_loadb(buf.len > 0 ? buf.data : "", buf.len, 0, NULL);
        assert_false(json_is_object(json_object_get(root, "values")) && json_is_integer(json_object_get(root, "time")));
        json_decref(root);
        buf_done(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(davy_tells_every_status),
        cmocka_unit_test(neuron_has_errors_beside_its_values),
        cmocka_unit_test(thingsboard_has_a_time_and_values),
        cmocka_unit_test(json_puts_each_key_where_its_pointer_leads),
        cmocka_unit_test(what_a_format_cannot_say_is_known),
        cmocka_unit_test(broken_messages_are_no_telemetry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
