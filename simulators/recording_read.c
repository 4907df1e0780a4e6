/*
 * recording_read: a file, its records one after the other, and what is done
 * when all are there: times from the start on, exchanges in the order of their
 * questions (see recording.h).
 */
#include "simulators/recording_reader.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1 << 30 };

uint32_t recording_place(const struct site *site, uint32_t source)
{
    const struct site_source *wanted = &site->sources[source];
    for (uint32_t i = 0; i < source; i++) {
        const struct site_source *other = &site->sources[i];
        const bool serial = wanted->type == SOURCE_MODBUS_RTU;
        if (other->type == SOURCE_MQTT || (other->type == SOURCE_MODBUS_RTU) != serial) {
            continue;
        }
        if (serial ? strcmp(other->device, wanted->device) == 0
                   : other->port == wanted->port && strcmp(other->host, wanted->host) == 0) {
            return i;
        }
    }
    return source;
}

/* Times count from the start. */
static void shift(struct recording_reader *reader)
{
    struct recording *recording = reader->recording;
    const int64_t start_ns = recording->exchange_count > 0 ? reader->first_request_ns : reader->first_message_ns;
    for (size_t i = 0; i < recording->exchange_count; i++) {
        recording->exchanges[i].at_ns -= start_ns;
    }
    for (size_t i = 0; i < recording->outage_count; i++) {
        recording->outages[i].from_ns -= start_ns;
        recording->outages[i].to_ns -= start_ns;
    }
    for (size_t i = 0; i < recording->message_count; i++) {
        recording->messages[i].at_ns -= start_ns;
    }
    recording->length_ns = reader->last_ns - start_ns;
}

static int compare(const void *left, const void *right)
{
    const struct recording_exchange *a = left;
    const struct recording_exchange *b = right;
    const int order = recording_compare(a, b);
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

static void make_tracks(struct recording_reader *reader)
{
    struct recording *recording = reader->recording;
    recording->tracks = calloc(recording->exchange_count + 1, sizeof recording->tracks[0]);
    if (recording->tracks == NULL) {
        reader->no_memory = true;
        return;
    }
    if (recording->exchange_count > 0) {
        qsort(recording->exchanges, recording->exchange_count, sizeof recording->exchanges[0], compare);
    }
    for (size_t i = 0; i < recording->exchange_count; i++) {
        if (i == 0 || recording_compare(&recording->exchanges[i - 1], &recording->exchanges[i]) != 0) {
            recording->tracks[recording->track_count++].first = i;
        }
        recording->tracks[recording->track_count - 1].count++;
    }
}

static enum err_code read_records(struct recording_reader *reader, const uint8_t *bytes, size_t len, const char *file,
                                  struct err *err)
{
    if (!wire_head_is(bytes, len)) {
        return err_set(err, ERR_INPUT, "%s: is no recording of the wire; \"davy run SITE --record FILE\" makes one",
                       file);
    }
    struct wire_record record;
    size_t at = WIRE_HEAD_SIZE, size = 0;
    while (at < len && wire_decode(bytes + at, len - at, &record, &size) == WIRE_WHOLE) {
        recording_take(reader, &record);
        at += size;
    }
    reader->recording->left_out = len - at;
    shift(reader);
    make_tracks(reader);
    if (reader->no_memory) {
        return err_set(err, ERR_ENV, "%s: no memory for it", file);
    }
    if (reader->recording->exchange_count + reader->recording->message_count == 0) {
        return err_set(err, ERR_INPUT, "%s: holds nothing of a source of this site", file);
    }
    return ERR_NONE;
}

enum err_code recording_read(uint8_t *bytes, size_t len, const char *file, const struct site *site,
                             struct recording **ret_recording, struct err *err)
{
    enum { NUMBERS = UINT16_MAX + 1 };
    struct recording *recording = calloc(1, sizeof *recording);
    struct recording_reader reader = {.site = site, .recording = recording, .last_ns = INT64_MIN};
    reader.sources = calloc(NUMBERS, sizeof reader.sources[0]);
    if (recording == NULL || reader.sources == NULL) {
        free(recording);
        free(reader.sources);
        free(bytes);
        return err_set(err, ERR_ENV, "%s: no memory for it", file);
    }
    for (size_t i = 0; i < NUMBERS; i++) {
        reader.sources[i].source = SITE_NONE;
    }
    recording->file = bytes;
    const enum err_code code = read_records(&reader, bytes, len, file, err);
    free(reader.sources);
    if (code != ERR_NONE) {
        recording_free(recording);
        return code;
    }
    *ret_recording = recording;
    return ERR_NONE;
}

enum err_code recording_load(const char *file, const struct site *site, struct recording **ret_recording,
                             struct err *err)
{
    FILE *in = fopen(file, "rb");
    if (in == NULL) {
        return err_set(err, ERR_INPUT, "%s: cannot be opened: %s", file, strerror(errno));
    }
    const bool sized = fseek(in, 0, SEEK_END) == 0;
    const long end = sized ? ftell(in) : -1;
    uint8_t *bytes = end >= 0 && end <= FILE_MAX_BYTES && fseek(in, 0, SEEK_SET) == 0 ? malloc((size_t)end + 1) : NULL;
    const size_t len = bytes == NULL ? 0 : fread(bytes, 1, (size_t)end, in);
    const bool failed = bytes == NULL || ferror(in) != 0;
    (void)fclose(in); /* only read */
    if (failed) {
        free(bytes);
        return end > FILE_MAX_BYTES ? err_set(err, ERR_INPUT, "%s: is larger than 1 GiB", file)
                                    : err_set(err, ERR_ENV, "%s: cannot be read", file);
    }
    return recording_read(bytes, len, file, site, ret_recording, err);
}
