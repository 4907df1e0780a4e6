/*
 * cap_of_events SITE FOLDER: reads events as `davy replay` prints them on stdin
 * and writes the CAP document of each that is worth one into FOLDER, as if all
 * of them were announced.  For tests: so a scenario of an hour becomes documents
 * in a second.
 */
#include "alerting/cap_document.h"
#include "alerting/cap_earlier.h"
#include "alerting/cap_folder.h"
#include "base/text.h"
#include "fake_store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
    struct cap_style style;
    struct cap_earlier *earlier;
    const char *folder;
    struct buf document, name, reference;
};

static void must(enum err_code code, const struct err *err)
{
    if (code != ERR_NONE) {
        (void)fprintf(stderr, "cap_of_events: %s\n", err->text);
        exit((int)code);
    }
}

static int64_t time_of(const struct cap_event *event)
{
    const char *time = json_string_value(json_object_get(event->json, "time"));
    int64_t time_ns = 0;
    if (time == NULL || !text_parse_time(time, strlen(time), &time_ns)) {
        exit(ERR_INPUT);
    }
    return time_ns;
}

static void take(struct run *run, const char *line, size_t len)
{
    struct err err;
    struct cap_event event = {0};
    const struct store_event stored = {.alarm = "", .json = line, .json_len = len};
    must(cap_event_read(&event, &stored, 0, &err), &err);
    event.seq = (uint64_t)json_integer_value(json_object_get(event.json, "seq"));
    event.time_ns = time_of(&event);
    const char *references = cap_earlier_references(run->earlier, event.alarm, event.occurrence);
    if (cap_decide(&event, references != NULL) != CAP_NOTHING) {
        cap_document(&run->document, &run->style, &event, references);
        buf_clear(&run->name);
        cap_identifier(&run->name, &run->style, event.seq);
        buf_text(&run->name, ".xml");
        must(cap_folder_put(run->folder, run->name.data, run->document.data, run->document.len, &err), &err);
        buf_clear(&run->reference);
        cap_reference(&run->reference, &run->style, &event);
        cap_earlier_add(run->earlier, event.alarm, event.occurrence, run->reference.data);
    }
    if (event.kind == EV_CLEARED) {
        cap_earlier_forget(run->earlier, event.alarm);
    }
    cap_event_done(&event);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: cap_of_events SITE FOLDER <EVENTS\n");
        return ERR_INPUT;
    }
    struct err err;
    struct mistakes mistakes;
    mistakes_init(&mistakes);
    struct site *site;
    must(site_load(argv[1], &mistakes, &site, &err), &err);
    struct zone *zone = NULL;
    if (site->timezone != NULL) {
        must(zone_open(site->timezone, &zone, &err), &err);
    }
    struct store *store = fake_store_new();
    struct counters *counters = counters_new(1);
    struct run run = {.style = {.site = site, .zone = zone}, .folder = argv[2]};
    must(cap_folder_open(argv[2], &err), &err);
    must(cap_earlier_open(store, "path", "test", counter_new(counters, "cut", "", ""), &run.earlier, &err), &err);
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    while ((len = getline(&line, &room, stdin)) > 0) {
        take(&run, line, (size_t)len);
    }
    free(line);
    buf_done(&run.document);
    buf_done(&run.name);
    buf_done(&run.reference);
    cap_earlier_free(run.earlier);
    counters_free(counters);
    fake_store_free(store);
    zone_free(zone);
    site_free(site);
    mistakes_done(&mistakes);
    return 0;
}
