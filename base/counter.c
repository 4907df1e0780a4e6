/*
 * counter: see counter.h.  The registry is one array of cache lines; the value
 * is a relaxed atomic, stored by its owner without a locked instruction.
 */
#include "base/counter.h"
#include "base/memory.h"
#include "base/table.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct counter {
    _Alignas(64) _Atomic uint64_t value; /* stored by the owner, loaded by all; relaxed: nothing hangs on its order */
    char *name;                          /* const after start, as are the next two */
    char *unit;
    char *help;
};

struct counters {
    struct counter *slots; /* room + 1; the last is "counters.lost" */
    size_t room;
    size_t count;
    bool overflowed;
    struct table by_name; /* name -> slot; borrows the names */
};

static void fill(struct counter *counter, const char *name, const char *unit, const char *help)
{
    atomic_init(&counter->value, 0);
    counter->name = memory_strdup(name);
    counter->unit = memory_strdup(unit);
    counter->help = memory_strdup(help);
}

struct counters *counters_new(size_t room)
{
    struct counters *counters = memory_new(1, sizeof *counters);
    counters->slots = memory_aligned(_Alignof(struct counter), (room + 1) * sizeof *counters->slots);
    counters->room = room;
    fill(&counters->slots[room], "counters.lost", "", "shared by all counters for which there was no room");
    table_init(&counters->by_name);
    return counters;
}

static void empty(struct counter *counter)
{
    free(counter->name);
    free(counter->unit);
    free(counter->help);
}

void counters_free(struct counters *counters)
{
    if (counters == NULL) {
        return;
    }
    for (size_t i = 0; i < counters->count; i++) {
        empty(&counters->slots[i]);
    }
    empty(&counters->slots[counters->room]);
    table_done(&counters->by_name);
    free(counters->slots);
    free(counters);
}

struct counter *counter_new(struct counters *counters, const char *name, const char *unit, const char *help)
{
    const uint32_t there = table_find(&counters->by_name, name, strlen(name));
    if (there != TABLE_NONE) {
        return &counters->slots[there];
    }
    if (counters->count == counters->room) {
        counters->overflowed = true;
        return &counters->slots[counters->room];
    }
    struct counter *counter = &counters->slots[counters->count];
    fill(counter, name, unit, help);
    (void)table_add(&counters->by_name, counter->name, (uint32_t)counters->count); /* known to be absent */
    counters->count++;
    return counter;
}

const struct counter *counter_find(const struct counters *counters, const char *name)
{
    const uint32_t at = table_find(&counters->by_name, name, strlen(name));
    return at == TABLE_NONE ? NULL : &counters->slots[at];
}

void counter_add(struct counter *counter, uint64_t n)
{
    const uint64_t before = atomic_load_explicit(&counter->value, memory_order_relaxed); /* one owner: no exchange */
    atomic_store_explicit(&counter->value, before + n, memory_order_relaxed);
}

void counter_set(struct counter *counter, uint64_t v)
{
    atomic_store_explicit(&counter->value, v, memory_order_relaxed);
}

uint64_t counter_get(const struct counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

size_t counters_count(const struct counters *counters)
{
    return counters->count + (counters->overflowed ? 1 : 0);
}

const struct counter *counters_at(const struct counters *counters, size_t i)
{
    return i < counters->count ? &counters->slots[i] : &counters->slots[counters->room];
}

const char *counter_name(const struct counter *counter)
{
    return counter->name;
}

const char *counter_unit(const struct counter *counter)
{
    return counter->unit;
}

const char *counter_help(const struct counter *counter)
{
    return counter->help;
}
