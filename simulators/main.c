/*
 * davy-sim: plays the field of a site, live or as a trace.
 */
#include "base/err.h"
#include "base/mistakes.h"
#include "base/standard.h"
#include "base/text.h"
#include "model/site.h"
#include "simulators/recording.h"
#include "simulators/scenario.h"
#include "simulators/sim_run.h"
#include "simulators/sim_trace.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "davy-sim run SITE SCENARIO [--seconds N] [--once]\n"
    "    Plays every device of the site over real sockets: a Modbus TCP server at each host:port, a pseudo-terminal\n"
    "    for each serial line, an MQTT publisher for each gateway.  Prints what listens, then \"ready\", on stderr.\n"
    "    The scenario's clock starts at once; after its length the last state goes on until SIGINT or SIGTERM.\n"
    "      --seconds N  ends after N seconds\n"
    "      --once       ends with the scenario's length\n"
    "\n"
    "davy-sim run SITE --replay-wire FILE [--speed X] [--seconds N] [--once]\n"
    "    Plays a recording of \"davy run SITE --record FILE\" instead: each question gets its recorded answers in "
    "their\n"
    "    order, byte by byte, and the recorded messages are published.  The clock starts with the first request.\n"
    "      --speed X    the recording's clock runs X times as fast\n"
    "      --once       ends with the recording\n"
    "\n"
    "davy-sim trace SITE SCENARIO [-o FILE]\n"
    "    Writes the same scenario as a trace file (CSV) instead, for \"davy replay\"; on stdout unless -o is given.\n"
    "    Same seed, same bytes.\n"
    "\n"
    "davy-sim --version\n"
    "\n"
    "Exit codes: 0 fine, 2 the input or the call is wrong, 3 the surroundings failed (port, broker, disk).\n";

struct call {
    const char *command, *site_file, *scenario_file;
    const char *out_file;  /* NULL: stdout */
    const char *wire_file; /* NULL: a scenario is played */
    struct sim_run_options run;
};

static enum err_code read_seconds(const char *text, int64_t *ret_ns, struct err *err)
{
    double seconds = 0;
    if (!text_parse_number(text, strlen(text), &seconds) || !(seconds > 0 && seconds <= 1e9)) {
        return err_set(err, ERR_INPUT, "--seconds %s: is not a number of seconds; give one above 0", text);
    }
    *ret_ns = (int64_t)(seconds * 1e9);
    return ERR_NONE;
}

static enum err_code read_speed(const char *text, double *ret_speed, struct err *err)
{
    double speed = 0;
    if (!text_parse_number(text, strlen(text), &speed) || !(speed >= 0.01 && speed <= 1000)) {
        return err_set(err, ERR_INPUT, "--speed %s: is not a number from 0.01 to 1000", text);
    }
    *ret_speed = speed;
    return ERR_NONE;
}

static bool takes_positionals(const struct call *call, int count, struct err *err)
{
    if (call->wire_file == NULL && count == 3) {
        return true;
    }
    if (call->wire_file == NULL) {
        (void)err_set(err, ERR_INPUT, "a command, a site and a scenario are needed; see \"davy-sim --help\"");
        return false;
    }
    if (count != 2) {
        (void)err_set(err, ERR_INPUT, "with --replay-wire \"run\" and a site are needed, and no scenario");
    }
    return count == 2;
}

