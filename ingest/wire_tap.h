/*
 * wire_tap: where a recording listens to what goes over the wire.
 *
 *   bus worker ──► tap ──┐
 *                        ├──► recorder ──► file
 *   MQTT inbox ──► tap ──┘
 *
 * One tap for each producer thread: a ring of slots, a record in as many as it
 * takes.  A producer never waits: what finds no room is lost, counted, and its
 * number put into the recording as soon as there is room again.  Without a
 * recording there is no tap (NULL), and a call costs a comparison.
 *
 * Threads: wire_tap_put by the producer, wire_tap_take by the recorder, _new
 * and _free while neither runs.  Memory: all of it made at start.
 */
#ifndef DAVY_INGEST_WIRE_TAP_H
#define DAVY_INGEST_WIRE_TAP_H

#include "base/counter.h"
#include "base/err.h"
#include "model/wire.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_tap;

/* Makes one with room for `slots` (a power of two) pieces of WIRE_SLOT_BYTES; `lost` is the producer's counter. */
enum { WIRE_SLOT_BYTES = 480 };
enum err_code wire_tap_new(size_t slots, struct counter *lost, struct wire_tap **ret_tap, struct err *err) MUST_CHECK;
void wire_tap_free(struct wire_tap *tap);

/* producer: records it, or counts that it could not. */
void wire_tap_record(struct wire_tap *tap, const struct wire_record *record);

/* producer: bytes, or none, of a Modbus source; accepts no tap. */
static inline void wire_tap_put(struct wire_tap *tap, enum wire_kind kind, uint32_t source, int64_t now_ns,
                                const uint8_t *bytes, size_t len)
{
    if (tap != NULL) {
        const struct wire_record record = {
            .kind = kind, .source = (uint16_t)source, .time_ns = now_ns, .bytes = bytes, .len = len};
        wire_tap_record(tap, &record);
    }
}

/* recorder: the next record, its name and bytes copied into `buffer` (of WIRE_NAME_MAX + WIRE_BYTES_MAX); false when
 * there is none yet. */
bool wire_tap_take(struct wire_tap *tap, uint8_t *buffer, struct wire_record *ret_record);

#endif
