/*
 * pack: the bytes of alerting's own records: big-endian numbers and texts with
 * a length, written to a buf and read back behind a cursor that checks what is
 * left before every step.
 *
 * Pure.  A reader that ran over its end, or met a text that is too long, is
 * `bad` from then on and gives zeros; so a caller reads everything and asks
 * once.
 */
#ifndef DAVY_ALERTING_PACK_H
#define DAVY_ALERTING_PACK_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void pack_u8(struct buf *out, uint8_t value);
void pack_u16(struct buf *out, uint16_t value);
void pack_u32(struct buf *out, uint32_t value);
void pack_u64(struct buf *out, uint64_t value);
void pack_i64(struct buf *out, int64_t value);
/* IEEE 754; every NaN is written as the same quiet one. */
void pack_f64(struct buf *out, double value);
/* u16 length, then the bytes; NULL is length 0xffff.  A longer text is cut there (ids and sentences are far shorter).
 */
void pack_text(struct buf *out, const char *text);

struct unpack {
    const uint8_t *at;
    size_t left;
    bool bad;
};

struct unpack unpack_begin(const void *bytes, size_t len);
uint8_t unpack_u8(struct unpack *in);
uint16_t unpack_u16(struct unpack *in);
uint32_t unpack_u32(struct unpack *in);
uint64_t unpack_u64(struct unpack *in);
int64_t unpack_i64(struct unpack *in);
double unpack_f64(struct unpack *in);
/* Gives n bytes in place (borrowed from the record), NULL when there are fewer. */
const void *unpack_bytes(struct unpack *in, size_t n);
/* Gives a text as a string of its own (free it), NULL for an absent one; a text with a NUL in it is bad. */
char *unpack_text(struct unpack *in);
/* True when everything was there and nothing is left over. */
bool unpack_whole(const struct unpack *in);

#endif
