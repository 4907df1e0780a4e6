/* rule_test: see rule_test.h. */
#include "app/rule_test.h"

#include "app/rule_values.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/conf.h"
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_TEXT = 160, FILE_BYTES_MAX = 64 << 20 };

/* Reading one case: where we are, and what to add to. */
struct reading {
    struct rule_test *test;
    struct mistakes *mistakes;
    char path[PATH_TEXT]; /* "cases[0].input[1]" */
    struct rule_case *one;
    size_t room;      /* rows */
    int64_t start_ns; /* of the case */
    int64_t last_ns;  /* last place or last at */
    uint32_t point;   /* of the series being read */
    int64_t next_ns;  /* of its next place */
    int64_t every_ns;
};

static void mistake(struct reading *reading, const char *key, const char *hint, const char *fact)
{
    char path[PATH_TEXT + 64];
    (void)snprintf(path, sizeof path, "%s%s%s", reading->path, key[0] != '\0' ? "." : "", key);
    mistakes_add(reading->mistakes, reading->test->file, path, hint, "%s", fact);
}

/* Every key of the object must be among `known`. */
static void check_keys(struct reading *reading, const json_t *object, const char *const *known, size_t n)
{
    const char *key = NULL;
    const json_t *value = NULL;
    /* the macro takes a non-const object but only reads it */
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < n; i++) {
            found = found || strcmp(known[i], key) == 0;
        }
        if (!found) {
            int nearest = text_nearest(key, known, n);
            char hint[128];
            (void)snprintf(hint, sizeof hint, "did you mean \"%s\"?", nearest >= 0 ? known[nearest] : known[0]);
            mistake(reading, key, hint, "key is not known");
        }
    }
}

static const char *need_text(struct reading *reading, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL) {
        mistake(reading, key, NULL, "a text is needed here");
    }
    return text;
}

static bool read_duration(struct reading *reading, const json_t *object, const char *key, int64_t *ret_ns)
{
    const char *text = need_text(reading, object, key);
    if (text != NULL && !text_parse_duration(text, strlen(text), ret_ns)) {
        mistake(reading, key, "write 500ms, 5s, 10m, 2h or 7d", "not a duration");
        return false;
    }
    return text != NULL;
}

/* A moment so long after another; a mistake, and false, when there is no such moment. */
static bool later(struct reading *reading, const char *key, int64_t from_ns, int64_t by_ns, int64_t *ret_ns)
{
    int64_t sum_ns = 0;
    if (__builtin_add_overflow(from_ns, by_ns, &sum_ns)) {
        mistake(reading, key, "use shorter times", "reaches beyond the year 2262");
        return false;
    }
    *ret_ns = sum_ns;
    return true;
}

static void reach(struct reading *reading, int64_t time_ns)
{
    reading->last_ns = time_ns > reading->last_ns ? time_ns : reading->last_ns;
}

static struct trace_row *add_row(struct reading *reading)
{
    struct rule_case *one = reading->one;
    if (one->row_count == reading->room) {
        reading->room = reading->room == 0 ? 256 : reading->room * 2;
        struct trace_row *rows = realloc(one->rows, reading->room * sizeof *rows);
        if (rows == NULL) {
            abort(); /* a test file, not a monitor */
        }
        one->rows = rows;
    }
    struct trace_row *row = &one->rows[one->row_count++];
    *row = (struct trace_row){.seen_ns = TIME_NEVER};
    return row;
}

static bool take_place(void *self, const struct rule_place *place)
{
    struct reading *reading = self;
    reach(reading, reading->next_ns);
    if (!place->empty) {
        struct trace_row *row = add_row(reading);
        row->kind = TRACE_SAMPLE;
        row->time_ns = reading->next_ns;
        row->sample = (struct sample){
            .time_ns = reading->next_ns, .value = place->value, .point = reading->point, .status = place->status};
        sample_settle(&row->sample);
    }
    return later(reading, "every", reading->next_ns, reading->every_ns, &reading->next_ns);
}

