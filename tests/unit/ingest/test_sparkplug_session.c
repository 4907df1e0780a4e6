/*
 * The session of a Sparkplug B host, message by message.  Names in brackets
 * are assertions of the specification (tck-id-…) that a story shows.
 */
#include "field.h"
#include "ingest/sparkplug_session.h"
#include "payloads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0_MS UINT64_C(1767571230000)
enum { TAKEN_MAX = 4096, NOTES_MAX = 64 };

struct rig {
    struct field *field;
    struct arena arena;
    struct spb_session session;
    struct sample room[8];
    struct sample taken[TAKEN_MAX];
    size_t count; /* since the last look */
    uint64_t aside;
    const char *reason;
    bool jam; /* nothing can be put */
    int64_t mono_ns;
    int64_t seen_ns;
    bool retained;
    char notes[NOTES_MAX][160];
    size_t note_count;
};

static bool on_full(void *self, struct mqtt_batch *batch)
{
    struct rig *rig = self;
    if (rig->jam) {
        return false;
    }
    for (size_t i = 0; i < batch->count; i++) {
        assert_true(rig->count < TAKEN_MAX);
        rig->taken[rig->count++] = batch->samples[i];
    }
    batch->count = 0;
    return true;
}

static void on_told(void *self, enum spb_note note, const char *who, const char *detail)
{
    struct rig *rig = self;
    static const char *const words[] = {"born", "dead", "unsure", "unnamed"};
    if (rig->note_count < NOTES_MAX) {
        (void)snprintf(rig->notes[rig->note_count++], sizeof rig->notes[0], "%s %s %s", words[note], who,
                       detail != NULL ? detail : "");
    }
}

static const char *const all_keys[] = {"G/N/t", "G/N/d/x", "G/N/d/y", "G/M/t"};

static void start(struct rig *rig, const char *const *keys, size_t n)
{
    memset(rig, 0, sizeof *rig);
    rig->field = field_new(64);
    struct site_source *source = field_add_mqtt(rig->field, "mqtt://h", NULL, 0);
    source->format = FORMAT_SPARKPLUG;
    source->host_id = "host";
    source->reorder_ns = 2 * NS_PER_S;
    for (size_t i = 0; i < n; i++) {
        (void)field_add_key(rig->field, keys[i]);
    }
    rig->mono_ns = 100 * NS_PER_S;
    rig->seen_ns = (int64_t)T0_MS * NS_PER_MS;
    arena_init(&rig->arena);
    spb_session_init(&rig->session, &rig->field->site, 0, rig->mono_ns, &rig->arena);
    arena_seal(&rig->arena); /* from here on nothing of the site's size grows */
    rig->session.told = on_told;
    rig->session.told_self = rig;
}

static void stop(struct rig *rig)
{
    spb_session_done(&rig->session);
    arena_done(&rig->arena);
    field_free(rig->field);
}

static struct mqtt_batch batch_of(struct rig *rig)
{
    rig->count = 0;
    return (struct mqtt_batch){.samples = rig->room, .room = 8, .full = on_full, .self = rig};
}

static void settle(struct rig *rig, struct mqtt_batch *batch)
{
    if (!batch->stopped) {
        (void)on_full(rig, batch);
    }
    rig->aside = batch->aside;
    rig->reason = batch->reason;
}

static void pass(struct rig *rig, int64_t ns)
{
    rig->mono_ns += ns;
    rig->seen_ns += ns;
}

/* Lets what is due happen. */
static void tick(struct rig *rig)
{
    struct mqtt_batch batch = batch_of(rig);
    spb_session_tick(&rig->session, rig->seen_ns, rig->mono_ns, &batch);
    settle(rig, &batch);
}

static void say_bytes(struct rig *rig, const char *topic, const char *bytes, size_t len)
{
    struct mqtt_batch batch = batch_of(rig);
    const struct spb_message message = {
        .topic = topic,
        .topic_len = strlen(topic),
        .payload = bytes != NULL ? bytes : "",
        .len = len,
        .retained = rig->retained,
        .seen_ns = rig->seen_ns,
        .mono_ns = rig->mono_ns,
    };
    spb_session_take(&rig->session, &message, &batch);
    settle(rig, &batch);
}

static uint64_t now_ms(const struct rig *rig)
{
    return (uint64_t)(rig->seen_ns / NS_PER_MS);
}

static void say_at(struct rig *rig, const char *topic, uint64_t time_ms, int seq, const struct told *metrics, size_t n)
{
    struct buf buf = {0};
    payload_build(&buf, time_ms, seq, metrics, n);
    say_bytes(rig, topic, buf.data, buf.len);
    buf_done(&buf);
}

static void say(struct rig *rig, const char *topic, int seq, const struct told *metrics, size_t n)
{
    say_at(rig, topic, now_ms(rig), seq, metrics, n);
}

static struct told number(const char *name, uint64_t alias, double value)
{
    return (struct told){.name = name, .alias = alias, .field = VALUE_DOUBLE, .real = value};
}

static struct told born(const char *name, uint64_t alias, double value)
{
    struct told told = number(name, alias, value);
    told.type = SPB_DOUBLE;
    return told;
}

static struct told bdseq(uint64_t value)
{
    return (struct told){.name = "bdSeq", .type = SPB_INT64, .field = VALUE_LONG, .whole = value};
}

