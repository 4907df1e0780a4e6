/*
 * bench_sparkplug: data of a Sparkplug device to samples, 100 metrics a message
 * by alias and by name: payload, order of seq, alias or name, value, by the
 * session; and, in turns, protobuf-c building and dropping its tree of the
 * same bytes.
 *
 * Then a node with a thousand devices: births of all and the death of the node,
 * beside the trees of the births.
 */
#include "bench.h"
#include "ingest/sparkplug_session.h"
#include "sparkplug.pb-c.h"
#include "tests/unit/ingest/payloads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { METRICS = 100, POINTS = 10000, ROUNDS = 7, REPEATS = 20, SEQS = 256 };
enum { PER_DEVICE = 10, DEVICES = POINTS / PER_DEVICE };
static const char birth_topic[] = "spBv1.0/Mine/DBIRTH/Gateway/Area";
static const char data_topic[] = "spBv1.0/Mine/DDATA/Gateway/Area";

static struct site_point points[POINTS];
static char keys[POINTS][48];
static struct buf messages[SEQS];
static struct spb_session session;
static uint64_t taken;
static double checksum;

static bool drop(void *self, struct mqtt_batch *batch)
{
    (void)self;
    taken += batch->count;
    checksum += batch->count > 0 ? batch->samples[0].value : 0;
    batch->count = 0;
    return true;
}

static const char *name_of(size_t i)
{
    return keys[i] + strlen("Mine/Gateway/Area/");
}

static struct told told(size_t i, bool by_alias, bool birth)
{
    return (struct told){.name = by_alias && !birth ? NULL : name_of(i),
                         .alias = by_alias ? i + 1 : 0,
                         .time_ms = 1767571230000,
                         .type = birth ? SPB_DOUBLE : 0,
                         .field = VALUE_DOUBLE,
                         .real = (double)(rand() % 100000) / 1000.0};
}

static void take(const char *topic, const struct buf *bytes)
{
    static struct sample samples[1024];
    struct mqtt_batch batch = {.samples = samples, .room = 1024, .full = drop};
    const struct spb_message message = {.topic = topic,
                                        .topic_len = strlen(topic),
                                        .payload = bytes->data,
                                        .len = bytes->len,
                                        .seen_ns = 1,
                                        .mono_ns = 1};
    spb_session_take(&session, &message, &batch);
    (void)drop(NULL, &batch);
}

static void bear(bool by_alias)
{
    static struct told all[POINTS];
    struct buf bytes = {0};
    payload_build(&bytes, 1767571230000, 255, NULL, 0);
    take("spBv1.0/Mine/NBIRTH/Gateway", &bytes);
    buf_clear(&bytes);
    for (size_t i = 0; i < POINTS; i++) {
        all[i] = told(i, by_alias, true);
    }
    session.nodes[0].expected = 255; /* so that the data's numbers begin at 0 again and again */
    payload_build(&bytes, 1767571230000, 255, all, POINTS);
    take(birth_topic, &bytes);
    buf_done(&bytes);
}

static void make_messages(bool by_alias)
{
    struct told some[METRICS];
    srand(1);
    for (int m = 0; m < SEQS; m++) {
        for (size_t i = 0; i < METRICS; i++) {
            some[i] = told((size_t)rand() % POINTS, by_alias, false);
        }
        buf_clear(&messages[m]);
        payload_build(&messages[m], 1767571230000, m, some, METRICS);
    }
}

/* Either all of one device, or PER_DEVICE of each. */
static void make_site(bool many)
{
    static struct site_source source = {
        .id = "gw", .type = SOURCE_MQTT, .format = FORMAT_SPARKPLUG, .host_id = "h", .reorder_ns = NS_PER_S};
    static struct site site = {.sources = &source, .source_count = 1, .points = points, .point_count = POINTS};
    static struct arena arena;
    for (unsigned i = 0; i < POINTS; i++) {
        if (many) {
            (void)snprintf(keys[i], sizeof keys[i], "Mine/Gateway/D%u/V%u", i / PER_DEVICE, i % PER_DEVICE);
        } else {
            (void)snprintf(keys[i], sizeof keys[i], "Mine/Gateway/Area/T%u/LVL", i);
        }
        points[i] = (struct site_point){.id = keys[i], .from = {.key = keys[i], .scale = 1}};
    }
    if (many) {
        spb_session_done(&session);
        arena_done(&arena);
    }
    arena_init(&arena);
    spb_session_init(&session, &site, 0, 1, &arena);
}

