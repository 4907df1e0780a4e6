/*
 * recording_read: from the records of a file to exchanges, outages and
 * messages (see recording.h).
 *
 * What comes back after a request and before the next one of the same source
 * belongs to it, whatever it is: a late answer to an earlier one, a double,
 * garbage.
 */
#include "base/clock.h"
#include "model/wire.h"
#include "simulators/recording.h"
#include "simulators/sim_frame.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1 << 30, NO_EXCHANGE = 0, PIECES_MOST = 64 };
#define TIME_MOST (INT64_MAX / 2) /* year 2116: differences of times are numbers too */

/* A source of the file. */
struct source_state {
    uint32_t source;    /* of the site, or SITE_NONE */
    uint32_t place;     /* of that */
    size_t exchange;    /* the last one + 1; 0: none yet */
    int64_t request_ns; /* when that began */
    bool is_out;
    int64_t out_ns;
};

struct reader {
    const struct site *site;
    struct recording *recording;
    struct source_state *sources; /* [65536], by number in the file */
    size_t exchange_room, piece_room, outage_room, message_room;
    int64_t first_request_ns, first_message_ns, last_ns;
    bool no_memory;
};

/* Makes room for one more; false when there is none. */
static bool grow(struct reader *reader, void **list, size_t item, size_t count, size_t *room)
{
    if (count < *room) {
        return true;
    }
    const size_t more = *room == 0 ? 256 : 2 * *room;
    void *larger = realloc(*list, more * item);
    if (larger == NULL) {
        reader->no_memory = true;
        return false;
    }
    *list = larger;
    *room = more;
    return true;
}

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

/* ---- records ----------------------------------------------------------------------------------------------------- */

static void take_source(struct reader *reader, const struct wire_record *record)
{
    struct source_state *state = &reader->sources[record->source];
    *state = (struct source_state){.source = table_find(&reader->site->source_by_id, record->name, record->name_len)};
    if (state->source != SITE_NONE && reader->site->sources[state->source].type != SOURCE_MQTT) {
        state->place = recording_place(reader->site, state->source);
    }
}

static void take_request(struct reader *reader, struct source_state *state, const struct wire_record *record)
{
    struct recording *recording = reader->recording;
    const enum source_type type = reader->site->sources[state->source].type;
    struct sim_request request;
    state->exchange = NO_EXCHANGE;
    if (sim_frame_find(type == SOURCE_MODBUS_TCP ? FRAMING_TCP : FRAMING_RTU, record->bytes, record->len, &request) <= 0 ||
        !grow(reader, (void **)&recording->exchanges, sizeof recording->exchanges[0], recording->exchange_count,
              &reader->exchange_room)) {
        return;
    }
    if (recording->exchange_count == 0) {
        reader->first_request_ns = record->time_ns;
    }
    recording->exchanges[recording->exchange_count] = (struct recording_exchange){.place = state->place,
                                                                                  .unit = request.unit,
                                                                                  .transaction = request.transaction,
                                                                                  .pdu = request.pdu,
                                                                                  .pdu_len = request.pdu_len,
                                                                                  .at_ns = record->time_ns,
                                                                                  .number = recording->exchange_count};
    state->request_ns = record->time_ns;
    state->exchange = ++recording->exchange_count;
}

/* Pieces of one exchange must stand side by side: those of another source's, in between, are moved behind a copy. */
static bool open_pieces(struct reader *reader, struct recording_exchange *exchange)
{
    struct recording *recording = reader->recording;
    if (exchange->piece_count == 0) {
        exchange->first_piece = recording->piece_count;
    }
    if (exchange->first_piece + exchange->piece_count == recording->piece_count) {
        return true;
    }
    for (size_t i = 0; i < exchange->piece_count; i++) {
        if (!grow(reader, (void **)&recording->pieces, sizeof recording->pieces[0], recording->piece_count,
                  &reader->piece_room)) {
            return false;
        }
        recording->pieces[recording->piece_count++] = recording->pieces[exchange->first_piece + i];
    }
    exchange->first_piece = recording->piece_count - exchange->piece_count;
    return true;
}

static void take_bytes(struct reader *reader, const struct source_state *state, const struct wire_record *record)
{
    struct recording *recording = reader->recording;
    if (state->exchange == NO_EXCHANGE) {
        return; /* nobody had asked */
    }
    struct recording_exchange *exchange = &recording->exchanges[state->exchange - 1];
    if (exchange->piece_count == PIECES_MOST) {
        return; /* more than any monitor waits for */
    }
    if (open_pieces(reader, exchange) && grow(reader, (void **)&recording->pieces, sizeof recording->pieces[0],
                                              recording->piece_count, &reader->piece_room)) {
        recording->pieces[recording->piece_count++] = (struct recording_piece){
            .delay_ns = record->time_ns - state->request_ns, .bytes = record->bytes, .len = record->len};
        exchange->piece_count++;
    }
}

