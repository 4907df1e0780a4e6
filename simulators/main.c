/*
 * davy-sim: plays the field of a site, live or as a trace.
 */
#include "base/err.h"
#include "base/mistakes.h"
#include "base/text.h"
#include "model/site.h"
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
    "davy-sim trace SITE SCENARIO [-o FILE]\n"
    "    Writes the same scenario as a trace file (CSV) instead, for \"davy replay\"; on stdout unless -o is given.\n"
    "    Same seed, same bytes.\n"
    "\n"
    "davy-sim --version\n"
    "\n"
    "Exit codes: 0 fine, 2 the input or the call is wrong, 3 the surroundings failed (port, broker, disk).\n";

struct call {
    const char *command, *site_file, *scenario_file;
    const char *out_file; /* NULL: stdout */
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

/* Reads the command line; *ret_asked when it only asked for help or the version (already printed). */
static enum err_code read_call(int argc, char **argv, struct call *ret_call, bool *ret_asked, struct err *err)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},          {"version", no_argument, NULL, 'V'},
        {"seconds", required_argument, NULL, 's'}, {"once", no_argument, NULL, '1'},
        {"output", required_argument, NULL, 'o'},  {NULL, 0, NULL, 0},
    };
    struct call call = {.run = {.notes = stderr}};
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
        default:
            return err_set(err, ERR_INPUT, "see \"davy-sim --help\""); /* getopt has named the option */
        }
    }
    if (argc - optind != 3) {
        return err_set(err, ERR_INPUT, "a command, a site and a scenario are needed; see \"davy-sim --help\"");
    }
    call.command = argv[optind];
    call.site_file = argv[optind + 1];
    call.scenario_file = argv[optind + 2];
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

static enum err_code play(const struct call *call, struct mistakes *mistakes, struct err *err)
{
    const bool live = strcmp(call->command, "run") == 0;
    if (!live && strcmp(call->command, "trace") != 0) {
        return err_set(err, ERR_INPUT, "\"%s\" is no command; there are run and trace", call->command);
    }
    struct site *site = NULL;
    struct scenario *scenario = NULL;
    enum err_code code = site_load(call->site_file, mistakes, &site, err);
    if (code == ERR_NONE) {
        code = scenario_load(call->scenario_file, site, mistakes, &scenario, err);
    }
    if (code == ERR_NONE) {
        code = live ? sim_run(site, scenario, &call->run, err) : trace(call, site, scenario, err);
    }
    scenario_free(scenario);
    site_free(site);
    return code;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct call call;
    struct mistakes mistakes;
    bool asked = false;
    (void)signal(SIGPIPE, SIG_IGN); /* a lost reader shows as a failed write */
    mistakes_init(&mistakes);
    enum err_code code = read_call(argc, argv, &call, &asked, &err);
    if (code == ERR_NONE && !asked) {
        code = play(&call, &mistakes, &err);
    }
    mistakes_print(&mistakes, stderr);
    if (code != ERR_NONE && mistakes.total == 0) {
        (void)fprintf(stderr, "davy-sim: %s\n", err.text);
    }
    mistakes_done(&mistakes);
    return (int)code;
}