static void nbirth(struct rig *rig, uint64_t number_of_session)
{
    const struct told metrics[] = {
        bdseq(number_of_session),
        {.name = "Node Control/Rebirth", .type = SPB_BOOLEAN, .field = VALUE_BOOL},
        born("t", 1, 20),
    };
    say(rig, "spBv1.0/G/NBIRTH/N", 0, metrics, 3);
}

static void dbirth(struct rig *rig, int seq)
{
    const struct told metrics[] = {born("x", 11, 1), born("y", 12, 2), born("unwanted", 13, 3)};
    say(rig, "spBv1.0/G/DBIRTH/N/d", seq, metrics, 3);
}

static void ndata(struct rig *rig, int seq, double value)
{
    const struct told metric = number(NULL, 1, value);
    say(rig, "spBv1.0/G/NDATA/N", seq, &metric, 1);
}

static void ddata(struct rig *rig, int seq, double value)
{
    const struct told metric = number(NULL, 11, value);
    say(rig, "spBv1.0/G/DDATA/N/d", seq, &metric, 1);
}

static void ndeath(struct rig *rig, uint64_t number_of_session)
{
    const struct told metric = bdseq(number_of_session);
    say_at(rig, "spBv1.0/G/NDEATH/N", 0, NO_SEQ, &metric, 1);
}

/* A node and its device, born and at rest; the next seq is 2. */
static void come_up(struct rig *rig)
{
    spb_session_up(&rig->session, rig->mono_ns);
    nbirth(rig, 7);
    dbirth(rig, 1);
    pass(rig, NS_PER_S);
}

static void require_value(const struct rig *rig, size_t i, uint32_t point, double value)
{
    if (i >= rig->count || rig->taken[i].point != point || !(rig->taken[i].value == value)) {
        fail_msg("sample %zu of %zu: point %u value %g, not point %u value %g", i, rig->count,
                 i < rig->count ? rig->taken[i].point : 0, i < rig->count ? rig->taken[i].value : 0, point, value);
    }
}

static unsigned count_lost(const struct rig *rig, uint32_t point)
{
    unsigned lost = 0;
    for (size_t i = 0; i < rig->count; i++) {
        lost += rig->taken[i].point == point && isnan(rig->taken[i].value) && rig->taken[i].status == SPB_LOST;
    }
    return lost;
}

/* The next node that is asked for a rebirth at this moment. */
static const char *asked(struct rig *rig)
{
    const char *who = spb_session_ask(&rig->session, rig->mono_ns);
    return who != NULL ? who : "nobody";
}

/* ---- births and data --------------------------------------------------------------------------------------------- */

/* [payloads-alias-birth-requirement, payloads-alias-data-cmd-requirement, payloads-metric-datatype-not-req] */
static void births_give_values_and_aliases_name_them_later(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    spb_session_up(&rig.session, rig.mono_ns);
    nbirth(&rig, 7);
    assert_int_equal(rig.count, 1);
    require_value(&rig, 0, 0, 20);
    assert_true(rig.taken[0].time_ns == (int64_t)T0_MS * NS_PER_MS && rig.taken[0].status == 0);
    dbirth(&rig, 1);
    assert_int_equal(rig.count, 2);
    require_value(&rig, 0, 1, 1);
    require_value(&rig, 1, 2, 2);
    ndata(&rig, 2, 21.5);
    require_value(&rig, 0, 0, 21.5);
    ddata(&rig, 3, 1.25);
    require_value(&rig, 0, 1, 1.25);
    const struct told unwanted = number(NULL, 13, 4);
    say(&rig, "spBv1.0/G/DDATA/N/d", 4, &unwanted, 1);
    assert_true(rig.count == 0 && rig.aside == 0);
    const struct told by_name = number("y", 0, 2.5);
    say(&rig, "spBv1.0/G/DDATA/N/d", 5, &by_name, 1);
    require_value(&rig, 0, 2, 2.5);
    assert_int_equal(rig.session.online, 1);
    stop(&rig);
}

/* [payloads-metric-timestamp-in-UTC, payloads-timestamp-in-UTC] */
static void a_reading_has_the_time_of_its_metric_then_of_its_payload_then_of_receipt(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    struct told metric = number(NULL, 1, 1);
    metric.time_ms = T0_MS + 600;
    say(&rig, "spBv1.0/G/NDATA/N", 2, &metric, 1);
    assert_true(rig.taken[0].time_ns == (int64_t)(T0_MS + 600) * NS_PER_MS);
    metric.time_ms = 0;
    say_at(&rig, "spBv1.0/G/NDATA/N", T0_MS + 700, 3, &metric, 1);
    assert_true(rig.taken[0].time_ns == (int64_t)(T0_MS + 700) * NS_PER_MS);
    say_at(&rig, "spBv1.0/G/NDATA/N", 0, 4, &metric, 1);
    assert_true(rig.taken[0].time_ns == rig.seen_ns);
    metric.time_ms = UINT64_MAX;
    say(&rig, "spBv1.0/G/NDATA/N", 5, &metric, 1);
    assert_true(rig.count == 0 && rig.aside == 1);
    stop(&rig);
}

