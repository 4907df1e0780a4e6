/*
 * Sparkplug B payloads and topics: bytes written by hand, bytes written by
 * protobuf-c, broken bytes, and every datatype.
 */
#include "field.h"
#include "ingest/sparkplug_topic.h"
#include "oracle_sparkplug.h"
#include "payloads.h"

#include <math.h>
#include <string.h>

static void a_payload_reads_as_it_was_written(void **state)
{
    (void)state;
    /* time 1000, a metric "t" alias 5 time 999 type Int32 value 7, seq 3, and a field that nobody knows */
    static const unsigned char bytes[] = {0x08, 0xE8, 0x07, 0x12, 0x0C, 0x0A, 0x01, 't',  0x10, 0x05, 0x18,
                                          0xE7, 0x07, 0x20, 0x03, 0x50, 0x07, 0x18, 0x03, 0x7A, 0x01, 0x00};
    struct spb_payload payload;
    struct spb_cursor cursor;
    struct spb_metric metric;
    const char *reason;
    size_t offset;
    assert_null(spb_payload_read((const char *)bytes, sizeof bytes, &payload, &offset));
    assert_true(payload.has_time && payload.time_ms == 1000 && payload.has_seq && payload.seq == 3);
    assert_int_equal(payload.metrics, 1);
    spb_metrics_begin(&cursor, (const char *)bytes, sizeof bytes);
    assert_true(spb_metric_next(&cursor, &metric, &reason));
    assert_null(reason);
    assert_true(metric.name.len == 1 && metric.name.data[0] == 't' && metric.has_alias && metric.alias == 5);
    assert_true(metric.has_time && metric.time_ms == 999 && metric.datatype == SPB_INT32);
    assert_true(metric.kind == SPB_AS_INT && metric.whole == 7 && metric.offset == 5);
    assert_false(spb_metric_next(&cursor, &metric, &reason));
}

static void what_protobuf_c_writes_is_read_alike(void **state)
{
    (void)state;
    uint64_t seed = 1;
    uint8_t bytes[2048];
    for (int i = 0; i < 20000; i++) {
        const size_t len = oracle_pack_random(&seed, bytes, sizeof bytes);
        assert_int_equal(oracle_sparkplug(bytes, len), BOTH_AGREE);
    }
}

/* One byte changed: either both understand the same, or one of them refuses. */
static void what_was_spoilt_is_never_read_differently(void **state)
{
    (void)state;
    uint64_t seed = 2;
    uint8_t bytes[2048];
    unsigned both = 0;
    for (int i = 0; i < 20000; i++) {
        const size_t len = oracle_pack_random(&seed, bytes, sizeof bytes);
        if (len == 0) {
            continue;
        }
        seed = seed * 6364136223846793005U + 1;
        bytes[(seed >> 33) % len] = (uint8_t)(seed >> 20);
        const enum outcome_of_two verdict = oracle_sparkplug(bytes, len - ((seed >> 40) % 8 == 0));
        assert_int_not_equal(verdict, THEY_DIFFER);
        both += verdict == BOTH_AGREE;
    }
    assert_true(both > 5000); /* the test would be worth nothing if all were refused */
}

static void a_message_cut_anywhere_is_refused_or_sound(void **state)
{
    (void)state;
    const struct told told = {.name = "face/ch4",
                              .alias = 300,
                              .time_ms = 1767571230000,
                              .type = SPB_DOUBLE,
                              .quality = 192,
                              .field = VALUE_DOUBLE,
                              .real = 1.5};
    struct buf whole = {0};
    payload_build(&whole, 1767571230000, 17, &told, 1);
    for (size_t len = 0; len < whole.len; len++) {
        struct spb_payload payload;
        size_t offset = 0;
        const char *reason = spb_payload_read(whole.data, len, &payload, &offset);
        assert_true(reason != NULL ? offset < len : !payload.has_seq);
    }
    buf_done(&whole);
}

struct broken {
    const char *bytes;
    size_t len;
    size_t offset;
};

