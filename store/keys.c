/*
 * keys: the block's key, the only one with parts.
 */
#include "store/keys.h"

size_t key_block(const struct block_key *key, uint8_t ret_key[KEY_BLOCK_MAX])
{
    uint8_t *to = put_u32(ret_key, key->series);
    *to++ = key->span;
    to = put_i64(to, key->start_ns);
    if (key->late) {
        to = put_u64(to, key->order);
    }
    return (size_t)(to - ret_key);
}

bool key_block_parse(const void *bytes, size_t len, struct block_key *ret_key)
{
    const uint8_t *const from = bytes;
    if ((len != KEY_BLOCK && len != KEY_BLOCK_MAX) || from[4] >= SPAN_CLASSES) {
        return false;
    }
    *ret_key = (struct block_key){
        .series = get_u32(from),
        .span = from[4],
        .start_ns = get_i64(from + 5),
        .late = len == KEY_BLOCK_MAX,
        .order = len == KEY_BLOCK_MAX ? get_u64(from + KEY_BLOCK) : 0,
    };
    return true;
}
