/*
 * A link to a broker, without one: what is asked of paho and when, whatever the
 * broker answers.  What paho is asked for is only noted here.
 */
#include "base/log.h"
#include "field.h"
#include "ingest/broker_link.h"

#include <string.h>

enum { FILTERS = 3, REFUSED = 0x80 };

struct bench {
    struct site site;
    struct site_source source;
    struct broker_filter filters[FILTERS];
    pthread_mutex_t lock;
    struct broker_link link;
    size_t asked_at[FILTERS]; /* of the link */
    int64_t mono_ns;
    enum broker_news news;
    int64_t due_ns;
};

static struct {
    unsigned connects, subscribes, cuts;
    size_t asked;
    bool cannot_send;
} paho;

void broker_link_connect(struct broker_link *link)
{
    (void)link;
    paho.connects++;
}

bool broker_link_subscribe(struct broker_link *link)
{
    link->asked_count = 0;
    for (size_t i = 0; i < FILTERS; i++) {
        if (link->config.filters[i].open) {
            link->asked_at[link->asked_count++] = i;
        }
    }
    paho.subscribes++;
    paho.asked = link->asked_count;
    link->asking = true;
    return !paho.cannot_send;
}

bool broker_link_cut(const struct broker_link *link)
{
    (void)link;
    paho.cuts++;
    return true;
}

static void changed(void *self)
{
    (void)self;
}

static void start(struct bench *bench, bool clean)
{
    memset(&paho, 0, sizeof paho);
    memset(bench, 0, sizeof *bench);
    bench->source = (struct site_source){.id = "gw", .type = SOURCE_MQTT, .url = "mqtt://127.0.0.1:1883"};
    for (size_t i = 0; i < FILTERS; i++) {
        bench->filters[i] = (struct broker_filter){.topic = "t", .qos = 1};
    }
    (void)pthread_mutex_init(&bench->lock, NULL);
    bench->link = (struct broker_link){.config = {.site = &bench->site,
                                                  .source = &bench->source,
                                                  .clean = clean,
                                                  .filters = bench->filters,
                                                  .filter_count = FILTERS,
                                                  .owner = {.changed = changed},
                                                  .lock = &bench->lock},
                                       .asked_at = bench->asked_at,
                                       .retry_ns = 1,
                                       .ask_ns = TIME_NEVER};
    bench->mono_ns = 100 * NS_PER_S;
}

static void step(struct bench *bench)
{
    (void)pthread_mutex_lock(&bench->lock);
    bench->due_ns = broker_link_step(&bench->link, bench->mono_ns, &bench->news);
    (void)pthread_mutex_unlock(&bench->lock);
}

/* Steps at the moment that was asked for. */
static void step_when_due(struct bench *bench)
{
    assert_true(bench->due_ns != TIME_NEVER);
    bench->mono_ns = bench->due_ns > bench->mono_ns ? bench->due_ns : bench->mono_ns;
    step(bench);
}

/* As paho's callbacks note it. */
static void broker_says(struct bench *bench, enum broker_state state)
{
    bench->link.state = state;
    bench->link.reason = 0;
    if (state == BROKER_DOWN) {
        bench->link.retry_ns = 0;
        bench->link.asking = false;
    }
}

/* Until the first subscription is under way. */
static void meet(struct bench *bench, bool session)
{
    step(bench);
    assert_int_equal(bench->link.state, BROKER_CONNECTING);
    bench->link.session = session;
    broker_says(bench, BROKER_CONNECTED);
    step(bench);
    assert_int_equal(bench->news, BROKER_MET);
}

static void ready(struct bench *bench)
{
    step(bench);
    assert_int_equal(bench->news, BROKER_READY);
    step(bench);
    assert_int_equal(bench->news, BROKER_NOTHING); /* told once */
}

static void a_connection_is_tried_for_ever_with_back_off(void **state)
{
    struct bench bench;
    int64_t waited_ns = 0;
    (void)state;
    start(&bench, true);
    step(&bench);
    assert_int_equal(paho.connects, 1); /* the first at once */
    for (unsigned i = 0; i < 12; i++) {
        broker_says(&bench, BROKER_DOWN);
        step(&bench);
        assert_int_equal(bench.news, BROKER_FAILED);
        waited_ns = bench.due_ns - bench.mono_ns;
        assert_in_range(waited_ns, NS_PER_S, 30 * NS_PER_S);
        step_when_due(&bench);
        assert_int_equal(bench.news, BROKER_NOTHING);
        assert_int_equal(paho.connects, i + 2);
    }
    assert_true(waited_ns > 20 * NS_PER_S);
}

