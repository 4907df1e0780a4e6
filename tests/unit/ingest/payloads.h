/*
 * payloads: Sparkplug B payloads for tests, written byte by byte from the
 * public format, by nothing of the product.
 */
#ifndef DAVY_TESTS_INGEST_PAYLOADS_H
#define DAVY_TESTS_INGEST_PAYLOADS_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

enum { NO_SEQ = -1 };

/* What a test says of a metric; 0 and NULL leave a field out. */
struct told {
    const char *name;
    uint64_t alias; /* 0: none */
    uint64_t time_ms;
    uint32_t type;
    bool historical, null;
    int quality; /* 0: none told; -1: the code 0 */
    /* the value field: */
    enum {
        VALUE_NONE,
        VALUE_INT = 10,
        VALUE_LONG = 11,
        VALUE_FLOAT = 12,
        VALUE_DOUBLE = 13,
        VALUE_BOOL = 14,
        VALUE_TEXT = 15
    } field;
    uint64_t whole;
    double real;
    const char *text;
};

/* Writes a payload of these metrics; time_ms 0: none. */
void payload_build(struct buf *buf, uint64_t time_ms, int seq, const struct told *metrics, size_t n);

#endif
