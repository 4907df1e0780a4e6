/*
 * cmd_alarms: `davy alarms SITE`, the current alarms, the journal, or with
 * --kpi what the journal's alarms asked of the operator.
 *
 * The current alarms are the retained states the manager keeps beside the
 * journal ("shown/<alarm>"), so the list is the same while a monitor runs and
 * after it stopped.
 */
#include "app/args.h"
#include "app/command.h"
#include "app/load_print.h"

#include "alerting/load_figures.h"
#include "alerting/manager.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/store.h"
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shown {
    json_t *state;
    enum level level;
};

struct list {
    struct shown *items;
    size_t count, room;
    bool all; /* shelved, suppressed, out of service too */
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool take_state(void *self, const char *key, size_t key_len, const void *bytes, size_t len)
{
    (void)key;
    (void)key_len;
    struct list *list = self;
    json_t *state = json_loadb(bytes, len, 0, NULL);
    const char *word = text_of(state, "state");
    if (state == NULL || (!list->all && strcmp(word, "active") != 0 && strcmp(word, "returned") != 0)) {
        json_decref(state);
        return true;
    }
    if (list->count == list->room) {
        list->room = list->room == 0 ? 64 : list->room * 2;
        struct shown *items = realloc(list->items, list->room * sizeof *items);
        if (items == NULL) {
            json_decref(state);
            return false;
        }
        list->items = items;
    }
    const char *level_text = text_of(state, "level");
    enum level level = LEVEL_NONE;
    (void)level_parse(level_text, strlen(level_text), &level);
    list->items[list->count++] = (struct shown){.state = state, .level = level};
    return true;
}

/* The worst first; of one level unacknowledged ones, then the newest. */
static int worst_first(const void *a, const void *b)
{
    const struct shown *x = a;
    const struct shown *y = b;
    if (x->level != y->level) {
        return x->level < y->level ? 1 : -1;
    }
    int x_acked = json_is_true(json_object_get(x->state, "acked"));
    int y_acked = json_is_true(json_object_get(y->state, "acked"));
    if (x_acked != y_acked) {
        return x_acked - y_acked;
    }
    int newer = strcmp(text_of(y->state, "time"), text_of(x->state, "time"));
    return newer != 0 ? newer : strcmp(text_of(x->state, "alarm"), text_of(y->state, "alarm"));
}

static void print_shown(const struct shown *shown, bool ndjson)
{
    if (ndjson) {
        (void)json_dumpf(shown->state, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
        (void)putchar('\n');
        return;
    }
    printf("%-7s %-10s %-6s %s  %s  %s\n", text_of(shown->state, "level"), text_of(shown->state, "state"),
           json_is_true(json_object_get(shown->state, "acked")) ? "acked" : "NEW", text_of(shown->state, "time"),
           text_of(shown->state, "alarm"), text_of(shown->state, "message"));
}

static enum err_code print_current(struct store *store, bool all, bool ndjson, struct err *err)
{
    struct list list = {.all = all};
    enum err_code code = store_scan(store, MANAGER_SHOWN, take_state, &list, err);
    if (list.count > 0) {
        qsort(list.items, list.count, sizeof *list.items, worst_first);
    }
    for (size_t i = 0; i < list.count; i++) {
        print_shown(&list.items[i], ndjson);
        json_decref(list.items[i].state);
    }
    if (code == ERR_NONE && list.count == 0 && !ndjson) {
        printf("no alarms\n");
    }
    free(list.items);
    return code;
}

static bool print_event(void *self, const struct store_event *event)
{
    const int64_t *to_ns = self;
    if (event->time_ns < *to_ns) {
        (void)fwrite(event->json, 1, event->json_len, stdout);
        (void)putchar('\n');
    }
    return ferror(stdout) == 0;
}

struct words {
    bool history, kpi, all;
    const char *from, *to, *format;
};

/* A stretch of time; an end that was not given is at the end of time. */
struct span {
    int64_t from_ns, to_ns, now_ns;
};

static enum err_code read_span(const struct words *words, struct span *ret_span, struct err *err)
{
    struct clock clock;
    clock_init(&clock);
    struct span span = {.from_ns = INT64_MIN, .to_ns = INT64_MAX, .now_ns = clock_now_ns(&clock)};
    if ((words->from != NULL && args_time(words->from, span.now_ns, &span.from_ns, err) != ERR_NONE) ||
        (words->to != NULL && args_time(words->to, span.now_ns, &span.to_ns, err) != ERR_NONE)) {
        return ERR_INPUT;
    }
    *ret_span = span;
    return args_in_order(span.from_ns, span.to_ns, err);
}

static enum err_code print_history(struct store *store, const struct words *words, struct span *span, struct err *err)
{
    uint64_t first = words->from != NULL ? store_seq_at(store, span->from_ns) : 1;
    return store_events(store, first > 0 ? first - 1 : 0, print_event, &span->to_ns, err);
}

/* ---- operator load ----------------------------------------------------------------------------------------------- */

struct kpi {
    struct load *load;
    int64_t first_ns; /* time of the first event, TIME_NEVER before it */
};

static bool count_event(void *self, const struct store_event *event)
{
    struct kpi *kpi = self;
    json_t *object = json_loadb(event->json, event->json_len, 0, NULL);
    const char *kind_text = text_of(object, "event");
    const char *level_text = text_of(object, "level");
    enum event_kind kind = EV_COUNT;
    enum level level = LEVEL_NONE;
    kpi->first_ns = event->time_ns < kpi->first_ns ? event->time_ns : kpi->first_ns;
    (void)level_parse(level_text, strlen(level_text), &level); /* an event without level has none */
    if (event_parse(kind_text, strlen(kind_text), &kind)) {
        /* An alarm whose rule was removed is closed without being cleared; it stands no longer. */
        const bool gone = kind == EV_CLOSED && event->state_len == 0;
        load_event(kpi->load, text_of(object, "alarm"), gone ? EV_CLEARED : kind, level, event->time_ns);
    }
    json_decref(object);
    return true;
}

/* The stretch is what was asked for; else it begins with the journal and ends now. */
static enum err_code print_kpi(struct store *store, const char *site, const struct words *words,
                               const struct span *span, struct err *err)
{
    struct kpi kpi = {.load = load_new(), .first_ns = TIME_NEVER};
    enum err_code code = store_events(store, 0, count_event, &kpi, err);
    if (code == ERR_NONE) {
        const int64_t to_ns = words->to != NULL ? span->to_ns : span->now_ns;
        const int64_t begin_ns = words->from != NULL ? span->from_ns : kpi.first_ns;
        struct load_figures figures;
        load_figures(kpi.load, begin_ns < to_ns ? begin_ns : to_ns, to_ns, &figures);
        if (strcmp(words->format, "ndjson") == 0) {
            struct buf line = {0};
            load_print_json(&line, site, &figures);
            printf("%s\n", line.data);
            buf_done(&line);
        } else {
            load_print_table(stdout, &site, &figures, 1);
        }
    }
    load_free(kpi.load);
    return code;
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static enum err_code print_alarms(const struct site *site, const struct words *words, struct err *err)
{
    char path[PATH_MAX];
    struct span span;
    struct store *store = NULL;
    enum err_code code = read_span(words, &span, err);
    if (code == ERR_NONE) {
        code = store_open_reader(command_store_path(site, path, sizeof path), &store, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (words->kpi) {
        code = print_kpi(store, site->file, words, &span, err);
    } else if (words->history) {
        code = print_history(store, words, &span, err);
    } else {
        code = print_current(store, words->all, strcmp(words->format, "ndjson") == 0, err);
    }
    if (code == ERR_NONE && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        code = err_set(err, ERR_ENV, "stdout: %s", strerror(errno));
    }
    store_close(store);
    return code;
}

int cmd_alarms(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    struct words words = {.format = "table"};
    const struct arg_option options[] = {
        {.name = "history", .ret_flag = &words.history}, {.name = "all", .ret_flag = &words.all},
        {.name = "from", .ret_value = &words.from},      {.name = "to", .ret_value = &words.to},
        {.name = "format", .ret_value = &words.format},  {.name = "kpi", .ret_flag = &words.kpi},
    };
    if (args_parse(argc, argv, options, sizeof options / sizeof *options, 1, 1, &args, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    if (strcmp(words.format, "table") != 0 && strcmp(words.format, "ndjson") != 0) {
        (void)err_set(&err, ERR_INPUT, "--format \"%s\" is not known; table or ndjson", words.format);
        return command_fail(self, &err);
    }
    if (words.history && words.kpi) {
        (void)err_set(&err, ERR_INPUT, "--history and --kpi exclude each other");
        return command_fail(self, &err);
    }
    if (!words.history && !words.kpi && (words.from != NULL || words.to != NULL)) {
        (void)err_set(&err, ERR_INPUT, "--from and --to go with --history or --kpi");
        return command_fail(self, &err);
    }
    struct site *site = NULL;
    struct rules *rules = NULL;
    int code = command_load(self, args.positional[0], &site, &rules);
    if (code == ERR_NONE) {
        code = (int)print_alarms(site, &words, &err);
        if (code != ERR_NONE) {
            (void)command_fail(self, &err);
        }
    }
    rules_free(rules);
    site_free(site);
    return code;
}
