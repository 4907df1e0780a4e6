/*
 * wire_tap: see wire_tap.h.
 */
#include "ingest/wire_tap.h"

#include "base/ring.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A record's head stands in its first slot; name and bytes go on from there. */
struct wire_slot {
    int64_t time_ns;
    uint32_t len; /* of name and bytes */
    uint16_t name_len, source;
    uint8_t kind, flags;
    uint8_t bytes[WIRE_SLOT_BYTES];
};

struct wire_tap {
    struct ring *ring;
    struct counter *lost_count; /* producer */
    uint64_t lost;              /* producer: since the last record that had room */
};

enum err_code wire_tap_new(size_t slots, struct counter *lost, struct wire_tap **ret_tap, struct err *err)
{
    struct wire_tap *tap = calloc(1, sizeof *tap);
    if (tap == NULL) {
        return err_set(err, ERR_ENV, "no memory for a recording");
    }
    tap->lost_count = lost;
    const enum err_code code = ring_open(sizeof(struct wire_slot), slots, 0, &tap->ring, err);
    if (code != ERR_NONE) {
        free(tap);
        return code;
    }
    *ret_tap = tap;
    return ERR_NONE;
}

void wire_tap_free(struct wire_tap *tap)
{
    if (tap != NULL) {
        ring_free(tap->ring);
        free(tap);
    }
}

static size_t slots_for(size_t len)
{
    return len == 0 ? 1 : (len + WIRE_SLOT_BYTES - 1) / WIRE_SLOT_BYTES;
}

/* ---- producer ---- */

/* The part of name and bytes, seen as one, that begins at `at`. */
static void copy_part(const struct wire_record *record, size_t at, uint8_t *ret_bytes, size_t len)
{
    if (at < record->name_len) {
        const size_t left = record->name_len - at;
        const size_t part = left < len ? left : len;
        memcpy(ret_bytes, record->name + at, part);
        ret_bytes += part;
        at += part;
        len -= part;
    }
    if (len > 0) {
        memcpy(ret_bytes, record->bytes + (at - record->name_len), len);
    }
}

/* There is room. */
static void push(struct wire_tap *tap, const struct wire_record *record)
{
    const size_t total = record->name_len + record->len;
    size_t at = 0;
    do {
        size_t n;
        struct wire_slot *slot = ring_claim(tap->ring, &n);
        assert(slot != NULL);
        const size_t part = total - at < WIRE_SLOT_BYTES ? total - at : WIRE_SLOT_BYTES;
        slot->time_ns = record->time_ns;
        slot->len = (uint32_t)total;
        slot->name_len = (uint16_t)record->name_len;
        slot->source = record->source;
        slot->kind = (uint8_t)record->kind;
        slot->flags = record->flags;
        copy_part(record, at, slot->bytes, part);
        at += part;
        ring_publish(tap->ring, 1);
    } while (at < total);
}

void wire_tap_record(struct wire_tap *tap, const struct wire_record *record)
{
    const size_t needed = slots_for(record->name_len + record->len) + (tap->lost > 0);
    if (record->name_len > WIRE_NAME_MAX || record->len > WIRE_BYTES_MAX || ring_room(tap->ring) < needed) {
        tap->lost++;
        counter_add(tap->lost_count, 1);
        return;
    }
    if (tap->lost > 0) {
        uint8_t bytes[WIRE_LOST_SIZE];
        wire_put_lost(tap->lost, bytes);
        const struct wire_record hole = {.kind = WIRE_LOST,
                                         .source = record->source,
                                         .time_ns = record->time_ns,
                                         .bytes = bytes,
                                         .len = sizeof bytes};
        tap->lost = 0;
        push(tap, &hole);
    }
    push(tap, record);
}

/* ---- recorder ---- */

bool wire_tap_take(struct wire_tap *tap, uint8_t *buffer, struct wire_record *ret_record)
{
    size_t n;
    const struct wire_slot *slot = ring_peek(tap->ring, &n);
    if (slot == NULL || ring_fill(tap->ring) < slots_for(slot->len)) {
        return false; /* its other slots are on their way */
    }
    const size_t total = slot->len;
    const size_t name_len = slot->name_len;
    *ret_record = (struct wire_record){.kind = (enum wire_kind)slot->kind,
                                       .flags = slot->flags,
                                       .source = slot->source,
                                       .time_ns = slot->time_ns,
                                       .name = (const char *)buffer,
                                       .name_len = name_len,
                                       .bytes = buffer + name_len,
                                       .len = total - name_len};
    size_t at = 0;
    do {
        slot = ring_peek(tap->ring, &n);
        assert(slot != NULL);
        const size_t part = total - at < WIRE_SLOT_BYTES ? total - at : WIRE_SLOT_BYTES;
        memcpy(buffer + at, slot->bytes, part);
        at += part;
        ring_release(tap->ring, 1);
    } while (at < total);
    return true;
}
