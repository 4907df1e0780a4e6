/*
 * bench_json: telemetry of format `davy` to samples, 100 samples a message, by
 * our scanner and, in turns, by a jansson tree walked for the same samples.
 *
 *   object, array  the same keys in the same order each time, as senders do: what follows a key is guessed right
 *   any_order      an object of keys drawn anew for each message: hardly ever
 *   put            object again, the samples put into a shard's ring and taken out
 */
#include "bench.h"
#include "ingest/ingest.h"
#include "ingest/mqtt_decode.h"

#include "base/text.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES = 100, MESSAGES = 64, POINTS = 10000, ROUNDS = 7, REPEATS = 200 };
enum { SLOTS = 8192 }; /* of the ring, as in davy run */
enum form { OBJECT, ARRAY, ANY_ORDER, PUT };

static struct site_point points[POINTS];
static char ids[POINTS][24];
static char texts[MESSAGES][SAMPLES * 64 + 100];
static size_t lens[MESSAGES];
static struct mqtt_keys keys;
static double checksum;

static bool drop(void *self, struct mqtt_batch *batch)
{
    (void)self;
    batch->count = 0;
    return true;
}

static struct ring *ring;
static struct router router;

/* As the intake hands on, and the shard takes, but for looking at them. */
static bool put(void *self, struct mqtt_batch *batch)
{
    size_t n = 0;
    (void)self;
    router_put_all(&router, batch->samples, batch->count, SAMPLE_OPEN);
    for (const struct sample *from = ring_peek(ring, &n); from != NULL; from = ring_peek(ring, &n)) {
        checksum += from[n - 1].value;
        ring_release(ring, n);
    }
    batch->count = 0;
    return true;
}

static void make_ring(void)
{
    static uint64_t masks[POINTS];
    static uint16_t seqs[POINTS];
    struct err err;
    if (ring_open(sizeof(struct sample), SLOTS, 0, &ring, &err) != ERR_NONE) {
        abort();
    }
    router = (struct router){.rings = &ring, .shard_count = 1, .masks = masks, .seqs = seqs};
}

static void make_site(void)
{
    static struct site_source source = {.id = "gw", .type = SOURCE_MQTT};
    static struct site site = {.sources = &source, .source_count = 1, .points = points, .point_count = POINTS};
    static struct arena arena;
    for (unsigned i = 0; i < POINTS; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "area-%u/T%u.LVL", i % 10, i);
        points[i] = (struct site_point){.id = ids[i], .from = {.key = ids[i], .scale = 1}};
    }
    arena_init(&arena);
    mqtt_keys_init(&keys, &site, 0, &arena);
}

/* Numbers of points, each once, in no order that the site file has. */
static void shuffle(unsigned order[POINTS])
{
    for (unsigned i = 0; i < POINTS; i++) {
        const unsigned at = (unsigned)rand() % (i + 1);
        order[i] = order[at];
        order[at] = i;
    }
}

static void make_texts(enum form form)
{
    static unsigned order[POINTS];
    srand(1);
    shuffle(order);
    for (int m = 0; m < MESSAGES; m++) {
        size_t n = form == ARRAY ? (size_t)sprintf(texts[m], "[")
                                 : (size_t)sprintf(texts[m], "{\"time\":1767571230000,\"seq\":%d,\"values\":{", m);
        for (int i = 0; i < SAMPLES; i++) {
            const char *id = ids[form == ANY_ORDER ? (unsigned)rand() % POINTS : order[m * SAMPLES + i]];
            const char *comma = i > 0 ? "," : "";
            const double value = rand() % 100000 / 1000.0;
            n += (size_t)(form == ARRAY ? sprintf(texts[m] + n, "%s{\"point\":\"%s\",\"value\":%.3f}", comma, id, value)
                                        : sprintf(texts[m] + n, "%s\"%s\":%.3f", comma, id, value));
        }
        n += (size_t)sprintf(texts[m] + n, form == ARRAY ? "]" : "}}");
        lens[m] = n;
    }
}

static double scanner(void *self)
{
    static struct sample samples[2 * SAMPLES];
    const bool with_put = self != NULL;
    const int64_t start_ns = bench_cpu_ns();
    uint64_t count = 0;
    for (int r = 0; r < REPEATS; r++) {
        for (int m = 0; m < MESSAGES; m++) {
            struct mqtt_batch batch = {.samples = samples, .room = 2 * SAMPLES, .full = drop};
            const struct mqtt_message message = {.payload = texts[m], .len = lens[m], .seen_ns = 1};
            mqtt_decode_davy(&keys, &message, &batch);
            count += batch.count;
            checksum += samples[0].value;
            if (with_put) {
                (void)put(NULL, &batch);
            }
        }
    }
    return (double)count * 1e9 / (double)(bench_cpu_ns() - start_ns);
}

static double jansson(void *self)
{
    (void)self;
    const int64_t start_ns = bench_cpu_ns();
    uint64_t count = 0;
    for (int m = 0; m < MESSAGES * REPEATS / 20; m++) {
        json_t *root = json_loadb(texts[m % MESSAGES], lens[m % MESSAGES], 0, NULL);
        const char *key;
        size_t len;
        json_t *node;
        size_t i;
        json_object_keylen_foreach(json_object_get(root, "values"), key, len, node)
        {
            count += table_find(&keys.table, key, len) != TABLE_NONE;
            checksum += json_number_value(node);
        }
        json_array_foreach(root, i, node)
        {
            const json_t *name = json_object_get(node, "point");
            count += table_find(&keys.table, json_string_value(name), json_string_length(name)) != TABLE_NONE;
            checksum += json_number_value(json_object_get(node, "value"));
        }
        json_decref(root);
    }
    return (double)count * 1e9 / (double)(bench_cpu_ns() - start_ns);
}

static void measure(enum form form)
{
    static const char *const names[] = {"object", "array", "any_order", "put"};
    make_texts(form);
    const struct bench_pair pair = bench_alternate(ROUNDS, scanner, form == PUT ? &router : NULL, jansson, NULL);
    char metric[64];
    (void)snprintf(metric, sizeof metric, "%s_samples_per_s", names[form]);
    bench_print("json", metric, pair.ours, "1/s", "one core, %d samples a message, %zu bytes", SAMPLES, lens[0]);
    (void)snprintf(metric, sizeof metric, "%s_ratio", names[form]);
    bench_print("json", metric, pair.ratio, "x", "of jansson in the same run: %.2f M/s", pair.bare / 1e6);
}

int main(void)
{
    make_site();
    make_ring();
    measure(OBJECT);
    measure(ARRAY);
    measure(ANY_ORDER);
    measure(PUT);
    return checksum != 0 ? 0 : 1;
}
