/*
 * cap_document: see cap_document.h.
 *
 *                             msgType   responseType           urgency     certainty
 *   first of an occurrence    Alert     Execute, or Monitor    Immediate   Observed
 *   worsened, eased           Update    without advice         Immediate   Observed
 *     of a forecast, 10 min                                    Immediate   Likely
 *     of a forecast, longer                                    Expected    Possible
 *   cleared                   Update    AllClear               Past        Observed
 *
 * The document of a clear expires an hour later: after that nobody needs to know.
 */
#include "alerting/cap_document.h"
#include "alerting/xml_out.h"
#include "base/clock.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    CLEAR_EXPIRES_S = 3600,
    SOON_S = 600,
};

/* ---- one document ------------------------------------------------------------------------------------------------ */

struct writing {
    struct buf *out;
    struct buf text; /* scratch */
    const struct cap_style *style;
    const struct cap_event *event;
    const struct cap_words *words;
    const struct site_hazard *hazard; /* NULL: none, or no longer in the site */
    const struct site_point *point;   /* likewise */
    const char *references;
    bool cleared, forecast;
    double within_s;
};

static const char *site_name(const struct writing *w)
{
    return w->style->site->name != NULL ? w->style->site->name : w->style->site->id;
}

static const char *point_name(const struct writing *w)
{
    if (w->event->point == NULL) {
        return w->event->alarm;
    }
    return w->point != NULL && w->point->name != NULL ? w->point->name : w->event->point;
}

static const char *hazard_name(const struct writing *w)
{
    return w->hazard != NULL && w->hazard->name != NULL ? w->hazard->name : w->event->hazard;
}

/* Ends the text begun with buf_clear(&w->text) as an element. */
static void leaf_of_text(struct writing *w, int depth, const char *name)
{
    xml_leaf(w->out, depth, name, w->text.data);
    buf_clear(&w->text);
}

static void time_leaf(struct writing *w, int depth, const char *name, int64_t time_ns)
{
    cap_time(&w->text, w->style, time_ns);
    leaf_of_text(w, depth, name);
}

static const char *status_word(const struct writing *w)
{
    const char *status = w->event->status != NULL ? w->event->status : "";
    return strcmp(status, "exercise") == 0 ? "Exercise" : strcmp(status, "test") == 0 ? "Test" : "Actual";
}

static const char *note_of(const struct writing *w)
{
    const char *status = status_word(w);
    return status[0] == 'E' ? w->words->exercise : status[0] == 'T' ? w->words->test : NULL;
}

/* Addresses are set apart by blanks; one that holds a blank stands in double quotes. */
static void add_addresses(struct writing *w)
{
    for (size_t i = 0; i < w->style->address_count; i++) {
        const char *address = w->style->addresses[i];
        const bool quote = strpbrk(address, " \t\n\r") != NULL;
        buf_text(&w->text, i > 0 ? " " : "");
        buf_text(&w->text, quote ? "\"" : "");
        for (const char *c = address; *c != '\0'; c++) {
            buf_add(&w->text, *c == '"' ? "'" : c, 1);
        }
        buf_text(&w->text, quote ? "\"" : "");
    }
    leaf_of_text(w, 1, "addresses");
}

static void write_head(struct writing *w)
{
    cap_identifier(&w->text, w->style, w->event->seq);
    leaf_of_text(w, 1, "identifier");
    cap_sender(&w->text, w->style);
    leaf_of_text(w, 1, "sender");
    time_leaf(w, 1, "sent", w->event->time_ns);
    xml_leaf(w->out, 1, "status", status_word(w));
    xml_leaf(w->out, 1, "msgType", w->references == NULL ? "Alert" : "Update");
    xml_leaf(w->out, 1, "scope", w->style->address_count > 0 ? "Private" : "Public");
    add_addresses(w);
    xml_leaf(w->out, 1, "note", note_of(w));
    xml_leaf(w->out, 1, "references", w->references);
}

/* ---- info -------------------------------------------------------------------------------------------------------- */

static const char *noun_of(const struct writing *w)
{
    return w->forecast ? w->words->forecast : w->words->alarm;
}

