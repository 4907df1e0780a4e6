/*
 * provenance: see provenance.h.
 *
 * A value belongs to the last change of its point that was made before it was
 * received.  What came before the first, and what was imported, has no origin
 * that could be told.
 */
#include "app/provenance.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/origin.h"
#include "model/scaling.h"
#include "store/changes.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct origin {
    uint64_t change;
    int64_t from_ns; /* of receipt */
    char *text;      /* JSON */
    json_t *object;
    struct site_from from; /* as far as the way back needs it */
};

struct provenance {
    struct query_out *out;
    struct origin *origins; /* in the order they were made */
    size_t count;
};

/* ---- reading the history ------------------------------------------------------------------------------------------
 */

static void read_from(struct origin *origin)
{
    const char *const type = json_string_value(json_object_get(origin->object, "type"));
    origin->from.key = json_string_value(json_object_get(origin->object, "key"));
    if (type == NULL || !site_type_of(type, &origin->from.type)) {
        origin->from.type = TYPE_F64; /* MQTT, or one that a later version knows */
    }
    origin->from.scale = json_number_value(json_object_get(origin->object, "scale"));
    origin->from.offset = json_number_value(json_object_get(origin->object, "offset"));
    scaling_prepare(&origin->from);
}

static bool take(void *self, const struct store_change *change, const struct store_change_item *item)
{
    struct provenance *const provenance = self;
    provenance->origins = memory_resize(provenance->origins, provenance->count + 1, sizeof *provenance->origins);
    struct origin *const origin = &provenance->origins[provenance->count++];
    *origin = (struct origin){.change = change->number, .from_ns = change->time_ns};
    origin->text = memory_new(item->text_len + 1, 1);
    memcpy(origin->text, item->text, item->text_len);
    origin->object = json_loadb(item->text, item->text_len, JSON_DECODE_ANY, NULL);
    read_from(origin);
    return true;
}

enum err_code provenance_load(struct store *store, const char *point_id, struct query_out *out,
                              struct provenance **ret_provenance, struct err *err)
{
    struct provenance *const provenance = memory_new(1, sizeof *provenance);
    provenance->out = out;
    const enum err_code code = store_changes_of(store, CHANGE_POINT, point_id, take, provenance, err);
    if (code != ERR_NONE) {
        provenance_free(provenance);
        return code;
    }
    *ret_provenance = provenance;
    return ERR_NONE;
}

void provenance_free(struct provenance *provenance)
{
    if (provenance == NULL) {
        return;
    }
    for (size_t i = 0; i < provenance->count; i++) {
        json_decref(provenance->origins[i].object);
        free(provenance->origins[i].text);
    }
    free(provenance->origins);
    free(provenance);
}

/* The origin of a row; NULL when none can be told. */
static const struct origin *origin_of(const struct provenance *provenance, const struct store_row *row)
{
    for (size_t i = row->imported ? 0 : provenance->count; i > 0; i--) {
        if (provenance->origins[i - 1].from_ns <= row->seen_ns) {
            return &provenance->origins[i - 1];
        }
    }
    return NULL;
}

/* ---- printing -----------------------------------------------------------------------------------------------------
 */

static void add_time(struct buf *line, int64_t time_ns)
{
    char time[TEXT_TIME_MAX];
    (void)text_format_time(time_ns, time);
    buf_text(line, time);
}

/* A field of CSV: in quotes where it must be. */
static void add_field(struct buf *line, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        buf_text(line, text);
        return;
    }
    buf_text(line, "\"");
    for (const char *at = text; *at != '\0'; at++) {
        buf_add(line, *at == '"' ? "\"\"" : at, *at == '"' ? 2 : 1);
    }
    buf_text(line, "\"");
}

/* A value of the origin, empty when it has none of that name. */
static void add_member(struct buf *line, const struct origin *origin, const char *key)
{
    const json_t *const value = origin == NULL ? NULL : json_object_get(origin->object, key);
    buf_text(line, ",");
    if (json_is_string(value)) {
        add_field(line, json_string_value(value));
    } else if (json_is_number(value)) {
        buf_number(line, json_number_value(value));
    }
}

/* The one raw number of an enumeration that has this value; NaN: none, or several. */
static double raw_of_value(const json_t *values, double value)
{
    double raw = NAN;
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *const pair = json_array_get(values, i);
        if (json_number_value(json_array_get(pair, 1)) == value) {
            if (!isnan(raw)) {
                return NAN;
            }
            raw = json_number_value(json_array_get(pair, 0));
        }
    }
    return raw;
}

/* True when a register of that moment told the scale: the value does not tell what was sent. */
static bool is_scaled_by_another(const json_t *object)
{
    const json_t *const companions = json_object_get(object, "companions");
    for (size_t i = 0; i < json_array_size(companions); i++) {
        const char *const says = json_string_value(json_object_get(json_array_get(companions, i), "says"));
        if (says != NULL && strcmp(says, "scale") == 0) {
            return true;
        }
    }
    return false;
}

static double raw_of(const struct origin *origin, const struct store_row *row)
{
    double raw = NAN;
    if (origin != NULL && json_object_get(origin->object, "values") != NULL) {
        return raw_of_value(json_object_get(origin->object, "values"), row->value);
    }
    if (origin != NULL && json_object_get(origin->object, "source") != NULL && !is_scaled_by_another(origin->object)) {
        (void)origin_raw(&origin->from, row->value, &raw); /* else it stays NaN: cannot be told */
    }
    return raw;
}

