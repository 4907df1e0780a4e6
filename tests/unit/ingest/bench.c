/* bench: see bench.h. */
#include "bench.h"

#include "base/clock.h"
#include <math.h>
#include <poll.h>
#include <signal.h>

void bench_start(struct bench *bench, struct field *field)
{
    struct err err;
    (void)signal(SIGPIPE, SIG_IGN); /* as the monitor does: a device may have hung up when it is asked */
    *bench = (struct bench){.field = field};
    bench->alarmed.active = bench->active;
    clock_init(&bench->clock);
    assert_int_equal(doorbell_open(&bench->bell, &err), ERR_NONE);
    const struct mbus_config config = {.site = &field->site,
                                       .router = &field->router,
                                       .bell = bench->bell,
                                       .stop = &bench->stop,
                                       .counters = field->counters,
                                       .alarmed = &bench->alarmed};
    assert_int_equal(mbus_worker_new(&config, &bench->worker, &err), ERR_NONE);
    bench->agent = mbus_worker_agent(bench->worker);
}

static void look(struct bench *bench, const struct sample *sample)
{
    const struct site_from *from = &bench->field->points[sample->point].from;
    if (sample->seen_ns < bench->last_seen_ns || sample->time_ns != sample->seen_ns) {
        bench->wrong++;
    }
    bench->last_seen_ns = sample->seen_ns;
    if (sample->status == 0 && sample->value == (double)device_value(from->unit, from->address)) {
        bench->good++;
        bench->good_of[sample->point]++;
    } else if (sample->status == ST_COMM && isnan(sample->value)) {
        bench->comm++;
        bench->comm_of[sample->point]++;
    } else {
        bench->wrong++;
    }
}

int bench_cycle(struct bench *bench)
{
    struct sample sample;
    const int64_t now_ns = clock_now_ns(&bench->clock);
    const int work = bench->agent.do_work(bench->agent.self, now_ns);
    while (field_take(bench->field, &sample)) {
        look(bench, &sample);
    }
    if (work == 0) {
        const int64_t wait_ns = bench->agent.next_due(bench->agent.self) - now_ns;
        struct pollfd fd = {.fd = bench->agent.wait_fd(bench->agent.self), .events = POLLIN};
        const int wait_ms = wait_ns > 50 * NS_PER_MS ? 50 : (int)(wait_ns / NS_PER_MS);
        (void)poll(&fd, 1, wait_ms < 0 ? 0 : wait_ms);
    }
    return work;
}

void bench_run_for(struct bench *bench, int64_t length_ns)
{
    const int64_t until_ns = clock_mono_ns() + length_ns;
    while (clock_mono_ns() < until_ns) {
        (void)bench_cycle(bench);
    }
}

void bench_run_until(struct bench *bench, const uint64_t *count, uint64_t more)
{
    const uint64_t goal = *count + more;
    const int64_t until_ns = clock_mono_ns() + 10 * NS_PER_S;
    while (*count < goal && clock_mono_ns() < until_ns) {
        (void)bench_cycle(bench);
    }
    assert_true(*count >= goal);
}

void bench_stop(struct bench *bench)
{
    cell_set(&bench->stop, 1);
    const int64_t until_ns = clock_mono_ns() + 10 * NS_PER_S;
    while (bench_cycle(bench) != AGENT_FINISHED) {
        assert_true(clock_mono_ns() < until_ns);
    }
    assert_true(ring_ended(bench->field->rings[0]));
    mbus_worker_free(bench->worker);
    doorbell_free(bench->bell);
    assert_int_equal(bench->wrong, 0);
    field_free(bench->field);
}

struct field *four_points(enum source_type type, uint16_t port)
{
    struct field *field = field_new(4096);
    (void)field_add_modbus(field, type, port);
    (void)field_add_register(field, 1, 0, TYPE_U16, poll_ns);
    (void)field_add_register(field, 1, 2, TYPE_U16, poll_ns);
    (void)field_add_register(field, 1, 5, TYPE_U16, poll_ns);
    (void)field_add_register(field, 1, 100, TYPE_U16, poll_ns);
    return field;
}

struct field *patient(struct field *field)
{
    field->sources[0].timeout_ns = 5 * NS_PER_S;
    return field;
}