static void a_broken_frame_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct broken brokens[] = {
        {"\x08", 1, 0},                                          /* a number that does not begin */
        {"\x08\x01\x18", 3, 2},                                  /* the second one */
        {"\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 11, 0}, /* more than 64 bits */
        {"\x12\x05\x0A", 3, 0},                                  /* longer than the message */
        {"\x12\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11, 0}, /* much longer */
        {"\x0B\x0C", 2, 0},                                      /* a group */
        {"\x00\x00", 2, 0},                                      /* field 0 */
        {"\x0A\x00", 2, 0},                                      /* a time that is a text */
        {"\x18\x01\x10\x01", 4, 2},                              /* metrics that are a number */
    };
    for (size_t i = 0; i < sizeof brokens / sizeof *brokens; i++) {
        struct spb_payload payload;
        size_t offset = 99;
        assert_non_null(spb_payload_read(brokens[i].bytes, brokens[i].len, &payload, &offset));
        assert_int_equal(offset, brokens[i].offset);
    }
}

static void one_broken_metric_leaves_the_others(void **state)
{
    (void)state;
    static const char bytes[] = "\x12\x02\x50\x01"  /* int 1 */
                                "\x12\x02\x0A\x05"  /* a name longer than the metric */
                                "\x12\x02\x55\x01"  /* int as four bytes */
                                "\x12\x02\x50\x02"; /* int 2 */
    struct spb_cursor cursor;
    struct spb_metric metric;
    const char *reason;
    unsigned good = 0;
    unsigned bad = 0;
    spb_metrics_begin(&cursor, bytes, sizeof bytes - 1);
    while (spb_metric_next(&cursor, &metric, &reason)) {
        if (reason == NULL) {
            good++;
            assert_int_equal(metric.whole, good);
        } else {
            bad++;
            assert_int_equal(metric.offset, bad == 1 ? 6 : 10);
        }
    }
    assert_int_equal(good, 2);
    assert_int_equal(bad, 2);
}

struct value_row {
    uint32_t type;
    enum spb_kind kind;
    uint64_t whole;
    double real;
    bool fits;
    double value;
};

static const struct value_row values[] = {
    {SPB_INT8, SPB_AS_INT, 127, 0, true, 127},
    {SPB_INT8, SPB_AS_INT, 0xFF, 0, true, -1},       /* cut to its own bits */
    {SPB_INT8, SPB_AS_INT, 0xFFFFFFFF, 0, true, -1}, /* extended */
    {SPB_INT8, SPB_AS_INT, 0xFFFFFF80, 0, true, -128},
    {SPB_INT8, SPB_AS_INT, 0xFFFFFF7F, 0, false, 0},
    {SPB_INT8, SPB_AS_INT, 256, 0, false, 0},
    {SPB_INT16, SPB_AS_INT, 0x8000, 0, true, -32768},
    {SPB_INT16, SPB_AS_INT, 65536, 0, false, 0},
    {SPB_INT32, SPB_AS_INT, 0x80000000, 0, true, -2147483648.0},
    {SPB_INT32, SPB_AS_INT, 0xFFFFFFFE, 0, true, -2},
    {SPB_INT32, SPB_AS_LONG, 0xFFFFFFFFFFFFFFFE, 0, true, -2},
    {SPB_INT32, SPB_AS_LONG, 0x100000000, 0, false, 0},
    {SPB_INT64, SPB_AS_LONG, 0xFFFFFFFFFFFFFFFF, 0, true, -1},
    {SPB_INT64, SPB_AS_INT, 1, 0, false, 0},
    {SPB_UINT8, SPB_AS_INT, 255, 0, true, 255},
    {SPB_UINT8, SPB_AS_INT, 256, 0, false, 0},
    {SPB_UINT16, SPB_AS_INT, 65535, 0, true, 65535},
    {SPB_UINT32, SPB_AS_INT, 0xFFFFFFFF, 0, true, 4294967295.0},
    {SPB_UINT32, SPB_AS_LONG, 0xFFFFFFFF, 0, true, 4294967295.0},
    {SPB_UINT32, SPB_AS_LONG, 0x100000000, 0, false, 0},
    {SPB_UINT64, SPB_AS_LONG, 0xFFFFFFFFFFFFFFFF, 0, true, 18446744073709551615.0},
    {SPB_FLOAT, SPB_AS_FLOAT, 0, 1.06, true, 1.06}, /* the decimal, not the float's own digits */
    {SPB_FLOAT, SPB_AS_DOUBLE, 0, 1.06, true, 1.06},
    {SPB_FLOAT, SPB_AS_INT, 1, 0, false, 0},
    {SPB_DOUBLE, SPB_AS_DOUBLE, 0, -2.5e300, true, -2.5e300},
    {SPB_DOUBLE, SPB_AS_FLOAT, 0, 0.1, true, 0.1},
    {SPB_BOOLEAN, SPB_AS_BOOLEAN, 1, 0, true, 1},
    {SPB_BOOLEAN, SPB_AS_BOOLEAN, 0, 0, true, 0},
    {SPB_BOOLEAN, SPB_AS_INT, 1, 0, false, 0},
    {SPB_DATETIME, SPB_AS_LONG, 1767571230000, 0, true, 1767571230000.0},
    {SPB_DATETIME, SPB_AS_INT, 5, 0, false, 0},
    {SPB_STRING, SPB_AS_OTHER, 0, 0, false, 0},
    {SPB_TEXT, SPB_AS_OTHER, 0, 0, false, 0},
    {SPB_UUID, SPB_AS_OTHER, 0, 0, false, 0},
    {SPB_DATASET, SPB_AS_OTHER, 0, 0, false, 0},
    {SPB_BYTES, SPB_AS_OTHER, 0, 0, false, 0},
    {SPB_FILE, SPB_AS_OTHER, 0, 0, false, 0},
    {SPB_TEMPLATE, SPB_AS_OTHER, 0, 0, false, 0},
    {22, SPB_AS_OTHER, 0, 0, false, 0}, /* an array */
    {SPB_UNKNOWN, SPB_AS_INT, 1, 0, false, 0},
    {35, SPB_AS_INT, 1, 0, false, 0},
    {UINT32_MAX, SPB_AS_INT, 1, 0, false, 0},
    {SPB_DOUBLE, SPB_NONE, 0, 0, true, NAN},
};

static void every_datatype_is_a_number_or_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const struct value_row *row = &values[i];
        const struct spb_metric metric = {
            .kind = row->kind, .whole = row->whole, .f32 = (float)row->real, .f64 = row->real};
        double value = -77;
        const char *reason = spb_metric_value(&metric, row->type, &value);
        if ((reason == NULL) != row->fits) {
            fail_msg("row %zu: %s", i, reason != NULL ? reason : "taken");
        }
        if (row->fits && !(isnan(row->value) ? isnan(value) : value == row->value)) {
            fail_msg("row %zu: %g is not %g", i, value, row->value);
        }
    }
}

