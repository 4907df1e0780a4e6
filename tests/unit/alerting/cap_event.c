/*
 * What of the journal is worth a document, which are forecasts, and what is
 * remembered of documents that were sent.
 */
#include "alerting/cap_event.h"
#include "alerting/cap_earlier.h"
#include "fake_store.h"
#include "fixture.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- reading and deciding ---------------------------------------------------------------------------------------- */

enum { EVENTS_MAX = 5 };

struct told {
    const char *alarm, *event, *state;
};

/* Makes events of the journal out of a few words. */
static size_t make(const struct told *told, struct store_event events[EVENTS_MAX], char text[EVENTS_MAX][2][256])
{
    size_t n = 0;
    for (; n < EVENTS_MAX && told[n].alarm != NULL; n++) {
        (void)snprintf(text[n][0], 256,
                       "{\"v\":1,\"site\":\"s\",\"seq\":%zu,\"event\":\"%s\",\"alarm\":\"%s\",\"level\":\"red\"}",
                       n + 1, told[n].event, told[n].alarm);
        text[n][1][0] = '\0';
        if (told[n].state != NULL) {
            (void)snprintf(text[n][1], 256, "{\"v\":1,\"alarm\":\"%s\",\"state\":\"%s\"}", told[n].alarm,
                           told[n].state);
        }
        events[n] = (struct store_event){.seq = n + 1,
                                         .alarm = told[n].alarm,
                                         .alarm_len = strlen(told[n].alarm),
                                         .json = text[n][0],
                                         .json_len = strlen(text[n][0]),
                                         .state = text[n][1],
                                         .state_len = strlen(text[n][1])};
    }
    return n;
}

static void only_level_events_that_are_announced_get_documents(void **state)
{
    (void)state;
    static const struct {
        struct told told[EVENTS_MAX];
        enum cap_decision first, later; /* without and with earlier documents */
    } cases[] = {
        {{{"a", "raised", "active"}}, CAP_ALERT, CAP_UPDATE},
        {{{"a", "worsened", "active"}}, CAP_ALERT, CAP_UPDATE},
        {{{"a", "eased", "active"}}, CAP_ALERT, CAP_UPDATE},
        {{{"a", "cleared", "returned"}}, CAP_NOTHING, CAP_UPDATE},
        {{{"a", "cleared", NULL}}, CAP_NOTHING, CAP_UPDATE},
        {{{"a", "blind", "active"}}, CAP_NOTHING, CAP_NOTHING},
        {{{"a", "acked", "active"}}, CAP_NOTHING, CAP_NOTHING},
        {{{"a", "unshelved", "active"}}, CAP_NOTHING, CAP_NOTHING},
        {{{"a", "unsuppressed", "active"}}, CAP_NOTHING, CAP_NOTHING},
        {{{"a", "closed", NULL}}, CAP_NOTHING, CAP_NOTHING},
        {{{"a", "raised", "shelved"}}, CAP_NOTHING, CAP_NOTHING},
        {{{"a", "worsened", "suppressed"}}, CAP_NOTHING, CAP_NOTHING},
        {{{"a", "eased", "out_of_service"}}, CAP_NOTHING, CAP_NOTHING},
        {{{"a", "cleared", "shelved"}}, CAP_NOTHING, CAP_NOTHING},
        /* suppressed in the moment in which it is raised */
        {{{"a", "raised", "active"}, {"a", "suppressed", "suppressed"}}, CAP_NOTHING, CAP_NOTHING},
        {{{"a", "raised", "active"}, {"a", "blind", "active"}, {"a", "suppressed", "suppressed"}},
         CAP_NOTHING,
         CAP_NOTHING},
        {{{"a", "worsened", "active"},
          {"a", "unacked", "active"},
          {"a", "blind", "active"},
          {"a", "suppressed", "suppressed"}},
         CAP_NOTHING,
         CAP_NOTHING},
        /* by a cause that came later, or another alarm, or at another time */
        {{{"a", "raised", "active"}, {"b", "raised", "active"}, {"a", "suppressed", "suppressed"}},
         CAP_ALERT,
         CAP_UPDATE},
        {{{"a", "raised", "active"}, {"b", "suppressed", "suppressed"}}, CAP_ALERT, CAP_UPDATE},
        {{{"a", "raised", "active"}, {"a", "eased", "active"}, {"a", "suppressed", "suppressed"}},
         CAP_ALERT,
         CAP_UPDATE},
    };
    struct cap_event event = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct store_event events[EVENTS_MAX];
        char text[EVENTS_MAX][2][256];
        const size_t n = make(cases[i].told, events, text);
        assert_int_equal(cap_event_read(&event, events, n - 1, NULL), ERR_NONE);
        if (cap_decide(&event, false) != cases[i].first || cap_decide(&event, true) != cases[i].later) {
            fail_msg("case %zu, %s: %d, %d", i, cases[i].told[0].event, cap_decide(&event, false),
                     cap_decide(&event, true));
        }
    }
    cap_event_done(&event);
}

