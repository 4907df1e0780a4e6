/*
 * A recording as a field: answers in their order, not too far from their time,
 * whatever came back; outages; messages; files that are cut off or none.
 */
#include "base/clock.h"
#include "model/wire.h"
#include "simulators/recording.h"
#include "tests/unit/simulators/field.h"
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char SITE[] =
    "{\"site\":{\"id\":\"s\"},\"sources\":{\"plc\":{\"type\":\"modbus-tcp\",\"host\":\"127.0.0.1\",\"port\":1502},"
    "\"twin\":{\"type\":\"modbus-tcp\",\"host\":\"127.0.0.1\",\"port\":1502},"
    "\"gw\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:1883\",\"topics\":[\"t\"],\"format\":\"davy\"}},"
    "\"points\":[]}";

enum { ROOM = 1 << 16, PLC = 5, TWIN = 6, GW = 7, GONE = 8 }; /* numbers in the file are its own */

static struct site *site;
static uint8_t *bytes;
static size_t len;

static void add(enum wire_kind kind, unsigned source, int64_t ms, const char *name, const void *content, size_t size)
{
    const struct wire_record record = {.kind = kind,
                                       .source = (uint16_t)source,
                                       .time_ns = (1000000 + ms) * NS_PER_MS,
                                       .name = name,
                                       .name_len = strlen(name),
                                       .bytes = content,
                                       .len = size};
    const size_t one = wire_encode(&record, bytes + len, ROOM - len);
    assert_true(one > 0);
    len += one;
}

static int begin(void **state)
{
    (void)state;
    site = field_site(SITE);
    bytes = malloc(ROOM);
    wire_head(bytes);
    len = WIRE_HEAD_SIZE;
    add(WIRE_SOURCE, PLC, 0, "plc", NULL, 0);
    add(WIRE_SOURCE, TWIN, 0, "twin", NULL, 0);
    add(WIRE_SOURCE, GW, 0, "gw", NULL, 0);
    add(WIRE_SOURCE, GONE, 0, "gone", NULL, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    site_free(site);
    return 0;
}

/* unit 1, holding registers from `address`, one */
static void ask(unsigned source, int64_t ms, uint8_t transaction, uint8_t address)
{
    const uint8_t frame[] = {0, transaction, 0, 0, 0, 6, 1, 3, 0, address, 0, 1};
    add(WIRE_SENT, source, ms, "", frame, sizeof frame);
}

static void answer(unsigned source, int64_t ms, uint8_t transaction, uint8_t value)
{
    const uint8_t frame[] = {0, transaction, 0, 0, 0, 5, 1, 3, 2, 0, value};
    add(WIRE_RECEIVED, source, ms, "", frame, sizeof frame);
}

static struct recording *read_all(void)
{
    struct recording *recording = NULL;
    struct err err = {0};
    assert_int_equal(recording_read(bytes, len, "x.wire", site, &recording, &err), ERR_NONE);
    return recording;
}

/* The value that answers, -1 when nothing came, -2 when it was never asked. */
static int asked(struct recording *recording, uint8_t address, int64_t ms)
{
    const uint8_t pdu[] = {3, 0, address, 0, 1};
    const struct recording_exchange *exchange =
        recording_answer(recording, 0, 1, pdu, sizeof pdu, ms * NS_PER_MS, RECORDING_SLACK_NS);
    if (exchange == NULL) {
        return -2;
    }
    return exchange->piece_count == 0 ? -1 : recording->pieces[exchange->first_piece].bytes[10];
}

static void answers_come_in_their_order(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < 5; i++) {
        ask(PLC, 1000 * i, i, 7);
        if (i != 2) {
            answer(PLC, 1000 * i + 3, i, (uint8_t)(10 + i));
        }
    }
    struct recording *recording = read_all();
    assert_int_equal(recording->length_ns, 4003 * NS_PER_MS);
    assert_int_equal(asked(recording, 8, 0), -2);
    assert_int_equal(asked(recording, 7, 0), 10);
    assert_int_equal(asked(recording, 7, 700), 11); /* a little early, a little late: still the next one */
    assert_int_equal(asked(recording, 7, 2300), -1);
    assert_int_equal(asked(recording, 7, 2900), 13);
    assert_int_equal(asked(recording, 7, 4100), 14);
    assert_int_equal(asked(recording, 7, 5000), 14); /* after the end the last one again */
    recording_free(recording);
}

static void what_is_far_from_its_time_is_passed_over_or_repeated(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < 10; i++) {
        ask(PLC, 1000 * i, i, 7);
        answer(PLC, 1000 * i + 3, i, (uint8_t)(10 + i));
    }
    struct recording *recording = read_all();
    assert_int_equal(asked(recording, 7, 0), 10);
    assert_int_equal(asked(recording, 7, 100), 11);
    assert_int_equal(asked(recording, 7, 200), 11); /* the next one is of 2 s: more than 1.5 s away */
    assert_int_equal(asked(recording, 7, 600), 12);
    assert_int_equal(asked(recording, 7, 8000), 16); /* 6 s is the first within 1.5 s and one step */
    recording_free(recording);
}

static void sources_of_one_place_share_it(void **state)
{
    (void)state;
    ask(TWIN, 0, 1, 7);
    ask(PLC, 1, 1, 8);
    answer(TWIN, 2, 1, 77);
    answer(PLC, 3, 1, 88);
    answer(TWIN, 4, 1, 77); /* twice */
    struct recording *recording = read_all();
    const uint8_t pdu[] = {3, 0, 7, 0, 1};
    const struct recording_exchange *exchange = recording_answer(recording, 0, 1, pdu, sizeof pdu, 0, 0);
    assert_non_null(exchange);
    assert_int_equal(exchange->piece_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct recording_piece *piece = &recording->pieces[exchange->first_piece + i];
        assert_int_equal(piece->bytes[10], 77);
        assert_int_equal(piece->delay_ns, (i == 0 ? 2 : 4) * NS_PER_MS);
    }
    assert_int_equal(asked(recording, 8, 0), 88);
    recording_free(recording);
}

