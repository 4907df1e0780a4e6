/*
 * table: open addressing with linear steps, at most seven tenths full.  A slot
 * keeps 32 bits of the hash, so a wrong key is hardly ever compared.
 */
#include "base/table.h"
#include "base/memory.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 16 };

struct table_slot {
    const char *key; /* borrowed; NULL when free */
    uint32_t hash;
    uint32_t value;
};

void table_init(struct table *table)
{
    *table = (struct table){0};
}

void table_done(struct table *table)
{
    if (table != NULL) {
        free(table->slots);
        *table = (struct table){0};
    }
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / golden ratio, odd */
    return hash ^ (hash >> 29);
}

/* Eight bytes a step.  The keys are the site's own, so it need not stand against chosen keys. */
uint32_t table_hash(const char *key, size_t len)
{
    uint64_t hash = len;
    uint64_t word = 0;
    size_t at = 0;
    for (; at + sizeof word <= len; at += sizeof word) {
        memcpy(&word, key + at, sizeof word);
        hash = mix(hash, word);
    }
    word = 0;
    memcpy(&word, key + at, len - at);
    hash = mix(hash, word);
    return (uint32_t)(hash >> 32) ^ (uint32_t)hash;
}

static bool is_key(const struct table_slot *slot, uint32_t hash, const char *key, size_t len)
{
    return slot->hash == hash && strlen(slot->key) == len && memcmp(slot->key, key, len) == 0;
}

/* Gives the slot that holds the key, or the free one where it belongs. */
static struct table_slot *place_of(const struct table *table, uint32_t hash, const char *key, size_t len)
{
    size_t i = hash & table->mask;
    while (table->slots[i].key != NULL && !is_key(&table->slots[i], hash, key, len)) {
        i = (i + 1) & table->mask;
    }
    return &table->slots[i];
}

static void grow(struct table *table)
{
    const struct table old = *table;
    const size_t slots = old.slots == NULL ? FIRST_SLOTS : (old.mask + 1) * 2;
    table->slots = memory_new(slots, sizeof *table->slots);
    table->mask = slots - 1;
    for (size_t i = 0; old.slots != NULL && i <= old.mask; i++) {
        if (old.slots[i].key != NULL) {
            const struct table_slot *slot = &old.slots[i];
            *place_of(table, slot->hash, slot->key, strlen(slot->key)) = *slot;
        }
    }
    free(old.slots);
}

uint32_t table_add(struct table *table, const char *key, uint32_t value)
{
    if (table->slots == NULL || (table->count + 1) * 10 > (table->mask + 1) * 7) {
        grow(table);
    }
    const size_t len = strlen(key);
    const uint32_t hash = table_hash(key, len);
    struct table_slot *slot = place_of(table, hash, key, len);
    if (slot->key != NULL) {
        return slot->value;
    }
    *slot = (struct table_slot){.key = key, .hash = hash, .value = value};
    table->count++;
    return TABLE_NONE;
}

uint32_t table_find(const struct table *table, const char *key, size_t len)
{
    if (table->slots == NULL) {
        return TABLE_NONE;
    }
    const struct table_slot *slot = place_of(table, table_hash(key, len), key, len);
    return slot->key == NULL ? TABLE_NONE : slot->value;
}

void table_fetch(const struct table *table, uint32_t hash)
{
    if (table->slots != NULL) {
        __builtin_prefetch(&table->slots[hash & table->mask]);
    }
}

void table_fetch_key(const struct table *table, uint32_t hash)
{
    if (table->slots != NULL) {
        __builtin_prefetch(table->slots[hash & table->mask].key); /* of a free slot NULL, which is no harm */
    }
}
