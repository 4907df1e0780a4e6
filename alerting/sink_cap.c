/*
 * sink_cap: CAP documents to a folder, by POST, or both (contract 6 and 9).
 *
 * Each of the two ways has its own place in the journal, its own patience and
 * its own list of what it has sent about open alarms, so a server that is away
 * holds nothing back from the folder.
 *
 * A document is made of the journal and the site alone, and what it refers to
 * is kept in one batch with the place: after a kill the same documents come
 * again as the same bytes, under the same names.
 *
 * Thread: the sink's.  The folder waits for the disk, the POST for nothing.
 * Memory: its own.
 */
#include "alerting/cap_document.h"
#include "alerting/cap_earlier.h"
#include "alerting/cap_folder.h"
#include "alerting/post_way.h"
#include "alerting/sink_inside.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include <stdlib.h>

enum { WAYS = 2 };

struct sink_cap;

struct cap_way {
    struct sink_cap *cap;
    struct courier courier;
    struct cap_earlier *earlier;
    struct cap_event event; /* at hand */
    struct buf document, name, reference;
    struct err failure; /* path: how the last try went */
};

struct sink_cap {
    struct sink sink;
    struct sink_config config;
    struct zone *zone;
    struct cap_style style;
    struct cap_way ways[WAYS];
    size_t way_count;
    struct post_way post; /* of the way "url" */
};

/* ---- what both ways do ------------------------------------------------------------------------------------------- */

/* Makes the document of an event, if it is worth one. */
static bool make_document(struct cap_way *way, struct courier_event at)
{
    struct err err;
    if (cap_event_read(&way->event, at.event, at.behind, &err) != ERR_NONE) {
        log_event(LOG_ERROR, "alerting", "ALT-032", way->courier.name, "sink=%s reason=\"%s\" it has no document",
                  way->cap->config.sink->id, err.text);
        way->event.kind = EV_COUNT;
        return false;
    }
    const char *references = cap_earlier_references(way->earlier, way->event.alarm, way->event.occurrence);
    const enum cap_decision decision = cap_decide(&way->event, references != NULL);
    if (decision == CAP_NOTHING) {
        return false;
    }
    cap_document(&way->document, &way->cap->style, &way->event, references);
    return true;
}

static void passed(void *self, const struct store_event *event, bool brought)
{
    struct cap_way *way = self;
    (void)event; /* the one at hand */
    if (brought && way->event.kind != EV_CLEARED) {
        buf_clear(&way->reference);
        cap_reference(&way->reference, &way->cap->style, &way->event);
        cap_earlier_add(way->earlier, way->event.alarm, way->event.occurrence, way->reference.data);
    } else if (way->event.kind == EV_CLEARED || (way->event.kind == EV_CLOSED && way->event.well)) {
        cap_earlier_forget(way->earlier, way->event.alarm);
    }
}

static void keep(void *self, struct store_batch *batch)
{
    struct cap_way *way = self;
    cap_earlier_keep(way->earlier, batch);
}

/* ---- to the folder ----------------------------------------------------------------------------------------------- */

static bool folder_prepare(void *self, struct courier_event at)
{
    struct cap_way *way = self;
    if (!make_document(way, at)) {
        return false;
    }
    buf_clear(&way->name);
    cap_identifier(&way->name, &way->cap->style, way->event.seq);
    buf_text(&way->name, ".xml");
    return true;
}

static void folder_begin(void *self, int64_t now_ns)
{
    struct cap_way *way = self;
    (void)now_ns;
    way->failure.code = ERR_NONE;
    way->failure.code = cap_folder_put(way->cap->config.sink->path, way->name.data, way->document.data,
                                       way->document.len, &way->failure);
}

static enum courier_step folder_go_on(void *self, int64_t now_ns, struct err *err)
{
    struct cap_way *way = self;
    (void)now_ns;
    if (way->failure.code != ERR_NONE) {
        *err = way->failure;
        return COURIER_FAILED;
    }
    return COURIER_DONE;
}

static void folder_break_off(void *self)
{
    (void)self; /* it is never under way for longer than a call */
}

static const struct courier_trade FOLDER = {.prepare = folder_prepare,
                                            .begin = folder_begin,
                                            .go_on = folder_go_on,
                                            .break_off = folder_break_off,
                                            .passed = passed,
                                            .keep = keep};

/* ---- by POST ----------------------------------------------------------------------------------------------------- */

static bool post_prepare(void *self, struct courier_event at)
{
    struct cap_way *way = self;
    if (!make_document(way, at)) {
        return false;
    }
    post_way_prepare(&way->cap->post, way->event.seq, way->document.data, way->document.len);
    return true;
}

static void post_begin(void *self, int64_t now_ns)
{
    struct cap_way *way = self;
    post_way_begin(&way->cap->post, now_ns);
}

static enum courier_step post_go_on(void *self, int64_t now_ns, struct err *err)
{
    struct cap_way *way = self;
    return post_way_go_on(&way->cap->post, now_ns, err);
}

