/*
 * mbus_decode: from the bytes of a Modbus reply to a reading.
 *
 * Pure; no allocation; any thread.
 */
#ifndef DAVY_INGEST_MBUS_DECODE_H
#define DAVY_INGEST_MBUS_DECODE_H

#include "ingest/reading.h"
#include "model/site.h"
#include <stddef.h>
#include <stdint.h>

/* Decodes one value out of a reply's payload.  `at` is the value's place behind the first register (or coil) of the
 * payload; the caller has checked that the payload is long enough. */
struct reading mbus_decode(const struct site_from *from, const uint8_t *payload, size_t at);

#endif
