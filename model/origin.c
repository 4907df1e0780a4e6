/*
 * origin: see origin.h.
 *
 * The way back.  raw x scale + offset was rounded once, so the real number
 * (value - offset) / scale lies within a hair of raw; raw itself is the whole
 * number, 32-bit float or double next to it that gives the very value again.  When
 * its neighbours give it too, the value does not tell which it was.
 */
#include "model/origin.h"
#include "model/real32.h"
#include "model/sample.h"
#include "model/scaling.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the text -----------------------------------------------------------------------------------------------------
 */

static void add_key(struct buf *out, const char *key)
{
    if (out->len > 0 && out->data[out->len - 1] != '{') {
        buf_text(out, ",");
    }
    buf_json_string(out, key);
    buf_text(out, ":");
}

static void add_text(struct buf *out, const char *key, const char *text)
{
    if (text != NULL) {
        add_key(out, key);
        buf_json_string(out, text);
    }
}

static void add_number(struct buf *out, const char *key, double value)
{
    add_key(out, key);
    buf_number(out, value);
}

static void add_source(struct buf *out, const struct site_source *source)
{
    add_text(out, "source", source->id);
    add_text(out, "over", site_source_word(source->type));
    if (source->type == SOURCE_MQTT) {
        add_text(out, "at", source->url);
    } else if (source->type == SOURCE_MODBUS_RTU) {
        add_text(out, "at", source->device);
    } else if (source->host != NULL) {
        add_key(out, "at");
        struct buf at = {0};
        buf_printf(&at, "%s:%u", source->host, source->port);
        buf_json_string(out, at.data);
        buf_done(&at);
    }
}

static void add_order(struct buf *out, const char *key, const uint8_t order[8], unsigned registers)
{
    char text[8 + 1] = "";
    for (unsigned i = 0; i < 2 * registers; i++) {
        text[i] = (char)('A' + order[i]);
    }
    add_text(out, key, text);
}

static void add_register(struct buf *out, const struct site_from *from)
{
    add_text(out, "table", site_table_word(from->table));
    add_number(out, "address", from->address);
    add_text(out, "type", site_type_word(from->type));
    if (from->registers > 0) {
        add_order(out, "order", from->order, from->registers);
    }
    if (from->type == TYPE_BIT || from->type == TYPE_BITS) {
        add_key(out, "bits");
        buf_printf(out, "[%u,%u]", from->bit_lo, from->bit_hi);
    }
}

/* What one raw number of a companion, or bit of it, means. */
static void add_case(struct buf *out, const struct site_companion *companion, const struct site_case *one,
                     unsigned registers)
{
    char key[32];
    char status[STATUS_TEXT_MAX];
    (void)snprintf(key, sizeof key, "%.17g", one->raw);
    switch (companion->use) {
    case COMPANION_STATUS:
        (void)status_format(one->status, status);
        add_text(out, key, status);
        break;
    case COMPANION_ORDER:
        add_order(out, key, one->order, registers);
        break;
    case COMPANION_SCALE:
        add_key(out, key);
        buf_text(out, "[");
        buf_number(out, one->factor);
        buf_text(out, ",");
        buf_number(out, one->add);
        buf_text(out, "]");
        break;
    }
}

static void add_companion(struct buf *out, const struct site_companion *companion, unsigned registers)
{
    static const char *const uses[] = {"status", "order_from", "scale_from"};
    static const char *const ways[] = {"map", "flags", "decimals", "factor", "divisor"};
    char status[STATUS_TEXT_MAX];
    buf_text(out, "{");
    add_text(out, "use", uses[companion->use]);
    add_register(out, &companion->from);
    add_text(out, "as", ways[companion->as]);
    if (companion->case_count > 0) {
        add_key(out, "map");
        buf_text(out, "{");
        for (size_t i = 0; i < companion->case_count; i++) {
            add_case(out, companion, &companion->cases[i], registers);
        }
        buf_text(out, "}");
    }
    if (companion->use == COMPANION_STATUS && companion->as == COMPANION_CASES) {
        (void)status_format(companion->other, status);
        add_text(out, "else", status);
    }
    buf_text(out, "}");
}

/* What says how the value is to be understood, beside its own register or key. */
static void add_extra(struct buf *out, const struct site_from *from)
{
    const struct site_extra *const extra = from->extra;
    if (extra->companion_count > 0) {
        add_key(out, "beside");
        for (size_t i = 0; i < extra->companion_count; i++) {
            buf_text(out, i == 0 ? "[" : ",");
            add_companion(out, &extra->companions[i], from->registers);
        }
        buf_text(out, "]");
    }
    if (extra->value_count > 0) {
        add_key(out, "values");
        buf_text(out, "{");
        for (size_t i = 0; i < extra->value_count; i++) {
            char key[32];
            (void)snprintf(key, sizeof key, "%.17g", extra->values[i].raw);
            add_number(out, key, extra->values[i].value);
        }
        buf_text(out, "}");
    }
}

