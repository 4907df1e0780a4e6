/*
 * recording_reader: what reading a recording keeps while it reads, private to
 * simulators/recording_*.c.
 */
#ifndef DAVY_SIMULATORS_RECORDING_READER_H
#define DAVY_SIMULATORS_RECORDING_READER_H

#include "base/clock.h"
#include "model/wire.h"
#include "simulators/recording.h"

/* A source of the file. */
struct recording_source {
    uint32_t source;    /* of the site, or SITE_NONE */
    uint32_t place;     /* of that */
    size_t exchange;    /* the last one + 1; 0: none yet */
    int64_t request_ns; /* when that began */
    bool is_out;
    int64_t out_ns;
};

struct recording_reader {
    const struct site *site;
    struct recording *recording;
    struct recording_source *sources; /* [65536], by number in the file */
    size_t exchange_room, piece_room, outage_room, message_room;
    int64_t first_request_ns, first_message_ns, last_ns;
    bool no_memory;
};

/* Takes one record; `no_memory` says that it could not. */
void recording_take(struct recording_reader *reader, const struct wire_record *record);

#endif