static void null_is_no_value_whatever_stands_beside_it(void **state)
{
    (void)state;
    const struct spb_metric metric = {.kind = SPB_AS_DOUBLE, .f64 = 3, .is_null = true};
    double value = 1;
    assert_null(spb_metric_value(&metric, SPB_DOUBLE, &value));
    assert_true(isnan(value));
}

struct topic_row {
    const char *topic;
    bool good;
    enum spb_type type;
    const char *group, *node, *device;
};

static const struct topic_row topics[] = {
    {"spBv1.0/G/NBIRTH/N", true, SPB_NBIRTH, "G", "N", ""},
    {"spBv1.0/G/NDEATH/N", true, SPB_NDEATH, "G", "N", ""},
    {"spBv1.0/G/NDATA/N", true, SPB_NDATA, "G", "N", ""},
    {"spBv1.0/G/DBIRTH/N/D", true, SPB_DBIRTH, "G", "N", "D"},
    {"spBv1.0/G/DDEATH/N/D", true, SPB_DDEATH, "G", "N", "D"},
    {"spBv1.0/矿 1/DDATA/N 2/D.3", true, SPB_DDATA, "矿 1", "N 2", "D.3"},
    {"spBv1.0/G/NCMD/N", true, SPB_NCMD, "G", "N", ""},
    {"spBv1.0/G/DCMD/N/D", true, SPB_DCMD, "G", "N", "D"},
    {"spBv1.0/STATE/host", true, SPB_STATE, "", "host", ""},
    {"spBv1.0/G/NDATA/N/D", false, 0, NULL, NULL, NULL},
    {"spBv1.0/G/DDATA/N", false, 0, NULL, NULL, NULL},
    {"spBv1.0/G/DDATA/N/D/E", false, 0, NULL, NULL, NULL},
    {"spBv1.0/G/XDATA/N", false, 0, NULL, NULL, NULL},
    {"spBv1.0//NDATA/N", false, 0, NULL, NULL, NULL},
    {"spBv1.0/G/NDATA/", false, 0, NULL, NULL, NULL},
    {"spBv1.0/G", false, 0, NULL, NULL, NULL},
    {"spBv1.0/", false, 0, NULL, NULL, NULL},
    {"spAv1.0/G/NDATA/N", false, 0, NULL, NULL, NULL},
    {"", false, 0, NULL, NULL, NULL},
};

static bool is_text(struct spb_span span, const char *text)
{
    return span.len == strlen(text) && (span.len == 0 || memcmp(span.data, text, span.len) == 0);
}

static void topics_say_type_group_node_and_device(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        struct spb_topic topic;
        const char *reason = spb_topic_read(topics[i].topic, strlen(topics[i].topic), &topic);
        if ((reason == NULL) != topics[i].good) {
            fail_msg("%s: %s", topics[i].topic, reason != NULL ? reason : "taken");
        }
        if (reason == NULL) {
            assert_int_equal(topic.type, topics[i].type);
            assert_true(is_text(topic.group, topics[i].group) && is_text(topic.node, topics[i].node));
            assert_true(is_text(topic.device, topics[i].device));
        }
    }
}