/* Reads the command line; *ret_asked when it only asked for help or the version (already printed). */
static enum err_code read_call(int argc, char **argv, struct call *ret_call, bool *ret_asked, struct err *err)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},          {"version", no_argument, NULL, 'V'},
        {"seconds", required_argument, NULL, 's'}, {"once", no_argument, NULL, '1'},
        {"output", required_argument, NULL, 'o'},  {"replay-wire", required_argument, NULL, 'w'},
        {"speed", required_argument, NULL, 'x'},   {NULL, 0, NULL, 0},
    };
    struct call call = {.run = {.notes = stderr, .speed = 1}};
    for (int option; (option = getopt_long(argc, argv, "ho:", options, NULL)) != -1;) {
        switch (option) {
        case 'h':
            (void)fputs(help, stdout);
            *ret_asked = true;
            return ERR_NONE;
        case 'V':
            (void)printf("davy-sim %s\n", DAVY_VERSION);
            *ret_asked = true;
            return ERR_NONE;
        case 's':
            if (read_seconds(optarg, &call.run.run_ns, err) != ERR_NONE) {
                return ERR_INPUT;
            }
            break;
        case '1':
            call.run.once = true;
            break;
        case 'o':
            call.out_file = optarg;
            break;
        case 'w':
            call.wire_file = optarg;
            break;
        case 'x':
            if (read_speed(optarg, &call.run.speed, err) != ERR_NONE) {
                return ERR_INPUT;
            }
            break;
        default:
            return err_set(err, ERR_INPUT, "see \"davy-sim --help\""); /* getopt has named the option */
        }
    }
    if (!takes_positionals(&call, argc - optind, err)) {
        return ERR_INPUT;
    }
    call.command = argv[optind];
    call.site_file = argv[optind + 1];
    call.scenario_file = call.wire_file == NULL ? argv[optind + 2] : NULL;
    *ret_call = call;
    return ERR_NONE;
}

static enum err_code trace(const struct call *call, const struct site *site, const struct scenario *scenario,
                           struct err *err)
{
    FILE *out = call->out_file == NULL ? stdout : fopen(call->out_file, "w");
    if (out == NULL) {
        return err_set(err, ERR_ENV, "%s: cannot be written: %s", call->out_file, strerror(errno));
    }
    enum err_code code = sim_trace_write(site, scenario, out, NULL, err);
    if (call->out_file != NULL && fclose(out) != 0 && code == ERR_NONE) {
        code = err_set(err, ERR_ENV, "%s: cannot be written: %s", call->out_file, strerror(errno));
    }
    return code;
}

static enum err_code play_recording(const struct call *call, const struct site *site, struct err *err)
{
    struct recording *recording = NULL;
    enum err_code code = recording_load(call->wire_file, site, &recording, err);
    if (code == ERR_NONE) {
        code = sim_run_recording(site, recording, &call->run, err);
    }
    recording_free(recording);
    return code;
}

static enum err_code play_scenario(const struct call *call, const struct site *site, bool live,
                                   struct mistakes *mistakes, struct err *err)
{
    struct scenario *scenario = NULL;
    enum err_code code = scenario_load(call->scenario_file, site, mistakes, &scenario, err);
    if (code == ERR_NONE) {
        code = live ? sim_run(site, scenario, &call->run, err) : trace(call, site, scenario, err);
    }
    scenario_free(scenario);
    return code;
}

static enum err_code play(const struct call *call, struct mistakes *mistakes, struct err *err)
{
    const bool live = strcmp(call->command, "run") == 0;
    if (!live && strcmp(call->command, "trace") != 0) {
        return err_set(err, ERR_INPUT, "\"%s\" is no command; there are run and trace", call->command);
    }
    if (!live && call->wire_file != NULL) {
        return err_set(err, ERR_INPUT,
                       "--replay-wire belongs to \"run\"; \"davy export\" makes a trace of what was stored");
    }
    struct site *site = NULL;
    enum err_code code = site_load(call->site_file, mistakes, &site, err);
    if (code == ERR_NONE) {
        code =
            call->wire_file != NULL ? play_recording(call, site, err) : play_scenario(call, site, live, mistakes, err);
    }
    site_free(site);
    return code;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct call call;
    struct mistakes mistakes;
    bool asked = false;
    standard_hold();
    (void)signal(SIGPIPE, SIG_IGN); /* a lost reader shows as a failed write */
    mistakes_init(&mistakes);
    enum err_code code = read_call(argc, argv, &call, &asked, &err);
    if (code == ERR_NONE && !asked) {
        code = play(&call, &mistakes, &err);
    }
    mistakes_print(&mistakes, stderr);
    if (code == ERR_NONE) {
        code = standard_flush(&err);
    }
    if (code != ERR_NONE && mistakes.total == 0) {
        (void)fprintf(stderr, "davy-sim: %s\n", err.text);
    }
    mistakes_done(&mistakes);
    return (int)code;
}
