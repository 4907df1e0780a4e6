/* A Modbus unit's answers, byte by byte, and frames found in a stream. */
#include "simulators/sim_device.h"
#include "simulators/sim_frame.h"
#include "tests/unit/simulators/field.h"
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* unit 1: holding 10 (u16), 12..13 (f32 CDAB), 40 (i16); coils 0, 3; discrete 7; input 5 bits 0 and 8 */
static const char SITE[] =
    "{\"site\":{\"id\":\"s\"},\"sources\":{\"plc\":{\"type\":\"modbus-tcp\",\"host\":\"127.0.0.1\",\"port\":1502}},"
    "\"points\":["
    "{\"id\":\"u\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"holding\",\"address\":10,\"type\":\"u16\","
    "\"scale\":0.1}},"
    "{\"id\":\"f\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"holding\",\"address\":12,\"type\":\"f32\","
    "\"order\":\"CDAB\"}},"
    "{\"id\":\"i\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"holding\",\"address\":40,\"type\":\"i16\"}},"
    "{\"id\":\"c0\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"coil\",\"address\":0}},"
    "{\"id\":\"c3\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"coil\",\"address\":3}},"
    "{\"id\":\"d\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"discrete\",\"address\":7}},"
    "{\"id\":\"b0\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"input\",\"address\":5,\"type\":\"bit\",\"bit\":"
    "0}},"
    "{\"id\":\"b8\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"input\",\"address\":5,\"type\":\"bit\",\"bit\":"
    "8}}]}";

static const char SCENARIO[] = "{\"start\":\"2026-01-05T00:00:00Z\",\"length\":\"60s\",\"points\":{\"u\":{\"base\":12."
                               "3},\"f\":{\"base\":1.02,\"step\":0.01},"
                               "\"i\":{\"base\":-2},\"c3\":{\"base\":1},\"d\":{\"base\":1},\"b8\":{\"base\":1}},"
                               "\"events\":[{\"at\":\"10s\",\"point\":\"u\",\"set\":50}]}";

struct fixture {
    struct site *site;
    struct scenario *scenario;
    struct sim_device device;
};

static int begin(void **state)
{
    static struct fixture fixture;
    fixture.site = field_site(SITE);
    fixture.scenario = field_scenario(fixture.site, SCENARIO);
    *state = &fixture;
    return sim_device_init(&fixture.device, fixture.site, fixture.scenario, 0, 1, NULL) == ERR_NONE ? 0 : -1;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    sim_device_done(&fixture->device);
    scenario_free(fixture->scenario);
    site_free(fixture->site);
    return 0;
}

