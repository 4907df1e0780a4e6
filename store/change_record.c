/*
 * change_record: see change_record.h.
 */
#include "store/change_record.h"
#include "base/crc32c.h"

enum { CHANGE_VERSION = 1, CRC_BYTES = 4 };

void change_key(uint64_t number, uint8_t ret_key[CHANGE_KEY])
{
    ret_key[0] = 'o';
    (void)put_u64(ret_key + 1, number);
}

uint64_t change_number(const void *key, size_t len)
{
    const uint8_t *const bytes = key;
    return len >= CHANGE_KEY && bytes[0] == 'o' ? get_u64(bytes + 1) : 0;
}

size_t change_item_key(uint64_t number, char kind, const char *id, size_t id_len, uint8_t ret_key[CHANGE_KEY_MAX])
{
    const size_t len = id_len < CHANGE_ID_MAX ? id_len : CHANGE_ID_MAX;
    change_key(number, ret_key);
    ret_key[CHANGE_KEY] = (uint8_t)kind;
    memcpy(ret_key + CHANGE_KEY + 1, id, len);
    return CHANGE_KEY + 1 + len;
}

void change_format(struct buf *out, const struct change_record *record)
{
    uint8_t head[1 + 8 + 8 + JOURNAL_HASH + VARINT_MAX + JOURNAL_HASH + VARINT_MAX];
    uint8_t *to = head;
    *to++ = CHANGE_VERSION;
    to = put_u64(put_i64(to, record->change.time_ns), record->seq);
    memcpy(to, record->journal_hash, JOURNAL_HASH);
    to = put_varint(to + JOURNAL_HASH, record->change.items);
    memcpy(to, record->items_hash, JOURNAL_HASH);
    to = put_varint(to + JOURNAL_HASH, record->change.text_len);
    buf_add(out, head, (size_t)(to - head));
    buf_add(out, record->change.text, record->change.text_len);
}

bool change_parse(const void *key, size_t key_len, const void *bytes, size_t len, struct change_record *ret_record)
{
    struct cursor cursor = cursor_over(bytes, len);
    struct change_record record = {.change = {.number = change_number(key, key_len)}};
    const uint8_t version = cursor_u8(&cursor);
    record.change.time_ns = cursor_i64(&cursor);
    record.seq = cursor_u64(&cursor);
    record.journal_hash = cursor_take(&cursor, JOURNAL_HASH);
    record.change.items = cursor_varint(&cursor);
    record.items_hash = cursor_take(&cursor, JOURNAL_HASH);
    const uint64_t text_len = cursor_varint(&cursor);
    if (cursor.bad || text_len > cursor_left(&cursor)) {
        return false;
    }
    record.change.text_len = (size_t)text_len;
    record.change.text = (const char *)cursor_take(&cursor, record.change.text_len);
    record.hashed = len - cursor_left(&cursor);
    record.hash = cursor_take(&cursor, JOURNAL_HASH);
    if (cursor.bad || version != CHANGE_VERSION || cursor_left(&cursor) != 0 || key_len != CHANGE_KEY ||
        record.change.number == 0) {
        return false;
    }
    *ret_record = record;
    return true;
}

static uint32_t checksum(const void *key, size_t key_len, const void *text, size_t text_len)
{
    return crc32c(crc32c(0, key, key_len), text, text_len);
}

void change_item_format(struct buf *out, const void *key, size_t key_len, const char *text, size_t text_len)
{
    uint8_t crc[CRC_BYTES];
    (void)put_u32(crc, checksum(key, key_len, text, text_len));
    buf_add(out, text, text_len);
    buf_add(out, crc, sizeof crc);
}

bool change_item_parse(const void *key, size_t key_len, const void *bytes, size_t len,
                       struct store_change_item *ret_item)
{
    if (key_len <= CHANGE_KEY || len < CRC_BYTES ||
        checksum(key, key_len, bytes, len - CRC_BYTES) != get_u32((const uint8_t *)bytes + len - CRC_BYTES)) {
        return false;
    }
    *ret_item = (struct store_change_item){
        .kind = ((const char *)key)[CHANGE_KEY],
        .id = (const char *)key + CHANGE_KEY + 1,
        .id_len = key_len - CHANGE_KEY - 1,
        .text = bytes,
        .text_len = len - CRC_BYTES,
    };
    return true;
}

bool change_digest(EVP_MD_CTX *digest, const void *key, size_t key_len, const void *value, size_t len)
{
    uint8_t length[8];
    (void)put_u64(length, len);
    return EVP_DigestUpdate(digest, key, key_len) == 1 && EVP_DigestUpdate(digest, length, sizeof length) == 1 &&
           EVP_DigestUpdate(digest, value, len) == 1;
}