/* topics-ncmd-topic, topics-ncmd-timestamp, payloads-ncmd-seq, data-commands-rebirth-name, -verb, -value, -name-aliases
 */
static void a_rebirth_is_asked_for_by_name_with_time_and_without_seq(void **state)
{
    (void)state;
    struct buf topic = {0};
    struct buf bytes = {0};
    struct spb_payload payload;
    struct spb_cursor cursor;
    struct spb_metric metric;
    const char *reason;
    size_t offset;
    spb_write_rebirth_topic(&topic, "G/N");
    spb_write_rebirth(&bytes, 1767571230000);
    assert_string_equal(topic.data, "spBv1.0/G/NCMD/N");
    assert_int_equal(oracle_sparkplug((const uint8_t *)bytes.data, bytes.len), BOTH_AGREE);
    assert_null(spb_payload_read(bytes.data, bytes.len, &payload, &offset));
    assert_true(payload.has_time && payload.time_ms == 1767571230000 && !payload.has_seq && payload.metrics == 1);
    spb_metrics_begin(&cursor, bytes.data, bytes.len);
    assert_true(spb_metric_next(&cursor, &metric, &reason));
    assert_true(is_text(metric.name, "Node Control/Rebirth") && !metric.has_alias);
    assert_true(metric.datatype == SPB_BOOLEAN && metric.kind == SPB_AS_BOOLEAN && metric.whole == 1);
    buf_done(&topic);
    buf_done(&bytes);
}

/* host-topic-phid-birth-topic, -birth-payload, -death-payload */
static void the_state_of_a_host_is_json_with_online_and_timestamp(void **state)
{
    (void)state;
    struct buf topic = {0};
    struct buf text = {0};
    spb_write_state_topic(&topic, "davy-mine");
    assert_string_equal(topic.data, "spBv1.0/STATE/davy-mine");
    spb_write_state(&text, true, 1767571230000);
    assert_string_equal(text.data, "{\"online\":true,\"timestamp\":1767571230000}");
    assert_false(spb_state_is_offline(text.data, text.len));
    buf_clear(&text);
    spb_write_state(&text, false, 1767571230000);
    assert_true(spb_state_is_offline(text.data, text.len));
    assert_false(spb_state_is_offline("OFFLINE", 7));
    assert_false(spb_state_is_offline("{\"online\":0}", 12));
    buf_done(&topic);
    buf_done(&text);
}

/* Deaths have no seq, so they are heard with QoS 1, whatever else is. */
static void deaths_are_heard_apart(void **state)
{
    static const char *const rows[][2] = {
        {"spBv1.0/#", "spBv1.0/+/NDEATH/+"},
        {"#", "spBv1.0/+/NDEATH/+"},
        {"spBv1.0/G/#", "spBv1.0/G/NDEATH/+"},
        {"spBv1.0/G/+/N/#", "spBv1.0/G/NDEATH/N"},
        {"spBv1.0/G/+/N", "spBv1.0/G/NDEATH/N"},
        {"spBv1.0/+/+/+", "spBv1.0/+/NDEATH/+"},
        {"+/G/+/#", "spBv1.0/G/NDEATH/+"},
        {"spBv1.0/G/NDEATH/N", "spBv1.0/G/NDEATH/N"},
        {"spBv1.0/G/NDATA/N", NULL},
        {"spBv1.0/G/+/N/D", NULL},
        {"spBv1.0/G", NULL},
        {"spBv1.0/STATE/h", NULL},
        {"davy/#", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf buf = {0};
        assert_int_equal(spb_write_death_filter(&buf, rows[i][0]), rows[i][1] != NULL);
        if (rows[i][1] != NULL) {
            assert_string_equal(buf.data, rows[i][1]);
        }
        buf_done(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payload_reads_as_it_was_written),
        cmocka_unit_test(what_protobuf_c_writes_is_read_alike),
        cmocka_unit_test(what_was_spoilt_is_never_read_differently),
        cmocka_unit_test(a_message_cut_anywhere_is_refused_or_sound),
        cmocka_unit_test(a_broken_frame_is_told_with_its_place),
        cmocka_unit_test(one_broken_metric_leaves_the_others),
        cmocka_unit_test(every_datatype_is_a_number_or_none),
        cmocka_unit_test(null_is_no_value_whatever_stands_beside_it),
        cmocka_unit_test(topics_say_type_group_node_and_device),
        cmocka_unit_test(deaths_are_heard_apart),
        cmocka_unit_test(a_rebirth_is_asked_for_by_name_with_time_and_without_seq),
        cmocka_unit_test(the_state_of_a_host_is_json_with_online_and_timestamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