static double by_session(void *self)
{
    (void)self;
    const int64_t start_ns = bench_cpu_ns();
    const uint64_t before = taken;
    for (int r = 0; r < REPEATS; r++) {
        for (int m = 0; m < SEQS; m++) {
            take(data_topic, &messages[m]);
        }
    }
    return (double)(taken - before) * 1e9 / (double)(bench_cpu_ns() - start_ns);
}

static double by_tree(void *self)
{
    (void)self;
    const int64_t start_ns = bench_cpu_ns();
    uint64_t count = 0;
    for (int m = 0; m < SEQS * REPEATS / 4; m++) {
        const struct buf *bytes = &messages[m % SEQS];
        Davy__Sparkplug__Payload *payload =
            davy__sparkplug__payload__unpack(NULL, bytes->len, (const uint8_t *)bytes->data);
        for (size_t i = 0; i < payload->n_metrics; i++) {
            checksum += payload->metrics[i]->double_value;
            count++;
        }
        davy__sparkplug__payload__free_unpacked(payload, NULL);
    }
    return (double)count * 1e9 / (double)(bench_cpu_ns() - start_ns);
}

static void measure(bool by_alias)
{
    const char *form = by_alias ? "alias" : "name";
    char metric[64];
    bear(by_alias);
    make_messages(by_alias);
    const struct bench_pair pair = bench_alternate(ROUNDS, by_session, NULL, by_tree, NULL);
    (void)snprintf(metric, sizeof metric, "%s_samples_per_s", form);
    bench_print("sparkplug", metric, pair.ours, "1/s", "one core, %d metrics a message, %zu bytes", METRICS,
                messages[0].len);
    (void)snprintf(metric, sizeof metric, "%s_ratio", form);
    bench_print("sparkplug", metric, pair.ratio, "x", "of protobuf-c's tree alone in the same run: %.2f M/s",
                pair.bare / 1e6);
}

/* ---- a node with many devices ---- */

static struct buf births[DEVICES], node_birth, node_death;

static void make_births(void)
{
    struct told metrics[PER_DEVICE];
    payload_build(&node_birth, 1767571230000, 0, NULL, 0);
    payload_build(&node_death, 1767571230000, 0, NULL, 0);
    for (size_t d = 0; d < DEVICES; d++) {
        for (size_t k = 0; k < PER_DEVICE; k++) {
            const size_t i = d * PER_DEVICE + k;
            metrics[k] = told(i, true, true);
            metrics[k].name = strrchr(keys[i], '/') + 1;
        }
        payload_build(&births[d], 1767571230000, (int)((d + 1) % SEQS), metrics, PER_DEVICE);
    }
}

static double births_by_session(void *self)
{
    (void)self;
    const int64_t start_ns = bench_cpu_ns();
    take("spBv1.0/Mine/NBIRTH/Gateway", &node_birth);
    for (size_t d = 0; d < DEVICES; d++) {
        char topic[64];
        (void)snprintf(topic, sizeof topic, "spBv1.0/Mine/DBIRTH/Gateway/D%zu", d);
        take(topic, &births[d]);
    }
    take("spBv1.0/Mine/NDEATH/Gateway", &node_death);
    return (double)DEVICES * 1e9 / (double)(bench_cpu_ns() - start_ns);
}

static double births_by_tree(void *self)
{
    (void)self;
    const int64_t start_ns = bench_cpu_ns();
    for (size_t d = 0; d < DEVICES; d++) {
        Davy__Sparkplug__Payload *payload =
            davy__sparkplug__payload__unpack(NULL, births[d].len, (const uint8_t *)births[d].data);
        checksum += (double)payload->n_metrics;
        davy__sparkplug__payload__free_unpacked(payload, NULL);
    }
    return (double)DEVICES * 1e9 / (double)(bench_cpu_ns() - start_ns);
}

static void measure_births(void)
{
    make_site(true);
    make_births();
    const struct bench_pair pair = bench_alternate(ROUNDS, births_by_session, NULL, births_by_tree, NULL);
    bench_print("sparkplug", "births_per_s", pair.ours, "1/s", "a node with %d devices of %d metrics is born and dies",
                DEVICES, PER_DEVICE);
    bench_print("sparkplug", "births_ratio", pair.ratio, "x", "of protobuf-c's trees alone in the same run: %.0f 1/s",
                pair.bare);
}

int main(void)
{
    make_site(false);
    measure(true);
    measure(false);
    measure_births();
    return checksum != 0 && session.counts.gaps == 0 ? 0 : 1;
}