static void what_is_granted_is_asked_for_once(void **state)
{
    static const int granted[FILTERS] = {1, 0, 1};
    struct bench bench;
    (void)state;
    start(&bench, true);
    meet(&bench, false);
    assert_int_equal(bench.link.state, BROKER_SUBSCRIBING);
    broker_link_answered(&bench.link, FILTERS, granted);
    ready(&bench);
    assert_true(bench.due_ns == TIME_NEVER);
    assert_int_equal(paho.subscribes, 1);
    assert_int_equal(paho.asked, FILTERS);
}

static void what_is_refused_is_asked_for_again_alone(void **state)
{
    static const int granted[FILTERS] = {1, REFUSED, 1};
    static const int at_last[1] = {1};
    struct bench bench;
    (void)state;
    start(&bench, true);
    meet(&bench, false);
    broker_link_answered(&bench.link, FILTERS, granted);
    ready(&bench); /* with the others */
    for (unsigned i = 0; i < 12; i++) {
        step_when_due(&bench);
        assert_int_equal(paho.subscribes, i + 2);
        assert_int_equal(paho.asked, 1);
        broker_link_answered(&bench.link, 1, NULL);
        step(&bench);
        assert_in_range(bench.due_ns - bench.mono_ns, NS_PER_S, 300 * NS_PER_S);
    }
    assert_true(bench.due_ns - bench.mono_ns > 200 * NS_PER_S);
    step_when_due(&bench);
    broker_link_answered(&bench.link, 1, at_last);
    step(&bench);
    assert_true(bench.due_ns == TIME_NEVER);
}

static void a_subscription_that_ends_without_answer_is_made_again(void **state)
{
    static const int granted[FILTERS] = {1, 1, 1};
    struct bench bench;
    (void)state;
    start(&bench, true);
    meet(&bench, false);
    broker_link_unanswered(&bench.link);
    step(&bench);
    assert_int_equal(bench.link.state, BROKER_SUBSCRIBING); /* not for ever */
    paho.cannot_send = true;
    step_when_due(&bench);
    assert_int_equal(paho.subscribes, 2);
    paho.cannot_send = false;
    step_when_due(&bench);
    assert_int_equal(paho.subscribes, 3);
    assert_int_equal(paho.asked, FILTERS);
    broker_link_answered(&bench.link, FILTERS, granted);
    ready(&bench);
}

static void a_broker_that_does_not_answer_is_left_if_it_keeps_nothing(void **state)
{
    (void)state;
    for (int clean = 0; clean < 2; clean++) {
        struct bench bench;
        start(&bench, clean == 1);
        meet(&bench, false);
        step(&bench);
        assert_in_range(bench.due_ns - bench.mono_ns, NS_PER_S, 60 * NS_PER_S);
        step_when_due(&bench);
        assert_int_equal(paho.cuts, clean);
        assert_int_equal(paho.subscribes, 1); /* it has the question */
        step(&bench);
        assert_int_equal(paho.cuts, clean);
    }
}

static void a_kept_session_has_its_subscriptions(void **state)
{
    static const int granted[FILTERS] = {1, REFUSED, 1};
    struct bench bench;
    (void)state;
    start(&bench, false);
    meet(&bench, true); /* kept, but the site may have changed since */
    assert_int_equal(paho.asked, FILTERS);
    broker_link_answered(&bench.link, FILTERS, granted);
    ready(&bench);
    broker_says(&bench, BROKER_DOWN);
    step(&bench);
    bench.mono_ns = bench.due_ns;
    meet(&bench, true);
    assert_int_equal(paho.subscribes, 2);
    assert_int_equal(paho.asked, 1); /* what was refused before */
    broker_says(&bench, BROKER_DOWN);
    step(&bench);
    bench.mono_ns = bench.due_ns;
    meet(&bench, false); /* the broker has forgotten us */
    assert_int_equal(paho.asked, FILTERS);
}

static void an_answer_to_another_question_is_none(void **state)
{
    static const int granted[FILTERS] = {1, 1, 1};
    struct bench bench;
    (void)state;
    start(&bench, true);
    meet(&bench, false);
    broker_link_answered(&bench.link, 1, granted);
    assert_int_equal(bench.link.state, BROKER_SUBSCRIBING);
    broker_says(&bench, BROKER_DOWN);
    broker_link_answered(&bench.link, FILTERS, granted);
    assert_int_equal(bench.link.state, BROKER_DOWN);
    broker_link_unanswered(&bench.link);
    step(&bench);
    assert_int_equal(bench.news, BROKER_FAILED);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_tried_for_ever_with_back_off),
        cmocka_unit_test(what_is_granted_is_asked_for_once),
        cmocka_unit_test(what_is_refused_is_asked_for_again_alone),
        cmocka_unit_test(a_subscription_that_ends_without_answer_is_made_again),
        cmocka_unit_test(a_broker_that_does_not_answer_is_left_if_it_keeps_nothing),
        cmocka_unit_test(a_kept_session_has_its_subscriptions),
        cmocka_unit_test(an_answer_to_another_question_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
