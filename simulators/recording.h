/*
 * recording: a recorded session (model/wire.h) as what a field has to do.
 *
 *   requests and what came back  ──► exchanges, by place, unit and question
 *   connections given up         ──► outages
 *   MQTT messages                ──► messages, in order of time
 *
 * Played, a question gets its recorded answers in the order of the recording:
 * so a monitor that asks at its own moments still sees every value once.  Only
 * when it is more than RECORDING_SLACK_NS away from the recorded moment are
 * answers passed over, or the last one given again.  Played faster or slower,
 * it gets the newest answer of that moment.
 *
 * Pure but for recording_load.  A place is a host:port or a serial line, named
 * by the first source of the site that has it.  Times count from the first
 * request (without Modbus: the first message) of the recording.
 *
 * Memory: the recording owns all; the site is borrowed.  Threads: one.
 */
#ifndef DAVY_SIMULATORS_RECORDING_H
#define DAVY_SIMULATORS_RECORDING_H

#include "base/err.h"
#include "model/site.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDING_SLACK_NS INT64_C(1500000000)

/* Bytes that came in one piece. */
struct recording_piece {
    int64_t delay_ns; /* after the request */
    const uint8_t *bytes;
    size_t len;
};

struct recording_exchange {
    uint32_t place; /* a source's index */
    uint8_t unit;
    uint16_t transaction;
    const uint8_t *pdu;
    size_t pdu_len;
    int64_t at_ns;
    size_t number; /* in order of the recording */
    size_t first_piece, piece_count;
    bool cut; /* the connection ended before a sound answer was there */
};

struct recording_outage {
    uint32_t place;
    int64_t from_ns, to_ns;
};

struct recording_message {
    int64_t at_ns;
    uint32_t source;
    const char *topic;
    size_t topic_len;
    const char *payload;
    size_t len;
    int qos;
    bool retained;
};

/* All exchanges of one question. */
struct recording_track {
    size_t first, count; /* in exchanges */
    size_t next;         /* which answer comes next; moved by recording_answer */
};

struct recording {
    uint8_t *file;
    struct recording_exchange *exchanges; /* by place, unit, pdu, time */
    size_t exchange_count;
    struct recording_track *tracks; /* in the same order */
    size_t track_count;
    struct recording_piece *pieces;
    size_t piece_count;
    struct recording_outage *outages;
    size_t outage_count;
    struct recording_message *messages; /* in order of time */
    size_t message_count;
    int64_t length_ns;
    uint64_t lost;      /* records that the recorder could not write */
    size_t passed_over; /* records of sources that are not in this site */
    size_t left_out;    /* bytes at the end that are no whole record */
};

/* Reads the recording of a session of this site.  ERR_INPUT when the file is none, or holds nothing of its sources. */
enum err_code recording_load(const char *file, const struct site *site, struct recording **ret_recording,
                             struct err *err) MUST_CHECK;
/* The same from bytes (taken, from malloc). */
enum err_code recording_read(uint8_t *bytes, size_t len, const char *file, const struct site *site,
                             struct recording **ret_recording, struct err *err) MUST_CHECK;
void recording_free(struct recording *recording);

/* The place of a source. */
uint32_t recording_place(const struct site *site, uint32_t source);

/* The order of exchanges by question: place, unit, pdu; 0 when they have the same. */
int recording_compare(const struct recording_exchange *a, const struct recording_exchange *b);

/* Gives what answers a question asked at t_ns, NULL when it was never asked.  `slack_ns` as above. */
const struct recording_exchange *recording_answer(struct recording *recording, uint32_t place, uint8_t unit,
                                                  const uint8_t *pdu, size_t pdu_len, int64_t t_ns, int64_t slack_ns);

/* True while the place was not connected. */
bool recording_is_out(const struct recording *recording, uint32_t place, int64_t t_ns);

/* Changes the transactions of the frames in a recorded answer as that of the request has changed: what answered another
 * request still does.  Stops where the bytes are no frame. */
void recording_retag(uint8_t *bytes, size_t len, uint16_t recorded, uint16_t now);

#endif
