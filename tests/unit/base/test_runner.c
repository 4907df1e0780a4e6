/* runner: agents are called while they live, sleep when idle, and wake for the bell, a descriptor or a deadline. */
#include "base/agent.h"
#include "base/cell.h"
#include "base/clock.h"
#include "base/ring.h"
#include "tests/unit/base/unit.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEADLINE_S = 20 };

static struct doorbell *open_bell(void)
{
    struct doorbell *bell = NULL;
    assert_int_equal(doorbell_open(&bell, NULL), ERR_NONE);
    return bell;
}

static struct runner *start(const char *name, const struct agent *agents, int n, struct doorbell *bell)
{
    struct runner *runner = NULL;
    assert_int_equal(runner_start(name, agents, n, bell, &runner, NULL), ERR_NONE);
    return runner;
}

/* Waits until the cell holds at least `value`. */
static void await(const struct cell *cell, uint64_t value)
{
    const int64_t deadline_ns = clock_mono_ns() + DEADLINE_S * NS_PER_S;
    while (cell_get(cell) < value) {
        assert_true(clock_mono_ns() < deadline_ns);
        (void)sched_yield();
    }
}

/* Passes what comes in one ring to the next; ends as rings end. */
struct passer {
    struct ring *in, *out;
    struct doorbell *next_bell;
    uint64_t calls_after_end;
    bool finished;
    bool signals_blocked;
    char thread_name[16];
};

static int pass(void *self, int64_t now_ns)
{
    struct passer *passer = self;
    assert_true(now_ns > 0);
    if (passer->finished) {
        passer->calls_after_end++;
        return AGENT_FINISHED;
    }
    size_t n = 0;
    const uint64_t *item = ring_peek(passer->in, &n);
    int done = 0;
    for (; (size_t)done < n && ring_push(passer->out, &item[done]); done++) {
    }
    ring_release(passer->in, (size_t)done);
    if (ring_ended(passer->in)) {
        sigset_t blocked;
        (void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
        passer->signals_blocked = sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGUSR1) == 1;
        (void)pthread_getname_np(pthread_self(), passer->thread_name, sizeof passer->thread_name);
        ring_close(passer->out);
        passer->finished = true;
        done = AGENT_FINISHED;
    }
    if (done != 0) {
        doorbell_ring(passer->next_bell);
    }
    return done;
}

static void test_a_chain_of_agents_passes_all_and_ends(void **state)
{
    (void)state;
    enum { ITEMS = 100000 };
    struct ring *rings[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ring_open(sizeof(uint64_t), 64, 0, &rings[i], NULL), ERR_NONE);
    }
    struct doorbell *bells[2] = {open_bell(), open_bell()};
    struct passer passers[2] = {{.in = rings[0], .out = rings[1], .next_bell = bells[0]},
                                {.in = rings[1], .out = rings[2], .next_bell = bells[1]}};
    const struct agent agents[2] = {{.name = "one", .self = &passers[0], .do_work = pass},
                                    {.name = "two", .self = &passers[1], .do_work = pass}};
    struct runner *runner = start("a-name-that-is-too-long", agents, 2, bells[0]);
    uint64_t sent = 0;
    uint64_t got = 0;
    const int64_t deadline_ns = clock_mono_ns() + DEADLINE_S * NS_PER_S;
    while (got < ITEMS) {
        while (sent < ITEMS && ring_push(rings[0], &sent)) {
            sent++;
        }
        doorbell_ring(bells[0]);
        size_t n = 0;
        const uint64_t *items = ring_peek(rings[2], &n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(items[i], got++);
        }
        ring_release(rings[2], n);
        assert_true(clock_mono_ns() < deadline_ns);
        (void)sched_yield();
    }
    ring_close(rings[0]);
    doorbell_ring(bells[0]);
    runner_join(runner);
    assert_true(ring_ended(rings[2]));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(passers[i].calls_after_end, 0);
        assert_true(passers[i].signals_blocked);
        assert_string_equal(passers[i].thread_name, "a-name-that-is-");
        doorbell_free(bells[i]);
    }
    for (int i = 0; i < 3; i++) {
        ring_free(rings[i]);
    }
    runner_join(NULL);
}

/* An agent that only waits: for a deadline, a descriptor, and its end. */
struct waiter {
    struct cell end;   /* written by the test */
    struct cell calls; /* written by the agent */
    struct cell fired;
    struct cell fired_at_ns;
    int64_t due_ns; /* runner's after start */
    int64_t period_ns;
    int fd;
};

static int wait_work(void *self, int64_t now_ns)
{
    struct waiter *waiter = self;
    cell_set(&waiter->calls, cell_get(&waiter->calls) + 1);
    if (cell_get(&waiter->end) != 0) {
        return AGENT_FINISHED;
    }
    uint64_t events = 0;
    const bool readable = waiter->fd >= 0 && read(waiter->fd, &events, sizeof events) == (ssize_t)sizeof events;
    if (!readable && now_ns < waiter->due_ns) {
        return 0;
    }
    waiter->due_ns = waiter->period_ns == 0 ? TIME_NEVER : now_ns + waiter->period_ns;
    cell_set(&waiter->fired_at_ns, (uint64_t)now_ns);
    cell_set(&waiter->fired, cell_get(&waiter->fired) + 1);
    return 1;
}

static int64_t wait_due(void *self)
{
    const struct waiter *waiter = self;
    return waiter->due_ns;
}

static int wait_descriptor(void *self)
{
    const struct waiter *waiter = self;
    return waiter->fd;
}

static struct agent waiter_agent(struct waiter *waiter)
{
    return (struct agent){
        .name = "waiter", .self = waiter, .do_work = wait_work, .next_due = wait_due, .wait_fd = wait_descriptor};
}