static void null_and_quality_become_status(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    struct told metrics[] = {number(NULL, 1, 1), number(NULL, 1, 2), number(NULL, 1, 3), number(NULL, 1, 4),
                             number(NULL, 1, 5)};
    metrics[0].null = true;
    metrics[1].quality = 192;
    metrics[2].quality = -1;
    metrics[3].quality = 500;
    metrics[4].quality = 17;
    say(&rig, "spBv1.0/G/NDATA/N", 2, metrics, 5);
    assert_int_equal(rig.count, 5);
    assert_true(isnan(rig.taken[0].value) && rig.taken[0].status == ST_SENSOR);
    assert_true(rig.taken[1].value == 2 && rig.taken[1].status == 0);
    assert_true(rig.taken[2].value == 3 && rig.taken[2].status == ST_SENSOR);
    assert_true(rig.taken[3].value == 4 && rig.taken[3].status == ST_STALE);
    assert_true(rig.taken[4].value == 5 && rig.taken[4].status == ST_SENSOR);
    stop(&rig);
}

/* A historical value is late even when nothing newer is there: it is never judged. */
static void historical_values_are_late_by_their_own_time(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    struct told metrics[] = {number(NULL, 1, 5), number(NULL, 1, 6), number(NULL, 1, 7)};
    metrics[0].historical = metrics[1].historical = true;
    metrics[0].time_ms = T0_MS + 500;
    metrics[1].time_ms = T0_MS + 900000;
    say(&rig, "spBv1.0/G/NDATA/N", 2, metrics, 3);
    assert_int_equal(rig.count, 3);
    assert_true(rig.taken[0].status == ST_LATE && rig.taken[1].status == ST_LATE && rig.taken[2].status == 0);
    assert_true(rig.taken[1].time_ns == (int64_t)(T0_MS + 900000) * NS_PER_MS);
    assert_true(rig.taken[2].time_ns == rig.seen_ns); /* the future history moved nothing */
    assert_int_equal(rig.session.counts.historical, 2);
    stop(&rig);
}

static void what_is_no_value_is_set_aside_and_the_rest_taken(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    const struct told metrics[] = {{.name = "x", .type = SPB_STRING, .field = VALUE_TEXT, .text = "open"},
                                   {.field = VALUE_INT, .whole = 1},
                                   number("y", 0, 3)};
    say(&rig, "spBv1.0/G/DDATA/N/d", 2, metrics, 3);
    assert_int_equal(rig.count, 1);
    require_value(&rig, 0, 2, 3);
    assert_int_equal(rig.aside, 2);
    assert_string_equal(rig.reason, "a text is not a value");
    stop(&rig);
}

static void the_name_of_a_metric_may_hold_slashes(void **state)
{
    static const char *const keys[] = {"G/N/Inputs/A", "G/N/d/Outputs/B/C"};
    (void)state;
    struct rig rig;
    start(&rig, keys, 2);
    spb_session_up(&rig.session, rig.mono_ns);
    const struct told node = born("Inputs/A", 0, 5);
    say(&rig, "spBv1.0/G/NBIRTH/N", 0, &node, 1);
    require_value(&rig, 0, 0, 5);
    const struct told device = born("Outputs/B/C", 0, 6);
    say(&rig, "spBv1.0/G/DBIRTH/N/d", 1, &device, 1);
    require_value(&rig, 0, 1, 6);
    pass(&rig, SPB_PATIENCE_NS);
    rig.note_count = 0;
    tick(&rig); /* "G/N/Inputs" is no device, so its birth is not missed */
    assert_int_equal(rig.count, 0);
    assert_int_equal(rig.note_count, 0);
    const struct told twin = born("A", 0, 7); /* and when there is one, the key is not mixed up */
    say(&rig, "spBv1.0/G/DBIRTH/N/Inputs", 2, &twin, 1);
    assert_true(rig.count == 0 && rig.aside == 1);
    stop(&rig);
}

static void an_alias_given_twice_means_nothing(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    spb_session_up(&rig.session, rig.mono_ns);
    nbirth(&rig, 7);
    const struct told metrics[] = {born("x", 5, 1), born("y", 5, 2)};
    say(&rig, "spBv1.0/G/DBIRTH/N/d", 1, metrics, 2);
    const struct told data = number(NULL, 5, 9);
    say(&rig, "spBv1.0/G/DDATA/N/d", 2, &data, 1);
    assert_true(rig.count == 0 && rig.aside == 1);
    stop(&rig);
}

static void an_alias_of_another_device_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    const struct told data = number(NULL, 11, 9); /* x of d, said by the node */
    say(&rig, "spBv1.0/G/NDATA/N", 2, &data, 1);
    assert_true(rig.count == 0 && rig.aside == 1);
    stop(&rig);
}

/* What births gave so far: which device has an alias, how many metrics. */
enum { MANY_DEVICES = 12, MANY_METRICS = 4, MANY_ALIASES = 64 };
struct given {
    unsigned device, metric, times;
};

static void forget_device(struct given *given, unsigned device)
{
    for (unsigned a = 0; a < MANY_ALIASES; a++) {
        if (given[a].times == 1 && given[a].device == device) {
            given[a].times = 0;
        }
    }
}

