/*
 * runner: the thread that calls agents, and how it idles.
 *
 * An idle cycle is followed by a few more at once, then by a few with the
 * processor offered to others, then by sleep.  The first two are short on
 * purpose: waking costs some 35 us when it comes from another core, but on a
 * machine of two cores a spinning thread takes its time from the others.
 *
 * struct runner is made by the starter and, from then until the join, touched
 * by the thread only.
 */
#include "base/agent.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/slice.h"
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SPIN_CYCLES = 16, YIELD_CYCLES = 4, NAME_MAX_BYTES = 15 };
#define SLEEP_LONGEST_NS (100 * NS_PER_MS)
#define OVERDUE_RETRY_NS NS_PER_MS

struct runner {
    char name[NAME_MAX_BYTES + 1];
    struct agent agents[RUNNER_AGENTS_MAX]; /* those not finished, in the order given */
    int count;
    struct doorbell *bell; /* borrowed */
    pthread_t thread;      /* starter only */
};

/* Calls every agent once; drops those that have finished.  Gives how much was done. */
static int64_t call_agents(struct runner *runner, int64_t now_ns)
{
    int64_t work = 0;
    int left = 0;
    for (int i = 0; i < runner->count; i++) {
        const struct agent agent = runner->agents[i];
        const int done = agent.do_work(agent.self, now_ns);
        if (done == AGENT_FINISHED) {
            work++; /* its end may be what another agent waits for */
            continue;
        }
        work += done;
        runner->agents[left++] = agent;
    }
    runner->count = left;
    return work;
}

static int64_t sleep_length(const struct runner *runner, int64_t now_ns)
{
    int64_t due_ns = TIME_NEVER;
    for (int i = 0; i < runner->count; i++) {
        const struct agent *agent = &runner->agents[i];
        const int64_t next_ns = agent->next_due == NULL ? TIME_NEVER : agent->next_due(agent->self);
        due_ns = next_ns < due_ns ? next_ns : due_ns;
    }
    if (due_ns <= now_ns) {
        return OVERDUE_RETRY_NS;
    }
    const int64_t length_ns = due_ns - now_ns; /* fits: the machine's time is not negative */
    return length_ns < SLEEP_LONGEST_NS ? length_ns : SLEEP_LONGEST_NS;
}

static void sleep_until_work(const struct runner *runner, int64_t now_ns)
{
    struct pollfd fds[RUNNER_AGENTS_MAX + 1] = {{.fd = doorbell_fd(runner->bell), .events = POLLIN}};
    nfds_t n = 1;
    for (int i = 0; i < runner->count; i++) {
        const struct agent *agent = &runner->agents[i];
        const int fd = agent->wait_fd == NULL ? -1 : agent->wait_fd(agent->self);
        if (fd >= 0) {
            fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
    const struct timespec length = {.tv_sec = 0, .tv_nsec = sleep_length(runner, now_ns)}; /* at most 100 ms */
    (void)ppoll(fds, n, &length, NULL); /* whatever it says, all agents are called next */
}

/* The bell's protocol: park, look once more, and only then sleep. */
static void park(struct runner *runner, struct clock *clock)
{
    doorbell_park(runner->bell);
    const int64_t now_ns = clock_now_ns(clock);
    if (call_agents(runner, now_ns) == 0) {
        sleep_until_work(runner, now_ns);
    }
    doorbell_unpark(runner->bell);
}

static bool any_prompt(const struct runner *runner)
{
    bool prompt = false;
    for (int i = 0; i < runner->count; i++) {
        prompt = prompt || runner->agents[i].prompt;
    }
    return prompt;
}

static void *run(void *arg)
{
    struct runner *runner = arg;
    if (any_prompt(runner)) {
        slice_ask_short();
    }
    (void)pthread_setname_np(pthread_self(), runner->name); /* a name is a convenience */
    struct clock clock;
    clock_init(&clock);
    int idle_cycles = 0;
    while (runner->count > 0) {
        if (call_agents(runner, clock_now_ns(&clock)) > 0) {
            idle_cycles = 0;
        } else if (++idle_cycles > SPIN_CYCLES + YIELD_CYCLES) {
            park(runner, &clock);
            idle_cycles = 0;
        } else if (idle_cycles > SPIN_CYCLES) {
            (void)sched_yield(); /* cannot fail on Linux */
        }
    }
    return NULL;
}

enum err_code runner_start(const char *name, const struct agent *agents, int n, struct doorbell *bell,
                           struct runner **ret_runner, struct err *err)
{
    assert(n > 0 && n <= RUNNER_AGENTS_MAX);
    struct runner *runner = memory_new(1, sizeof *runner);
    (void)snprintf(runner->name, sizeof runner->name, "%s", name); /* cut to what the kernel takes */
    memcpy(runner->agents, agents, (size_t)n * sizeof *agents);
    runner->count = n;
    runner->bell = bell;

    /* Signals are the main thread's: the new thread inherits a mask that blocks them all. */
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all); /* these cannot fail with valid arguments */
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    const int failed = pthread_create(&runner->thread, NULL, run, runner);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        free(runner);
        return err_set(err, ERR_ENV, "cannot start thread \"%s\": %s", name, strerror(failed));
    }
    *ret_runner = runner;
    return ERR_NONE;
}

void runner_join(struct runner *runner)
{
    if (runner != NULL) {
        (void)pthread_join(runner->thread, NULL); /* fails only for a thread that is not ours */
        free(runner);
    }
}
