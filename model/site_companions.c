/*
 * site_companions: registers that say something about another's value, and
 * enumerations.
 *
 * A companion is read like a point's own register and held to the same rules;
 * what its raw numbers mean is a map from numbers to flags, byte orders or
 * scales.  Devices of one kind have the same maps: equal neighbours share them.
 */
#include "base/text.h"
#include "model/companion.h"
#include "model/sample.h"
#include "model/scaling.h"
#include "model/site_build.h"
#include <stdlib.h>
#include <string.h>

enum {
    CASES_MAX = 256,
    /* what a device can say of a reading */
    SAYABLE = ST_COMM | ST_SENSOR | ST_RANGE | ST_CALIBRATING | ST_MANUAL | ST_PAUSED,
};

static const char *const use_keys[] = {"status", "order_from", "scale_from"};

/* ---- maps -------------------------------------------------------------------------------------------------------- */

static bool read_flags(struct site_build *build, const struct conf_at *at, const char *text, uint16_t *ret_status)
{
    static const char hint[] = "good, or comm, sensor, range, calibrating, manual, paused, joined by +";
    uint16_t status = 0;
    if (text == NULL) {
        conf_mistake(&build->conf, at, hint, "must be a text in quotes");
        return false;
    }
    if (text[0] == '\0' || !status_parse(text, strlen(text), &status) || (status & ~SAYABLE) != 0) {
        conf_mistake(&build->conf, at, hint, "\"%s\" is no status of a device", text);
        return false;
    }
    *ret_status = status;
    return true;
}

static bool read_factor(struct site_build *build, const struct conf_at *at, json_t *value, struct site_case *ret_case)
{
    json_t *factor = json_is_array(value) ? json_array_get(value, 0) : value;
    json_t *add = json_is_array(value) ? json_array_get(value, 1) : NULL;
    const bool pair = json_is_array(value);
    if (!json_is_number(factor) || json_number_value(factor) == 0 ||
        (pair && (json_array_size(value) != 2 || !json_is_number(add)))) {
        conf_mistake(&build->conf, at, "such as 0.1, or [0.5555555555555556, -17.77777777777778]",
                     "must be a factor other than 0, or [factor, offset]");
        return false;
    }
    ret_case->factor = json_number_value(factor);
    ret_case->add = pair ? json_number_value(add) : 0;
    return true;
}

static bool read_order(struct site_build *build, const struct conf_at *at, const char *word,
                       const struct site_from *from, struct site_case *ret_case)
{
    struct site_from shape = {0};
    if (word == NULL || !site_from_shape(&shape, from->type, word)) {
        conf_mistake(&build->conf, at, "such as \"CDAB\"", "is no byte order for the %u bytes of the value",
                     2U * from->registers);
        return false;
    }
    memcpy(ret_case->order, shape.order, sizeof ret_case->order);
    return true;
}

/* What one raw number means. */
static bool read_case(struct site_build *build, const struct conf_at *at, const struct site_companion *companion,
                      const struct site_from *from, json_t *value, struct site_case *ret_case)
{
    switch (companion->use) {
    case COMPANION_STATUS:
        if (!read_flags(build, at, json_string_value(value), &ret_case->status)) {
            return false;
        }
        if (companion->as == COMPANION_FLAGS && ret_case->status == 0) {
            conf_mistake(&build->conf, at, "leave the bit out", "a bit that is set cannot mean good");
        }
        return true;
    case COMPANION_ORDER:
        return read_order(build, at, json_string_value(value), from, ret_case);
    case COMPANION_SCALE:
        return read_factor(build, at, value, ret_case);
    }
    return false;
}

/* Reads the key of a map: a number, or the number of a bit the companion has. */
static bool read_raw(struct site_build *build, const struct conf_at *at, const struct site_companion *companion,
                     const char *text, double *ret_raw)
{
    const bool bits = companion != NULL && companion->as == COMPANION_FLAGS;
    const unsigned width = companion == NULL || companion->from.registers == 0 ? 1 : 16U * companion->from.registers;
    double raw;
    if (!text_parse_number(text, strlen(text), &raw)) {
        conf_mistake(&build->conf, at, "such as \"0\"", "the keys here are raw numbers in quotes");
        return false;
    }
    if (bits && !(raw >= 0 && raw < width && raw == rint(raw))) {
        conf_mistake(&build->conf, at, NULL, "is no bit of %u", width);
        return false;
    }
    *ret_raw = raw;
    return true;
}

static bool same_cases(const struct site_companion *a, const struct site_case *cases, size_t count)
{
    return a->case_count == count && (count == 0 || memcmp(a->cases, cases, count * sizeof *cases) == 0);
}