/* A device is born with aliases that nobody has, from a place of its own or any. */
static void bear_device(struct rig *rig, int seq, unsigned device, struct given *given)
{
    static const char *const names[MANY_METRICS] = {"a", "b", "c", "d"};
    char topic[64];
    struct told metrics[MANY_METRICS];
    forget_device(given, device);
    for (unsigned k = 0; k < MANY_METRICS; k++) {
        unsigned alias = (unsigned)rand() % MANY_ALIASES;
        while (given[alias].times > 0) {
            alias = (alias + 1) % MANY_ALIASES;
        }
        given[alias] = (struct given){.device = device, .metric = k, .times = 1};
        metrics[k] = born(names[k], 100 + alias, 1);
    }
    (void)snprintf(topic, sizeof topic, "spBv1.0/G/DBIRTH/N/d%u", device);
    say(rig, topic, seq, metrics, MANY_METRICS);
    assert_int_equal(rig->count, MANY_METRICS);
}

static void each_alias_means_what_its_device_was_born_with(void **state)
{
    static char keys[MANY_DEVICES * MANY_METRICS][16];
    const char *list[MANY_DEVICES * MANY_METRICS];
    struct given given[MANY_ALIASES] = {0};
    struct rig rig;
    int seq = 1;
    (void)state;
    for (unsigned i = 0; i < MANY_DEVICES * MANY_METRICS; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "G/N/d%u/%c", i / MANY_METRICS, "abcd"[i % MANY_METRICS]);
        list[i] = keys[i];
    }
    srand(10);
    start(&rig, list, MANY_DEVICES * MANY_METRICS);
    spb_session_up(&rig.session, rig.mono_ns);
    nbirth(&rig, 7);
    for (unsigned round = 0; round < 200; round++) { /* in no order, some again */
        bear_device(&rig, seq++ % 256,
                    round < MANY_DEVICES ? MANY_DEVICES - 1 - round : (unsigned)rand() % MANY_DEVICES, given);
        for (unsigned a = 0; a < MANY_ALIASES; a++) {
            if (given[a].times == 0) {
                continue;
            }
            char topic[64];
            const struct told data = number(NULL, 100 + a, round + 0.5);
            pass(&rig, NS_PER_MS);
            (void)snprintf(topic, sizeof topic, "spBv1.0/G/DDATA/N/d%u", given[a].device);
            say(&rig, topic, seq++ % 256, &data, 1);
            require_value(&rig, 0, given[a].device * MANY_METRICS + given[a].metric, round + 0.5);
        }
    }
    stop(&rig);
}

/* Two devices that share an alias: neither may use it, whoever was born first. */
static void an_alias_of_two_devices_means_nothing(void **state)
{
    static const char *const keys[] = {"G/N/d/x", "G/N/e/x"};
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct rig rig;
        start(&rig, keys, 2);
        spb_session_up(&rig.session, rig.mono_ns);
        nbirth(&rig, 7);
        const struct told shared[] = {born("x", 5, 1), born("other", 20 + (uint64_t)turn, 1)};
        const struct told second[] = {born("other", 20 + (uint64_t)(1 - turn), 1), born("x", 5, 1)};
        say(&rig, turn == 0 ? "spBv1.0/G/DBIRTH/N/d" : "spBv1.0/G/DBIRTH/N/e", 1, shared, 2);
        say(&rig, turn == 0 ? "spBv1.0/G/DBIRTH/N/e" : "spBv1.0/G/DBIRTH/N/d", 2, second, 2);
        const struct told data = number(NULL, 5, 9);
        say(&rig, "spBv1.0/G/DDATA/N/d", 3, &data, 1);
        assert_true(rig.count == 0 && rig.aside == 1);
        stop(&rig);
    }
}

/* Metrics that looked like a device's are the node's once it is born, and are lost with it. */
static void metrics_that_change_hands_are_lost_once(void **state)
{
    static const char *const keys[] = {"G/N/d/x", "G/N/d/y", "G/N/d/z", "G/N/t"};
    (void)state;
    struct rig rig;
    start(&rig, keys, 4);
    spb_session_up(&rig.session, rig.mono_ns);
    const struct told node[] = {born("d/y", 0, 2), born("t", 0, 4), born("d/x", 0, 1)};
    say(&rig, "spBv1.0/G/NBIRTH/N", 0, node, 3);
    assert_int_equal(rig.count, 3);
    const struct told device = born("z", 0, 3);
    say(&rig, "spBv1.0/G/DBIRTH/N/d", 1, &device, 1);
    require_value(&rig, 0, 2, 3);
    say(&rig, "spBv1.0/G/DDEATH/N/d", 2, NULL, 0);
    assert_true(rig.count == 1 && count_lost(&rig, 2) == 1);
    pass(&rig, NS_PER_S);
    ndeath(&rig, 7);
    assert_int_equal(rig.count, 3);
    for (uint32_t point = 0; point < 4; point++) {
        assert_int_equal(count_lost(&rig, point), point != 2);
    }
    stop(&rig);
}

/* ---- deaths ------------------------------------------------------------------------------------------------------ */

/* [operational-behavior-edge-node-termination-host-action-ndeath-node-offline, -node-tags-stale, -devices-offline,
 * -devices-tags-stale] */