void origin_format(struct buf *out, const struct site *site, const struct site_point *point)
{
    const struct site_from *const from = &point->from;
    buf_text(out, "{");
    add_text(out, "name", point->name);
    add_text(out, "kind", point->kind);
    add_text(out, "unit", point->unit);
    if (point->has_range) {
        add_key(out, "range");
        buf_text(out, "[");
        buf_number(out, point->range_lo);
        buf_text(out, ",");
        buf_number(out, point->range_hi);
        buf_text(out, "]");
    }
    if (from->source != SITE_NONE) {
        const struct site_source *const source = &site->sources[from->source];
        add_source(out, source);
        if (source->type == SOURCE_MQTT) {
            add_text(out, "key", from->key);
        } else {
            add_number(out, "unit_id", from->unit);
            add_register(out, from);
        }
        add_number(out, "scale", from->scale);
        add_number(out, "offset", from->offset);
        if (from->extra != NULL) {
            add_extra(out, from);
        }
    }
    buf_text(out, "}");
}

static void add_duration(struct buf *out, const char *key, int64_t ns)
{
    if (ns != 0) {
        add_number(out, key, (double)ns / 1e9);
    }
}

void origin_format_rule(struct buf *out, const struct site_rule *rule)
{
    buf_text(out, "{\"levels\":[");
    for (size_t i = 0; i < rule->level_count; i++) {
        const struct site_level *const level = &rule->levels[i];
        buf_text(out, i == 0 ? "{" : ",{");
        add_text(out, "level", level_name(level->level));
        add_text(out, "when", level->when);
        add_text(out, "clear", level->clear);
        add_duration(out, "on_delay_s", level->on_delay_ns);
        add_duration(out, "off_delay_s", level->off_delay_ns);
        buf_text(out, "}");
    }
    buf_text(out, "]");
    add_text(out, "unless", rule->unless);
    if (rule->latch) {
        buf_text(out, ",\"latch\":true");
    }
    add_text(out, "vote_by", rule->vote_by);
    if (rule->vote_by != NULL) {
        add_number(out, "at_least", rule->vote_at_least);
    }
    add_number(out, "points", (double)rule->point_count);
    add_key(out, "digest"); /* of the rule as written: also what is not told here */
    buf_printf(out, "\"%016llx\"}", (unsigned long long)rule->digest);
}

/* ---- the way back -------------------------------------------------------------------------------------------------
 */

enum { NEIGHBOURS = 4 }; /* `near` below is rounded up to three times */
enum grid { GRID_WHOLE, GRID_REAL32, GRID_REAL64 };

static enum grid grid_of(const struct site_from *from)
{
    if (from->key != NULL || from->type == TYPE_F64) {
        return GRID_REAL64;
    }
    return from->type == TYPE_F32 ? GRID_REAL32 : GRID_WHOLE;
}

/* True when a device can have sent this whole number as such a type. */
static bool is_sent(const struct site_from *from, double raw)
{
    static const struct {
        double lo, hi;
    } limits[] = {
        [TYPE_U16] = {0, 65535},        [TYPE_I16] = {-32768, 32767},
        [TYPE_U32] = {0, 4294967295.0}, [TYPE_I32] = {-2147483648.0, 2147483647.0},
        [TYPE_U64] = {0, 0x1p64},       [TYPE_I64] = {-0x1p63, 0x1p63},
        [TYPE_BOOL] = {0, 1},           [TYPE_BIT] = {0, 1},
        [TYPE_BITS] = {0, 65535},       [TYPE_BCD16] = {0, 9999},
        [TYPE_BCD32] = {0, 99999999},
    };
    return raw >= limits[from->type].lo && raw <= limits[from->type].hi;
}

/* The raw value on the grid next to a real number, or so many steps from it. */
static double on_grid(enum grid grid, double near, int step)
{
    const int steps = abs(step);
    if (grid == GRID_WHOLE) {
        return rint(near) + step;
    }
    if (grid == GRID_REAL32) {
        float at = (float)near;
        for (int i = 0; i < steps; i++) {
            at = nextafterf(at, step < 0 ? -INFINITY : INFINITY);
        }
        return real32_value(at);
    }
    for (int i = 0; i < steps; i++) {
        near = nextafter(near, step < 0 ? -INFINITY : INFINITY);
    }
    return near;
}

/* True when values lie so much wider than raw ones that many of these give the same. */
static bool is_lost(const struct site_from *from, enum grid grid, double near, double value)
{
    const double size = fabs(value);
    const double raw_step = fabs(on_grid(grid, near, 1) - on_grid(grid, near, 0));
    return (nextafter(size, INFINITY) - size) / fabs(from->scale) > 2 * raw_step;
}

bool origin_raw(const struct site_from *from, double value, double *ret_raw)
{
    if (!isfinite(value) || from->scale == 0) {
        return false;
    }
    const double near = from->scale_den > 0 ? (value * from->scale_den - from->offset_num) / from->scale_num
                                            : (value - from->offset) / from->scale;
    const enum grid grid = grid_of(from);
    int found = 0;
    double raw = 0;
    if (is_lost(from, grid, near, value)) {
        return false;
    }
    for (int step = -NEIGHBOURS; step <= NEIGHBOURS; step++) {
        const double candidate = on_grid(grid, near, step);
        if (scaling_value(from, candidate) == value && (grid != GRID_WHOLE || is_sent(from, candidate))) {
            raw = candidate;
            found++;
        }
    }
    if (found != 1) {
        return false;
    }
    *ret_raw = raw == 0 ? 0 : raw; /* never -0 */
    return true;
}