static void write_event_name(struct writing *w)
{
    const struct cap_event *event = w->event;
    const char *what = event->gas != NULL    ? cap_kind_name(event->gas, w->style->language)
                       : event->rule != NULL ? event->rule
                                             : event->alarm;
    buf_text(&w->text, what);
    buf_text(&w->text, noun_of(w));
    leaf_of_text(w, 2, "event");
}

static void write_grades(struct writing *w)
{
    static const char *const severities[LEVEL_COUNT] = {"Unknown", "Minor", "Moderate", "Severe", "Extreme"};
    const bool advice = w->event->advice != NULL && w->event->advice[0] != '\0';
    const bool soon = !w->forecast || w->within_s <= SOON_S;
    xml_leaf(w->out, 2, "responseType", w->cleared ? "AllClear" : advice ? "Execute" : "Monitor");
    xml_leaf(w->out, 2, "urgency", w->cleared ? "Past" : soon ? "Immediate" : "Expected");
    xml_leaf(w->out, 2, "severity", severities[w->event->level]);
    xml_leaf(w->out, 2, "certainty", w->cleared || !w->forecast ? "Observed" : soon ? "Likely" : "Possible");
}

static void write_headline(struct writing *w)
{
    buf_text(&w->text, w->words->before[w->event->kind]);
    buf_text(&w->text, w->words->colours[w->event->level]);
    buf_text(&w->text, noun_of(w));
    buf_text(&w->text, w->words->behind[w->event->kind]);
    buf_text(&w->text, w->words->colon);
    buf_text(&w->text, w->event->message != NULL ? w->event->message : point_name(w));
    leaf_of_text(w, 2, "headline");
}

static void add_value(struct writing *w)
{
    if (!isnan(w->event->value)) {
        buf_number(&w->text, w->event->value);
    }
}

/* "501面T1甲烷（face-501/t1/ch4）读数 1.02 %CH4。判据：value >= 1.0。报警 …，第 1 次。" */
static void write_description(struct writing *w)
{
    const struct cap_words *words = w->words;
    const struct cap_event *event = w->event;
    if (event->point != NULL) {
        buf_text(&w->text, point_name(w));
        if (strcmp(point_name(w), event->point) != 0) {
            buf_printf(&w->text, "%s%s%s", words->open, event->point, words->close);
        }
        buf_text(&w->text, isnan(event->value) ? words->reads_nothing : words->reads);
        add_value(w);
        if (!isnan(event->value) && event->unit != NULL) {
            buf_printf(&w->text, " %s", event->unit);
        }
        buf_text(&w->text, words->stop);
    }
    if (event->when != NULL) {
        buf_printf(&w->text, "%s%s%s", words->condition, event->when, words->stop);
    }
    buf_printf(&w->text, "%s%s%s%u%s%s", words->named, event->alarm, words->numbered, (unsigned)event->occurrence,
               words->number_end, words->last_stop);
    leaf_of_text(w, 2, "description");
}

static void parameter(struct writing *w, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0') {
        return;
    }
    xml_open(w->out, 2, "parameter");
    xml_leaf(w->out, 3, "valueName", name);
    xml_leaf(w->out, 3, "value", value);
    xml_close(w->out, 2, "parameter");
}

static void parameter_of_number(struct writing *w, const char *name, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    parameter(w, name, text);
}

static void write_parameters(struct writing *w)
{
    const struct cap_event *event = w->event;
    parameter(w, "site", w->style->site->id);
    parameter_of_number(w, "seq", event->seq);
    parameter(w, "event", event_name(event->kind));
    parameter(w, "alarm", event->alarm);
    parameter_of_number(w, "occurrence", event->occurrence);
    parameter(w, "level", level_name(event->level));
    parameter(w, "colour", w->words->colours[event->level]);
    parameter(w, "rule", event->rule);
    parameter(w, "point", event->point);
    parameter(w, "hazard", event->hazard);
    parameter(w, "kind", event->gas);
    add_value(w);
    if (w->text.len > 0) {
        char value[TEXT_NUMBER_MAX];
        (void)snprintf(value, sizeof value, "%s", w->text.data);
        parameter(w, "value", value);
        buf_clear(&w->text);
    }
    parameter(w, "unit", event->unit);
    parameter(w, "when", event->when);
}

