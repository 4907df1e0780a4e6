/*
 * recording_take: from the records of a file to exchanges, outages and
 * messages (see recording.h).
 *
 * What comes back after a request and before the next one of the same source
 * belongs to it, whatever it is: a late answer to an earlier one, a double,
 * garbage.
 */
#include "simulators/recording_reader.h"
#include "simulators/sim_frame.h"
#include <stdlib.h>
#include <string.h>

enum { NO_EXCHANGE = 0, PIECES_MOST = 64 };
#define TIME_MOST (INT64_MAX / 2) /* year 2116: differences of times are numbers too */

/* Makes room for one more; false when there is none. */
static bool grow(struct recording_reader *reader, void **list, size_t item, size_t count, size_t *room)
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

/* ---- records ----------------------------------------------------------------------------------------------------- */

static void take_source(struct recording_reader *reader, const struct wire_record *record)
{
    struct recording_source *state = &reader->sources[record->source];
    *state =
        (struct recording_source){.source = table_find(&reader->site->source_by_id, record->name, record->name_len)};
    if (state->source != SITE_NONE && reader->site->sources[state->source].type != SOURCE_MQTT) {
        state->place = recording_place(reader->site, state->source);
    }
}

static void take_request(struct recording_reader *reader, struct recording_source *state,
                         const struct wire_record *record)
{
    struct recording *recording = reader->recording;
    const enum source_type type = reader->site->sources[state->source].type;
    struct sim_request request;
    state->exchange = NO_EXCHANGE;
    if (sim_frame_find(type == SOURCE_MODBUS_TCP ? FRAMING_TCP : FRAMING_RTU, record->bytes, record->len, &request) <=
            0 ||
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
static bool open_pieces(struct recording_reader *reader, struct recording_exchange *exchange)
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

static void take_bytes(struct recording_reader *reader, const struct recording_source *state,
                       const struct wire_record *record)
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

static void take_down(struct recording_reader *reader, struct recording_source *state, const struct wire_record *record)
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

static void take_up(struct recording_reader *reader, struct recording_source *state, const struct wire_record *record)
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

static void take_message(struct recording_reader *reader, const struct recording_source *state,
                         const struct wire_record *record)
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

void recording_take(struct recording_reader *reader, const struct wire_record *record)
{
    struct recording_source *state = &reader->sources[record->source];
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
