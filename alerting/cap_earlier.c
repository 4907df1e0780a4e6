/*
 * cap_earlier: see cap_earlier.h.
 */
#include "alerting/cap_earlier.h"
#include "alerting/alarm_record.h"
#include "alerting/pack.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/table.h"
#include <stdlib.h>
#include <string.h>

enum { RECORD_VERSION = 1 };

struct entry {
    char *alarm; /* owned; the table's key */
    uint32_t occurrence;
    struct buf references; /* empty: none */
    bool dirty;
};

struct cap_earlier {
    const char *way, *sink;
    struct counter *cut;
    struct table by_alarm;
    struct entry *entries;
    size_t count, room;
    size_t dirty;
};

static struct entry *find(const struct cap_earlier *earlier, const char *alarm)
{
    const uint32_t at = table_find(&earlier->by_alarm, alarm, strlen(alarm));
    return at == TABLE_NONE ? NULL : &earlier->entries[at];
}

static struct entry *find_or_make(struct cap_earlier *earlier, const char *alarm)
{
    struct entry *entry = find(earlier, alarm);
    if (entry != NULL) {
        return entry;
    }
    if (earlier->count == earlier->room) {
        earlier->room = earlier->room == 0 ? 16 : earlier->room * 2;
        earlier->entries = memory_resize(earlier->entries, earlier->room, sizeof *earlier->entries);
    }
    entry = &earlier->entries[earlier->count];
    *entry = (struct entry){.alarm = memory_strdup(alarm)};
    (void)table_add(&earlier->by_alarm, entry->alarm, (uint32_t)earlier->count++); /* it was not there */
    return entry;
}

static void touch(struct cap_earlier *earlier, struct entry *entry)
{
    earlier->dirty += entry->dirty ? 0 : 1;
    entry->dirty = true;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* Takes a record when it is of this way and sink; one that cannot be read is told and left out. */
static bool take_record(void *self, const char *key, size_t key_len, const void *bytes, size_t len)
{
    struct cap_earlier *earlier = self;
    struct unpack in = unpack_begin(bytes, len);
    const uint8_t version = unpack_u8(&in);
    char *way = unpack_text(&in), *sink = unpack_text(&in), *alarm = unpack_text(&in);
    const uint32_t occurrence = unpack_u32(&in);
    const uint32_t length = unpack_u32(&in);
    const char *references = unpack_bytes(&in, length);
    if (!unpack_whole(&in) || version != RECORD_VERSION || way == NULL || sink == NULL || alarm == NULL ||
        memchr(references, '\0', length) != NULL) {
        log_event(LOG_WARN, "alerting", "ALT-003", "record", "key=\"%.*s\" cannot be read", (int)key_len, key);
    } else if (strcmp(way, earlier->way) == 0 && strcmp(sink, earlier->sink) == 0) {
        struct entry *entry = find_or_make(earlier, alarm);
        entry->occurrence = occurrence;
        buf_add(&entry->references, references, length);
    }
    free(way);
    free(sink);
    free(alarm);
    return true;
}

static void put_record(const struct cap_earlier *earlier, const struct entry *entry, struct store_batch *batch)
{
    char key[RECORD_KEY_MAX + 1];
    struct buf name = {0}, bytes = {0};
    buf_printf(&name, "%s/%s %s", earlier->way, earlier->sink, entry->alarm);
    record_key(key, "cap/", name.data);
    if (entry->references.len > 0) {
        pack_u8(&bytes, RECORD_VERSION);
        pack_text(&bytes, earlier->way);
        pack_text(&bytes, earlier->sink);
        pack_text(&bytes, entry->alarm);
        pack_u32(&bytes, entry->occurrence);
        pack_u32(&bytes, (uint32_t)entry->references.len);
        buf_add(&bytes, entry->references.data, entry->references.len);
    }
    store_batch_put(batch, key, bytes.data, bytes.len);
    buf_done(&name);
    buf_done(&bytes);
}

void cap_earlier_keep(struct cap_earlier *earlier, struct store_batch *batch)
{
    for (size_t i = 0; i < earlier->count && earlier->dirty > 0; i++) {
        struct entry *entry = &earlier->entries[i];
        if (entry->dirty) {
            put_record(earlier, entry, batch);
            entry->dirty = false;
            earlier->dirty--;
        }
    }
}

enum err_code cap_earlier_open(struct store *store, const char *way, const char *sink, struct counter *cut,
                               struct cap_earlier **ret_earlier, struct err *err)
{
    struct cap_earlier *earlier = memory_new(1, sizeof *earlier);
    *earlier = (struct cap_earlier){.way = way, .sink = sink, .cut = cut};
    table_init(&earlier->by_alarm);
    const enum err_code code = store_scan(store, "cap/", take_record, earlier, err);
    if (code != ERR_NONE) {
        cap_earlier_free(earlier);
        return code;
    }
    *ret_earlier = earlier;
    return ERR_NONE;
}

void cap_earlier_free(struct cap_earlier *earlier)
{
    if (earlier == NULL) {
        return;
    }
    for (size_t i = 0; i < earlier->count; i++) {
        free(earlier->entries[i].alarm);
        buf_done(&earlier->entries[i].references);
    }
    table_done(&earlier->by_alarm);
    free(earlier->entries);
    free(earlier);
}

/* ---- documents --------------------------------------------------------------------------------------------------- */

const char *cap_earlier_references(const struct cap_earlier *earlier, const char *alarm, uint32_t occurrence)
{
    const struct entry *entry = find(earlier, alarm);
    const bool some = entry != NULL && entry->occurrence == occurrence && entry->references.len > 0;
    return some ? entry->references.data : NULL;
}

/* Takes the second out: the first is how the occurrence began, the last ones are what holds now. */
static void make_room(struct cap_earlier *earlier, struct buf *references, size_t more)
{
    while (references->len + more + 1 > CAP_REFERENCES_MAX) {
        char *second = strchr(references->data, ' ');
        char *third = second == NULL ? NULL : strchr(second + 1, ' ');
        if (third == NULL) {
            return;
        }
        memmove(second, third, references->len - (size_t)(third - references->data) + 1);
        references->len -= (size_t)(third - second);
        counter_add(earlier->cut, 1);
    }
}

void cap_earlier_add(struct cap_earlier *earlier, const char *alarm, uint32_t occurrence, const char *reference)
{
    struct entry *entry = find_or_make(earlier, alarm);
    if (entry->occurrence != occurrence) {
        buf_clear(&entry->references);
        entry->occurrence = occurrence;
    }
    if (entry->references.len > 0) {
        make_room(earlier, &entry->references, strlen(reference));
        buf_text(&entry->references, " ");
    }
    buf_text(&entry->references, reference);
    touch(earlier, entry);
}

void cap_earlier_forget(struct cap_earlier *earlier, const char *alarm)
{
    struct entry *entry = find(earlier, alarm);
    if (entry != NULL && entry->references.len > 0) {
        buf_clear(&entry->references);
        touch(earlier, entry);
    }
}