static void read_input(struct reading *reading, const json_t *object)
{
    static const char *const known[] = {"point", "every", "values"};
    check_keys(reading, object, known, sizeof known / sizeof *known);
    const char *point = need_text(reading, object, "point");
    const char *values = need_text(reading, object, "values");
    reading->every_ns = NS_PER_S;
    if (json_object_get(object, "every") != NULL && !read_duration(reading, object, "every", &reading->every_ns)) {
        return;
    }
    if (reading->every_ns <= 0) {
        mistake(reading, "every", "write 500ms, 5s, 10m, 2h or 7d", "must be more than nothing");
        return;
    }
    if (point == NULL || values == NULL) {
        return;
    }
    reading->point = site_point(reading->test->site, point, strlen(point));
    if (reading->point == SITE_NONE) {
        mistake(reading, "point", NULL, "the site has no such point");
        return;
    }
    struct err err = {0};
    reading->next_ns = reading->start_ns;
    if (rule_values_read(values, take_place, reading, &err) != ERR_NONE) {
        mistake(reading, "values", NULL, err.text);
    }
}

static void copy_text(struct reading *reading, const json_t *object, const char *key, char *room, size_t size)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    if (value == NULL) {
        return;
    }
    if (text == NULL || strlen(text) >= size) {
        mistake(reading, key, NULL, text == NULL ? "a text is needed here" : "the text is too long");
        return;
    }
    memcpy(room, text, strlen(text) + 1);
}

/* An act is {"at": …, "<act>": "<alarm>", …}: gives the act's key. */
static const char *act_key(const json_t *object, enum act_kind *ret_kind)
{
    for (int kind = 0; kind < ACT_COUNT; kind++) {
        const char *name = act_name((enum act_kind)kind);
        /* "comment" is the act only when no other act is named; else it is the act's comment */
        if (kind != ACT_COMMENT && json_object_get(object, name) != NULL) {
            *ret_kind = (enum act_kind)kind;
            return name;
        }
    }
    *ret_kind = ACT_COMMENT;
    return json_object_get(object, "comment") != NULL ? "comment" : NULL;
}

static void read_act_details(struct reading *reading, const json_t *object, struct act *act)
{
    copy_text(reading, object, "by", act->by, sizeof act->by);
    if (act->kind == ACT_COMMENT) {
        copy_text(reading, object, "text", act->comment, sizeof act->comment);
    } else {
        copy_text(reading, object, "comment", act->comment, sizeof act->comment);
    }
    copy_text(reading, object, "cause", act->cause, sizeof act->cause);
    copy_text(reading, object, "measure", act->measure, sizeof act->measure);
    act->occurrence = (uint32_t)json_integer_value(json_object_get(object, "occurrence"));
    if (json_object_get(object, "for") != NULL) {
        (void)read_duration(reading, object, "for", &act->for_ns);
    }
    int64_t until_ns = 0;
    if (json_object_get(object, "until") != NULL && read_duration(reading, object, "until", &until_ns)) {
        (void)later(reading, "until", reading->start_ns, until_ns, &act->until_ns);
    }
    const char *level = json_string_value(json_object_get(object, "level"));
    enum level seen = LEVEL_NONE;
    if (level != NULL && !level_parse(level, strlen(level), &seen)) {
        mistake(reading, "level", "levels are blue, yellow, orange, red", "not a level");
    }
    act->level = (uint8_t)seen;
}

static void read_do(struct reading *reading, const json_t *object)
{
    static const char *const known[] = {"at",      "ack",   "shelve",         "unshelve",   "comment",    "close",
                                        "by",      "cause", "out-of-service", "in-service", "measure",    "occurrence",
                                        "level",   "for",   "until",          "text"};
    check_keys(reading, object, known, sizeof known / sizeof *known);
    enum act_kind kind = ACT_COMMENT;
    const char *key = act_key(object, &kind);
    int64_t at_ns = 0;
    int64_t time_ns = 0;
    if (!read_duration(reading, object, "at", &at_ns) || !later(reading, "at", reading->start_ns, at_ns, &time_ns)) {
        return;
    }
    if (key == NULL) {
        mistake(reading, "", "name one of ack, shelve, unshelve, comment, close, out-of-service, in-service", "no act is named");
        return;
    }
    const char *alarm = need_text(reading, object, key);
    uint32_t index = alarm == NULL ? SITE_NONE : site_alarm(reading->test->site, alarm, strlen(alarm));
    if (alarm != NULL && index == SITE_NONE) {
        mistake(reading, key, "alarms are named <rule>:<point>", "the site has no such alarm");
    }
    if (index == SITE_NONE) {
        return;
    }
    struct trace_row *row = add_row(reading);
    row->kind = TRACE_ACT;
    row->time_ns = time_ns;
    row->act = (struct act){.time_ns = row->time_ns, .alarm = index, .kind = (uint8_t)kind};
    read_act_details(reading, object, &row->act);
    reach(reading, row->time_ns);
}

