/* check_sample: see check_sample.h. */
#include "app/check_sample.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "ingest/mqtt_decode.h"
#include "ingest/mqtt_take.h"
#include "ingest/sparkplug_host.h"
#include "ingest/sparkplug_session.h"
#include <errno.h>
#include <math.h>
#include <string.h>

enum { BATCH = 64 };
#define PAYLOAD_MAX ((size_t)256 << 20) /* what MQTT can carry, 256 MiB */

/* Where the decoder's findings go. */
struct printer {
    const struct site *site;
    FILE *out;
    size_t samples;
};

static bool print_samples(void *self, struct mqtt_batch *batch)
{
    struct printer *printer = self;
    for (size_t i = 0; i < batch->count; i++) {
        const struct sample *sample = &batch->samples[i];
        char value[TEXT_NUMBER_MAX] = "-";
        char status[STATUS_TEXT_MAX];
        char time[TEXT_TIME_MAX];
        if (!isnan(sample->value)) {
            (void)text_format_number(sample->value, value);
        }
        (void)status_format(sample->status, status);
        (void)text_format_time(sample->time_ns, time);
        (void)fprintf(printer->out, "%-32s %16s  %-16s %s\n", printer->site->points[sample->point].id, value, status,
                      time);
    }
    printer->samples += batch->count;
    batch->count = 0;
    return true;
}

static void print_aside(void *self, const char *reason, size_t offset)
{
    struct printer *printer = self;
    (void)fprintf(printer->out, "set aside at offset %zu: %s\n", offset, reason);
}

static enum err_code read_payload(const char *file, struct buf *payload, struct err *err)
{
    const bool standard = strcmp(file, "-") == 0;
    FILE *in = standard ? stdin : fopen(file, "rb");
    if (in == NULL) {
        const enum err_code code = errno == ENOENT ? ERR_INPUT : ERR_ENV;
        return err_set(err, code, "%s: %s", file, strerror(errno));
    }
    char chunk[4096];
    for (size_t n; payload->len <= PAYLOAD_MAX && (n = fread(chunk, 1, sizeof chunk, in)) > 0;) {
        buf_add(payload, chunk, n);
    }
    const bool failed = ferror(in) != 0;
    if (!standard) {
        (void)fclose(in);
    }
    if (failed) {
        return err_set(err, ERR_ENV, "%s cannot be read", file);
    }
    if (payload->len > PAYLOAD_MAX) {
        return err_set(err, ERR_INPUT, "%s is longer than a message can be (256 MiB)", file);
    }
    return ERR_NONE;
}

/* Finds the source. */
static enum err_code find_source(const struct site *site, const char *id, uint32_t *ret_source, struct err *err)
{
    const uint32_t source = table_find(&site->source_by_id, id, strlen(id));
    if (source == TABLE_NONE) {
        return err_set(err, ERR_INPUT, "--source \"%s\" is not a source of this site", id);
    }
    if (site->sources[source].type != SOURCE_MQTT) {
        return err_set(err, ERR_INPUT, "--source %s takes no messages; for Modbus devices there is davy probe", id);
    }
    *ret_source = source;
    return ERR_NONE;
}

static bool hears(const struct site_source *source, const char *topic)
{
    for (size_t i = 0; i < source->topic_count; i++) {
        if (mqtt_topic_matches(source->topics[i], topic, strlen(topic))) {
            return true;
        }
    }
    return false;
}

static void decode_plain(const struct site *site, uint32_t source, const struct mqtt_message *message,
                         struct mqtt_batch *batch, struct arena *arena)
{
    struct mqtt_keys keys;
    mqtt_keys_init(&keys, site, source, arena);
    mqtt_decoder(site->sources[source].format)(&keys, message, batch);
    mqtt_keys_done(&keys);
}

/* As if the birth before it had named everything; aliases only a birth could tell. */
static void decode_sparkplug(const struct site *site, uint32_t source, const char *topic,
                             const struct mqtt_message *message, struct mqtt_batch *batch, struct arena *arena)
{
    struct spb_session session;
    const struct spb_message as_heard = {.topic = topic,
                                         .topic_len = strlen(topic),
                                         .payload = message->payload,
                                         .len = message->len,
                                         .seen_ns = message->seen_ns};
    spb_session_init(&session, site, source, 0, arena);
    session.presume = true;
    spb_session_take(&session, &as_heard, batch);
    spb_session_done(&session);
}

/* Decodes the payload and prints what comes; gives the number of parts set aside. */
static uint64_t decode_payload(const struct site *site, uint32_t source, const char *topic, const struct buf *payload,
                               struct printer *printer)
{
    struct arena arena;
    struct clock clock;
    struct sample samples[BATCH];
    arena_init(&arena);
    clock_init(&clock);
    const struct mqtt_message message = {
        .payload = payload->data != NULL ? payload->data : "", .len = payload->len, .seen_ns = clock_now_ns(&clock)};
    struct mqtt_batch batch = {
        .samples = samples, .room = BATCH, .full = print_samples, .told = print_aside, .self = printer};
    if (spb_host_takes(&site->sources[source])) {
        decode_sparkplug(site, source, topic, &message, &batch, &arena);
    } else {
        decode_plain(site, source, &message, &batch, &arena);
    }
    (void)print_samples(printer, &batch);
    arena_done(&arena);
    return batch.aside;
}

enum err_code check_sample(const struct site *site, const struct check_sample *call, FILE *out, struct err *err)
{
    uint32_t source = SITE_NONE;
    struct buf payload = {0};
    enum err_code code = find_source(site, call->source, &source, err);
    if (code == ERR_NONE && call->topic == NULL && spb_host_takes(&site->sources[source])) {
        code = err_set(err, ERR_INPUT, "--source %s: a Sparkplug message means nothing without its topic; give --topic",
                       call->source);
    }
    if (code == ERR_NONE) {
        code = read_payload(call->file, &payload, err);
    }
    if (code == ERR_NONE) {
        struct printer printer = {.site = site, .out = out};
        const uint64_t aside = decode_payload(site, source, call->topic, &payload, &printer);
        (void)fprintf(out, "%zu samples, %llu parts set aside\n", printer.samples, (unsigned long long)aside);
        if (call->topic != NULL && !hears(&site->sources[source], call->topic)) {
            code =
                err_set(err, ERR_NO, "source %s would not hear of topic %s; see its topics", call->source, call->topic);
        } else if (aside > 0) {
            code = err_set(err, ERR_NO, "%llu parts of the message would be set aside", (unsigned long long)aside);
        }
    }
    buf_done(&payload);
    return code;
}