static uint8_t nibble(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static size_t unhex(const char *hex, uint8_t *ret_bytes)
{
    size_t len = 0;
    for (; hex[0] != '\0'; hex += hex[0] == ' ' ? 1 : 2) {
        if (hex[0] != ' ') {
            ret_bytes[len++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
        }
    }
    return len;
}

static void ask(struct fixture *fixture, int64_t t_ns, const char *request, const char *want)
{
    uint8_t in[260], out[SIM_PDU_MAX], expected[260];
    const size_t in_len = unhex(request, in);
    const size_t want_len = unhex(want, expected);
    const size_t len = sim_device_answer(&fixture->device, t_ns, in, in_len, out);
    if (len != want_len || memcmp(out, expected, len) != 0) {
        fail_msg("%s: %zu bytes, begins %02x %02x %02x %02x, instead of %s", request, len, out[0], out[1], out[2],
                 out[3], want);
    }
}

static void registers_and_bits_are_read(void **state)
{
    ask(*state, 0, "03 000a 0001", "03 02 007b");
    ask(*state, 0, "03 000a 0004", "03 08 007b 0000 8f5c 3f82"); /* the unused register between reads as 0 */
    ask(*state, 0, "03 0028 0001", "03 02 fffe");
    ask(*state, 0, "01 0000 0004", "01 01 08");
    ask(*state, 0, "02 0007 0001", "02 01 01");
    ask(*state, 0, "04 0005 0001", "04 02 0100");
}

static void the_scenario_moves_on_with_time(void **state)
{
    ask(*state, INT64_C(9999999999), "03 000a 0001", "03 02 007b");
    ask(*state, INT64_C(10000000000), "03 000a 0001", "03 02 01f4");
}

static void what_does_not_exist_is_an_exception(void **state)
{
    ask(*state, 0, "03 0009 0002", "83 02");
    ask(*state, 0, "03 000a 0020", "83 02"); /* reaches beyond the gap before 40 */
    ask(*state, 0, "03 ffff 0002", "83 02");
    ask(*state, 0, "04 000a 0001", "84 02");
    ask(*state, 0, "01 0004 0001", "81 02");
    ask(*state, 0, "07", "87 01");
    ask(*state, 0, "03 000a 0000", "83 03");
    ask(*state, 0, "03 000a 007e", "83 03");
    ask(*state, 0, "03 000a", "83 03");
}

static void half_a_number_reads_as_nothing(void **state)
{
    ask(*state, 0, "03 000c 0001", "03 02 0000");
}

static void what_a_client_writes_stays(void **state)
{
    ask(*state, 0, "06 000a 0007", "06 000a 0007");
    ask(*state, 0, "03 000a 0001", "03 02 0007");
    ask(*state, INT64_C(20000000000), "03 000a 0001", "03 02 0007"); /* over the scenario too */
    ask(*state, 0, "05 0000 ff00", "05 0000 ff00");
    ask(*state, 0, "01 0000 0004", "01 01 09");
    ask(*state, 0, "0f 0000 0004 01 02", "0f 0000 0004");
    ask(*state, 0, "01 0000 0004", "01 01 02");
    ask(*state, 0, "10 000c 0002 04 1234 5678", "10 000c 0002");
    ask(*state, 0, "03 000c 0002", "03 04 1234 5678");
    ask(*state, 0, "06 0000 0007", "86 02");
    ask(*state, 0, "05 0000 1234", "85 03");
    ask(*state, 0, "10 000c 0002 03 1234 5678", "90 03");
    ask(*state, 0, "10 000c 0002 04 1234", "90 03");
}

static void a_block_is_what_one_request_reads(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(sim_device_block(&fixture->device, TABLE_HOLDING, 12, 125), 4);
    assert_int_equal(sim_device_block(&fixture->device, TABLE_HOLDING, 12, 2), 2);
    assert_int_equal(sim_device_block(&fixture->device, TABLE_HOLDING, 40, 125), 1);
}

static int found(enum sim_framing framing, const char *hex, struct sim_request *ret_request, uint8_t *bytes)
{
    const size_t len = unhex(hex, bytes);
    return sim_frame_find(framing, bytes, len, ret_request);
}

static void frames_are_found_in_a_stream(void **state)
{
    (void)state;
    struct sim_request request;
    uint8_t bytes[600];
    assert_int_equal(found(FRAMING_TCP, "1234 0000 0006 11 03 006b 0003 ff", &request, bytes), 12);
    assert_int_equal(request.transaction, 0x1234);
    assert_int_equal(request.unit, 0x11);
    assert_int_equal(request.pdu_len, 5);
    assert_int_equal(found(FRAMING_TCP, "1234 0000 0006 11 03 006b 00", &request, bytes), 0);
    assert_int_equal(found(FRAMING_TCP, "1234 00", &request, bytes), 0);
    assert_int_equal(found(FRAMING_TCP, "1234 0001 0006 11 03", &request, bytes), -8);
    assert_int_equal(found(FRAMING_TCP, "1234 0000 0001 11 03", &request, bytes), -8);
    assert_int_equal(found(FRAMING_TCP, "1234 0000 00ff 11 03", &request, bytes), -8);
    assert_int_equal(found(FRAMING_RTU, "11 01 0013 0013 8e92", &request, bytes), 8);
    assert_int_equal(request.unit, 0x11);
    assert_int_equal(request.pdu_len, 5);
    assert_int_equal(found(FRAMING_RTU, "11 01 0013 0013 8e", &request, bytes), 0);
    assert_int_equal(found(FRAMING_RTU, "11 01 0013 0013 8e93", &request, bytes), -1);
    assert_int_equal(found(FRAMING_RTU, "01 10 0000 0001 02 0007", &request, bytes), 0);
    assert_int_equal(found(FRAMING_RTU, "01 10 0000 0001 ff 0007", &request, bytes), -1);
}

static void answers_are_wrapped(void **state)
{
    (void)state;
    static const uint8_t pdu[] = {0x01, 0x03, 0xcd, 0x6b, 0x05};
    uint8_t frame[SIM_FRAME_MAX], want[32];
    size_t want_len = unhex("0001 0000 0006 11 01 03cd6b05", want);
    assert_int_equal(sim_frame_wrap(FRAMING_TCP, 1, 0x11, pdu, sizeof pdu, frame), want_len);
    assert_memory_equal(frame, want, want_len);
    want_len = unhex("11 01 03cd6b05 4012", want);
    assert_int_equal(sim_frame_wrap(FRAMING_RTU, 1, 0x11, pdu, sizeof pdu, frame), want_len);
    assert_memory_equal(frame, want, want_len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(registers_and_bits_are_read, begin, end),
        cmocka_unit_test_setup_teardown(the_scenario_moves_on_with_time, begin, end),
        cmocka_unit_test_setup_teardown(what_does_not_exist_is_an_exception, begin, end),
        cmocka_unit_test_setup_teardown(half_a_number_reads_as_nothing, begin, end),
        cmocka_unit_test_setup_teardown(what_a_client_writes_stays, begin, end),
        cmocka_unit_test_setup_teardown(a_block_is_what_one_request_reads, begin, end),
        cmocka_unit_test(frames_are_found_in_a_stream),
        cmocka_unit_test(answers_are_wrapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