static void read_expect(struct reading *reading, const json_t *object)
{
    static const char *const known[] = {"at",     "event", "alarm", "level", "occurrence", "rule", "point",
                                        "hazard", "kind",  "value", "unit",  "when",       "by",   "comment",
                                        "cause",  "measure", "message", "advice", "status"};
    check_keys(reading, object, known, sizeof known / sizeof *known);
    struct rule_expect *expect = &reading->one->expect[reading->one->expect_count++];
    *expect = (struct rule_expect){.time_ns = TIME_NEVER, .keys = object};
    int64_t at_ns = 0;
    if (json_object_get(object, "at") != NULL && read_duration(reading, object, "at", &at_ns) &&
        later(reading, "at", reading->start_ns, at_ns, &expect->time_ns)) {
        reach(reading, expect->time_ns);
    }
    const char *event = json_string_value(json_object_get(object, "event"));
    enum event_kind kind;
    if (event != NULL && !event_parse(event, strlen(event), &kind)) {
        mistake(reading, "event", NULL, "not an event");
    }
}

typedef void read_fn(struct reading *reading, const json_t *object);

static void read_list(struct reading *reading, const json_t *parent, const char *key, read_fn *fn)
{
    const json_t *list = json_object_get(parent, key);
    char before[PATH_TEXT];
    memcpy(before, reading->path, sizeof before);
    if (list != NULL && !json_is_array(list)) {
        mistake(reading, key, NULL, "a list is needed here");
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        (void)snprintf(reading->path, sizeof reading->path, "%.100s%s%.32s[%zu]", before, before[0] != '\0' ? "." : "",
                       key, i);
        const json_t *item = json_array_get(list, i);
        if (json_is_object(item)) {
            fn(reading, item);
        } else {
            mistake(reading, "", NULL, "an object is needed here");
        }
        memcpy(reading->path, before, sizeof before);
    }
}

/* By time; of one time samples in the order read, then acts. */
static int by_time(const void *a, const void *b)
{
    const struct trace_row *x = a;
    const struct trace_row *y = b;
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    return x->sample.seq < y->sample.seq ? -1 : x->sample.seq > y->sample.seq;
}

static void sort_rows(struct rule_case *one)
{
    /* qsort is not stable; rows of one time keep the order of their series, of which each gives one. */
    for (size_t i = 0; i < one->row_count; i++) {
        one->rows[i].sample.seq = 0;
    }
    for (size_t i = 1; i < one->row_count; i++) {
        bool next_series = one->rows[i].kind != one->rows[i - 1].kind || one->rows[i].time_ns <= one->rows[i - 1].time_ns;
        one->rows[i].sample.seq = (uint16_t)(one->rows[i - 1].sample.seq + (next_series ? 1 : 0));
    }
    if (one->row_count > 1) { /* of none there is no array */
        qsort(one->rows, one->row_count, sizeof *one->rows, by_time);
    }
}

static void read_case(struct reading *reading, const json_t *object)
{
    static const char *const known[] = {"name", "start", "input", "do", "exact", "expect", "description"};
    check_keys(reading, object, known, sizeof known / sizeof *known);
    reading->one = &reading->test->cases[reading->test->case_count++];
    reading->room = 0;
    reading->start_ns = INT64_C(1767225600) * NS_PER_S; /* 2026-01-01T00:00:00Z, when a case names no start */
    const char *start = json_string_value(json_object_get(object, "start"));
    if (start != NULL && !text_parse_time(start, strlen(start), &reading->start_ns)) {
        mistake(reading, "start", "write 2026-01-05T00:00:00Z", "not a time");
    }
    reading->last_ns = reading->start_ns;
    const char *name = json_string_value(json_object_get(object, "name"));
    reading->one->name = name != NULL ? name : "(no name)";
    reading->one->exact = !json_is_false(json_object_get(object, "exact"));
    reading->one->expect = calloc(json_array_size(json_object_get(object, "expect")) + 1, sizeof *reading->one->expect);
    if (reading->one->expect == NULL) {
        abort();
    }
    read_list(reading, object, "input", read_input);
    read_list(reading, object, "do", read_do);
    read_list(reading, object, "expect", read_expect);
    sort_rows(reading->one);
    struct trace_row *end = add_row(reading);
    end->kind = TRACE_CLOCK;
    end->time_ns = reading->last_ns;
}

