/* Frames of the stream, and when a stream that waits is due. */
#include "console/stream.h"
#include "tests/unit/console/unit.h"
#include <string.h>

static void an_event_is_a_frame(void **state)
{
    (void)state;
    const char json[] = "{\"v\":1,\"seq\":42,\"event\":\"raised\",\"comment\":\"two\\nlines\"}";
    const struct store_event event = {.seq = 42, .json = json, .json_len = sizeof json - 1};
    struct buf out = {0};
    stream_put(&out, &event);
    assert_string_equal(out.data, "id: 42\nevent: raised\n"
                                  "data: {\"v\":1,\"seq\":42,\"event\":\"raised\",\"comment\":\"two\\nlines\"}\n\n");
    buf_done(&out);
}

static void a_stream_is_due_for_events_and_to_show_life(void **state)
{
    (void)state;
    struct reply reply = {.ask = {.after = 7}, .at.stream = {.beat_ns = 100, .begun = true}};
    assert_false(stream_is_due(&reply, 7, 99));
    assert_true(stream_is_due(&reply, 8, 99));
    assert_true(stream_is_due(&reply, 7, 100));
    reply.at.stream.begun = false; /* its place is not known before a run is shown */
    assert_false(stream_is_due(&reply, 8, 99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_a_frame),
        cmocka_unit_test(a_stream_is_due_for_events_and_to_show_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
