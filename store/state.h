/*
 * state: what store_verify needs to know of state records (see state.c).
 */
#ifndef DAVY_STORE_STATE_H
#define DAVY_STORE_STATE_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATE_HEAD = 4 };

struct store;
/* Within db_enter; else as store_get. */
enum err_code state_get(struct store *store, const char *key, struct buf *ret_bytes, struct err *err) MUST_CHECK;

/* True when the record's checksum fits key and bytes. */
bool state_check(const char *key, size_t key_len, const uint8_t *record, size_t len);

#endif