static enum err_code load_site(struct rule_test *test, struct mistakes *mistakes, struct err *err)
{
    const char *site = json_string_value(json_object_get(test->root, "site"));
    if (site == NULL) {
        mistakes_add(mistakes, test->file, "site", "write \"site\": \"site.json\"",
                     "the site file to test is not named");
        return ERR_INPUT;
    }
    char folder[PATH_MAX];
    char path[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", test->file);
    int len = snprintf(path, sizeof path, "%s%s%s", site[0] == '/' ? "" : dirname(folder), site[0] == '/' ? "" : "/",
                       site);
    if (len < 0 || (size_t)len >= sizeof path) {
        mistakes_add(mistakes, test->file, "site", NULL, "the path is too long");
        return ERR_INPUT;
    }
    enum err_code code = site_read(path, mistakes, &test->site, err);
    if (code == ERR_NONE) {
        code = rules_compile(test->site, mistakes, &test->rules, err);
    }
    return code == ERR_NONE && mistakes->total > 0 ? ERR_INPUT : code;
}

/* The same as of a site file: a byte order mark is no harm, a key that stands twice is told. */
static json_t *read_json(const char *file, struct mistakes *mistakes, struct err *err)
{
    char *text = conf_read_file(mistakes, file, FILE_BYTES_MAX, err);
    if (text == NULL) {
        return NULL;
    }
    const size_t before = mistakes->total;
    struct arena arena;
    arena_init(&arena);
    struct conf conf = {.arena = &arena, .mistakes = mistakes};
    json_t *root = conf_parse_json(&conf, file, text);
    arena_done(&arena);
    free(text);
    if (mistakes->total > before) {
        json_decref(root);
        (void)err_set(err, ERR_INPUT, "%s has mistakes", file);
        return NULL;
    }
    return root;
}

static enum err_code read_test(struct rule_test *test, struct mistakes *mistakes, struct err *err)
{
    test->root = read_json(test->file, mistakes, err);
    if (test->root == NULL) {
        return err->code;
    }
    enum err_code code = load_site(test, mistakes, err);
    if (code != ERR_NONE) {
        return code;
    }
    static const char *const known[] = {"site", "cases", "description"};
    struct reading reading = {.test = test, .mistakes = mistakes};
    check_keys(&reading, test->root, known, sizeof known / sizeof *known);
    test->cases = calloc(json_array_size(json_object_get(test->root, "cases")) + 1, sizeof *test->cases);
    if (test->cases == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    read_list(&reading, test->root, "cases", read_case);
    if (test->case_count == 0) {
        mistakes_add(mistakes, test->file, "cases", "write one", "there is no case");
    }
    return mistakes->total > 0 ? err_set(err, ERR_INPUT, "%s has mistakes", test->file) : ERR_NONE;
}

enum err_code rule_test_load(const char *file, struct mistakes *mistakes, struct rule_test **ret_test, struct err *err)
{
    struct rule_test *test = calloc(1, sizeof *test);
    if (test == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    test->file = file;
    enum err_code code = read_test(test, mistakes, err);
    if (code != ERR_NONE) {
        rule_test_free(test);
        return code;
    }
    *ret_test = test;
    return ERR_NONE;
}

void rule_test_free(struct rule_test *test)
{
    if (test == NULL) {
        return;
    }
    for (size_t i = 0; i < test->case_count; i++) {
        free(test->cases[i].rows);
        free(test->cases[i].expect);
    }
    free(test->cases);
    rules_free(test->rules);
    site_free(test->site);
    json_decref(test->root);
    free(test);
}