static void what_cannot_be_read_is_told(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "{",
                                        "[]",
                                        "{\"event\":\"raised\"}",
                                        "{\"event\":\"rised\",\"alarm\":\"a\"}",
                                        "{\"event\":\"raised\",\"alarm\":\"a\",\"level\":\"reed\"}"};
    struct cap_event event = {0};
    struct err err;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct store_event stored = {.seq = 7, .alarm = "a", .json = wrong[i], .json_len = strlen(wrong[i])};
        assert_int_equal(cap_event_read(&event, &stored, 0, &err), ERR_INPUT);
        assert_non_null(strstr(err.text, "event 7"));
    }
    cap_event_done(&event);
}

static void forecasts_and_how_near_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *when;
        bool forecast;
        double within_s;
    } cases[] = {
        {NULL, false, INFINITY},
        {"value > 1", false, INFINITY},
        {"eta_up(1.0, 10m) < 30m", true, 1800},
        {"eta_down('tank-7/level', 2, 1h) <= 600", true, 600},
        {"value > 0.5 && eta_up(point('a)b') + 1, 10m)<90s", true, 90},
        {"10m > eta_up(1, 1m)", true, 600},
        {"5m>=eta_up(1, 1m) || eta_down(0, 1m) < 2m", true, 120},
        {"eta_up(1, 10m) > 30m", true, INFINITY},
        {"eta_up(1, 10m) < limit", true, INFINITY},
        {"!(eta_up(1, 10m) == 0)", true, INFINITY},
        {"status('eta_up(') && value > 1", false, INFINITY},
        {"my_eta_up > 1", false, INFINITY},
        {"eta_up", true, INFINITY},
        {"eta_up(1, 'x", true, INFINITY},
        {"eta_up((1", true, INFINITY},
        {"'", false, INFINITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double within_s;
        if (cap_is_forecast(cases[i].when, &within_s) != cases[i].forecast || within_s != cases[i].within_s) {
            fail_msg("%s: within %g", cases[i].when, within_s);
        }
    }
}

/* ---- what was sent ----------------------------------------------------------------------------------------------- */

static struct cap_earlier *open_earlier(struct store *store, const char *way, const char *sink,
                                        struct counters *counters)
{
    struct cap_earlier *earlier;
    assert_int_equal(cap_earlier_open(store, way, sink, counter_new(counters, "cut", "", ""), &earlier, NULL),
                     ERR_NONE);
    return earlier;
}

static void keep(struct cap_earlier *earlier, struct store *store)
{
    struct store_batch *batch = store_batch_new(store);
    cap_earlier_keep(earlier, batch);
    assert_int_equal(store_batch_commit(batch, false, NULL), ERR_NONE);
    store_batch_free(batch);
}

