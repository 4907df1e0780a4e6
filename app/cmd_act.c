/* cmd_act: what operators do to an alarm, sent to the running monitor: ack, shelve, unshelve, comment, close,
 * out-of-service, in-service.  The command's name is the act. */
#include "app/args.h"
#include "app/command.h"
#include "app/control.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/alarm.h"
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
    const char *by, *comment, *cause, *measure, *occurrence, *level, *for_text, *until;
};

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL) {
        (void)json_object_set_new(object, key, json_string(text));
    }
}

static enum err_code set_numbers(json_t *object, const struct request *request, struct err *err)
{
    struct clock clock;
    clock_init(&clock);
    uint64_t occurrence = 0;
    int64_t for_ns = 0;
    int64_t until_ns = 0;
    if ((request->occurrence != NULL &&
         args_whole(request->occurrence, "--occurrence", 1, UINT32_MAX, &occurrence, err) != ERR_NONE) ||
        (request->for_text != NULL && args_duration(request->for_text, &for_ns, err) != ERR_NONE) ||
        (request->until != NULL && args_time(request->until, clock_now_ns(&clock), &until_ns, err) != ERR_NONE)) {
        return ERR_INPUT;
    }
    if (request->for_text != NULL && for_ns <= 0) {
        return err_set(err, ERR_INPUT, "--for must be more than nothing");
    }
    (void)json_object_set_new(object, "occurrence", json_integer((json_int_t)occurrence));
    (void)json_object_set_new(object, "for_ms", json_integer(for_ns / NS_PER_MS));
    (void)json_object_set_new(object, "until_ms", json_integer(until_ns / NS_PER_MS));
    return ERR_NONE;
}

/* True when an option was not given, or with nothing behind it. */
static bool is_missing(const char *text)
{
    return text == NULL || text[0] == '\0';
}

/* What is journalled is for people, and for receivers that take UTF-8 only. */
static enum err_code check_texts(const struct request *request, struct err *err)
{
    const struct {
        const char *name, *text;
        size_t room;
    } texts[] = {{"--by", request->by, ACT_BY_MAX},
                 {"--comment", request->comment, ACT_TEXT_MAX},
                 {"--cause", request->cause, ACT_TEXT_MAX},
                 {"--measure", request->measure, ACT_TEXT_MAX}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = texts[i].text;
        if (text != NULL && !text_is_utf8(text, strlen(text))) {
            return err_set(err, ERR_INPUT, "%s is not UTF-8", texts[i].name);
        }
        if (text != NULL && strlen(text) >= texts[i].room) {
            return err_set(err, ERR_INPUT, "%s has %zu bytes, at most %zu are journalled", texts[i].name, strlen(text),
                           texts[i].room - 1);
        }
    }
    return ERR_NONE;
}

/* What each act cannot do without; the rest is judged by the monitor. */
static enum err_code need(const struct command *self, const struct request *request, struct err *err)
{
    enum level level = LEVEL_NONE;
    if (is_missing(request->by)) {
        return err_set(err, ERR_INPUT, "--by NAME is missing: every act is journalled with who did it");
    }
    if (strcmp(self->name, "shelve") == 0 && (request->for_text == NULL) == (request->until == NULL)) {
        return err_set(err, ERR_INPUT, "a shelf needs its end: either --for 30m or --until TIME");
    }
    if (strcmp(self->name, "shelve") == 0 && is_missing(request->comment)) {
        return err_set(err, ERR_INPUT, "--comment TEXT is missing: a shelf needs its reason");
    }
    if (strcmp(self->name, "comment") == 0 && is_missing(request->comment)) {
        return err_set(err, ERR_INPUT, "--comment TEXT is missing");
    }
    if (strcmp(self->name, "close") == 0 && (is_missing(request->cause) || is_missing(request->measure))) {
        return err_set(err, ERR_INPUT, "--cause TEXT and --measure TEXT are needed to close an alarm");
    }
    if (request->level != NULL && !level_parse(request->level, strlen(request->level), &level)) {
        return err_set(err, ERR_INPUT, "--level \"%s\" is not known; blue, yellow, orange or red", request->level);
    }
    return check_texts(request, err);
}

struct outcome {
    const struct command *command;
    int code;
};

static void take_answer(void *self, const char *line, size_t len)
{
    struct outcome *outcome = self;
    json_t *answer = json_loadb(line, len, 0, NULL);
    if (json_is_true(json_object_get(answer, "ok"))) {
        printf("done: event %" JSON_INTEGER_FORMAT "\n", json_integer_value(json_object_get(answer, "seq")));
        outcome->code = ERR_NONE;
    } else {
        const char *reason = json_string_value(json_object_get(answer, "error"));
        (void)fprintf(stderr, "davy %s: refused: %s\n", outcome->command->name, reason != NULL ? reason : "no reason");
        outcome->code = ERR_NO;
    }
    json_decref(answer);
}

static int ask(const struct command *self, const struct site *site, json_t *object)
{
    char path[PATH_MAX];
    struct err err = {0};
    struct outcome outcome = {.command = self, .code = ERR_ENV};
    char *request = json_dumps(object, JSON_COMPACT);
    enum err_code code = request == NULL ? err_set(&err, ERR_ENV, "out of memory")
                                         : control_ask(command_store_path(site, path, sizeof path), request,
                                                       take_answer, &outcome, &err);
    free(request);
    return code == ERR_NONE ? outcome.code : command_fail(self, &err);
}

int cmd_act(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    struct request request = {0};
    const struct arg_option options[] = {
        {.name = "by", .ret_value = &request.by},
        {.name = "comment", .ret_value = &request.comment},
        {.name = "cause", .ret_value = &request.cause},
        {.name = "measure", .ret_value = &request.measure},
        {.name = "occurrence", .ret_value = &request.occurrence},
        {.name = "level", .ret_value = &request.level},
        {.name = "for", .ret_value = &request.for_text},
        {.name = "until", .ret_value = &request.until},
    };
    if (args_parse(argc, argv, options, sizeof options / sizeof *options, 2, 2, &args, &err) != ERR_NONE ||
        need(self, &request, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    json_t *object = json_object();
    set_text(object, "do", self->name);
    set_text(object, "alarm", args.positional[1]);
    set_text(object, "by", request.by);
    set_text(object, "comment", request.comment);
    set_text(object, "cause", request.cause);
    set_text(object, "measure", request.measure);
    set_text(object, "level", request.level);
    struct site *site = NULL;
    struct rules *rules = NULL;
    int code = (int)set_numbers(object, &request, &err);
    if (code != ERR_NONE) {
        (void)command_fail(self, &err);
    } else {
        code = command_load(self, args.positional[0], &site, &rules);
    }
    if (code == ERR_NONE) {
        code = ask(self, site, object);
    }
    json_decref(object);
    rules_free(rules);
    site_free(site);
    return code;
}
