/*
 * state: what store_verify needs to know of state records (see state.c).
 */
#ifndef DAVY_STORE_STATE_H
#define DAVY_STORE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATE_HEAD = 4 };

/* True when the record's checksum fits key and bytes. */
bool state_check(const char *key, size_t key_len, const uint8_t *record, size_t len);

#endif
