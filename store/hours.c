/*
 * hours: see hours.h.
 */
#include "store/hours.h"
#include "base/memory.h"
#include "store/bucket.h"
#include "store/tier_block.h"
#include <stdlib.h>

enum { WORD_HOURS = 64, KEY_BYTES = 9, VALUE_BYTES = 8 };

static int64_t word_of(int64_t hour)
{
    return stretch_index(hour, WORD_HOURS);
}

static void write_key(uint8_t key[KEY_BYTES], int64_t word)
{
    key[0] = 'h';
    (void)put_i64(key + 1, word);
}

static enum err_code load_word(struct store *store, int64_t word, uint64_t *ret_bits, struct err *err)
{
    uint8_t key[KEY_BYTES];
    uint8_t value[NOTE_VALUE_MAX];
    bool found = false;
    write_key(key, word);
    const enum err_code code = note_get(store, NULL, key, sizeof key, VALUE_BYTES, value, &found, err);
    if (code == ERR_NONE) {
        *ret_bits = found ? get_u64(value) : 0;
    }
    return code;
}

enum err_code hours_note(struct hours *hours, struct store *store, rocksdb_writebatch_t *batch, int64_t hour,
                         struct err *err)
{
    const int64_t word = word_of(hour);
    const size_t at = (size_t)((uint64_t)word % HOURS_CACHE);
    const uint64_t bit = UINT64_C(1) << (hour - word * WORD_HOURS);
    if (!hours->known[at] || hours->words[at] != word) {
        uint64_t bits = 0;
        const enum err_code code = load_word(store, word, &bits, err);
        if (code != ERR_NONE) {
            return code;
        }
        hours->words[at] = word;
        hours->bits[at] = bits;
        hours->known[at] = true;
    }
    if ((hours->bits[at] & bit) == 0) {
        uint8_t key[KEY_BYTES];
        uint8_t value[VALUE_BYTES];
        hours->bits[at] |= bit;
        write_key(key, word);
        (void)put_u64(value, hours->bits[at]);
        note_put(store, batch, key, sizeof key, value, sizeof value);
    }
    return ERR_NONE;
}

void hours_forget(struct hours *hours)
{
    memset(hours->known, 0, sizeof hours->known);
}

enum err_code hours_load(struct store *store, struct hours_word **ret_words, size_t *ret_count, struct err *err)
{
    struct db_walk walk;
    struct hours_word *words = NULL;
    size_t count = 0;
    size_t room = 0;
    db_walk_begin(&walk, store, CF_NOTES, NULL, "h", 1, "i", 1);
    for (; db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t key_len;
        size_t len;
        const uint8_t *const key = db_walk_key(&walk, &key_len);
        const uint8_t *const value = db_walk_value(&walk, &len);
        if (key_len != KEY_BYTES || !note_check(key, key_len, value, len, VALUE_BYTES)) {
            continue; /* then things are kept longer; davy verify tells */
        }
        if (count == room) {
            room = room == 0 ? WORD_HOURS : 2 * room;
            words = memory_resize(words, room, sizeof *words);
        }
        words[count++] = (struct hours_word){.word = get_i64(key + 1), .bits = get_u64(value)};
    }
    for (size_t i = 0; i < count / 2; i++) {
        const struct hours_word word = words[i];
        words[i] = words[count - 1 - i];
        words[count - 1 - i] = word;
    }
    const enum err_code code = db_walk_end(&walk, store, err);
    if (code != ERR_NONE) {
        free(words);
        return code;
    }
    *ret_words = words;
    *ret_count = count;
    return ERR_NONE;
}

/* The hour before which as many recorded hours as wanted have passed; INT64_MIN when there are fewer. */
static int64_t hour_after_which(const struct hours_word *words, size_t count, uint64_t wanted)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t all = (uint64_t)__builtin_popcountll(words[i].bits);
        if (seen + all < wanted) {
            seen += all;
            continue;
        }
        for (int bit = WORD_HOURS - 1; bit >= 0; bit--) {
            seen += words[i].bits >> bit & 1;
            if (seen >= wanted) {
                return words[i].word * WORD_HOURS + bit;
            }
        }
    }
    return INT64_MIN;
}

int64_t hours_floor(const struct hours_word *words, size_t count, int64_t now_ns, int64_t keep_ns)
{
    const int64_t len_ns = tier_length(TIER_HOUR);
    const int64_t newest = hour_after_which(words, count, 1);
    const uint64_t wanted = (uint64_t)(keep_ns / len_ns) + (keep_ns % len_ns > 0);
    const int64_t recorded = hour_after_which(words, count, wanted > 0 ? wanted : 1);
    if (newest == INT64_MIN || recorded == INT64_MIN) {
        return INT64_MIN;
    }
    const int64_t end_ns = stretch_start(newest + 1, len_ns);
    const int64_t clock_ns = now_ns < end_ns ? now_ns : end_ns;
    int64_t old_ns = 0;
    if (__builtin_sub_overflow(clock_ns, keep_ns, &old_ns)) {
        return INT64_MIN;
    }
    const int64_t recorded_ns = stretch_start(recorded, len_ns);
    return stretch_floor(old_ns < recorded_ns ? old_ns : recorded_ns, len_ns);
}
