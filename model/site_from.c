/*
 * site_from: where a point's readings come from; byte orders; registers that
 * overlap.
 */
#include "base/memory.h"
#include "model/scaling.h"
#include "model/site_build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- types and byte orders --------------------------------------------------------------------------------------- */

/* Registers taken by a type; `bool`, `bit` and `bits` read one register, in the tables that have registers. */
static const uint8_t type_registers[] = {
    [TYPE_U16] = 1, [TYPE_I16] = 1, [TYPE_U32] = 2,  [TYPE_I32] = 2, [TYPE_U64] = 4,  [TYPE_I64] = 4,
    [TYPE_F32] = 2, [TYPE_F64] = 4, [TYPE_BOOL] = 1, [TYPE_BIT] = 1, [TYPE_BITS] = 1, [TYPE_BCD16] = 1, [TYPE_BCD32] = 2,
};

/* What users write, and what it means for 2, 4 and 8 bytes: big-endian, words swapped, bytes swapped, little-endian. */
static const struct {
    const char *word;
    const char *by_size[3];
} orders[] = {
    {"ABCD", {"AB", "ABCD", "ABCDEFGH"}},
    {"CDAB", {"AB", "CDAB", "GHEFCDAB"}},
    {"BADC", {"BA", "BADC", "BADCFEHG"}},
    {"DCBA", {"BA", "DCBA", "HGFEDCBA"}},
    {"AB", {"AB", NULL, NULL}},
    {"BA", {"BA", NULL, NULL}},
    {"ABCDEFGH", {NULL, NULL, "ABCDEFGH"}},
    {"GHEFCDAB", {NULL, NULL, "GHEFCDAB"}},
    {"BADCFEHG", {NULL, NULL, "BADCFEHG"}},
    {"HGFEDCBA", {NULL, NULL, "HGFEDCBA"}},
};

static const char *find_order(const char *word, unsigned registers)
{
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (strcmp(orders[i].word, word) == 0) {
            return orders[i].by_size[registers == 4 ? 2 : registers - 1];
        }
    }
    return NULL;
}

bool site_from_shape(struct site_from *from, enum mbus_type type, const char *order)
{
    const uint8_t registers = type_registers[type];
    const char *travels = find_order(order != NULL ? order : "ABCD", registers);
    if (travels == NULL) {
        return false;
    }
    from->type = type;
    from->registers = registers;
    for (size_t i = 0; travels[i] != '\0'; i++) {
        from->order[i] = (uint8_t)(travels[i] - 'A');
    }
    return true;
}

static void read_shape(struct site_build *build, const struct conf_at *at, const struct raw_from *raw,
                       struct site_from *from)
{
    static const char *const allowed[] = {"AB, BA, ABCD, CDAB, BADC or DCBA", "ABCD, CDAB, BADC or DCBA", NULL,
                                          "ABCD, CDAB, BADC, DCBA, ABCDEFGH, GHEFCDAB, BADCFEHG or HGFEDCBA"};
    const enum mbus_type type = raw->type == CONF_ABSENT ? TYPE_U16 : (enum mbus_type)raw->type;
    if (!site_from_shape(from, type, raw->order)) {
        const unsigned registers = type_registers[type];
        const struct conf_at here = CONF_KEY_AT(at, "order");
        conf_mistake(&build->conf, &here, allowed[registers - 1], "\"%s\" is no byte order for %u bytes", raw->order,
                     registers * 2);
        (void)site_from_shape(from, type, NULL); /* so that what follows knows the registers */
    }
}

/* ---- Modbus ------------------------------------------------------------------------------------------------------ */

static void read_bits(struct site_build *build, const struct conf_at *at, const struct raw_from *raw,
                      struct site_from *from)
{
    struct conf *conf = &build->conf;
    bool bit = conf_is_written(&from_table, conf_find_key(&from_table, "bit", 3), raw);
    bool bits = conf_is_written(&from_table, conf_find_key(&from_table, "bits", 4), raw);
    const struct conf_at bit_at = CONF_KEY_AT(at, "bit");
    const struct conf_at bits_at = CONF_KEY_AT(at, "bits");
    if (bit && from->type != TYPE_BIT) {
        conf_mistake(conf, &bit_at, "write \"type\": \"bit\", or leave it out", "only the type bit has it");
    }
    if (bits && from->type != TYPE_BITS) {
        conf_mistake(conf, &bits_at, "write \"type\": \"bits\", or leave it out", "only the type bits has it");
    }
    if (from->type == TYPE_BIT) {
        if (!bit) {
            conf_mistake(conf, &bit_at, "write it", "is missing, the type bit needs it");
        }
        from->bit_lo = from->bit_hi = (uint8_t)raw->bit;
    } else if (from->type == TYPE_BITS) {
        if (!bits) {
            conf_mistake(conf, &bits_at, "such as [0, 3]", "is missing, the type bits needs it");
        } else if (raw->bits.lo != (double)(int)raw->bits.lo || raw->bits.hi != (double)(int)raw->bits.hi) {
            conf_mistake(conf, &bits_at, "write [lowest, highest]", "must be two whole numbers");
        }
        from->bit_lo = (uint8_t)raw->bits.lo;
        from->bit_hi = (uint8_t)raw->bits.hi;
    }
}