/* Degrees to a tenth of a metre, without zeros at the end and never with an exponent. */
static void add_degrees(struct writing *w, double degrees)
{
    char text[32];
    size_t len = (size_t)snprintf(text, sizeof text, "%.6f", degrees);
    while (text[len - 1] == '0' || text[len - 1] == '.') {
        const bool point = text[--len] == '.';
        text[len] = '\0';
        if (point) {
            break;
        }
    }
    buf_text(&w->text, strcmp(text, "-0") == 0 ? "0" : text);
}

static void write_area(struct writing *w)
{
    xml_open(w->out, 2, "area");
    buf_text(&w->text, site_name(w));
    if (w->event->hazard != NULL) {
        buf_printf(&w->text, " %s", hazard_name(w));
    }
    leaf_of_text(w, 3, "areaDesc");
    if (w->hazard != NULL && w->hazard->has_location) {
        add_degrees(w, w->hazard->lat);
        buf_text(&w->text, ",");
        add_degrees(w, w->hazard->lon);
        buf_text(&w->text, " 0");
        leaf_of_text(w, 3, "circle");
    }
    if (w->style->site->region != NULL) {
        xml_open(w->out, 3, "geocode");
        xml_leaf(w->out, 4, "valueName", "GB/T 2260");
        xml_leaf(w->out, 4, "value", w->style->site->region);
        xml_close(w->out, 3, "geocode");
    }
    xml_close(w->out, 2, "area");
}

static void write_info(struct writing *w)
{
    xml_open(w->out, 1, "info");
    xml_leaf(w->out, 2, "language", w->words->language);
    xml_leaf(w->out, 2, "category", "Safety");
    xml_leaf(w->out, 2, "category", cap_kind_category(w->event->gas));
    write_event_name(w);
    write_grades(w);
    if (w->cleared) {
        time_leaf(w, 2, "expires", w->event->time_ns + CLEAR_EXPIRES_S * NS_PER_S);
    }
    xml_leaf(w->out, 2, "senderName", site_name(w));
    write_headline(w);
    write_description(w);
    xml_leaf(w->out, 2, "instruction", w->cleared ? NULL : w->event->advice);
    xml_leaf(w->out, 2, "contact", w->hazard != NULL ? w->hazard->contact : NULL);
    write_parameters(w);
    write_area(w);
    xml_close(w->out, 1, "info");
}

/* ---- what the site knows besides --------------------------------------------------------------------------------- */

static const struct site_hazard *hazard_of(const struct site *site, const char *id)
{
    const uint32_t at = id == NULL ? TABLE_NONE : table_find(&site->hazard_by_id, id, strlen(id));
    return at == TABLE_NONE ? NULL : &site->hazards[at];
}

/* The `when` of the level the alarm has now: told by raised and worsened, looked up for the others. */
static const char *entered_when(const struct site *site, const struct cap_event *event)
{
    if (event->kind == EV_RAISED || event->kind == EV_WORSENED) {
        return event->when;
    }
    const uint32_t alarm = site_alarm(site, event->alarm, strlen(event->alarm));
    const struct site_rule *rule = alarm == SITE_NONE ? NULL : &site->rules[site->alarms[alarm].rule];
    for (size_t i = 0; rule != NULL && i < rule->level_count; i++) {
        if (rule->levels[i].level == event->level) {
            return rule->levels[i].when;
        }
    }
    return NULL;
}

void cap_document(struct buf *out, const struct cap_style *style, const struct cap_event *event, const char *references)
{
    struct writing w = {.out = out,
                        .style = style,
                        .event = event,
                        .words = cap_words_of(style->language),
                        .hazard = hazard_of(style->site, event->hazard),
                        .references = references,
                        .cleared = event->kind == EV_CLEARED};
    const uint32_t point =
        event->point == NULL ? SITE_NONE : site_point(style->site, event->point, strlen(event->point));
    w.point = point == SITE_NONE ? NULL : &style->site->points[point];
    w.forecast = cap_is_forecast(entered_when(style->site, event), &w.within_s);
    buf_clear(out);
    buf_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\n");
    write_head(&w);
    write_info(&w);
    buf_text(out, "</alert>\n");
    buf_done(&w.text);
}
