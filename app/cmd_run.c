/*
 * cmd_run: `davy run SITE`, the monitor.
 *
 * Main only waits for signals: SIGINT and SIGTERM end the run after everything
 * taken in has run through; SIGHUP reads the site anew and, if it is without
 * mistakes, lets the running pipeline drain and starts the new one on the same
 * store, where alarms, delays and acknowledgements are kept.  A broken site
 * changes nothing.
 */
#include "app/args.h"
#include "app/command.h"
#include "app/pipeline.h"
#include "app/summary.h"
#include "app/web.h"
#include "base/clock.h"
#include "base/log.h"

#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct monitor {
    const struct command *command;
    const char *file;
    unsigned shards;
    enum run_status status;
    const char *record; /* NULL: nothing is recorded */
    bool recorded;      /* some of it is in that file */
    int64_t end_ns; /* monotonic; TIME_NEVER: until told */
    bool summary;
    struct site *site;
    struct rules *rules;
    struct pipeline *pipeline;
    struct web web; /* stays over reloads */
    uint64_t dropped; /* samples and events, at stops while the disk took nothing */
    char by[64];      /* who started it, or asked for the reload */
    struct clock clock;
    char subject[32]; /* "run 3": tells this run's log lines from those before a reload */
    unsigned runs;
};

static enum err_code start(struct monitor *monitor, struct err *err)
{
    char path[PATH_MAX];
    struct pipeline_config config = {
        .site = monitor->site,
        .rules = monitor->rules,
        .store_path = command_store_path(monitor->site, path, sizeof path),
        .shards = monitor->shards,
        .status = monitor->status,
        .why = monitor->runs == 0 ? "start" : "reload",
        .by = monitor->by,
        .record_path = monitor->record,
        .record_more = monitor->recorded,
        .console = web_console(&monitor->web),
    };
    (void)snprintf(monitor->subject, sizeof monitor->subject, "run %u", ++monitor->runs);
    enum err_code code = pipeline_start(&config, &monitor->pipeline, err);
    if (code == ERR_NONE) {
        monitor->recorded = true;
        log_event(LOG_INFO, "app", "APP-001", monitor->subject,
                  "state=running site=%s points=%zu alarms=%zu sources=%zu sinks=%zu shards=%u", monitor->site->id,
                  monitor->site->point_count, monitor->site->alarm_count, monitor->site->source_count,
                  monitor->site->sink_count, monitor->shards);
    }
    return code;
}

static void stop(struct monitor *monitor)
{
    if (monitor->pipeline == NULL) {
        return;
    }
    pipeline_stop(monitor->pipeline);
    if (monitor->summary) {
        summary_print(pipeline_counters(monitor->pipeline), stderr);
    }
    monitor->dropped += summary_dropped(pipeline_counters(monitor->pipeline));
    pipeline_free(monitor->pipeline);
    monitor->pipeline = NULL;
    log_event(LOG_INFO, "app", "APP-002", monitor->subject, "state=stopped site=%s", monitor->site->id);
}

static void refuse(const struct monitor *monitor, const char *reason)
{
    log_event(LOG_ERROR, "app", "APP-003", monitor->subject, "site=%s reason=\"%s; the old one goes on\"",
              monitor->file, reason);
}

static void take(struct monitor *monitor, struct site *site, struct rules *rules)
{
    monitor->site = site;
    monitor->rules = rules;
}

/* Starts the site that ran before; when even that cannot be had (a full disk), says so and leaves it to the next second. */
static void start_again(struct monitor *monitor)
{
    struct err err = {0};
    if (start(monitor, &err) != ERR_NONE) {
        log_event(LOG_ERROR, "app", "APP-007", monitor->file, "site=%s reason=\"%s\" nothing is watched; tried again each second",
                  monitor->file, err.text);
    }
}

/* Ends the run of the old site and starts the new one's, or else the old one's again. */
static bool change_over(struct monitor *monitor, struct site *site, struct rules *rules, struct err *err)
{
    struct site *old_site = monitor->site;
    struct rules *old_rules = monitor->rules;
    stop(monitor);
    take(monitor, site, rules);
    if (start(monitor, err) == ERR_NONE) {
        web_take(&monitor->web);
        return true;
    }
    refuse(monitor, err->text);
    web_drop(&monitor->web);
    take(monitor, old_site, old_rules);
    start_again(monitor);
    return false;
}

/* A site is read beside the one that runs, as a tree of small pieces first; the C library would keep all that for itself
 * once it is freed. */
static void give_back(void)
{
    (void)malloc_trim(0); /* that there is nothing to give is fine */
}

