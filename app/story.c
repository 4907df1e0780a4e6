/* story: see story.h. */
#include "app/story.h"

#include "base/memory.h"
#include "base/text.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct site *site;
    uint32_t alarm;
    bool *causes; /* [alarm of the site]: it suppresses this one and is active */
    struct story *story;
};

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* True when an active `cause` suppresses the alarm: its rule is named, the hazard is the same. */
static bool suppresses(const struct reading *reading, uint32_t cause)
{
    const struct site_alarm *own = &reading->site->alarms[reading->alarm];
    const struct site_alarm *other = &reading->site->alarms[cause];
    const struct site_rule *rule = &reading->site->rules[own->rule];
    for (size_t i = 0; i < rule->suppressed_by_count; i++) {
        if (rule->suppressed_by[i] == other->rule) {
            return own->hazard != SITE_NONE && own->hazard == other->hazard;
        }
    }
    return false;
}

static void put_causes(struct buf *text, const struct reading *reading)
{
    const char *before = " by ";
    for (uint32_t i = 0; i < reading->site->alarm_count; i++) {
        if (reading->causes[i]) {
            buf_printf(text, "%s%s", before, reading->site->alarms[i].name);
            before = ", ";
        }
    }
}

static void put_word(struct buf *text, const json_t *object, const char *key, const char *before)
{
    const char *word = text_of(object, key);
    if (word != NULL) {
        buf_printf(text, "%s%s", before, word);
    }
}

static char *words_of(const struct reading *reading, const json_t *object, enum event_kind kind)
{
    struct buf text = {0};
    buf_text(&text, event_name(kind));
    put_word(&text, object, "level", " ");
    put_word(&text, object, "by", " by ");
    put_word(&text, object, "comment", ": ");
    put_word(&text, object, "cause", "; cause: ");
    put_word(&text, object, "measure", "; measure: ");
    if (kind == EV_SUPPRESSED) {
        put_causes(&text, reading);
    } else if (kind == EV_RAISED || kind == EV_WORSENED) {
        put_word(&text, object, "message", ": ");
    }
    return text.data;
}

static void add(struct reading *reading, const json_t *object, const struct store_event *event, enum event_kind kind)
{
    struct story *story = reading->story;
    if (story->count == story->room) {
        story->room = story->room == 0 ? 64 : story->room * 2;
        story->events = memory_resize(story->events, story->room, sizeof *story->events);
    }
    const char *level_text = text_of(object, "level");
    const char *when = text_of(object, "when");
    enum level level = LEVEL_NONE;
    if (level_text != NULL) {
        (void)level_parse(level_text, strlen(level_text), &level); /* an event without level has none */
    }
    const uint32_t occurrence = (uint32_t)json_integer_value(json_object_get(object, "occurrence"));
    story->occurrences = occurrence > story->occurrences ? occurrence : story->occurrences;
    story->events[story->count++] = (struct story_event){
        .time_ns = event->time_ns,
        .seq = event->seq,
        .occurrence = occurrence,
        .kind = (uint8_t)kind,
        .level = (uint8_t)level,
        .when = when != NULL ? memory_strdup(when) : NULL,
        .text = words_of(reading, object, kind),
    };
}

static bool take_event(void *self, const struct store_event *event)
{
    struct reading *reading = self;
    uint32_t alarm = site_alarm(reading->site, event->alarm, event->alarm_len);
    if (alarm == SITE_NONE || (alarm != reading->alarm && !suppresses(reading, alarm))) {
        return true;
    }
    json_t *object = json_loadb(event->json, event->json_len, 0, NULL);
    const char *name = text_of(object, "event");
    enum event_kind kind = EV_COUNT;
    if (name != NULL && event_parse(name, strlen(name), &kind)) {
        if (alarm == reading->alarm) {
            add(reading, object, event, kind);
        } else if (kind == EV_RAISED || kind == EV_CLEARED) {
            reading->causes[alarm] = kind == EV_RAISED;
        }
    }
    json_decref(object);
    return true;
}

enum err_code story_read(const struct site *site, uint32_t alarm, struct store *store, struct story *ret_story,
                         struct err *err)
{
    struct story story = {0};
    struct reading reading = {.site = site, .alarm = alarm, .story = &story};
    reading.causes = memory_new(site->alarm_count, sizeof *reading.causes);
    enum err_code code = store_events(store, 0, take_event, &reading, err);
    free(reading.causes);
    if (code != ERR_NONE) {
        story_done(&story);
        return code;
    }
    *ret_story = story;
    return ERR_NONE;
}

void story_done(struct story *story)
{
    for (size_t i = 0; i < story->count; i++) {
        free(story->events[i].when);
        free(story->events[i].text);
    }
    free(story->events);
    *story = (struct story){0};
}

const struct story_event *story_find(const struct story *story, uint32_t occurrence, enum event_kind kind)
{
    for (size_t i = 0; i < story->count; i++) {
        if (story->events[i].occurrence == occurrence && story->events[i].kind == kind) {
            return &story->events[i];
        }
    }
    return NULL;
}