static void all_earlier_documents_are_known_after_a_restart(void **state)
{
    (void)state;
    struct store *store = fake_store_new();
    struct counters *counters = counters_new(4);
    struct cap_earlier *earlier = open_earlier(store, "path", "centre", counters);
    assert_null(cap_earlier_references(earlier, "r:p", 1));
    cap_earlier_add(earlier, "r:p", 1, "s,i-1,t1");
    cap_earlier_add(earlier, "r:q", 3, "s,i-2,t2");
    keep(earlier, store);
    cap_earlier_add(earlier, "r:p", 1, "s,i-3,t3");
    assert_string_equal(cap_earlier_references(earlier, "r:p", 1), "s,i-1,t1 s,i-3,t3");
    cap_earlier_free(earlier); /* as kill -9 leaves it */

    earlier = open_earlier(store, "path", "centre", counters);
    assert_string_equal(cap_earlier_references(earlier, "r:p", 1), "s,i-1,t1");
    assert_string_equal(cap_earlier_references(earlier, "r:q", 3), "s,i-2,t2");
    assert_null(cap_earlier_references(earlier, "r:q", 4));
    cap_earlier_forget(earlier, "r:p");
    cap_earlier_forget(earlier, "r:nothing");
    cap_earlier_add(earlier, "r:q", 4, "s,i-5,t5"); /* those of the occurrence before are gone */
    keep(earlier, store);
    assert_string_equal(cap_earlier_references(earlier, "r:q", 4), "s,i-5,t5");
    cap_earlier_free(earlier);
    assert_int_equal(fake_store_records(store, "cap/"), 1);

    earlier = open_earlier(store, "url", "centre", counters); /* each way has its own */
    assert_null(cap_earlier_references(earlier, "r:q", 4));
    cap_earlier_free(earlier);
    earlier = open_earlier(store, "path", "centre", counters);
    assert_string_equal(cap_earlier_references(earlier, "r:q", 4), "s,i-5,t5");
    cap_earlier_free(earlier);
    counters_free(counters);
    fake_store_free(store);
}

static void an_occurrence_without_end_stays_bounded(void **state)
{
    (void)state;
    struct store *store = fake_store_new();
    struct counters *counters = counters_new(4);
    struct cap_earlier *earlier = open_earlier(store, "path", "centre", counters);
    char reference[64];
    enum { DOCUMENTS = 5000 };
    for (int i = 1; i <= DOCUMENTS; i++) {
        (void)snprintf(reference, sizeof reference, "sender,site-%06d,2026-01-05T08:00:30+08:00", i);
        cap_earlier_add(earlier, "r:p", 1, reference);
    }
    const char *all = cap_earlier_references(earlier, "r:p", 1);
    assert_true(strlen(all) <= CAP_REFERENCES_MAX);
    assert_memory_equal(all, "sender,site-000001,", 19);
    assert_string_equal(strrchr(all, ' ') + 1, reference);
    size_t count = 1;
    for (const char *c = all; (c = strchr(c, ' ')) != NULL; c++) {
        count++;
    }
    assert_true(count > 1000);
    assert_int_equal(counter_get(counter_find(counters, "cut")), DOCUMENTS - count);
    keep(earlier, store);
    cap_earlier_free(earlier);
    earlier = open_earlier(store, "path", "centre", counters);
    assert_true(strlen(cap_earlier_references(earlier, "r:p", 1)) > CAP_REFERENCES_MAX / 2);
    cap_earlier_free(earlier);
    counters_free(counters);
    fake_store_free(store);
}

static void a_broken_record_is_left_out(void **state)
{
    (void)state;
    struct store *store = fake_store_new();
    struct counters *counters = counters_new(4);
    struct store_batch *batch = store_batch_new(store);
    store_batch_put(batch, "cap/path/centre r:p", "\1nonsense", 9);
    assert_int_equal(store_batch_commit(batch, false, NULL), ERR_NONE);
    store_batch_free(batch);
    struct cap_earlier *earlier = open_earlier(store, "path", "centre", counters);
    assert_null(cap_earlier_references(earlier, "r:p", 1));
    cap_earlier_free(earlier);
    counters_free(counters);
    fake_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_level_events_that_are_announced_get_documents),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(forecasts_and_how_near_they_are),
        cmocka_unit_test(all_earlier_documents_are_known_after_a_restart),
        cmocka_unit_test(an_occurrence_without_end_stays_bounded),
        cmocka_unit_test(a_broken_record_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