/* In the order of the columns, behind time, seen, value and status; `raw` stands before the last two. */
static const char *const members[] = {"source", "over", "at", "unit_id", "table", "address", "type", "order", "key"};

static void put_csv(struct query_out *out, const struct origin *origin, const struct store_row *row)
{
    buf_text(&out->line, ",");
    if (origin != NULL) {
        buf_printf(&out->line, "%llu", (unsigned long long)origin->change);
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (row->imported && i == 1) {
            buf_text(&out->line, ",import");
        } else {
            add_member(&out->line, origin, members[i]);
        }
    }
    query_out_value(out, "raw", raw_of(origin, row));
    add_member(&out->line, origin, "scale");
    add_member(&out->line, origin, "offset");
}

static void put_ndjson(struct query_out *out, const struct origin *origin, const struct store_row *row)
{
    if (row->imported) {
        buf_text(&out->line, ",\"imported\":true");
    }
    if (origin != NULL) {
        buf_printf(&out->line, ",\"change\":%llu,\"origin\":%s", (unsigned long long)origin->change, origin->text);
        query_out_value(out, "raw", raw_of(origin, row));
    }
}

bool provenance_print(void *self, const struct store_row *row)
{
    const struct provenance *const provenance = self;
    struct query_out *const out = provenance->out;
    query_out_begin(out, row->time_ns);
    query_out_time(out, "seen", row->seen_ns);
    query_out_value(out, "value", row->value);
    query_out_status(out, row->status);
    (out->ndjson ? put_ndjson : put_csv)(out, origin_of(provenance, row), row);
    return query_out_end(out);
}

/* ---- changes ------------------------------------------------------------------------------------------------------
 */

struct listing {
    const char *pattern; /* of ids; NULL: all that came */
    int64_t from_ns, to_ns;
    bool ndjson;
    struct buf line, text, id_text;
};

static void add_change_csv(struct listing *listing, const struct store_change *change,
                           const struct store_change_item *item)
{
    json_t *const object = json_loadb(change->text, change->text_len, 0, NULL);
    const struct origin said = {.object = object};
    buf_printf(&listing->line, "%llu,", (unsigned long long)change->number);
    add_time(&listing->line, change->time_ns);
    add_member(&listing->line, &said, "what");
    add_member(&listing->line, &said, "by");
    buf_text(&listing->line, item == NULL ? ",site," : item->kind == CHANGE_POINT ? ",point," : ",rule,");
    if (item != NULL) {
        add_field(&listing->line, listing->id_text.data);
    }
    buf_text(&listing->line, ",");
    add_field(&listing->line, listing->text.data);
    buf_text(&listing->line, "\n");
    json_decref(object);
}

static void add_change_ndjson(struct listing *listing, const struct store_change *change,
                              const struct store_change_item *item)
{
    buf_printf(&listing->line, "{\"change\":%llu,\"time\":\"", (unsigned long long)change->number);
    add_time(&listing->line, change->time_ns);
    buf_text(&listing->line, "\",\"kind\":");
    buf_json_string(&listing->line, item == NULL ? "site" : item->kind == CHANGE_POINT ? "point" : "rule");
    if (item != NULL) {
        buf_text(&listing->line, ",\"id\":");
        buf_json_string(&listing->line, listing->id_text.data);
    }
    buf_printf(&listing->line, ",\"now\":%s}\n", listing->text.data);
}

static bool list(void *self, const struct store_change *change, const struct store_change_item *item)
{
    struct listing *const listing = self;
    if (change->time_ns < listing->from_ns || change->time_ns >= listing->to_ns) {
        return true;
    }
    buf_clear(&listing->line);
    buf_clear(&listing->text);
    buf_clear(&listing->id_text);
    buf_add(&listing->text, item == NULL ? change->text : item->text, item == NULL ? change->text_len : item->text_len);
    if (item != NULL) {
        buf_add(&listing->id_text, item->id, item->id_len);
    }
    if (listing->pattern != NULL && (item == NULL || !text_glob(listing->pattern, listing->id_text.data))) {
        return true;
    }
    (listing->ndjson ? add_change_ndjson : add_change_csv)(listing, change, item);
    return fwrite(listing->line.data, 1, listing->line.len, stdout) == listing->line.len;
}

enum err_code provenance_print_changes(struct store *store, const char *id, int64_t from_ns, int64_t to_ns, bool ndjson,
                                       struct err *err)
{
    const bool is_pattern = id != NULL && strpbrk(id, "*?") != NULL;
    struct listing listing = {.pattern = is_pattern ? id : NULL, .from_ns = from_ns, .to_ns = to_ns, .ndjson = ndjson};
    enum err_code code = ERR_NONE;
    if (id == NULL || is_pattern) {
        code = store_changes_walk(store, list, &listing, err);
    } else {
        code = store_changes_of(store, CHANGE_POINT, id, list, &listing, err);
        code = code != ERR_NONE ? code : store_changes_of(store, CHANGE_RULE, id, list, &listing, err);
    }
    buf_done(&listing.line);
    buf_done(&listing.text);
    buf_done(&listing.id_text);
    return code;
}
