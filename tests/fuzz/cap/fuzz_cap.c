/*
 * fuzz: whatever texts an event and a site hold, the document is well-formed
 * (expat says so), and identifier and sender hold nothing that CAP forbids;
 * whatever bytes stand where a record of earlier documents should be, it is
 * refused or gives references that end.
 *
 *   first byte  0: a record;  else kind, level and status of an event, then texts, each ended by a newline
 */
#include "alerting/alarm_book.h"
#include "alerting/cap_document.h"
#include "alerting/cap_earlier.h"
#include "fake_store.h"
#include <expat.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXTS = 16, TEXT_ROOM = 4096 };

static char texts[TEXTS][TEXT_ROOM];

/* Cuts the input into texts; what is missing is NULL, or "x" where something must be. */
static const char *text_at(const uint8_t **at, size_t *left, size_t i, bool needed)
{
    size_t len = 0;
    while (len < *left && (*at)[len] != '\n' && (*at)[len] != '\0' && len < TEXT_ROOM - 1) {
        texts[i][len] = (char)(*at)[len];
        len++;
    }
    texts[i][len] = '\0';
    const size_t step = len < *left ? len + 1 : len;
    *at += step;
    *left -= step;
    return len > 0 ? texts[i] : needed ? "x" : NULL;
}

static void require(bool good)
{
    if (!good) {
        abort();
    }
}

static void check_document(const struct buf *document)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    require(XML_Parse(parser, document->data, (int)document->len, 1) == XML_STATUS_OK);
    XML_ParserFree(parser);
}

static void check_reference(const struct buf *reference)
{
    size_t commas = 0;
    for (const char *c = reference->data; *c != '\0'; c++) {
        commas += *c == ',';
        require((unsigned char)*c > ' ' && *c != '<' && *c != '&' && (unsigned char)*c < 0x7f);
    }
    require(commas == 2);
}

static void write_one(const struct cap_style *style, const struct event *event, enum run_status status)
{
    struct buf json = {0}, state = {0}, document = {0}, reference = {0};
    event_format(&json, style->site, event, NULL, status);
    event_format_state(&state, style->site, event, status);
    const struct store_event stored = {.seq = event->seq,
                                       .time_ns = event->time_ns,
                                       .alarm = "",
                                       .json = json.data,
                                       .json_len = json.len,
                                       .state = state.data,
                                       .state_len = state.len};
    struct cap_event read = {0};
    require(cap_event_read(&read, &stored, 0, NULL) == ERR_NONE);
    cap_reference(&reference, style, &read);
    check_reference(&reference);
    if (cap_decide(&read, true) != CAP_NOTHING) {
        cap_document(&document, style, &read, reference.data);
        check_document(&document);
    }
    cap_event_done(&read);
    buf_done(&json);
    buf_done(&state);
    buf_done(&document);
    buf_done(&reference);
}

static void fuzz_document(uint8_t how, const uint8_t *at, size_t left)
{
    const char *const id = text_at(&at, &left, 0, true);
    struct site_hazard hazard = {.id = text_at(&at, &left, 1, true),
                                 .name = text_at(&at, &left, 2, false),
                                 .contact = text_at(&at, &left, 3, false),
                                 .has_location = (how & 64) != 0,
                                 .lat = (double)how / 3,
                                 .lon = -(double)how};
    struct site_point point = {.id = text_at(&at, &left, 4, true),
                               .name = text_at(&at, &left, 5, false),
                               .kind = text_at(&at, &left, 6, false),
                               .unit = text_at(&at, &left, 7, false)};
    const enum level level = (enum level)(how % 4 + 1);
    struct site_rule rule = {.id = text_at(&at, &left, 8, true), .level_count = 1};
    rule.levels[0] = (struct site_level){.level = level, .when = text_at(&at, &left, 9, true)};
    rule.message = text_at(&at, &left, 10, false);
    rule.advice = text_at(&at, &left, 11, false);
    const char *const address = text_at(&at, &left, 12, false);
    struct site_alarm alarm = {.name = text_at(&at, &left, 13, true), .kind = point.kind};
    struct site site = {.id = id,
                        .name = text_at(&at, &left, 14, false),
                        .org = text_at(&at, &left, 15, false),
                        .region = hazard.contact,
                        .hazards = &hazard,
                        .hazard_count = 1,
                        .points = &point,
                        .point_count = 1,
                        .rules = &rule,
                        .rule_count = 1,
                        .alarms = &alarm,
                        .alarm_count = 1};
    table_init(&site.point_by_id);
    table_init(&site.alarm_by_name);
    table_init(&site.hazard_by_id);
    (void)table_add(&site.point_by_id, point.id, 0);
    (void)table_add(&site.alarm_by_name, alarm.name, 0);
    (void)table_add(&site.hazard_by_id, hazard.id, 0);
    const struct cap_style style = {.site = &site,
                                    .language = how & 128 ? CAP_ENGLISH : CAP_CHINESE,
                                    .addresses = &address,
                                    .address_count = address != NULL};
    for (uint8_t kind = EV_RAISED; kind <= EV_CLEARED; kind++) {
        const struct event event = {.time_ns = (int64_t)how * 1000000007,
                                    .seq = how,
                                    .value = how & 32 ? NAN : (double)how / 7,
                                    .occurrence = 1,
                                    .kind = kind,
                                    .level = (uint8_t)level,
                                    .when_level = (uint8_t)level,
                                    .state_level = kind == EV_CLEARED ? LEVEL_NONE : (uint8_t)level};
        write_one(&style, &event, (enum run_status)(how % 3));
    }
    table_done(&site.point_by_id);
    table_done(&site.alarm_by_name);
    table_done(&site.hazard_by_id);
}

static void fuzz_record(const uint8_t *data, size_t size)
{
    struct store *store = fake_store_new();
    struct counters *counters = counters_new(1);
    struct store_batch *batch = store_batch_new(store);
    store_batch_put(batch, "cap/path/s a", data, size);
    require(store_batch_commit(batch, false, NULL) == ERR_NONE);
    store_batch_free(batch);
    struct cap_earlier *earlier;
    require(cap_earlier_open(store, "path", "s", counter_new(counters, "cut", "", ""), &earlier, NULL) == ERR_NONE);
    const char *references = cap_earlier_references(earlier, "a", 1);
    require(references == NULL || strlen(references) <= size);
    cap_earlier_add(earlier, "a", 1, "s,i,t");
    references = cap_earlier_references(earlier, "a", 1);
    require(references != NULL && strstr(references, "s,i,t") != NULL);
    cap_earlier_free(earlier);
    counters_free(counters);
    fake_store_free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || data[0] == 0) {
        fuzz_record(size == 0 ? (const uint8_t *)"" : data + 1, size == 0 ? 0 : size - 1);
    } else {
        fuzz_document(data[0], data + 1, size - 1);
    }
    return 0;
}
