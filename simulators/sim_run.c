/*
 * sim_run: one libuv loop, its signals and its end (see sim_run.h).
 */
#include "simulators/sim_run.h"
#include "base/clock.h"
#include "simulators/sim_modbus.h"
#include "simulators/sim_mqtt.h"
#include "simulators/sim_replay.h"
#include <signal.h>
#include <sys/resource.h>
#include <uv.h>

struct run {
    uv_loop_t loop;
    uv_signal_t interrupt, terminate;
    uv_timer_t end;
    struct sim_modbus *modbus;
    struct sim_mqtt *mqtt;
    struct sim_replay *replay;
    FILE *notes;
};

/* Every device takes descriptors; as many as the machine lets us have. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* what is missing shows when a listener cannot be opened */
    }
}

/* Closes all; the loop then ends by itself. */
static void stop(struct run *run)
{
    if (uv_is_closing((uv_handle_t *)&run->end)) {
        return;
    }
    if (run->mqtt != NULL && sim_mqtt_dropped(run->mqtt) > 0) {
        (void)fprintf(run->notes, "%llu messages were dropped: no broker took them\n",
                      (unsigned long long)sim_mqtt_dropped(run->mqtt));
    }
    uv_close((uv_handle_t *)&run->interrupt, NULL);
    uv_close((uv_handle_t *)&run->terminate, NULL);
    uv_close((uv_handle_t *)&run->end, NULL);
    sim_mqtt_stop(run->mqtt);
    sim_modbus_stop(run->modbus);
    sim_replay_stop(run->replay);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    stop(handle->data);
}

static void on_end(uv_timer_t *timer)
{
    stop(timer->data);
}

static enum err_code watch_signals(struct run *run, struct err *err)
{
    (void)uv_timer_init(&run->loop, &run->end); /* cannot fail */
    run->end.data = run;
    (void)uv_signal_init(&run->loop, &run->interrupt); /* allocates nothing */
    (void)uv_signal_init(&run->loop, &run->terminate);
    run->interrupt.data = run->terminate.data = run;
    if (uv_signal_start(&run->interrupt, on_signal, SIGINT) != 0 ||
        uv_signal_start(&run->terminate, on_signal, SIGTERM) != 0) {
        return err_set(err, ERR_ENV, "signals cannot be watched");
    }
    return ERR_NONE;
}

static void watch_end(struct run *run, const struct sim_run_options *options, int64_t length_ns)
{
    int64_t after_ns = options->run_ns;
    if (options->once && (after_ns == 0 || length_ns < after_ns)) {
        after_ns = length_ns;
    }
    if (after_ns > 0) {
        (void)uv_timer_start(&run->end, on_end, (uint64_t)(after_ns / NS_PER_MS), 0); /* fails only when closing */
    }
}

static enum err_code start(struct run *run, const struct site *site, const struct scenario *scenario, struct err *err)
{
    struct clock clock;
    clock_init(&clock);
    const struct sim_mqtt_times times = {.start_ns = uv_hrtime(), .epoch_ns = clock_now_ns(&clock)};
    enum err_code code = watch_signals(run, err);
    if (code == ERR_NONE) {
        code = sim_modbus_new(site, scenario, times.start_ns, &run->modbus, err);
    }
    if (code == ERR_NONE) {
        code = sim_mqtt_new(site, scenario, times, &run->mqtt, err);
    }
    if (code == ERR_NONE) {
        code = sim_modbus_start(run->modbus, &run->loop, run->notes, err);
    }
    if (code == ERR_NONE) {
        code = sim_mqtt_start(run->mqtt, &run->loop, run->notes, err);
    }
    return code;
}

static void on_over(void *self)
{
    stop(self);
}

static enum err_code start_recording(struct run *run, const struct site *site, struct recording *recording,
                                     const struct sim_run_options *options, struct err *err)
{
    const struct sim_replay_options replay = {
        .speed = options->speed, .on_over = options->once ? on_over : NULL, .self = run, .notes = run->notes};
    enum err_code code = watch_signals(run, err);
    if (code == ERR_NONE) {
        code = sim_replay_new(site, recording, &replay, &run->replay, err);
    }
    return code == ERR_NONE ? sim_replay_start(run->replay, &run->loop, err) : code;
}

static enum err_code open_loop(struct run *run, struct err *err)
{
    allow_descriptors();
    return uv_loop_init(&run->loop) == 0 ? ERR_NONE
                                         : err_set(err, ERR_ENV, "no event loop: too few descriptors or no memory");
}

/* Runs what was started (or, after a failure, closes it) until all is closed. */
static void run_loop(struct run *run, enum err_code code)
{
    if (code == ERR_NONE) {
        (void)fprintf(run->notes, "ready\n");
        (void)fflush(run->notes);
    } else {
        stop(run);
    }
    (void)uv_run(&run->loop, UV_RUN_DEFAULT);
    if (code == ERR_NONE && run->modbus != NULL) {
        sim_modbus_say_lost(run->modbus, run->notes);
    }
    sim_replay_free(run->replay);
    sim_mqtt_free(run->mqtt);
    sim_modbus_free(run->modbus);
    (void)uv_loop_close(&run->loop);
}

enum err_code sim_run(const struct site *site, const struct scenario *scenario, const struct sim_run_options *options,
                      struct err *err)
{
    struct run run = {.notes = options->notes};
    enum err_code code = open_loop(&run, err);
    if (code != ERR_NONE) {
        return code;
    }
    code = start(&run, site, scenario, err);
    if (code == ERR_NONE) {
        watch_end(&run, options, scenario->length_ns);
    }
    run_loop(&run, code);
    return code;
}

enum err_code sim_run_recording(const struct site *site, struct recording *recording,
                                const struct sim_run_options *options, struct err *err)
{
    const struct sim_run_options until = {.run_ns = options->run_ns};
    struct run run = {.notes = options->notes};
    enum err_code code = open_loop(&run, err);
    if (code != ERR_NONE) {
        return code;
    }
    code = start_recording(&run, site, recording, options, err);
    if (code == ERR_NONE) {
        watch_end(&run, &until, 0);
    }
    run_loop(&run, code);
    return code;
}
