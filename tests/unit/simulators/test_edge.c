/*
 * An edge node of the simulator, message by message, read by the monitor's own
 * reader of payloads (which protobuf-c has been asked about).
 */
#include "base/clock.h"
#include "ingest/sparkplug_topic.h"
#include "simulators/edge.h"
#include "simulators/edge_payload.h"
#include "tests/unit/simulators/field.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SAID_MAX = 64 };

struct said {
    char topic[64];
    char bytes[512];
    size_t len;
    struct spb_payload payload;
};

struct stage {
    struct site *site;
    struct scenario *scenario;
    struct edge edge;
    struct said said[SAID_MAX];
    size_t count;
};

static void on_send(void *self, const char *topic, const char *bytes, size_t len)
{
    struct stage *stage = self;
    assert_true(stage->count < SAID_MAX);
    struct said *said = &stage->said[stage->count++];
    (void)snprintf(said->topic, sizeof said->topic, "%s", topic);
    assert_true(len <= sizeof said->bytes);
    memcpy(said->bytes, bytes, len);
    said->len = len;
    size_t offset;
    if (spb_payload_read(bytes, len, &said->payload, &offset) != NULL) {
        said->payload = (struct spb_payload){.seq = 999};
    }
}

static void open_stage(struct stage *stage)
{
    struct err err;
    memset(stage, 0, sizeof *stage);
    stage->site = field_site("{\"site\":{\"id\":\"s\"},\"sources\":{\"gw\":{\"type\":\"mqtt\",\"url\":\"mqtt://"
                             "h\",\"format\":\"sparkplug\"}},"
                             "\"points\":["
                             "{\"id\":\"a\",\"every\":\"1s\",\"from\":{\"source\":\"gw\",\"key\":\"G/N/t\"}},"
                             "{\"id\":\"b\",\"every\":\"2s\",\"from\":{\"source\":\"gw\",\"key\":\"G/N/d/Inputs/x\"}},"
                             "{\"id\":\"c\",\"every\":\"1s\",\"from\":{\"source\":\"gw\",\"key\":\"G/N/d/y\"}},"
                             "{\"id\":\"c2\",\"every\":\"1s\",\"from\":{\"source\":\"gw\",\"key\":\"G/N/d/y\"}},"
                             "{\"id\":\"e\",\"every\":\"1s\",\"from\":{\"source\":\"gw\",\"key\":\"G/M/t\"}}]}");
    stage->scenario =
        field_scenario(stage->site, "{\"start\":\"2026-01-05T00:00:00Z\",\"length\":\"10m\","
                                    "\"points\":{\"a\":{\"base\":1.5},\"b\":{\"base\":2.5},\"c\":{\"base\":3.5}}}");
    assert_int_equal(edge_init(&stage->edge, stage->site, stage->scenario, 0, "G/N", &err), ERR_NONE);
    stage->edge.send = on_send;
    stage->edge.send_self = stage;
}

static void close_stage(struct stage *stage)
{
    edge_done(&stage->edge);
    scenario_free(stage->scenario);
    site_free(stage->site);
}

/* The n-th metric of a message. */
static struct spb_metric metric_of(const struct said *said, size_t n)
{
    struct spb_cursor cursor;
    struct spb_metric metric = {0};
    const char *reason;
    spb_metrics_begin(&cursor, said->bytes, said->len);
    for (size_t i = 0; i <= n; i++) {
        assert_true(spb_metric_next(&cursor, &metric, &reason));
        assert_null(reason);
    }
    return metric;
}

static bool is_named(const struct spb_metric *metric, const char *name)
{
    return metric->name.len == strlen(name) && memcmp(metric->name.data, name, metric->name.len) == 0;
}