static void read_cases(struct site_build *build, const struct conf_at *at, json_t *map, const struct site_from *from,
                       struct site_companion *companion)
{
    struct site_case cases[CASES_MAX];
    size_t count = 0;
    memset(cases, 0, sizeof cases); /* they are compared as bytes */
    if (json_object_size(map) == 0 || json_object_size(map) > CASES_MAX) {
        conf_mistake(&build->conf, at, NULL, "must have 1 to %d entries", CASES_MAX);
        return;
    }
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value)
    {
        const struct conf_at here = CONF_KEY_AT(at, key);
        if (read_raw(build, &here, companion, key, &cases[count].raw) &&
            read_case(build, &here, companion, from, value, &cases[count])) {
            count++;
        }
    }
    struct site_companion *last = &build->last_companions[companion->use];
    if (!same_cases(last, cases, count)) {
        struct site_case *kept = ARENA_ARRAY(&build->site->arena, struct site_case, count);
        memcpy(kept, cases, count * sizeof *kept);
        *last = (struct site_companion){.cases = kept, .case_count = count};
    }
    companion->cases = last->cases;
    companion->case_count = last->case_count;
}

/* ---- one companion ----------------------------------------------------------------------------------------------- */

/* Where it stands, read as a point's own register is. */
static void read_place(struct site_build *build, const struct conf_at *at, struct raw_companion *raw,
                       const struct site_from *from, struct site_companion *companion)
{
    struct raw_from place = {.unit = 1,
                             .table = raw->table,
                             .address = raw->address,
                             .type = raw->type,
                             .order = raw->order,
                             .bit = raw->bit,
                             .bits = raw->bits};
    static const char *const keys[] = {"bit", "bits"};
    for (size_t i = 0; i < 2; i++) {
        if (conf_is_written(&companion_table, conf_find_key(&companion_table, keys[i], strlen(keys[i])), raw)) {
            conf_mark_written(&from_table, conf_find_key(&from_table, keys[i], strlen(keys[i])), &place);
            place.type = place.type != CONF_ABSENT ? place.type : i == 0 ? TYPE_BIT : TYPE_BITS;
        }
    }
    place.table = place.table != CONF_ABSENT ? place.table : (uint32_t)from->table;
    companion->from = (struct site_from){.source = from->source, .scale = 1};
    scaling_prepare(&companion->from);
    site_read_register(build, at, &place, &companion->from);
    companion->from.unit = from->unit;
}

static void need_one(struct site_build *build, const struct conf_at *at, const struct raw_companion *raw,
                     const struct site_companion *companion)
{
    static const char *const wanted[] = {"`map` or `flags`", "`map`", "`map` or `as`"};
    const int given = (raw->map != NULL) + (raw->flags != NULL) + (raw->as != CONF_ABSENT);
    if (given != 1) {
        conf_mistake(&build->conf, at, NULL, "needs %s%s", wanted[companion->use], given > 1 ? ", not both" : "");
    }
}

static void check_good(struct site_build *build, const struct conf_at *at, const struct site_companion *companion)
{
    double raw;
    if (companion->use == COMPANION_STATUS && companion->as == COMPANION_CASES && companion->other != 0 &&
        companion->case_count > 0 && !companion_raw(companion, 0, &raw)) {
        conf_mistake(&build->conf, at, "add the raw number that means \"good\"", "no raw number would ever be good");
    }
}

/* Flags are bits of a whole number; one of 64 bits has more of them than the double it becomes can hold. */
static void check_bits(struct site_build *build, const struct conf_at *at, const struct site_companion *companion)
{
    const enum mbus_type type = companion->from.type;
    const struct conf_at here = CONF_KEY_AT(at, "type");
    if (companion->from.registers > 2 || type == TYPE_F32 || type == TYPE_BCD16 || type == TYPE_BCD32) {
        conf_mistake(&build->conf, &here, "such as \"u16\" or \"u32\"",
                     "flags are bits of a whole number of 16 or 32 bits");
    }
}

