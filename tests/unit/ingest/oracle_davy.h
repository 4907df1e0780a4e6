/*
 * oracle_davy: what a payload of format `davy` holds, by way of a jansson tree
 * and the contract; slow and plain, to hold the scanner against.
 */
#ifndef DAVY_TESTS_INGEST_ORACLE_DAVY_H
#define DAVY_TESTS_INGEST_ORACLE_DAVY_H

#include "ingest/mqtt_decode.h"

struct outcome {
    struct sample samples[4096];
    size_t count;
    uint64_t aside;
};

/* False: no JSON, or something the oracle has no opinion on (times that are no whole numbers, names twice). */
bool oracle_davy(const struct mqtt_keys *keys, const struct mqtt_message *message, struct outcome *ret_outcome);

/* The scanner's own outcome, collected in the same form. */
void scanner_davy(const struct mqtt_keys *keys, const struct mqtt_message *message, size_t room,
                  struct outcome *ret_outcome);

/* True when both hold the same samples in the same order. */
bool outcome_equal(const struct outcome *a, const struct outcome *b);

#endif