static void a_dead_node_takes_all_its_points_along(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    ndeath(&rig, 7);
    assert_int_equal(rig.count, 3);
    for (uint32_t point = 0; point < 3; point++) {
        assert_int_equal(count_lost(&rig, point), 1);
        assert_true(rig.taken[point].time_ns == rig.seen_ns); /* the host's own time */
    }
    assert_int_equal(rig.session.online, 0);
    ndeath(&rig, 7);
    assert_int_equal(rig.count, 0); /* once is enough */
    stop(&rig);
}

/* [payloads-ndeath-bdseq, topics-nbirth-bdseq-matching] */
static void the_death_of_an_earlier_session_is_passed_over(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    ndeath(&rig, 6);
    assert_true(rig.count == 0 && rig.aside == 1);
    assert_int_equal(rig.session.online, 1);
    stop(&rig);
}

/* [operational-behavior-edge-node-termination-host-action-ddeath-devices-offline, -devices-tags-stale] */
static void a_dead_device_takes_only_its_own_points_at_the_time_it_says(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    say_at(&rig, "spBv1.0/G/DDEATH/N/d", T0_MS + 400, 2, NULL, 0);
    assert_int_equal(rig.count, 2);
    assert_int_equal(count_lost(&rig, 1) + count_lost(&rig, 2), 2);
    assert_true(rig.taken[0].time_ns == (int64_t)(T0_MS + 400) * NS_PER_MS);
    ndata(&rig, 3, 22);
    require_value(&rig, 0, 0, 22); /* the node goes on */
    ddata(&rig, 4, 1);
    assert_true(rig.count == 0 && rig.aside == 1); /* a dead device says nothing */
    assert_string_equal(asked(&rig), "G/N");
    stop(&rig);
}

/* The clock of a node may be ahead of ours: its loss must still be its newest sample. */
static void a_loss_is_newer_than_whatever_came_before(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    struct told metric = number(NULL, 1, 1);
    metric.time_ms = now_ms(&rig) + 30000;
    say(&rig, "spBv1.0/G/NDATA/N", 2, &metric, 1);
    ndeath(&rig, 7);
    assert_true(rig.taken[0].point == 0 && rig.taken[0].time_ns == ((int64_t)metric.time_ms + 1) * NS_PER_MS);
    stop(&rig);
}

/* The clock of a node may be behind ours: what it says after its next birth must not be late. */
static void a_loss_is_told_by_the_clock_of_its_node(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    const uint64_t behind_ms = 300000;
    const struct told birth = born("t", 1, 20);
    spb_session_up(&rig.session, rig.mono_ns);
    say_at(&rig, "spBv1.0/G/NBIRTH/N", now_ms(&rig) - behind_ms, 0, &birth, 1);
    pass(&rig, 5 * NS_PER_S);
    ndeath(&rig, 7);
    const int64_t lost_ns = rig.taken[0].time_ns;
    assert_true(lost_ns == rig.seen_ns - (int64_t)behind_ms * NS_PER_MS);
    pass(&rig, NS_PER_S);
    say_at(&rig, "spBv1.0/G/NBIRTH/N", now_ms(&rig) - behind_ms, 0, &birth, 1);
    assert_true(rig.count == 1 && rig.taken[0].time_ns > lost_ns && rig.taken[0].value == 20);
    stop(&rig);
}

/* A birth restates values that changed long ago; they are the newest all the same. */
static void a_birth_after_a_loss_gives_the_value_back(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    ndeath(&rig, 7);
    const int64_t lost_ns = rig.taken[0].time_ns;
    pass(&rig, NS_PER_S);
    struct told birth[] = {bdseq(8), born("t", 1, 20)};
    birth[1].time_ms = T0_MS - 3600000;
    say(&rig, "spBv1.0/G/NBIRTH/N", 0, birth, 2);
    require_value(&rig, 0, 0, 20);
    assert_true(rig.taken[0].time_ns == lost_ns + NS_PER_MS);
    ndata(&rig, 1, 23);
    assert_true(rig.taken[0].time_ns == rig.seen_ns); /* from now on by its own time */
    stop(&rig);
}

static void a_metric_that_a_birth_no_longer_has_is_lost_and_told(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    const struct told only = born("x", 11, 1);
    rig.note_count = 0;
    say(&rig, "spBv1.0/G/DBIRTH/N/d", 2, &only, 1);
    assert_int_equal(count_lost(&rig, 2), 1);
    assert_string_equal(rig.notes[0], "unnamed G/N/d G/N/d/y");
    stop(&rig);
}

static void without_a_birth_all_is_lost_after_a_while(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    spb_session_up(&rig.session, rig.mono_ns);
    nbirth(&rig, 7); /* but its device stays away, and so does the other node */
    pass(&rig, SPB_PATIENCE_NS - NS_PER_MS);
    tick(&rig);
    assert_int_equal(rig.count, 0);
    assert_true(rig.session.due_ns <= rig.mono_ns + NS_PER_MS);
    pass(&rig, NS_PER_MS);
    tick(&rig);
    assert_int_equal(count_lost(&rig, 0), 0);
    assert_int_equal(count_lost(&rig, 1) + count_lost(&rig, 2) + count_lost(&rig, 3), 3);
    tick(&rig);
    assert_int_equal(rig.count, 0);
    stop(&rig);
}