static void an_outage_ends_before_the_monitor_comes_again(void **state)
{
    (void)state;
    ask(PLC, 0, 1, 7);
    add(WIRE_DOWN, PLC, 100, "", NULL, 0);
    add(WIRE_UP, PLC, 5100, "", NULL, 0);
    ask(PLC, 5100, 2, 7);
    answer(PLC, 5101, 2, 9);
    add(WIRE_DOWN, PLC, 6000, "", NULL, 0);
    add(WIRE_UP, PLC, 6500, "", NULL, 0); /* shorter than what the clocks may differ by */
    struct recording *recording = read_all();
    assert_int_equal(recording->outage_count, 1);
    assert_false(recording_is_out(recording, 0, 99 * NS_PER_MS));
    assert_true(recording_is_out(recording, 0, 100 * NS_PER_MS));
    assert_false(recording_is_out(recording, 1, 100 * NS_PER_MS));
    assert_true(recording_is_out(recording, 0, 3599 * NS_PER_MS));
    assert_false(recording_is_out(recording, 0, 3600 * NS_PER_MS));
    const uint8_t pdu[] = {3, 0, 7, 0, 1};
    const struct recording_exchange *cut = recording_answer(recording, 0, 1, pdu, sizeof pdu, 0, RECORDING_SLACK_NS);
    assert_true(cut->cut);
    assert_false(cut[1].cut); /* it had its answer */
    recording_free(recording);
}

static void messages_keep_topic_and_manner(void **state)
{
    (void)state;
    const struct wire_record record = {.kind = WIRE_MESSAGE,
                                       .flags = 2 | WIRE_RETAINED,
                                       .source = GW,
                                       .time_ns = 1000000 * NS_PER_MS,
                                       .name = "a/b",
                                       .name_len = 3,
                                       .bytes = (const uint8_t *)"{}",
                                       .len = 2};
    len += wire_encode(&record, bytes + len, ROOM - len);
    add(WIRE_MESSAGE, GW, 250, "c", "", 0);
    add(WIRE_MESSAGE, GONE, 300, "c", "", 0);
    struct recording *recording = read_all();
    assert_int_equal(recording->message_count, 2);
    assert_int_equal(recording->passed_over, 1);
    assert_int_equal(recording->messages[0].source, 2);
    assert_int_equal(recording->messages[0].qos, 2);
    assert_true(recording->messages[0].retained);
    assert_memory_equal(recording->messages[0].topic, "a/b", 3);
    assert_memory_equal(recording->messages[0].payload, "{}", 2);
    assert_int_equal(recording->messages[1].at_ns, 250 * NS_PER_MS);
    assert_false(recording->messages[1].retained);
    recording_free(recording);
}

static void a_file_cut_off_is_read_to_its_last_record(void **state)
{
    (void)state;
    uint8_t lost[WIRE_LOST_SIZE];
    wire_put_lost(12, lost);
    ask(PLC, 0, 1, 7);
    add(WIRE_LOST, PLC, 1, "", lost, sizeof lost);
    answer(PLC, 3, 1, 9);
    len -= 5;
    struct recording *recording = read_all();
    assert_int_equal(recording->left_out, WIRE_FRAME_SIZE + 11 - 5);
    assert_int_equal(recording->lost, 12);
    assert_int_equal(asked(recording, 7, 0), -1);
    recording_free(recording);
}

static void what_is_no_recording_of_this_site_is_refused(void **state)
{
    (void)state;
    struct recording *recording = NULL;
    struct err err = {0};
    ask(GONE, 0, 1, 7);
    assert_int_equal(recording_read(bytes, len, "x.wire", site, &recording, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "nothing of a source of this site"));
    assert_int_equal(recording_read(calloc(1, 100), 100, "x.wire", site, &recording, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "is no recording"));
    assert_int_equal(recording_load("/none.wire", site, &recording, &err), ERR_INPUT);
    assert_null(recording);
}

static void transactions_follow_the_request(void **state)
{
    (void)state;
    uint8_t frames[] = {0, 9, 0, 0, 0, 3, 1, 0x83, 4, 0, 10, 0, 0, 0, 3, 1, 0x83, 4, 0xff, 0xff, 1, 2};
    recording_retag(frames, sizeof frames, 10, 0x1234); /* a late answer, then the right one, then noise */
    static const uint8_t want[] = {0x12, 0x33, 0, 0, 0, 3,    1, 0x83, 4,    0x12, 0x34,
                                   0,    0,    0, 3, 1, 0x83, 4, 0xff, 0xff, 1,    2};
    assert_memory_equal(frames, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_come_in_their_order, begin, end),
        cmocka_unit_test_setup_teardown(what_is_far_from_its_time_is_passed_over_or_repeated, begin, end),
        cmocka_unit_test_setup_teardown(sources_of_one_place_share_it, begin, end),
        cmocka_unit_test_setup_teardown(an_outage_ends_before_the_monitor_comes_again, begin, end),
        cmocka_unit_test_setup_teardown(messages_keep_topic_and_manner, begin, end),
        cmocka_unit_test_setup_teardown(a_file_cut_off_is_read_to_its_last_record, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_recording_of_this_site_is_refused, begin, end),
        cmocka_unit_test(transactions_follow_the_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
