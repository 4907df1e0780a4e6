/*
 * field: what the tests of ingest share: a site made by hand, one row of rings
 * with their router, and what came out of it.
 */
#ifndef DAVY_TESTS_INGEST_FIELD_H
#define DAVY_TESTS_INGEST_FIELD_H

#include "base/clock.h"
#include "ingest/ingest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { FIELD_POINTS = 2048, FIELD_SOURCES = 64, FIELD_IDS = 32 };

struct field {
    struct site site;
    struct site_source sources[FIELD_SOURCES];
    struct site_point points[FIELD_POINTS];
    char ids[FIELD_POINTS][FIELD_IDS];
    char source_ids[FIELD_SOURCES][FIELD_IDS];
    struct site_extra extras[FIELD_POINTS];
    struct site_companion companions[FIELD_POINTS][2];
    struct ring *rings[2];
    struct doorbell *bells[2];
    uint64_t masks[FIELD_POINTS];
    uint16_t seqs[FIELD_POINTS];
    struct router router;
    struct counters *counters;
};

/* Makes an empty site with one ring (shard) of that capacity. */
struct field *field_new(size_t ring_capacity);
void field_free(struct field *field);

/* Adds a source with the defaults of the site file. */
struct site_source *field_add_modbus(struct field *field, enum source_type type, uint16_t port);
struct site_source *field_add_mqtt(struct field *field, const char *url, const char *const *topics, size_t topic_count);

/* Adds a point of the newest source; ABCD, scale 1. */
struct site_point *field_add_register(struct field *field, uint8_t unit, uint16_t address, enum mbus_type type,
                                      int64_t every_ns);
/* Gives a point of a register one more companion, a register of the same unit; `use` and cases are the caller's. */
struct site_companion *field_add_companion(struct field *field, struct site_point *point, uint16_t address);
struct site_point *field_add_key(struct field *field, const char *key);

/* Takes one sample out of the ring; false when there is none. */
bool field_take(struct field *field, struct sample *ret_sample);
/* The counter "ingest.<source 0>.<what>". */
uint64_t field_count(const struct field *field, const char *what);

#endif