static void without_the_broker_nothing_is_known(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    struct mqtt_batch batch = batch_of(&rig);
    spb_session_down(&rig.session, rig.seen_ns, &batch);
    settle(&rig, &batch);
    assert_int_equal(rig.count, 4);
    ndata(&rig, 2, 1);
    assert_true(rig.count == 0 && rig.aside == 1);
    assert_string_equal(asked(&rig), "nobody"); /* nobody can be reached */
    spb_session_up(&rig.session, rig.mono_ns);
    assert_string_equal(asked(&rig), "G/N");
    pass(&rig, NS_PER_S / 10);
    assert_string_equal(asked(&rig), "G/M");
    nbirth(&rig, 7);
    require_value(&rig, 0, 0, 20);
    stop(&rig);
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

static void seq_goes_round_at_256(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    for (int i = 2; i < 600; i++) {
        pass(&rig, NS_PER_MS);
        ndata(&rig, i % 256, i);
        require_value(&rig, 0, 0, i);
    }
    assert_int_equal(rig.session.counts.gaps, 0);
    assert_string_equal(asked(&rig), "G/M"); /* the node that was never born, nobody else */
    assert_string_equal(asked(&rig), "nobody");
    stop(&rig);
}

/* [operational-behavior-host-reordering-start, -success] */
static void messages_that_changed_places_are_put_in_order(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    ndata(&rig, 4, 4);
    ndata(&rig, 3, 3);
    assert_int_equal(rig.count, 0);
    assert_true(rig.session.due_ns <= rig.mono_ns + 2 * NS_PER_S);
    pass(&rig, NS_PER_S);
    ndata(&rig, 2, 2);
    assert_int_equal(rig.count, 3);
    require_value(&rig, 0, 0, 2);
    require_value(&rig, 1, 0, 3);
    require_value(&rig, 2, 0, 4);
    pass(&rig, 2 * NS_PER_S);
    tick(&rig); /* the timer was ended */
    assert_int_equal(rig.session.counts.gaps, 0);
    ndata(&rig, 5, 5);
    require_value(&rig, 0, 0, 5);
    stop(&rig);
}

/* [operational-behavior-host-reordering-rebirth] */
static void what_stays_missing_is_asked_for_and_only_names_count_meanwhile(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 3);
    come_up(&rig);
    (void)asked(&rig);
    ndata(&rig, 3, 3);
    const struct told by_name = number("t", 0, 4);
    say(&rig, "spBv1.0/G/NDATA/N", 4, &by_name, 1);
    pass(&rig, 2 * NS_PER_S);
    tick(&rig);
    assert_int_equal(rig.count, 1); /* the alias may mean something else by now */
    require_value(&rig, 0, 0, 4);
    assert_int_equal(rig.aside, 1);
    assert_int_equal(rig.session.counts.gaps, 1);
    assert_string_equal(asked(&rig), "G/N");
    ndata(&rig, 5, 5);
    assert_true(rig.count == 0 && rig.aside == 1);
    nbirth(&rig, 7);
    dbirth(&rig, 1);
    ndata(&rig, 2, 6);
    require_value(&rig, 0, 0, 6);
    assert_string_equal(asked(&rig), "nobody");
    stop(&rig);
}

static void too_many_waiting_messages_end_the_wait(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    size_t taken = 0;
    for (int i = 0; i < SPB_HELD_MAX + 1; i++) {
        const struct told by_name = number("t", 0, i);
        pass(&rig, NS_PER_MS);
        say(&rig, "spBv1.0/G/NDATA/N", 3 + i, &by_name, 1);
        taken += rig.count;
    }
    assert_int_equal(taken, SPB_HELD_MAX + 1);
    for (size_t i = 1; i < rig.count; i++) {
        assert_true(rig.taken[i - 1].time_ns < rig.taken[i].time_ns); /* in the order of their seq */
    }
    stop(&rig);
}

static void repeats_are_dropped(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    ndata(&rig, 2, 2);
    ndata(&rig, 2, 2);
    assert_int_equal(rig.count, 0);
    ndata(&rig, 4, 4);
    ndata(&rig, 4, 4);
    ndata(&rig, 3, 3);
    assert_int_equal(rig.count, 2);
    assert_int_equal(rig.session.counts.repeats, 2);
    stop(&rig);
}

/* The first data of a birth may overtake it. */
static void data_that_overtook_its_birth_waits_for_it(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 4);
    come_up(&rig);
    pass(&rig, NS_PER_MS);
    const uint64_t birth_ms = now_ms(&rig);
    const struct told data = number(NULL, 9, 30);
    say_at(&rig, "spBv1.0/G/NDATA/N", birth_ms + 1, 1, &data, 1);
    assert_int_equal(rig.count, 0);
    const struct told birth[] = {bdseq(8), born("t", 9, 29)};
    say_at(&rig, "spBv1.0/G/NBIRTH/N", birth_ms, 0, birth, 2);
    assert_int_equal(rig.count, 2);
    require_value(&rig, 0, 0, 29);
    require_value(&rig, 1, 0, 30);
    stop(&rig);
}

/* ---- rebirths ---------------------------------------------------------------------------------------------------- */

struct cause {
    const char *what;
    const char *topic;
    int seq;
    struct told metric;
};

