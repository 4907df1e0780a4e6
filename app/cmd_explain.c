/* cmd_explain: `davy explain SITE ALARM`; the work is explain.c. */
#include "app/args.h"
#include "app/command.h"
#include "app/explain.h"

#include "base/clock.h"
#include "base/memory.h"
#include "rules/explain.h"
#include "store/store.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool last_time(void *self, const struct store_event *event)
{
    int64_t *last_ns = self;
    *last_ns = event->time_ns > *last_ns ? event->time_ns : *last_ns;
    return true;
}

/* While a monitor runs it is now.  Else nobody has listened since the last thing that was heard of the alarm's points
 * or journalled, so that is the moment to tell of. */
static enum err_code moment(struct explain_config *config, const char *path, struct err *err)
{
    if (store_is_held(path)) {
        struct clock clock;
        clock_init(&clock);
        config->now_ns = clock_now_ns(&clock);
        return ERR_NONE;
    }
    uint32_t *points = memory_new(config->site->point_count, sizeof *points);
    const size_t count = rules_alarm_points(config->rules, config->alarm, points);
    int64_t last_ns = 0;
    for (size_t i = 0; i < count; i++) {
        struct board_entry entry;
        if (store_last(config->store, config->site->points[points[i]].id, &entry, NULL) == ERR_NONE) {
            const int64_t heard_ns = entry.seen_ns > entry.time_ns ? entry.seen_ns : entry.time_ns;
            last_ns = heard_ns > last_ns ? heard_ns : last_ns;
        }
    }
    free(points);
    const uint64_t seq = store_last_seq(config->store);
    enum err_code code = store_events(config->store, seq > 0 ? seq - 1 : 0, last_time, &last_ns, err);
    config->now_ns = last_ns;
    return code;
}

static enum err_code explain_stored(struct explain_config *config, struct err *err)
{
    char path[PATH_MAX];
    const char *folder = command_store_path(config->site, path, sizeof path);
    enum err_code code = store_open_reader(folder, &config->store, err);
    if (code != ERR_NONE) {
        return code;
    }
    code = moment(config, folder, err);
    if (code == ERR_NONE) {
        code = explain(config, err);
    }
    if (code == ERR_NONE && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        code = err_set(err, ERR_ENV, "stdout: %s", strerror(errno));
    }
    store_close(config->store);
    return code;
}

static enum err_code find_alarm(const struct site *site, const char *name, uint32_t *ret_alarm, struct err *err)
{
    *ret_alarm = site_alarm(site, name, strlen(name));
    return *ret_alarm != SITE_NONE
               ? ERR_NONE
               : err_set(err, ERR_NO, "alarm \"%s\" is not in the site; an alarm is named <rule>:<point or group>",
                         name);
}

int cmd_explain(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    const char *occurrence_text = NULL;
    const struct arg_option options[] = {{.name = "occurrence", .ret_value = &occurrence_text}};
    uint64_t occurrence = 0;
    if (args_parse(argc, argv, options, 1, 2, 2, &args, &err) != ERR_NONE ||
        (occurrence_text != NULL &&
         args_whole(occurrence_text, "--occurrence", 1, UINT32_MAX, &occurrence, &err) != ERR_NONE)) {
        return command_fail(self, &err);
    }
    struct site *site = NULL;
    struct rules *rules = NULL;
    int code = command_load(self, args.positional[0], &site, &rules);
    if (code != ERR_NONE) {
        return code;
    }
    struct explain_config config = {.site = site, .rules = rules, .occurrence = (uint32_t)occurrence, .out = stdout};
    code = (int)find_alarm(site, args.positional[1], &config.alarm, &err);
    if (code == ERR_NONE) {
        code = (int)explain_stored(&config, &err);
    }
    if (code != ERR_NONE) {
        (void)command_fail(self, &err);
    }
    rules_free(rules);
    site_free(site);
    return code;
}