static void births_tell_everything_and_data_only_aliases(void **state)
{
    struct stage stage;
    (void)state;
    open_stage(&stage);
    stage.edge.bdseq = 3;
    edge_send_births(&stage.edge, 0, 1000 * NS_PER_MS);
    assert_int_equal(stage.count, 2);
    assert_string_equal(stage.said[0].topic, "spBv1.0/G/NBIRTH/N");
    assert_true(stage.said[0].payload.has_seq && stage.said[0].payload.seq == 0 &&
                stage.said[0].payload.time_ms == 1000);
    assert_int_equal(stage.said[0].payload.metrics, 3);
    const struct spb_metric bdseq = metric_of(&stage.said[0], 0);
    assert_true(is_named(&bdseq, "bdSeq") && bdseq.whole == 3);
    const struct spb_metric rebirth = metric_of(&stage.said[0], 1);
    assert_true(is_named(&rebirth, "Node Control/Rebirth") && !rebirth.has_alias && rebirth.whole == 0);
    const struct spb_metric t = metric_of(&stage.said[0], 2);
    assert_true(is_named(&t, "t") && t.alias == 1 && t.datatype == SPB_DOUBLE && t.f64 == 1.5);
    assert_string_equal(stage.said[1].topic, "spBv1.0/G/DBIRTH/N/d");
    assert_int_equal(stage.said[1].payload.seq, 1);
    assert_int_equal(stage.said[1].payload.metrics, 2); /* two points share one */
    const struct spb_metric x = metric_of(&stage.said[1], 0);
    assert_true(is_named(&x, "Inputs/x") && x.alias == 2 && x.f64 == 2.5);
    stage.count = 0;
    const struct gateway_message odd = {.t_ns = NS_PER_S, .seq = 2}; /* b is not due */
    edge_send_data(&stage.edge, &odd, 0, (struct edge_how){0});
    assert_int_equal(stage.count, 2);
    assert_string_equal(stage.said[0].topic, "spBv1.0/G/NDATA/N");
    assert_string_equal(stage.said[1].topic, "spBv1.0/G/DDATA/N/d");
    assert_true(stage.said[0].payload.seq == 2 && stage.said[1].payload.seq == 3);
    assert_int_equal(stage.said[1].payload.metrics, 1);
    const struct spb_metric y = metric_of(&stage.said[1], 0);
    assert_true(y.name.len == 0 && y.alias == 3 && y.time_ms == 1000 && y.f64 == 3.5);
    close_stage(&stage);
}

static void faults_are_told_from_one_another(void **state)
{
    struct stage stage;
    (void)state;
    open_stage(&stage);
    const struct gateway_message message = {.t_ns = NS_PER_S, .seq = 1};
    edge_send_births(&stage.edge, 0, 0);
    stage.count = 0;
    edge_send_data(&stage.edge, &message, 0, (struct edge_how){.copies = 2});
    assert_int_equal(stage.count, 4);
    assert_true(stage.said[0].payload.seq == 2 && stage.said[1].payload.seq == 2 && stage.said[2].payload.seq == 3);
    stage.count = 0;
    edge_send_data(&stage.edge, &message, 0, (struct edge_how){.lost = true});
    assert_int_equal(stage.count, 0);
    edge_send_data(&stage.edge, &message, 0, (struct edge_how){.historical = true});
    assert_int_equal(stage.said[0].payload.seq, 6); /* two were lost */
    assert_true(metric_of(&stage.said[0], 0).historical);
    stage.count = 0;
    edge_send_data(&stage.edge, &message, 0, (struct edge_how){.wrong_alias = true});
    assert_true(metric_of(&stage.said[0], 0).alias > 3);
    stage.count = 0;
    edge_send_data(&stage.edge, &message, 0, (struct edge_how){.broken = true});
    assert_int_equal(stage.count, 3);
    assert_int_equal(stage.said[0].payload.seq, 999); /* no payload at all */
    close_stage(&stage);
}

static void seq_goes_round(void **state)
{
    struct stage stage;
    (void)state;
    open_stage(&stage);
    edge_send_births(&stage.edge, 0, 0);
    for (unsigned i = 0; i < 300; i++) {
        const struct gateway_message message = {.t_ns = NS_PER_S, .seq = i};
        stage.count = 0;
        edge_send_data(&stage.edge, &message, 0, (struct edge_how){0});
        assert_int_equal(stage.said[0].payload.seq, (2 + 2 * i) % 256);
    }
    close_stage(&stage);
}

static void a_death_has_the_number_of_its_connection_and_no_seq(void **state)
{
    struct stage stage;
    struct buf topic = {0};
    struct buf bytes = {0};
    (void)state;
    open_stage(&stage);
    stage.edge.bdseq = 4;
    edge_write_death(&stage.edge, 7, &topic, &bytes);
    on_send(&stage, topic.data, bytes.data, bytes.len);
    assert_string_equal(stage.said[0].topic, "spBv1.0/G/NDEATH/N");
    assert_false(stage.said[0].payload.has_seq);
    assert_int_equal(metric_of(&stage.said[0], 0).whole, 4);
    edge_command_topic(&stage.edge, &topic);
    assert_string_equal(topic.data, "spBv1.0/G/NCMD/N");
    buf_done(&topic);
    buf_done(&bytes);
    close_stage(&stage);
}

static void it_understands_the_monitors_request(void **state)
{
    struct buf command = {0};
    (void)state;
    spb_write_rebirth(&command, 1000);
    assert_true(edge_payload_asks(command.data, command.len));
    assert_false(edge_payload_asks("Node Control/Reboot", 19));
    buf_done(&command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(births_tell_everything_and_data_only_aliases),
        cmocka_unit_test(faults_are_told_from_one_another),
        cmocka_unit_test(seq_goes_round),
        cmocka_unit_test(a_death_has_the_number_of_its_connection_and_no_seq),
        cmocka_unit_test(it_understands_the_monitors_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
