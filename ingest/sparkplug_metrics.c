/*
 * sparkplug_metrics: from the metrics of one message to samples.
 */
#include "ingest/sparkplug_session.h"

#include <math.h>

static const int64_t grain_ns = NS_PER_MS; /* the finest step between two samples */

int64_t spb_ms_to_ns(uint64_t ms)
{
    return ms <= (uint64_t)(INT64_MAX / NS_PER_MS) ? (int64_t)ms * NS_PER_MS : -1;
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

/* By which time a sample counts for "newest": one far in the future by its receipt. */
static int64_t effective(int64_t time_ns, int64_t seen_ns)
{
    return time_ns - seen_ns > SPB_SKEW_S * NS_PER_S ? seen_ns : time_ns; /* both are after 1970: no overflow */
}

static void note_newest(struct spb_item *item, int64_t time_ns, int64_t seen_ns)
{
    const int64_t counts_ns = effective(time_ns, seen_ns);
    if (counts_ns > item->newest_ns) {
        item->newest_ns = counts_ns;
    }
}

/* A reading that came behind a mark of loss but has an earlier time goes directly behind it: one of a birth always,
 * one of data when the difference is no more than what clocks differ by. */
static int64_t behind_mark(struct spb_item *item, int64_t time_ns, bool birth)
{
    if (!item->marked || time_ns > item->newest_ns) {
        item->marked = false;
        return time_ns;
    }
    if (birth || item->mark_ns - time_ns < 2 * SPB_CLOCK_SLACK_NS) {
        return item->newest_ns + grain_ns;
    }
    return time_ns;
}

/* ---- one metric -------------------------------------------------------------------------------------------------- */

/* Sparkplug's codes are 192 good, 0 bad, 500 stale; those it was taken from count all from 192 to 255 as good. */
static uint16_t quality_status(const struct spb_metric *metric)
{
    if (!metric->has_quality || (metric->quality >= 192 && metric->quality <= 255)) {
        return 0;
    }
    return metric->quality == 500 ? ST_STALE : ST_SENSOR;
}

static void put(const struct spb_reading *reading, uint32_t index, const struct spb_metric *metric, int64_t time_ns,
                double value)
{
    struct spb_item *item = &reading->session->items[index];
    const int64_t seen_ns = reading->message->seen_ns;
    const struct mqtt_message as_taken = {.seen_ns = seen_ns};
    uint16_t status = quality_status(metric);
    if (isnan(value) && status == 0) {
        status = ST_SENSOR;
    }
    if (metric->historical) {
        status |= ST_LATE;
        reading->session->counts.historical++;
    } else {
        time_ns = behind_mark(item, time_ns, reading->birth);
        note_newest(item, time_ns, seen_ns);
        item->lost = false;
    }
    mqtt_put(&reading->session->keys, &as_taken, reading->batch, index, time_ns, value, status);
}

static void aside(const struct spb_reading *reading, const struct spb_metric *metric, const char *reason)
{
    mqtt_aside(reading->batch, reason, metric->offset);
}

/* The item's own metric with a value, a time and a datatype. */
static void put_item(const struct spb_reading *reading, uint32_t index, const struct spb_metric *metric)
{
    const struct spb_item *item = &reading->session->items[index];
    const uint32_t datatype = metric->datatype != SPB_UNKNOWN ? metric->datatype : item->datatype;
    int64_t time_ns = reading->message->seen_ns;
    double value = NAN;
    if (metric->has_time) {
        time_ns = spb_ms_to_ns(metric->time_ms);
    } else if (reading->payload.has_time) {
        time_ns = spb_ms_to_ns(reading->payload.time_ms);
    }
    if (time_ns < 0) {
        aside(reading, metric, "its time is out of reach");
        return;
    }
    const char *reason = spb_metric_value(metric, datatype, &value);
    if (reason != NULL) {
        aside(reading, metric, reason);
        return;
    }
    put(reading, index, metric, time_ns, value);
}

/* ---- births ------------------------------------------------------------------------------------------------------ */

static void bind(const struct spb_reading *reading, const struct spb_metric *metric)
{
    struct spb_session *session = reading->session;
    struct spb_node *node = &session->nodes[session->scopes[reading->scope].node];
    if (metric->name.len == 0) {
        aside(reading, metric, "a metric of a birth has no name");
        return;
    }
    const uint32_t index = spb_item_find(session, reading->scope, metric->name);
    struct spb_item *item = index != SITE_NONE ? &session->items[index] : NULL;
    const bool taken = item != NULL && item->bound && item->scope != reading->scope;
    if (metric->has_alias) {
        session->scopes[reading->scope].has_aliases = true;
        spb_alias_add(node, (struct spb_alias){
                                .alias = metric->alias, .item = taken ? SITE_NONE : index, .scope = reading->scope});
    }
    if (item == NULL) {
        return;
    }
    if (taken) {
        aside(reading, metric, "the key of a point means a metric of the node and one of its device");
        return;
    }
    if (item->scope != reading->scope) {
        spb_item_move(session, index, reading->scope);
    }
    item->datatype = metric->datatype;
    item->bound = true;
    item->seen = session->births;
    put_item(reading, index, metric);
}

/* ---- data -------------------------------------------------------------------------------------------------------- */

/* Gives the item of a metric; SITE_NONE when no point wants it, or it was set aside. */
static uint32_t resolve(const struct spb_reading *reading, const struct spb_metric *metric, const char **ret_fault)
{
    const struct spb_session *session = reading->session;
    if (metric->name.len > 0) {
        const uint32_t index = spb_item_find(session, reading->scope, metric->name);
        if (index == SITE_NONE || session->presume) {
            return index;
        }
        const bool born = session->items[index].bound && session->items[index].scope == reading->scope;
        *ret_fault = born ? NULL : "a metric that was in no birth";
        return index;
    }
    if (!metric->has_alias) {
        *ret_fault = "a metric has neither name nor alias";
        return SITE_NONE;
    }
    if (reading->by_name) {
        *ret_fault = "an alias means nothing without its birth";
        return SITE_NONE;
    }
    const struct spb_node *node = &session->nodes[session->scopes[reading->scope].node];
    const struct spb_alias *alias = spb_alias_find(node, metric->alias);
    if (alias == NULL) {
        *ret_fault = node->aliases_full ? NULL : "an alias that was in no birth";
        return SITE_NONE;
    }
    if (alias->item == SPB_AMBIGUOUS || alias->scope != reading->scope) {
        *ret_fault = "an alias that means two metrics, or one of another device";
        return SITE_NONE;
    }
    return alias->item;
}

static void read_data(const struct spb_reading *reading, const struct spb_metric *metric)
{
    struct spb_session *session = reading->session;
    const char *fault = NULL;
    const uint32_t index = resolve(reading, metric, &fault);
    if (fault != NULL) {
        aside(reading, metric, fault);
        if (!session->presume) {
            spb_want_birth(session, session->scopes[reading->scope].node, reading->message->mono_ns, fault);
        }
    } else if (index != SITE_NONE) {
        put_item(reading, index, metric);
    }
}

void spb_read_metrics(struct spb_reading *reading)
{
    const struct spb_message *message = reading->message;
    struct spb_cursor cursor;
    struct spb_metric metric;
    const char *reason;
    spb_metrics_begin(&cursor, message->payload, message->len);
    while (!reading->batch->stopped && spb_metric_next(&cursor, &metric, &reason)) {
        if (reason != NULL) {
            aside(reading, &metric, reason);
        } else if (reading->birth) {
            bind(reading, &metric);
        } else {
            read_data(reading, &metric);
        }
    }
}

void spb_item_lose(struct spb_session *session, uint32_t index, int64_t time_ns, int64_t seen_ns,
                   struct mqtt_batch *batch)
{
    struct spb_item *item = &session->items[index];
    const struct mqtt_message as_taken = {.seen_ns = seen_ns};
    if (item->lost || batch->stopped) {
        return;
    }
    if (effective(time_ns, seen_ns) <= item->newest_ns) {
        time_ns = item->newest_ns + grain_ns;
    }
    item->lost = true;
    item->marked = true;
    item->mark_ns = time_ns;
    note_newest(item, time_ns, seen_ns);
    mqtt_put(&session->keys, &as_taken, batch, index, time_ns, NAN, SPB_LOST);
}