/* [operational-behavior-data-commands-rebirth-*, and the errors a host may find in the stream] */
static void whatever_is_not_understood_asks_for_a_rebirth(void **state)
{
    (void)state;
    const struct cause causes[] = {
        {"an unknown alias", "spBv1.0/G/NDATA/N", 2, number(NULL, 99, 1)},
        {"a device without birth", "spBv1.0/G/DDATA/N/d", 2, number("x", 0, 1)},
        {"a metric without birth", "spBv1.0/G/NDATA/N", 2, number("d/x", 0, 1)},
    };
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        struct rig rig;
        start(&rig, all_keys, 3);
        spb_session_up(&rig.session, rig.mono_ns);
        (void)asked(&rig);
        nbirth(&rig, 7);
        say(&rig, "spBv1.0/G/DDATA/N/other", 1, NULL, 0);
        pass(&rig, 60 * NS_PER_S);
        say(&rig, causes[i].topic, causes[i].seq, &causes[i].metric, 1);
        if (rig.count != 0 || rig.aside != 1 || strcmp(asked(&rig), "G/N") != 0) {
            fail_msg("%s: %zu samples, %s", causes[i].what, rig.count, rig.reason != NULL ? rig.reason : "no reason");
        }
        stop(&rig);
    }
}

/* However often a node gives cause, it is asked at most once a second, then less and less often. */
static void requests_back_off(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 3);
    come_up(&rig);
    unsigned requests = 0;
    for (int ms = 0; ms < 60000; ms += 10) {
        const struct told unknown = number(NULL, 99, 1);
        const int seq = 2;
        nbirth(&rig, 7);
        dbirth(&rig, 1);
        say(&rig, "spBv1.0/G/NDATA/N", seq, &unknown, 1);
        requests += spb_session_ask(&rig.session, rig.mono_ns) != NULL;
        pass(&rig, 10 * NS_PER_MS);
    }
    assert_true(requests >= 4 && requests <= 8); /* 0, 1, 3, 7, 15, 31 s, a quarter more or less */
    stop(&rig);
}

static void a_request_without_answer_is_repeated(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 1);
    spb_session_up(&rig.session, rig.mono_ns);
    unsigned requests = 0;
    for (int s = 0; s < 30; s++) {
        requests += strcmp(asked(&rig), "G/N") == 0;
        pass(&rig, NS_PER_S);
    }
    assert_true(requests >= 3 && requests <= 6);
    ndata(&rig, 5, 1); /* it lives: asked at once, and then by the same rule */
    assert_string_equal(asked(&rig), "G/N");
    pass(&rig, NS_PER_S / 2);
    ndata(&rig, 6, 1);
    assert_string_equal(asked(&rig), "nobody");
    stop(&rig);
}

/* [operational-behavior-host-reordering-param] and a dead node is left in peace */
static void a_dead_node_is_not_asked(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 3);
    come_up(&rig);
    ndeath(&rig, 7);
    pass(&rig, 600 * NS_PER_S);
    assert_string_equal(asked(&rig), "nobody");
    ndata(&rig, 2, 1); /* it is not dead after all */
    assert_string_equal(asked(&rig), "G/N");
    stop(&rig);
}

/* ---- what is not for us ------------------------------------------------------------------------------------------ */

/* [message-flow-hid-sparkplug-state-message-delivered] */
static void our_own_state_is_said_again_when_somebody_says_offline(void **state)
{
    static const char offline[] = "{\"online\":false,\"timestamp\":1}";
    static const char online[] = "{\"online\":true,\"timestamp\":1}";
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 1);
    say_bytes(&rig, "spBv1.0/STATE/other", offline, sizeof offline - 1);
    say_bytes(&rig, "spBv1.0/STATE/host", online, sizeof online - 1);
    assert_false(rig.session.state_again);
    rig.retained = true;
    say_bytes(&rig, "spBv1.0/STATE/host", offline, sizeof offline - 1);
    assert_true(rig.session.state_again);
    stop(&rig);
}

static void other_messages_are_passed_over_or_set_aside(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 3);
    come_up(&rig);
    const struct told metric = number("t", 0, 1);
    say(&rig, "spBv1.0/G/NDATA/stranger", 0, &metric, 1);
    assert_true(rig.count == 0 && rig.aside == 0 && rig.session.counts.foreign == 1);
    say(&rig, "spBv1.0/G/NCMD/N", NO_SEQ, &metric, 1);
    assert_true(rig.count == 0 && rig.aside == 0);
    say(&rig, "davy/v1/x", 0, &metric, 1);
    assert_int_equal(rig.aside, 1);
    say(&rig, "spBv1.0/G/NDATA/N", 256, &metric, 1);
    assert_int_equal(rig.aside, 1);
    say_bytes(&rig, "spBv1.0/G/NDATA/N", "\x0A\xFF", 2);
    assert_int_equal(rig.aside, 1);
    rig.retained = true;
    nbirth(&rig, 9);
    assert_true(rig.count == 0 && rig.aside == 1);
    rig.retained = false;
    ndata(&rig, 2, 2); /* and none of them was in the order */
    require_value(&rig, 0, 0, 2);
    stop(&rig);
}