static size_t bytes_of(const struct recording *recording, const struct recording_exchange *exchange)
{
    size_t len = 0;
    for (size_t i = 0; i < exchange->piece_count; i++) {
        len += recording->pieces[exchange->first_piece + i].len;
    }
    return len;
}

static void take_down(struct reader *reader, struct source_state *state, const struct wire_record *record)
{
    enum { WHOLE_AT_LEAST = 5 }; /* the shortest answer there is */
    if (state->exchange != NO_EXCHANGE) {
        struct recording_exchange *exchange = &reader->recording->exchanges[state->exchange - 1];
        exchange->cut = bytes_of(reader->recording, exchange) < WHOLE_AT_LEAST;
    }
    state->exchange = NO_EXCHANGE;
    state->is_out = true;
    state->out_ns = record->time_ns;
}

static void take_up(struct reader *reader, struct source_state *state, const struct wire_record *record)
{
    struct recording *recording = reader->recording;
    /* The monitor tried again when it was up; it may come earlier this time, and must not find it still out. */
    const int64_t until_ns = record->time_ns - RECORDING_SLACK_NS;
    if (state->is_out && until_ns > state->out_ns &&
        grow(reader, (void **)&recording->outages, sizeof recording->outages[0], recording->outage_count,
             &reader->outage_room)) {
        recording->outages[recording->outage_count++] =
            (struct recording_outage){state->place, state->out_ns, until_ns};
    }
    state->is_out = false;
}

static void take_message(struct reader *reader, const struct source_state *state, const struct wire_record *record)
{
    struct recording *recording = reader->recording;
    if (!grow(reader, (void **)&recording->messages, sizeof recording->messages[0], recording->message_count,
              &reader->message_room)) {
        return;
    }
    if (recording->message_count == 0) {
        reader->first_message_ns = record->time_ns;
    }
    const int qos = record->flags & WIRE_QOS;
    recording->messages[recording->message_count++] =
        (struct recording_message){.at_ns = record->time_ns,
                                   .source = state->source,
                                   .topic = record->name,
                                   .topic_len = record->name_len,
                                   .payload = (const char *)record->bytes,
                                   .len = record->len,
                                   .qos = qos > 2 ? 2 : qos,
                                   .retained = (record->flags & WIRE_RETAINED) != 0};
}

static void take(struct reader *reader, const struct wire_record *record)
{
    struct source_state *state = &reader->sources[record->source];
    if (record->kind == WIRE_SOURCE) {
        take_source(reader, record);
        return;
    }
    if (record->kind == WIRE_LOST) {
        reader->recording->lost += wire_lost(record);
        return;
    }
    const bool message = record->kind == WIRE_MESSAGE;
    const bool timed = record->time_ns >= 0 && record->time_ns < TIME_MOST;
    if (!timed || state->source == SITE_NONE || (reader->site->sources[state->source].type == SOURCE_MQTT) != message) {
        reader->recording->passed_over++;
        return;
    }
    reader->last_ns = record->time_ns > reader->last_ns ? record->time_ns : reader->last_ns;
    switch (record->kind) {
    case WIRE_UP:
        take_up(reader, state, record);
        break;
    case WIRE_DOWN:
        take_down(reader, state, record);
        break;
    case WIRE_SENT:
        take_request(reader, state, record);
        break;
    case WIRE_RECEIVED:
        take_bytes(reader, state, record);
        break;
    default:
        take_message(reader, state, record);
        break;
    }
}

/* ---- afterwards -------------------------------------------------------------------------------------------------- */

/* Times count from the start. */
static void shift(struct reader *reader)
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

static void make_tracks(struct reader *reader)
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

static enum err_code read_records(struct reader *reader, const uint8_t *bytes, size_t len, const char *file,
                                  struct err *err)
{
    if (!wire_head_is(bytes, len)) {
        return err_set(err, ERR_INPUT, "%s: is no recording of the wire; \"davy run SITE --record FILE\" makes one", file);
    }
    struct wire_record record;
    size_t at = WIRE_HEAD_SIZE, size = 0;
    while (at < len && wire_decode(bytes + at, len - at, &record, &size) == WIRE_WHOLE) {
        take(reader, &record);
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
    struct reader reader = {.site = site, .recording = recording, .last_ns = INT64_MIN};
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
