/* metrics: see metrics.h; the counters.  What is counted at the moment is metrics_now.c. */
#include "console/metrics.h"

#include "base/memory.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct row {
    char *name;   /* owned, like labels */
    char *labels; /* key="value",… or "" */
    const struct counter *counter;
    double scale;
    bool gauge;
    size_t order; /* as they were made */
};

struct metrics_index {
    struct row *rows;
    size_t count;
};

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void put_escaped(struct buf *out, const char *text, size_t len, bool quoted)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n') {
            buf_text(out, "\\n");
        } else if (text[i] == '\\' || (quoted && text[i] == '"')) {
            const char pair[2] = {'\\', text[i]};
            buf_add(out, pair, 2);
        } else {
            buf_add(out, &text[i], 1);
        }
    }
}

void metrics_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s ", name);
    put_escaped(out, help, strlen(help), false);
    buf_printf(out, "\n# TYPE %s %s\n", name, type);
}

void metrics_sample(struct buf *out, const char *name, const char *labels, double value)
{
    buf_text(out, name);
    if (labels[0] != '\0') {
        buf_printf(out, "{%s}", labels);
    }
    buf_add(out, " ", 1);
    buf_number(out, value);
    buf_add(out, "\n", 1);
}

void metrics_label(struct buf *out, const char *key, const char *value, size_t len)
{
    buf_printf(out, "%s%s=\"", out->len > 0 ? "," : "", key);
    put_escaped(out, value, len, true);
    buf_add(out, "\"", 1);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* The words that end the names of what can fall; all else only rises. */
static bool is_gauge(const char *word)
{
    static const char *const words[] = {
        "connected", "state",       "exception",  "online",         "waiting",        "ahead_ms",     "behind_ms",
        "silent_s",  "behind",      "faster",     "latency_p50_us", "latency_p99_us", "raised_10min", "chattering",
        "standing",  "open_blocks", "pool_bytes", "log_bytes",      "connections",    "streams",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The source or sink whose id the name goes on with, up to a dot: the longest, as ids may hold dots themselves. */
static size_t id_len(const char *rest, const char *const *ids, size_t count)
{
    size_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t len = strlen(ids[i]);
        if (len > longest && strncmp(rest, ids[i], len) == 0 && rest[len] == '.') {
            longest = len;
        }
    }
    return longest;
}

/* All sources and sinks by their ids. */
struct ids {
    const char **sources, **sinks;
    size_t source_count, sink_count;
};

static bool begins(const char *name, const char *prefix, const char **ret_rest)
{
    const size_t len = strlen(prefix);
    *ret_rest = name + len;
    return strncmp(name, prefix, len) == 0;
}

/* The number that the name goes on with, up to a dot; 0: none. */
static size_t digits_len(const char *rest)
{
    const size_t len = strspn(rest, "0123456789");
    return rest[len] == '.' ? len : 0;
}

/* Takes what is a label off a counter's name; gives the words in front of the rest. */
static const char *take_labels(const struct ids *ids, const char *name, struct buf *labels, const char **ret_rest)
{
    const char *rest;
    size_t len = 0;
    if (begins(name, "ingest.", &rest) && (len = id_len(rest, ids->sources, ids->source_count)) > 0) {
        metrics_label(labels, "source", rest, len);
        *ret_rest = rest + len + 1;
        return "ingest_";
    }
    if (begins(name, "bus.", &rest) && (len = id_len(rest, ids->sources, ids->source_count)) > 0) {
        metrics_label(labels, "source", rest, len);
        rest += len + 1;
        len = digits_len(rest);
        if (len > 0) {
            metrics_label(labels, "unit", rest, len);
        }
        *ret_rest = len > 0 ? rest + len + 1 : rest;
        return len > 0 ? "bus_unit_" : "bus_";
    }
    if (begins(name, "sink.", &rest) && (len = id_len(rest, ids->sinks, ids->sink_count)) > 0) {
        metrics_label(labels, "sink", rest, len);
        *ret_rest = rest + len + 1;
        return "sink_";
    }
    if (begins(name, "rules.", &rest) && (len = digits_len(rest)) > 0) {
        metrics_label(labels, "shard", rest, len);
        *ret_rest = rest + len + 1;
        return "rules_";
    }
    if (begins(name, "alerting.events.", &rest)) {
        metrics_label(labels, "event", rest, strlen(rest));
        *ret_rest = "events";
        return "alerting_";
    }
    if (begins(name, "alerting.raised.", &rest)) {
        metrics_label(labels, "level", rest, strlen(rest));
        *ret_rest = "raised";
        return "alerting_";
    }
    *ret_rest = name;
    return "";
}

/* Units as Prometheus wants them: the part of the name they end with, and what the value is multiplied by. */
static double take_unit(const char *word, size_t *len, const char **ret_suffix)
{
    static const struct {
        const char *ending, *suffix;
        double scale;
    } units[] = {{"_us", "_seconds", 1e-6}, {"_ms", "_seconds", 1e-3}, {"_s", "_seconds", 1}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const size_t ending = strlen(units[i].ending);
        if (*len > ending && strcmp(word + *len - ending, units[i].ending) == 0) {
            *len -= ending;
            *ret_suffix = units[i].suffix;
            return units[i].scale;
        }
    }
    *ret_suffix = "";
    return 1;
}

static void read_row(const struct ids *ids, const struct counter *counter, struct row *row)
{
    struct buf name = {0};
    struct buf labels = {0};
    const char *rest = NULL;
    const char *suffix = NULL;
    buf_text(&name, "davy_");
    buf_text(&name, take_labels(ids, counter_name(counter), &labels, &rest));
    const char *dot = strrchr(rest, '.');
    row->gauge = is_gauge(dot == NULL ? rest : dot + 1);
    size_t len = strlen(rest);
    row->scale = take_unit(rest, &len, &suffix);
    buf_add(&name, rest, len);
    buf_text(&name, suffix);
    buf_text(&name, row->gauge ? "" : "_total");
    for (size_t i = 0; i < name.len; i++) {
        if (!isalnum((unsigned char)name.data[i])) { /* never setlocale: letters are ASCII */
            name.data[i] = '_';
        }
    }
    buf_text(&labels, "");
    row->counter = counter;
    row->name = name.data;
    row->labels = labels.data;
}

/* ---- the index --------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;
    const int names = strcmp(x->name, y->name);
    return names != 0 ? names : x->order < y->order ? -1 : 1;
}

static void ids_init(struct ids *ids, const struct site *site)
{
    *ids = (struct ids){.source_count = site->source_count, .sink_count = site->sink_count};
    ids->sources = memory_new(site->source_count, sizeof *ids->sources);
    ids->sinks = memory_new(site->sink_count, sizeof *ids->sinks);
    for (size_t i = 0; i < site->source_count; i++) {
        ids->sources[i] = site->sources[i].id;
    }
    for (size_t i = 0; i < site->sink_count; i++) {
        ids->sinks[i] = site->sinks[i].id;
    }
}

struct metrics_index *metrics_index_new(const struct site *site, const struct counters *counters)
{
    struct metrics_index *index = memory_new(1, sizeof *index);
    struct ids ids;
    ids_init(&ids, site);
    index->count = counters_count(counters);
    index->rows = memory_new(index->count, sizeof *index->rows);
    for (size_t i = 0; i < index->count; i++) {
        index->rows[i].order = i;
        read_row(&ids, counters_at(counters, i), &index->rows[i]);
    }
    if (index->count > 0) {
        qsort(index->rows, index->count, sizeof *index->rows, by_name);
    }
    free(ids.sources);
    free(ids.sinks);
    return index;
}

void metrics_index_free(struct metrics_index *index)
{
    if (index == NULL) {
        return;
    }
    for (size_t i = 0; i < index->count; i++) {
        free(index->rows[i].name);
        free(index->rows[i].labels);
    }
    free(index->rows);
    free(index);
}

bool metrics_put_counters(struct buf *out, const struct metrics_index *index, size_t *next)
{
    for (; *next < index->count && out->len < REPLY_PIECE; (*next)++) {
        const struct row *row = &index->rows[*next];
        if (*next == 0 || strcmp(index->rows[*next - 1].name, row->name) != 0) {
            const char *help = counter_help(row->counter);
            metrics_family(out, row->name, row->gauge ? "gauge" : "counter", help[0] != '\0' ? help : row->name);
        }
        metrics_sample(out, row->name, row->labels, (double)counter_get(row->counter) * row->scale);
    }
    return *next < index->count;
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static enum reply_next more(struct reply *reply, const struct console_source *source, int64_t now_ns)
{
    (void)source;
    (void)now_ns;
    return metrics_put_counters(&reply->out, reply->at.metrics.index, &reply->at.metrics.next) ? REPLY_MORE : REPLY_END;
}

void metrics_begin(struct reply *reply, const struct console_source *source, struct metrics_index *index,
                   int64_t now_ns)
{
    reply_begin(reply, more);
    reply->type = "text/plain; version=0.0.4; charset=utf-8";
    reply->at.metrics.index = index;
    metrics_put_now(&reply->out, source, now_ns);
}