static void post_break_off(void *self)
{
    struct cap_way *way = self;
    post_way_break_off(&way->cap->post);
}

static const struct courier_trade POST = {.prepare = post_prepare,
                                          .begin = post_begin,
                                          .go_on = post_go_on,
                                          .break_off = post_break_off,
                                          .passed = passed,
                                          .keep = keep};

/* ---- the agent --------------------------------------------------------------------------------------------------- */

static int cap_work(void *self, int64_t now_ns)
{
    struct sink_cap *cap = self;
    int64_t deadline_ns;
    const bool stopping = sink_is_stopping(&cap->config, &deadline_ns);
    bool moved = false, waits = false;
    for (size_t i = 0; i < cap->way_count; i++) {
        struct courier *courier = &cap->ways[i].courier;
        if (stopping) {
            waits = courier_stop(courier, now_ns, deadline_ns) || waits;
        } else {
            moved = courier_work(courier, now_ns) || moved;
        }
    }
    return stopping && !waits ? AGENT_FINISHED : moved ? 1 : 0;
}

static int64_t cap_due(void *self)
{
    const struct sink_cap *cap = self;
    int64_t due_ns = post_way_due(&cap->post);
    for (size_t i = 0; i < cap->way_count; i++) {
        const int64_t way_ns = courier_due(&cap->ways[i].courier);
        due_ns = way_ns < due_ns ? way_ns : due_ns;
    }
    return due_ns;
}

static int cap_fd(void *self)
{
    const struct sink_cap *cap = self;
    return post_way_fd(&cap->post);
}

static void way_done(struct cap_way *way)
{
    courier_done(&way->courier);
    cap_earlier_free(way->earlier);
    cap_event_done(&way->event);
    buf_done(&way->document);
    buf_done(&way->name);
    buf_done(&way->reference);
}

static void cap_free(struct sink *sink)
{
    struct sink_cap *cap = (struct sink_cap *)sink;
    for (size_t i = 0; i < cap->way_count; i++) {
        way_done(&cap->ways[i]);
    }
    post_way_done(&cap->post);
    zone_free(cap->zone);
    free(cap);
}

static enum err_code way_open(struct sink_cap *cap, const char *word, const char *goal,
                              const struct courier_trade *trade, struct err *err)
{
    struct cap_way *way = &cap->ways[cap->way_count++];
    struct buf name = {0}, cursor = {0}, cut = {0};
    way->cap = cap;
    buf_printf(&name, "sink.%s.%s", cap->config.sink->id, word);
    buf_printf(&cursor, "sink-%s/", word);
    buf_printf(&cut, "%s.cut", name.data);
    const struct courier_config config = {
        .sink = &cap->config, .cursor = cursor.data, .name = name.data, .goal = goal, .trade = trade, .self = way};
    struct counter *counter = counter_new(cap->config.counters, cut.data, "", "references left out of documents");
    enum err_code code = cap_earlier_open(cap->config.store, word, cap->config.sink->id, counter, &way->earlier, err);
    if (code == ERR_NONE) {
        code = courier_open(&way->courier, &config, err);
    }
    buf_done(&name);
    buf_done(&cursor);
    buf_done(&cut);
    return code;
}

static enum err_code open_ways(struct sink_cap *cap, struct err *err)
{
    const struct site_sink *sink = cap->config.sink;
    enum err_code code = ERR_NONE;
    if (sink->path != NULL) {
        code = cap_folder_open(sink->path, err);
        code = code == ERR_NONE ? way_open(cap, "path", sink->path, &FOLDER, err) : code;
    }
    if (sink->url != NULL && code == ERR_NONE) {
        code = post_way_open(&cap->post, &cap->config, "application/cap+xml", err);
        code = code == ERR_NONE ? way_open(cap, "url", sink->url, &POST, err) : code;
    }
    return code;
}

enum err_code sink_cap_new(const struct sink_config *config, struct sink **ret_sink, struct err *err)
{
    struct sink_cap *cap = memory_new(1, sizeof *cap);
    cap->config = *config;
    cap->sink.free = cap_free;
    cap->sink.agent = (struct agent){
        .name = config->sink->id, .self = cap, .do_work = cap_work, .next_due = cap_due, .wait_fd = cap_fd, .prompt = true};
    const struct site *site = config->site;
    enum err_code code = site->timezone == NULL ? ERR_NONE : zone_open(site->timezone, &cap->zone, err);
    cap->style = (struct cap_style){.site = site,
                                    .zone = cap->zone,
                                    .language = config->sink->english ? CAP_ENGLISH : CAP_CHINESE,
                                    .addresses = config->sink->addresses,
                                    .address_count = config->sink->address_count};
    if (code == ERR_NONE) {
        code = open_ways(cap, err);
    }
    if (code != ERR_NONE) {
        cap_free(&cap->sink);
        return code;
    }
    *ret_sink = &cap->sink;
    return ERR_NONE;
}