/* Coils and discrete inputs are single bits without type or order. */
static void read_coil(struct site_build *build, const struct conf_at *at, const struct raw_from *raw,
                      struct site_from *from)
{
    from->type = TYPE_BOOL;
    if (raw->type != CONF_ABSENT && raw->type != TYPE_BOOL) {
        const struct conf_at here = CONF_KEY_AT(at, "type");
        conf_mistake(&build->conf, &here, "write bool, or leave it out", "coils and discrete inputs are bool");
    }
    if (raw->order != NULL) {
        const struct conf_at here = CONF_KEY_AT(at, "order");
        conf_mistake(&build->conf, &here, "leave it out", "coils and discrete inputs have no byte order");
    }
}

void site_read_register(struct site_build *build, const struct conf_at *at, const struct raw_from *raw,
                        struct site_from *from)
{
    const struct site_source *source = &build->site->sources[from->source];
    if (source->type != SOURCE_MODBUS_TCP && raw->unit != CONF_ABSENT && (raw->unit < 1 || raw->unit > 247)) {
        const struct conf_at here = CONF_KEY_AT(at, "unit");
        conf_mistake(&build->conf, &here, "0 is for all, which do not answer",
                     "%u is not within 1 to 247, the units of a serial line", raw->unit);
    }
    if (raw->unit == CONF_ABSENT || raw->table == CONF_ABSENT || raw->address == CONF_ABSENT) {
        return; /* mistakes already */
    }
    from->unit = (uint8_t)raw->unit;
    from->table = (enum mbus_table)raw->table;
    from->address = (uint16_t)raw->address;
    if (from->table == TABLE_COIL || from->table == TABLE_DISCRETE) {
        read_coil(build, at, raw, from);
    } else {
        read_shape(build, at, raw, from);
    }
    read_bits(build, at, raw, from);
    if (from->address + (from->registers > 0 ? from->registers : 1) > 65536) {
        const struct conf_at here = CONF_KEY_AT(at, "address");
        conf_mistake(&build->conf, &here, "addresses count from 0 as on the wire",
                     "%u and the %d registers of the type reach beyond 65535", from->address, from->registers);
    }
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

/* A key that the map of a json source does not have would never get a reading. */
static void check_mapped(struct site_build *build, const struct conf_at *at, const struct site_from *from)
{
    const struct site_source *source = &build->site->sources[from->source];
    if (source->format != FORMAT_JSON || source->map_count == 0 || from->key == NULL) {
        return;
    }
    for (size_t i = 0; i < source->map_count; i++) {
        if (strcmp(source->map[i].key, from->key) == 0) {
            return;
        }
    }
    char hint[CONF_HINT_MAX];
    const struct conf_at here = CONF_KEY_AT(at, "key");
    conf_mistake(&build->conf, &here,
                 site_hint_id(hint, from->key, &source->map[0].key, sizeof source->map[0], source->map_count),
                 "\"%s\" is not in the map of source %s", from->key, source->id);
}

void site_read_from(struct site_build *build, const struct conf_at *at, struct raw_from *raw, struct site_from *from)
{
    const struct site *site = build->site;
    if (raw->scale == 0) {
        const struct conf_at here = CONF_KEY_AT(at, "scale");
        conf_mistake(&build->conf, &here, "leave it out for 1", "0 would make every value the same");
    }
    from->scale = raw->scale;
    from->offset = raw->offset;
    scaling_prepare(from);
    from->invalid = raw->invalid.items;
    from->invalid_count = raw->invalid.count;
    if (raw->source == NULL) {
        return; /* a mistake already */
    }
    from->source = table_find(&site->source_by_id, raw->source, strlen(raw->source));
    if (from->source == TABLE_NONE) {
        char hint[CONF_HINT_MAX];
        const struct conf_at here = CONF_KEY_AT(at, "source");
        conf_mistake(&build->conf, &here,
                     site_hint_id(hint, raw->source, &site->sources[0].id, sizeof site->sources[0], site->source_count),
                     "\"%s\" is not a source of this site", raw->source);
        return;
    }
    bool mqtt = site->sources[from->source].type == SOURCE_MQTT;
    conf_narrow(&build->conf, at, &from_table, raw, mqtt ? FROM_MQTT : FROM_MODBUS);
    if (mqtt) {
        from->key = raw->key;
        check_mapped(build, at, from);
        if (site->sources[from->source].format == FORMAT_SPARKPLUG && from->key != NULL) {
            site_check_sparkplug_key(build, at, from->key);
        }
    } else {
        site_read_register(build, at, raw, from);
    }
    site_read_extra(build, at, raw, from);
}

/* ---- overlaps ---------------------------------------------------------------------------------------------------- */

/* A point's registers in the order in which devices have them. */
struct span {
    uint64_t start; /* source, unit, table, address */
    uint64_t end;   /* behind the last */
    uint32_t point;
};

static int by_start(const void *a, const void *b)
{
    const struct span *x = a;
    const struct span *y = b;
    if (x->start != y->start) {
        return x->start < y->start ? -1 : 1;
    }
    return x->point < y->point ? -1 : x->point > y->point;
}

/* False for a point whose registers are not known, for a mistake that was told. */
static bool is_read(const struct site_from *from)
{
    return from->registers > 0 || from->table == TABLE_COIL || from->table == TABLE_DISCRETE;
}

static struct span span_of(const struct site *site, uint32_t point)
{
    const struct site_from *from = &site->points[point].from;
    uint64_t start = (uint64_t)from->source << 32 | (uint64_t)from->unit << 24 | (uint64_t)from->table << 20;
    start |= from->address; /* 20 bits: the end may be 65536 */
    return (struct span){.start = start, .end = start + (from->registers > 0 ? from->registers : 1), .point = point};
}

/* Registers may be read in several ways from the same first one: whole and in parts, as status words are, in several byte
 * orders or types while it is not known which is right, raw and scaled.  Not the same way twice, and not from the middle
 * of another value: that is nearly always a wrong address. */
static bool may_share(const struct site_from *a, const struct site_from *b)
{
    if (a->address != b->address) {
        return false;
    }
    return a->type != b->type || memcmp(a->order, b->order, sizeof a->order) != 0 || a->bit_lo != b->bit_lo ||
           a->bit_hi != b->bit_hi || a->scale != b->scale || a->offset != b->offset;
}

static void report_overlap(struct site_build *build, uint32_t a, uint32_t b)
{
    const struct site *site = build->site;
    uint32_t later = a > b ? a : b;
    uint32_t earlier = a > b ? b : a;
    struct place_crumbs crumbs;
    const struct conf_at *place = site_place_at(site, &build->places[later], &crumbs);
    const struct conf_at from = CONF_KEY_AT(place, "from");
    const struct conf_at at = CONF_KEY_AT(&from, "address");
    char text[SITE_PLACE_MAX];
    conf_mistake(&build->conf, &at, "compare both with the list of the device",
                 "\"%s\" reads %s that \"%s\" (%s) reads too", site->points[later].id,
                 site->points[later].from.registers > 0 ? "registers" : "the bit", site->points[earlier].id,
                 site_place(build, earlier, conf_file(place), text));
}

void site_check_overlaps(struct site_build *build)
{
    const struct site *site = build->site;
    struct span *spans = memory_new(site->point_count, sizeof *spans);
    size_t n = 0;
    bool sorted = true;
    for (uint32_t i = 0; i < site->point_count; i++) {
        uint32_t source = site->points[i].from.source;
        if (source == SITE_NONE || site->sources[source].type == SOURCE_MQTT || !is_read(&site->points[i].from)) {
            continue;
        }
        spans[n] = span_of(site, i);
        sorted = sorted && (n == 0 || spans[n - 1].start <= spans[n].start);
        n++;
    }
    if (!sorted) {
        qsort(spans, n, sizeof *spans, by_start);
    }
    /* A span can overlap only those that begin within it; it takes 4 registers at most. */
    for (size_t i = 0; i < n; i++) {
        const struct site_from *from = &site->points[spans[i].point].from;
        for (size_t k = i + 1; k < n && spans[k].start < spans[i].end; k++) {
            if (!may_share(from, &site->points[spans[k].point].from)) {
                report_overlap(build, spans[i].point, spans[k].point);
                break; /* one word a point; what is left shows when this is mended */
            }
        }
    }
    free(spans);
}
