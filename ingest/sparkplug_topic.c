/*
 * sparkplug_topic: see sparkplug_topic.h.
 */
#include "ingest/sparkplug_topic.h"

#include <jansson.h>
#include <string.h>

static const char namespace[] = "spBv1.0/";
static const char *const names[SPB_TYPES] = {
    [SPB_NBIRTH] = "NBIRTH", [SPB_NDEATH] = "NDEATH", [SPB_NDATA] = "NDATA",
    [SPB_NCMD] = "NCMD",     [SPB_DBIRTH] = "DBIRTH", [SPB_DDEATH] = "DDEATH",
    [SPB_DDATA] = "DDATA",   [SPB_DCMD] = "DCMD",     [SPB_STATE] = "STATE",
};

/* ---- reading ---- */

static struct spb_span take_level(const char **at, const char *end)
{
    const char *slash = memchr(*at, '/', (size_t)(end - *at));
    const char *stop = slash != NULL ? slash : end;
    const struct spb_span level = {.data = *at, .len = (size_t)(stop - *at)};
    *at = slash != NULL ? slash + 1 : NULL;
    return level;
}

static bool is_word(struct spb_span level, const char *word)
{
    return level.len == strlen(word) && memcmp(level.data, word, level.len) == 0;
}

static enum spb_type find_type(struct spb_span level)
{
    enum spb_type type = SPB_NBIRTH;
    while (type < SPB_STATE && !is_word(level, names[type])) {
        type++;
    }
    return type; /* SPB_STATE: none of the others */
}

const char *spb_topic_read(const char *topic, size_t len, struct spb_topic *ret_topic)
{
    enum { LEVELS = 4 };
    struct spb_span levels[LEVELS + 1] = {{0}};
    struct spb_topic parts = {0};
    size_t n = 0;
    if (len < sizeof namespace - 1 || memcmp(topic, namespace, sizeof namespace - 1) != 0) {
        return "the topic does not begin with spBv1.0/";
    }
    for (const char *at = topic + sizeof namespace - 1; at != NULL && n <= LEVELS; n++) {
        levels[n] = take_level(&at, topic + len);
        if (levels[n].len == 0) {
            return "a level of the topic is empty";
        }
    }
    if (n == 2 && is_word(levels[0], names[SPB_STATE])) {
        *ret_topic = (struct spb_topic){.type = SPB_STATE, .node = levels[1]};
        return NULL;
    }
    if (n < 3 || n > LEVELS) {
        return "the topic has too few or too many levels";
    }
    parts =
        (struct spb_topic){.type = find_type(levels[1]), .group = levels[0], .node = levels[2], .device = levels[3]};
    if (parts.type == SPB_STATE) {
        return "the topic's type is none of Sparkplug B";
    }
    if ((n == LEVELS) != (parts.type >= SPB_DBIRTH)) {
        return n == LEVELS ? "this type has no device in its topic" : "this type has a device in its topic";
    }
    *ret_topic = parts;
    return NULL;
}

/* ---- what a host says ---- */

void spb_write_rebirth_topic(struct buf *buf, const char *group_and_node)
{
    const size_t group = strcspn(group_and_node, "/");
    buf_printf(buf, "%s%.*s/NCMD%s", namespace, (int)group, group_and_node, group_and_node + group);
}

static void add_varint(struct buf *buf, uint64_t value)
{
    do {
        const unsigned char byte = (unsigned char)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        buf_add(buf, &byte, 1);
        value >>= 7;
    } while (value != 0);
}

static void add_whole(struct buf *buf, unsigned number, uint64_t value)
{
    add_varint(buf, number << 3);
    add_varint(buf, value);
}

/* Without seq: commands have none.  By name: this metric has no alias. */
void spb_write_rebirth(struct buf *buf, int64_t time_ms)
{
    static const char name[] = "Node Control/Rebirth";
    struct buf metric = {0};
    add_varint(&metric, 1 << 3 | 2);
    add_varint(&metric, sizeof name - 1);
    buf_add(&metric, name, sizeof name - 1);
    add_whole(&metric, 3, (uint64_t)time_ms);
    add_whole(&metric, 4, SPB_BOOLEAN);
    add_whole(&metric, 14, 1);
    add_whole(buf, 1, (uint64_t)time_ms);
    add_varint(buf, 2 << 3 | 2);
    add_varint(buf, metric.len);
    buf_add(buf, metric.data, metric.len);
    buf_done(&metric);
}

void spb_write_state_topic(struct buf *buf, const char *host_id)
{
    buf_printf(buf, "%s%s/%s", namespace, names[SPB_STATE], host_id);
}

void spb_write_state(struct buf *buf, bool online, int64_t time_ms)
{
    buf_printf(buf, "{\"online\":%s,\"timestamp\":%lld}", online ? "true" : "false", (long long)time_ms);
}

bool spb_write_death_filter(struct buf *buf, const char *filter)
{
    enum { GROUP = 1, TYPE = 2, NODE = 3 };
    struct spb_span levels[NODE + 1] = {{"+", 1}, {"+", 1}, {"+", 1}, {"+", 1}};
    const char *at = filter;
    size_t n = 0;
    bool rest = false; /* a # stands for all that follows */
    for (; at != NULL && n <= NODE && !rest; n++) {
        const struct spb_span level = take_level(&at, filter + strlen(filter));
        rest = is_word(level, "#");
        levels[n] = rest ? levels[n] : level;
    }
    const bool first = is_word(levels[0], "+") || is_word(levels[0], "spBv1.0");
    const bool type = is_word(levels[TYPE], "+") || is_word(levels[TYPE], names[SPB_NDEATH]);
    const bool whole = rest || at == NULL || strcmp(at, "#") == 0; /* not deeper: those are devices */
    if (!first || !type || !whole || (!rest && n <= NODE)) {
        return false;
    }
    buf_printf(buf, "%s%.*s/%s/%.*s", namespace, (int)levels[GROUP].len, levels[GROUP].data, names[SPB_NDEATH],
               (int)levels[NODE].len, levels[NODE].data);
    return true;
}

bool spb_state_is_offline(const char *payload, size_t len)
{
    enum { STATE_BYTES_MAX = 4096 };
    json_t *root = len <= STATE_BYTES_MAX ? json_loadb(payload, len, 0, NULL) : NULL;
    const bool offline = json_is_false(json_object_get(root, "online"));
    json_decref(root);
    return offline;
}
