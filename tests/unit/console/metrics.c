/* Names, labels, units and types of metrics; escaping; pieces. */
#include "console/metrics.h"
#include "tests/unit/console/unit.h"
#include <stdio.h>
#include <string.h>

static struct site_source sources[] = {{.id = "plc"}, {.id = "plc.1"}, {.id = "水\\\"泵"}};
static struct site_sink sinks[] = {{.id = "centre"}};
static const struct site site = {.sources = sources, .source_count = 3, .sinks = sinks, .sink_count = 1};

static void names_become_families_with_labels(void **state)
{
    (void)state;
    const struct {
        const char *name, *unit, *line;
    } cases[] = {
        {"ingest.plc.polls", "", "davy_ingest_polls_total{source=\"plc\"} 3\n"},
        {"ingest.plc.1.polls", "", "davy_ingest_polls_total{source=\"plc.1\"} 3\n"},
        {"ingest.水\\\"泵.polls", "", "davy_ingest_polls_total{source=\"水\\\\\\\"泵\"} 3\n"},
        {"ingest.spool.waiting", "", "davy_ingest_spool_waiting 3\n"},
        {"ingest.plc.behind_ms", "ms", "davy_ingest_behind_seconds{source=\"plc\"} 0.003\n"},
        {"ingest.plc.silent_s", "s", "davy_ingest_silent_seconds{source=\"plc\"} 3\n"},
        {"bus.plc.state", "", "davy_bus_state{source=\"plc\"} 3\n"},
        {"bus.plc.17.timeouts", "", "davy_bus_unit_timeouts_total{source=\"plc\",unit=\"17\"} 3\n"},
        {"sink.centre.behind", "", "davy_sink_behind{sink=\"centre\"} 3\n"},
        {"rules.11.late", "", "davy_rules_late_total{shard=\"11\"} 3\n"},
        {"alerting.events.out_of_service", "", "davy_alerting_events_total{event=\"out_of_service\"} 3\n"},
        {"alerting.raised.red", "", "davy_alerting_raised_total{level=\"red\"} 3\n"},
        {"alerting.latency_p99_us", "us", "davy_alerting_latency_p99_seconds 0.000003\n"},
        {"rules.0.judged_p50_us", "", "davy_rules_judged_p50_seconds{shard=\"0\"} 0.000003\n"},
        {"store.block_bytes", "B", "davy_store_block_bytes_total 3\n"},
        {"store.pool_bytes", "B", "davy_store_pool_bytes 3\n"},
        {"record.bus.lost", "", "davy_record_bus_lost_total 3\n"},
        {"counters.lost", "", "davy_counters_lost_total 3\n"},
    };
    struct counters *counters = counters_new(64);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        counter_set(counter_new(counters, cases[i].name, cases[i].unit, "so many\nlines \\"), 3);
    }
    struct metrics_index *index = metrics_index_new(&site, counters);
    struct buf out = {0};
    size_t next = 0;
    assert_false(metrics_put_counters(&out, index, &next));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strstr(out.data, cases[i].line) == NULL) {
            fail_msg("%s is not in\n%s", cases[i].line, out.data);
        }
    }
    /* a family stands together, with one HELP and TYPE in front */
    const char *family = "# HELP davy_ingest_polls_total so many\\nlines \\\\\n# TYPE davy_ingest_polls_total counter\n"
                         "davy_ingest_polls_total{source=\"plc\"} 3\ndavy_ingest_polls_total{source=\"plc.1\"} 3\n";
    assert_non_null(strstr(out.data, family));
    assert_non_null(strstr(out.data, "# TYPE davy_bus_state gauge\n"));
    assert_non_null(strstr(out.data, "# TYPE davy_rules_judged_p50_seconds gauge\n"));
    buf_done(&out);
    metrics_index_free(index);
    counters_free(counters);
}

static void long_lists_come_in_pieces(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    struct counters *counters = counters_new(MANY);
    char name[64];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "store.number_%d", i);
        (void)counter_new(counters, name, "", "one of many");
    }
    struct metrics_index *index = metrics_index_new(&site, counters);
    struct buf out = {0};
    size_t next = 0;
    size_t pieces = 1;
    size_t lines = 0;
    for (bool more = true; more; pieces++) {
        buf_clear(&out);
        more = metrics_put_counters(&out, index, &next);
        assert_true(out.len < REPLY_PIECE + 1024);
        for (const char *at = out.data; (at = strchr(at, '\n')) != NULL; at++) {
            lines++;
        }
    }
    assert_true(pieces > 5);
    assert_int_equal(lines, 3 * MANY);
    buf_done(&out);
    metrics_index_free(index);
    counters_free(counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_families_with_labels),
        cmocka_unit_test(long_lists_come_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
