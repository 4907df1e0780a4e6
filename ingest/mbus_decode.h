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

/* Takes the value's registers (or coil) as they travel out of a payload, to be decoded later. */
uint64_t mbus_take(const struct site_from *from, const uint8_t *payload, size_t at);

/* Decodes a value that has companions: `taken` is its own, companions[i] that of its companion i. */
struct reading mbus_decode_guided(const struct site_from *from, uint64_t taken, const uint64_t *companions);

#endif