static void end_waiter(struct waiter *waiter, struct runner *runner, struct doorbell *bell)
{
    cell_set(&waiter->end, 1);
    doorbell_ring(bell);
    runner_join(runner);
    doorbell_free(bell);
}

static void test_deadlines_come_near_their_time(void **state)
{
    (void)state;
    struct clock clock;
    clock_init(&clock);
    struct waiter waiter = {.fd = -1, .period_ns = 3 * NS_PER_MS, .due_ns = clock.last_ns + 30 * NS_PER_MS};
    const uint64_t first_due_ns = (uint64_t)waiter.due_ns;
    struct doorbell *bell = open_bell();
    const struct agent agent = waiter_agent(&waiter);
    struct runner *runner = start("waiter", &agent, 1, bell);
    await(&waiter.fired, 1);
    assert_true(cell_get(&waiter.fired_at_ns) >= first_due_ns);
    await(&waiter.fired, 101); /* a hundred periods; far more than 0.3 s means that only the 100 ms net caught them */
    assert_true(clock_now_ns(&clock) < (int64_t)first_due_ns + 5 * NS_PER_S);
    end_waiter(&waiter, runner, bell);
}

static void test_a_readable_descriptor_wakes(void **state)
{
    (void)state;
    struct waiter waiter = {.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .due_ns = TIME_NEVER};
    assert_true(waiter.fd >= 0);
    struct doorbell *bell = open_bell();
    const struct agent agent = waiter_agent(&waiter);
    struct runner *runner = start("waiter", &agent, 1, bell);
    const int64_t start_ns = clock_mono_ns();
    for (uint64_t i = 1; i <= 200; i++) {
        const uint64_t one = 1;
        assert_int_equal(write(waiter.fd, &one, sizeof one), sizeof one);
        await(&waiter.fired, i);
    }
    assert_true(clock_mono_ns() - start_ns < 10 * NS_PER_S); /* by the net alone it would take 20 s */
    end_waiter(&waiter, runner, bell);
    (void)close(waiter.fd);
}

static int64_t process_cpu_ns(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_S +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NS_PER_US;
}

static void test_an_idle_runner_sleeps(void **state)
{
    (void)state;
    struct waiter waiter = {.fd = -1, .due_ns = TIME_NEVER};
    struct doorbell *bell = open_bell();
    const struct agent agent = waiter_agent(&waiter);
    struct runner *runner = start("waiter", &agent, 1, bell);
    await(&waiter.calls, 100);
    /* What is measured here is a stretch of time; nothing is waited for. */
    const int64_t cpu_ns = process_cpu_ns();
    const uint64_t calls = cell_get(&waiter.calls);
    (void)usleep(1000000);
    assert_true(process_cpu_ns() - cpu_ns < 10 * NS_PER_MS); /* below one per cent */
    assert_true(cell_get(&waiter.calls) - calls >= 5);       /* and the net looks in every 100 ms */
    end_waiter(&waiter, runner, bell);
}

static int64_t long_past(void *self)
{
    (void)self;
    return 1;
}

static void test_a_deadline_that_cannot_be_met_does_not_burn_the_processor(void **state)
{
    (void)state;
    struct waiter waiter = {.fd = -1, .due_ns = TIME_NEVER};
    struct doorbell *bell = open_bell();
    struct agent agent = waiter_agent(&waiter);
    agent.next_due = long_past;
    struct runner *runner = start("waiter", &agent, 1, bell);
    await(&waiter.calls, 100);
    const int64_t cpu_ns = process_cpu_ns();
    const uint64_t calls = cell_get(&waiter.calls);
    (void)usleep(500000); /* a stretch of time to measure */
    assert_true(process_cpu_ns() - cpu_ns < 150 * NS_PER_MS);
    assert_true(cell_get(&waiter.calls) - calls >= 50); /* but it is tried again all the time */
    end_waiter(&waiter, runner, bell);
}

/* The slice the kernel gives the calling thread; 0: it does not tell (before Linux 6.12). */
static uint64_t own_slice(void)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t slice_ns, deadline_ns, period_ns;
        uint32_t least, most;
    } attributes = {.size = sizeof attributes};
    assert_int_equal(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0), 0);
    assert_int_equal(attributes.policy, SCHED_OTHER);
    return attributes.slice_ns;
}

static int look_at_slice(void *self, int64_t now_ns)
{
    (void)now_ns;
    *(uint64_t *)self = own_slice();
    return AGENT_FINISHED;
}

static void test_the_thread_of_a_prompt_agent_has_short_turns(void **state)
{
    (void)state;
    struct doorbell *bell = open_bell();
    uint64_t slices_ns[2] = {0};
    for (int prompt = 0; prompt < 2; prompt++) {
        const struct agent agent = {.self = &slices_ns[prompt], .do_work = look_at_slice, .prompt = prompt != 0};
        runner_join(start("turns", &agent, 1, bell));
    }
    doorbell_free(bell);
    if (slices_ns[0] == 0) {
        skip();
    }
    assert_int_equal(slices_ns[0], own_slice());
    assert_int_equal(slices_ns[1], 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain_of_agents_passes_all_and_ends),
        cmocka_unit_test(test_deadlines_come_near_their_time),
        cmocka_unit_test(test_a_readable_descriptor_wakes),
        cmocka_unit_test(test_an_idle_runner_sleeps),
        cmocka_unit_test(test_a_deadline_that_cannot_be_met_does_not_burn_the_processor),
        cmocka_unit_test(test_the_thread_of_a_prompt_agent_has_short_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
