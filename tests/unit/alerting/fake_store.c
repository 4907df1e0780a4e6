/*
 * fake_store: two growing arrays behind a mutex.  See fake_store.h.
 */
#include "fake_store.h"
#include "base/memory.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fact {
    char *key; /* state: its key; event: its alarm */
    char *bytes;
    size_t len;
    char *json; /* events */
    uint64_t seq;
    int64_t time_ns;
};

struct facts {
    struct fact *all;
    size_t count;
};

struct store {
    pthread_mutex_t mutex;
    struct facts states, events;
    unsigned failing, commits, syncs;
};

struct store_batch {
    struct store *store;
    struct facts states, events;
};

static char *copy_of(const void *bytes, size_t len)
{
    char *copy = memory_new(len + 1, 1);
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

static struct fact *add(struct facts *facts)
{
    facts->all = memory_resize(facts->all, facts->count + 1, sizeof *facts->all);
    facts->all[facts->count] = (struct fact){0};
    return &facts->all[facts->count++];
}

static void empty(struct facts *facts)
{
    for (size_t i = 0; i < facts->count; i++) {
        free(facts->all[i].key);
        free(facts->all[i].bytes);
        free(facts->all[i].json);
    }
    free(facts->all);
    *facts = (struct facts){0};
}

struct store *fake_store_new(void)
{
    struct store *store = memory_new(1, sizeof *store);
    (void)pthread_mutex_init(&store->mutex, NULL);
    return store;
}

void fake_store_free(struct store *store)
{
    empty(&store->states);
    empty(&store->events);
    (void)pthread_mutex_destroy(&store->mutex);
    free(store);
}

void fake_store_fail(struct store *store, unsigned n)
{
    (void)pthread_mutex_lock(&store->mutex);
    store->failing = n;
    (void)pthread_mutex_unlock(&store->mutex);
}

unsigned fake_store_commits(struct store *store)
{
    return store->commits;
}

unsigned fake_store_syncs(struct store *store)
{
    return store->syncs;
}

const char *fake_store_json(struct store *store, size_t i)
{
    return i < store->events.count ? store->events.all[i].json : NULL;
}

const char *fake_store_state(struct store *store, size_t i)
{
    return i < store->events.count ? store->events.all[i].bytes : NULL;
}

size_t fake_store_records(struct store *store, const char *prefix)
{
    size_t count = 0;
    for (size_t i = 0; i < store->states.count; i++) {
        count += strncmp(store->states.all[i].key, prefix, strlen(prefix)) == 0;
    }
    return count;
}

void fake_store_add(struct store *store, const char *alarm, const char *level, bool all_well)
{
    struct store_batch *batch = store_batch_new(store);
    const uint64_t seq = store_last_seq(store) + 1;
    char json[256], state[256] = "", key[256];
    (void)snprintf(json, sizeof json, "{\"v\":1,\"site\":\"jx-mine\",\"seq\":%llu,\"alarm\":\"%s\"%s%s%s}",
                   (unsigned long long)seq, alarm, level == NULL ? "" : ",\"level\":\"", level == NULL ? "" : level,
                   level == NULL ? "" : "\"");
    if (!all_well) {
        (void)snprintf(state, sizeof state, "{\"v\":1,\"site\":\"jx-mine\",\"alarm\":\"%s\",\"seq\":%llu}", alarm,
                       (unsigned long long)seq);
    }
    (void)snprintf(key, sizeof key, "shown/%s", alarm);
    store_batch_event(batch, seq, 0, alarm, json, strlen(json), state, strlen(state));
    store_batch_put(batch, key, state, strlen(state));
    if (store_batch_commit(batch, true, NULL) != ERR_NONE) {
        abort();
    }
    store_batch_free(batch);
}

/* ---- store.h ----------------------------------------------------------------------------------------------------- */

struct store_batch *store_batch_new(struct store *store)
{
    struct store_batch *batch = memory_new(1, sizeof *batch);
    batch->store = store;
    return batch;
}

void store_batch_free(struct store_batch *batch)
{
    if (batch != NULL) {
        empty(&batch->states);
        empty(&batch->events);
        free(batch);
    }
}

void store_batch_event(struct store_batch *batch, uint64_t seq, int64_t time_ns, const char *alarm, const char *json,
                       size_t json_len, const char *state, size_t state_len)
{
    struct fact *event = add(&batch->events);
    *event = (struct fact){.key = copy_of(alarm, strlen(alarm)),
                           .bytes = copy_of(state, state_len),
                           .len = state_len,
                           .json = copy_of(json, json_len),
                           .seq = seq,
                           .time_ns = time_ns};
}

void store_batch_put(struct store_batch *batch, const char *key, const void *bytes, size_t len)
{
    struct fact *state = add(&batch->states);
    *state = (struct fact){.key = copy_of(key, strlen(key)), .bytes = copy_of(bytes, len), .len = len};
}

static int by_key(const void *a, const void *b)
{
    const struct fact *x = a, *y = b;
    return strcmp(x->key, y->key);
}

static void put_state(struct facts *states, struct fact *put)
{
    for (size_t i = 0; i < states->count; i++) {
        if (strcmp(states->all[i].key, put->key) == 0) {
            free(states->all[i].key);
            free(states->all[i].bytes);
            states->all[i] = states->all[--states->count];
            break;
        }
    }
    if (put->len > 0) {
        *add(states) = *put;
        *put = (struct fact){0};
    }
    if (states->count > 0) {
        qsort(states->all, states->count, sizeof *states->all, by_key);
    }
}

enum err_code store_batch_commit(struct store_batch *batch, bool sync, struct err *err)
{
    struct store *store = batch->store;
    (void)pthread_mutex_lock(&store->mutex);
    if (store->failing > 0) {
        store->failing--;
        (void)pthread_mutex_unlock(&store->mutex);
        return err_set(err, ERR_ENV, "no space left on device");
    }
    store->commits += batch->states.count + batch->events.count > 0;
    store->syncs += sync;
    for (size_t i = 0; i < batch->events.count; i++) {
        *add(&store->events) = batch->events.all[i];
        batch->events.all[i] = (struct fact){0};
    }
    for (size_t i = 0; i < batch->states.count; i++) {
        put_state(&store->states, &batch->states.all[i]);
    }
    empty(&batch->states);
    empty(&batch->events);
    (void)pthread_mutex_unlock(&store->mutex);
    return ERR_NONE;
}

uint64_t store_ledger_refused(const struct store *store)
{
    (void)store; /* it has none */
    return 0;
}

uint64_t store_last_seq(struct store *store)
{
    (void)pthread_mutex_lock(&store->mutex);
    const uint64_t seq = store->events.count == 0 ? 0 : store->events.all[store->events.count - 1].seq;
    (void)pthread_mutex_unlock(&store->mutex);
    return seq;
}

enum err_code store_events(struct store *store, uint64_t after, store_event_fn *fn, void *self, struct err *err)
{
    (void)err;
    (void)pthread_mutex_lock(&store->mutex);
    bool more = true;
    for (size_t i = 0; more && i < store->events.count; i++) {
        const struct fact *fact = &store->events.all[i];
        const struct store_event event = {.seq = fact->seq,
                                          .time_ns = fact->time_ns,
                                          .alarm = fact->key,
                                          .alarm_len = strlen(fact->key),
                                          .json = fact->json,
                                          .json_len = strlen(fact->json),
                                          .state = fact->bytes,
                                          .state_len = fact->len};
        more = fact->seq <= after || fn(self, &event);
    }
    (void)pthread_mutex_unlock(&store->mutex);
    return ERR_NONE;
}

enum err_code store_get(struct store *store, const char *key, struct buf *ret_bytes, struct err *err)
{
    enum err_code code = ERR_NO;
    (void)pthread_mutex_lock(&store->mutex);
    buf_clear(ret_bytes);
    for (size_t i = 0; i < store->states.count; i++) {
        if (strcmp(store->states.all[i].key, key) == 0) {
            buf_add(ret_bytes, store->states.all[i].bytes, store->states.all[i].len);
            code = ERR_NONE;
        }
    }
    (void)pthread_mutex_unlock(&store->mutex);
    return code == ERR_NONE ? code : err_set(err, code, "no record %s", key);
}

enum err_code store_scan(struct store *store, const char *prefix, store_state_fn *fn, void *self, struct err *err)
{
    (void)err;
    (void)pthread_mutex_lock(&store->mutex);
    bool more = true;
    for (size_t i = 0; more && i < store->states.count; i++) {
        const struct fact *fact = &store->states.all[i];
        if (strncmp(fact->key, prefix, strlen(prefix)) == 0) {
            more = fn(self, fact->key, strlen(fact->key), fact->bytes, fact->len);
        }
    }
    (void)pthread_mutex_unlock(&store->mutex);
    return ERR_NONE;
}
