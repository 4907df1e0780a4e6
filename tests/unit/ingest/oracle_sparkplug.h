/*
 * oracle_sparkplug: a payload read by protobuf-c, beside our own reading.
 */
#ifndef DAVY_TESTS_INGEST_ORACLE_SPARKPLUG_H
#define DAVY_TESTS_INGEST_ORACLE_SPARKPLUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum outcome_of_two { BOTH_AGREE, ONLY_OURS, ONLY_THEIRS, NEITHER, THEY_DIFFER };

/* Reads the bytes twice and compares everything that was understood. */
enum outcome_of_two oracle_sparkplug(const uint8_t *data, size_t len);

/* Packs a payload of random content by protobuf-c; gives its length, at most `room`. */
size_t oracle_pack_random(uint64_t *seed, uint8_t *ret_data, size_t room);

#endif