static void read_companion(struct site_build *build, const struct conf_at *at, enum companion_use use, json_t *object,
                           const struct site_from *from, struct site_companion *ret_companion)
{
    struct raw_companion raw;
    struct site_companion companion = {.use = use};
    const size_t before = build->conf.mistakes->total;
    conf_read(&build->conf, at, &companion_table, object, &raw);
    conf_narrow(&build->conf, at, &companion_table, &raw, use);
    if (raw.address == CONF_ABSENT || build->conf.mistakes->total > before) {
        return;
    }
    need_one(build, at, &raw, &companion);
    read_place(build, at, &raw, from, &companion);
    if (use == COMPANION_STATUS && raw.other != NULL) {
        const struct conf_at here = CONF_KEY_AT(at, "else");
        (void)read_flags(build, &here, raw.other, &companion.other);
    } else if (use == COMPANION_STATUS) {
        companion.other = ST_SENSOR;
    }
    companion.as = raw.flags != NULL ? COMPANION_FLAGS : COMPANION_CASES;
    if (raw.as != CONF_ABSENT) {
        companion.as = (enum companion_as)(COMPANION_DECIMALS + raw.as);
    } else if (raw.flags != NULL || raw.map != NULL) {
        const struct conf_at here = CONF_KEY_AT(at, raw.flags != NULL ? "flags" : "map");
        if (raw.flags != NULL) {
            check_bits(build, at, &companion);
        }
        read_cases(build, &here, raw.flags != NULL ? raw.flags : raw.map, from, &companion);
        check_good(build, &here, &companion);
    }
    *ret_companion = companion;
}

/* ---- all of a point ---------------------------------------------------------------------------------------------- */

/* Reads one object or a list of them. */
static size_t read_all(struct site_build *build, const struct conf_at *from_at, enum companion_use use, json_t *value,
                       const struct site_from *from, struct site_companion ret_companions[COMPANIONS_MOST])
{
    const struct conf_at at = CONF_KEY_AT(from_at, use_keys[use]);
    if (value == NULL) {
        return 0;
    }
    if (!json_is_array(value)) {
        read_companion(build, &at, use, value, from, &ret_companions[0]);
        return 1;
    }
    const size_t most = COMPANIONS_MOST - 2; /* one for the order, one for the scale */
    if (json_array_size(value) == 0 || json_array_size(value) > most) {
        conf_mistake(&build->conf, &at, NULL, "must have 1 to %zu entries", most);
        return 0;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const struct conf_at here = CONF_INDEX_AT(&at, i);
        read_companion(build, &here, use, json_array_get(value, i), from, &ret_companions[i]);
    }
    return json_array_size(value);
}

static const struct site_value *read_values(struct site_build *build, const struct conf_at *from_at, json_t *map)
{
    const struct conf_at at = CONF_KEY_AT(from_at, "values");
    struct site_value *values = ARENA_ARRAY(&build->site->arena, struct site_value, json_object_size(map));
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value)
    {
        const struct conf_at here = CONF_KEY_AT(&at, key);
        if (!json_is_number(value)) {
            conf_mistake(&build->conf, &here, NULL, "must be a number");
        } else if (read_raw(build, &here, NULL, key, &values[count].raw)) {
            values[count++].value = json_number_value(value);
        }
    }
    if (json_object_size(map) == 0) {
        conf_mistake(&build->conf, &at, NULL, "must have an entry");
    }
    return values;
}

static void check_together(struct site_build *build, const struct conf_at *at, const struct raw_from *raw)
{
    static const char *const scales[] = {"scale", "offset", "scale_from"};
    for (size_t i = 0; i < sizeof scales / sizeof *scales && raw->values != NULL; i++) {
        if (conf_is_written(&from_table, conf_find_key(&from_table, scales[i], strlen(scales[i])), raw)) {
            const struct conf_at here = CONF_KEY_AT(at, scales[i]);
            conf_mistake(&build->conf, &here, "leave it out", "the values of `values` are not scaled");
        }
    }
    if (raw->order_from != NULL && raw->order != NULL) {
        const struct conf_at here = CONF_KEY_AT(at, "order");
        conf_mistake(&build->conf, &here, "leave one of them out", "stands beside order_from");
    }
}

void site_read_extra(struct site_build *build, const struct conf_at *at, const struct raw_from *raw,
                     struct site_from *from)
{
    json_t *const given[] = {raw->status, raw->order_from, raw->scale_from};
    struct site_companion companions[COMPANIONS_MOST];
    size_t count = 0;
    check_together(build, at, raw);
    for (enum companion_use use = COMPANION_STATUS; use <= COMPANION_SCALE; use++) {
        count += read_all(build, at, use, given[use], from, companions + count);
    }
    if (count == 0 && raw->values == NULL) {
        return;
    }
    struct arena *arena = &build->site->arena;
    struct site_extra *extra = ARENA_ARRAY(arena, struct site_extra, 1);
    struct site_companion *kept = ARENA_ARRAY(arena, struct site_companion, count);
    if (count > 0) {
        memcpy(kept, companions, count * sizeof *kept);
    }
    *extra = (struct site_extra){.companions = kept, .companion_count = count};
    if (raw->values != NULL) {
        extra->values = read_values(build, at, raw->values);
        extra->value_count = json_object_size(raw->values);
    }
    from->extra = extra;
}