static void what_could_not_be_put_is_made_good(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 3);
    come_up(&rig);
    (void)asked(&rig);
    struct told many[9];
    for (size_t i = 0; i < 9; i++) {
        many[i] = number(NULL, 1, (double)i);
    }
    rig.jam = true;
    say(&rig, "spBv1.0/G/NDATA/N", 2, many, 9);
    spb_session_spoilt(&rig.session, rig.mono_ns);
    assert_string_equal(asked(&rig), "G/N");
    rig.jam = false;
    nbirth(&rig, 7);
    require_value(&rig, 0, 0, 20);
    rig.jam = true;
    ndeath(&rig, 7); /* its marks do not get through … */
    spb_session_spoilt(&rig.session, rig.mono_ns);
    rig.jam = false;
    assert_true(rig.session.due_ns <= rig.mono_ns);
    tick(&rig); /* … and are put again */
    assert_int_equal(count_lost(&rig, 0) + count_lost(&rig, 1) + count_lost(&rig, 2), 3);
    stop(&rig);
}

/* After a restart of ours the newest of a point may be a mark of loss of the run before. */
static void what_the_store_remembers_is_gone_on_from(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 1);
    const int64_t lost_ns = rig.seen_ns - NS_PER_S;
    spb_session_recall(&rig.session, 0, lost_ns, SPB_LOST);
    spb_session_up(&rig.session, rig.mono_ns);
    struct told birth = born("t", 1, 20);
    birth.time_ms = T0_MS - 3600000;
    say(&rig, "spBv1.0/G/NBIRTH/N", 0, &birth, 1);
    assert_true(rig.count == 1 && rig.taken[0].time_ns == lost_ns + NS_PER_MS);
    stop(&rig);
}

static void aliases_beyond_the_bound_are_not_asked_for(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, all_keys, 1);
    spb_session_up(&rig.session, rig.mono_ns);
    (void)asked(&rig);
    const size_t n = SPB_ALIASES_MAX + 10;
    struct told *metrics = calloc(n, sizeof *metrics);
    assert_non_null(metrics);
    for (size_t i = 0; i < n; i++) {
        metrics[i] = (struct told){.name = "u", .alias = i + 1, .type = SPB_INT32, .field = VALUE_INT};
    }
    metrics[0].name = "t";
    say(&rig, "spBv1.0/G/NBIRTH/N", 0, metrics, n);
    free(metrics);
    const struct told last = {.alias = n, .field = VALUE_INT, .whole = 5};
    say(&rig, "spBv1.0/G/NDATA/N", 1, &last, 1);
    assert_true(rig.count == 0 && rig.aside == 0);
    const struct told first = {.alias = 1, .field = VALUE_INT, .whole = 5};
    say(&rig, "spBv1.0/G/NDATA/N", 2, &first, 1);
    require_value(&rig, 0, 0, 5);
    assert_string_equal(asked(&rig), "nobody");
    stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(births_give_values_and_aliases_name_them_later),
        cmocka_unit_test(a_reading_has_the_time_of_its_metric_then_of_its_payload_then_of_receipt),
        cmocka_unit_test(null_and_quality_become_status),
        cmocka_unit_test(historical_values_are_late_by_their_own_time),
        cmocka_unit_test(what_is_no_value_is_set_aside_and_the_rest_taken),
        cmocka_unit_test(the_name_of_a_metric_may_hold_slashes),
        cmocka_unit_test(an_alias_given_twice_means_nothing),
        cmocka_unit_test(an_alias_of_another_device_is_refused),
        cmocka_unit_test(each_alias_means_what_its_device_was_born_with),
        cmocka_unit_test(an_alias_of_two_devices_means_nothing),
        cmocka_unit_test(metrics_that_change_hands_are_lost_once),
        cmocka_unit_test(a_dead_node_takes_all_its_points_along),
        cmocka_unit_test(the_death_of_an_earlier_session_is_passed_over),
        cmocka_unit_test(a_dead_device_takes_only_its_own_points_at_the_time_it_says),
        cmocka_unit_test(a_loss_is_newer_than_whatever_came_before),
        cmocka_unit_test(a_loss_is_told_by_the_clock_of_its_node),
        cmocka_unit_test(a_birth_after_a_loss_gives_the_value_back),
        cmocka_unit_test(a_metric_that_a_birth_no_longer_has_is_lost_and_told),
        cmocka_unit_test(without_a_birth_all_is_lost_after_a_while),
        cmocka_unit_test(without_the_broker_nothing_is_known),
        cmocka_unit_test(seq_goes_round_at_256),
        cmocka_unit_test(messages_that_changed_places_are_put_in_order),
        cmocka_unit_test(what_stays_missing_is_asked_for_and_only_names_count_meanwhile),
        cmocka_unit_test(too_many_waiting_messages_end_the_wait),
        cmocka_unit_test(repeats_are_dropped),
        cmocka_unit_test(data_that_overtook_its_birth_waits_for_it),
        cmocka_unit_test(whatever_is_not_understood_asks_for_a_rebirth),
        cmocka_unit_test(requests_back_off),
        cmocka_unit_test(a_request_without_answer_is_repeated),
        cmocka_unit_test(a_dead_node_is_not_asked),
        cmocka_unit_test(our_own_state_is_said_again_when_somebody_says_offline),
        cmocka_unit_test(other_messages_are_passed_over_or_set_aside),
        cmocka_unit_test(what_could_not_be_put_is_made_good),
        cmocka_unit_test(what_the_store_remembers_is_gone_on_from),
        cmocka_unit_test(aliases_beyond_the_bound_are_not_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