/* Takes over a changed site.  One that has mistakes, another id, or cannot be started leaves the old one running. */
static void reload(struct monitor *monitor, struct err *err)
{
    struct site *old_site = monitor->site;
    struct rules *old_rules = monitor->rules;
    struct site *site = NULL;
    struct rules *rules = NULL;
    if (command_load(monitor->command, monitor->file, &site, &rules) != ERR_NONE) {
        refuse(monitor, "the changed site has mistakes");
        return;
    }
    bool taken = false;
    if (strcmp(site->id, old_site->id) != 0) {
        refuse(monitor, "the changed site has another id");
    } else if (web_prepare(&monitor->web, site, err) != ERR_NONE) {
        refuse(monitor, err->text);
    } else {
        taken = change_over(monitor, site, rules, err);
    }
    rules_free(taken ? old_rules : rules);
    site_free(taken ? old_site : site);
    give_back();
}

static void name_user(struct monitor *monitor, uid_t uid)
{
    struct passwd user;
    struct passwd *found = NULL;
    char room[2048];
    if (getpwuid_r(uid, &user, room, sizeof room, &found) == 0 && found != NULL) {
        (void)snprintf(monitor->by, sizeof monitor->by, "%s", user.pw_name); /* a longer one is cut */
    } else {
        (void)snprintf(monitor->by, sizeof monitor->by, "uid %u", (unsigned)uid);
    }
}

/* Waits for a signal until the end or the next second; gives it, or 0. */
static int wait_signal(struct monitor *monitor, const sigset_t *signals)
{
    struct timespec second = {.tv_sec = 1};
    siginfo_t info = {0};
    int number = sigtimedwait(signals, &info, &second);
    if (number == SIGHUP) {
        name_user(monitor, info.si_uid);
    }
    return number > 0 ? number : 0;
}

static enum err_code run(struct monitor *monitor, const sigset_t *signals, struct err *err)
{
    name_user(monitor, getuid());
    enum err_code code = web_prepare(&monitor->web, monitor->site, err);
    web_take(&monitor->web);
    code = code == ERR_NONE ? start(monitor, err) : code;
    while (code == ERR_NONE) {
        int number = wait_signal(monitor, signals);
        if (number == SIGINT || number == SIGTERM || clock_mono_ns() >= monitor->end_ns) {
            break;
        }
        if (number == SIGHUP) {
            reload(monitor, err);
        } else if (monitor->pipeline == NULL) {
            start_again(monitor);
        } else if (number == 0) {
            pipeline_watch(monitor->pipeline, clock_now_ns(&monitor->clock));
            log_tick();
        }
    }
    stop(monitor);
    web_done(&monitor->web);
    if (code == ERR_NONE && monitor->dropped > 0) {
        code = err_set(err, ERR_ENV, "stopped while the disk took nothing: %llu samples and events were dropped",
                       (unsigned long long)monitor->dropped);
    }
    return code;
}

/* Signals are taken by main alone: blocked here, before any thread is made. */
static sigset_t block_signals(void)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return signals;
}

int cmd_run(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    bool drill = false;
    bool test = false;
    const char *shards_text = "1";
    const char *seconds_text = NULL;
    struct monitor monitor = {.command = self, .end_ns = TIME_NEVER};
    const struct arg_option options[] = {
        {.name = "drill", .ret_flag = &drill},
        {.name = "test", .ret_flag = &test},
        {.name = "shards", .ret_value = &shards_text},
        {.name = "seconds", .ret_value = &seconds_text},
        {.name = "summary", .ret_flag = &monitor.summary},
        {.name = "record", .ret_value = &monitor.record},
    };
    uint64_t shards = 1;
    uint64_t seconds = 0;
    if (args_parse(argc, argv, options, sizeof options / sizeof *options, 1, 1, &args, &err) != ERR_NONE ||
        args_whole(shards_text, "--shards", 1, 32, &shards, &err) != ERR_NONE ||
        (seconds_text != NULL && args_whole(seconds_text, "--seconds", 1, UINT32_MAX, &seconds, &err) != ERR_NONE)) {
        return command_fail(self, &err);
    }
    if (drill && test) {
        (void)err_set(&err, ERR_INPUT, "--drill and --test exclude each other");
        return command_fail(self, &err);
    }
    monitor.file = args.positional[0];
    monitor.shards = (unsigned)shards;
    monitor.status = drill ? RUN_EXERCISE : test ? RUN_TEST : RUN_ACTUAL;
    if (seconds_text != NULL) {
        monitor.end_ns = clock_mono_ns() + (int64_t)seconds * NS_PER_S;
    }
    sigset_t signals = block_signals();
    clock_init(&monitor.clock);
    int code = command_load(self, monitor.file, &monitor.site, &monitor.rules);
    if (code == ERR_NONE) {
        code = (int)run(&monitor, &signals, &err);
        if (code != ERR_NONE) {
            (void)command_fail(self, &err);
        }
    }
    rules_free(monitor.rules);
    site_free(monitor.site);
    return code;
}
