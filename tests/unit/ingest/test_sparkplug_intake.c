/*
 * Taking Sparkplug messages without a broker: rings, room, the order of
 * a payload's readings, counters.
 */
#include "field.h"
#include "ingest/sparkplug_intake.h"
#include "payloads.h"

#include <string.h>

#define T0_MS UINT64_C(1767571230000)

struct bench {
    struct field *field;
    struct cell stop;
    struct arena arena;
    struct spb_shared shared;
    struct spb_intake intake;
};

static void start(struct bench *bench, size_t ring)
{
    memset(bench, 0, sizeof *bench);
    bench->field = field_new(ring);
    struct site_source *source = field_add_mqtt(bench->field, "mqtt://h", NULL, 0);
    source->format = FORMAT_SPARKPLUG;
    source->host_id = "host";
    source->reorder_ns = NS_PER_S;
    (void)field_add_key(bench->field, "G/N/a");
    (void)field_add_key(bench->field, "G/N/b");
    const struct spb_config config = {
        .site = &bench->field->site, .router = &bench->field->router, .counters = bench->field->counters};
    arena_init(&bench->arena);
    spb_shared_init(&bench->shared, &config, &bench->stop, &bench->arena);
    spb_intake_init(&bench->intake, &bench->shared, &config, 0, &bench->arena);
    arena_seal(&bench->arena);
    spb_intake_up(&bench->intake);
}

static void stop(struct bench *bench)
{
    spb_intake_done(&bench->intake);
    arena_done(&bench->arena);
    field_free(bench->field);
}

static bool say(struct bench *bench, const char *topic, int seq, const struct told *metrics, size_t n)
{
    struct buf buf = {0};
    payload_build(&buf, T0_MS, seq, metrics, n);
    const bool taken = spb_intake_take(&bench->intake, topic, strlen(topic), buf.data, buf.len, false);
    buf_done(&buf);
    return taken;
}

static struct told value(const char *name, uint64_t time_ms, double number)
{
    return (struct told){.name = name, .time_ms = time_ms, .type = SPB_DOUBLE, .field = VALUE_DOUBLE, .real = number};
}

static void birth(struct bench *bench)
{
    const struct told metrics[] = {value("a", 0, 1), value("b", 0, 2)};
    assert_true(say(bench, "spBv1.0/G/NBIRTH/N", 0, metrics, 2));
}

static size_t drain(struct bench *bench, struct sample *ret_samples, size_t room)
{
    size_t n = 0;
    while (n < room && field_take(bench->field, &ret_samples[n])) {
        n++;
    }
    return n;
}

static void readings_of_one_payload_go_in_by_their_time(void **state)
{
    struct bench bench;
    struct sample samples[8];
    (void)state;
    start(&bench, 64);
    birth(&bench);
    (void)drain(&bench, samples, 8);
    const struct told metrics[] = {value("a", T0_MS + 3000, 3), value("b", T0_MS + 1000, 1),
                                   value("a", T0_MS + 2000, 2), value("b", T0_MS + 1000, 4)};
    assert_true(say(&bench, "spBv1.0/G/NDATA/N", 1, metrics, 4));
    assert_int_equal(drain(&bench, samples, 8), 4);
    const double order[] = {1, 4, 2, 3}; /* of one time as they were written */
    for (size_t i = 0; i < 4; i++) {
        assert_true(samples[i].value == order[i]);
    }
    stop(&bench);
}

static void without_room_a_message_is_lost_and_a_birth_wanted(void **state)
{
    struct bench bench;
    struct sample samples[8];
    (void)state;
    start(&bench, 4);
    birth(&bench);
    (void)spb_session_ask(&bench.intake.session, clock_mono_ns());
    const struct told metrics[] = {value("a", 0, 3), value("b", 0, 4)};
    assert_true(say(&bench, "spBv1.0/G/NDATA/N", 1, metrics, 1));
    assert_false(say(&bench, "spBv1.0/G/NDATA/N", 2, metrics, 2)); /* the ring is full: waits in vain */
    assert_int_equal(field_count(bench.field, "refused"), 1);
    assert_int_equal(field_count(bench.field, "online"), 0);
    assert_true(bench.intake.session.nodes[0].ask);
    assert_int_equal(drain(&bench, samples, 8), 3);
    birth(&bench);
    assert_int_equal(field_count(bench.field, "online"), 1);
    assert_int_equal(drain(&bench, samples, 8), 2);
    stop(&bench);
}

static void a_stop_waits_for_nothing(void **state)
{
    struct bench bench;
    (void)state;
    start(&bench, 4);
    birth(&bench);
    cell_set(&bench.stop, 1);
    const struct told metrics[] = {value("a", 0, 3), value("b", 0, 4), value("a", 0, 5)};
    const int64_t before_ns = clock_mono_ns();
    assert_false(say(&bench, "spBv1.0/G/NDATA/N", 1, metrics, 3));
    assert_true(clock_mono_ns() - before_ns < SPB_ROOM_PATIENCE_NS);
    stop(&bench);
}

static void the_loss_of_the_broker_is_a_sample_of_every_point(void **state)
{
    struct bench bench;
    struct sample samples[8];
    (void)state;
    start(&bench, 64);
    birth(&bench);
    (void)drain(&bench, samples, 8);
    spb_intake_down(&bench.intake);
    assert_int_equal(drain(&bench, samples, 8), 2);
    assert_true(samples[0].status == SPB_LOST && samples[1].status == SPB_LOST);
    assert_int_equal(field_count(bench.field, "connected"), 0);
    stop(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_of_one_payload_go_in_by_their_time),
        cmocka_unit_test(without_room_a_message_is_lost_and_a_birth_wanted),
        cmocka_unit_test(a_stop_waits_for_nothing),
        cmocka_unit_test(the_loss_of_the_broker_is_a_sample_of_every_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
