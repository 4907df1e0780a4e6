/*
 * sim_device: function codes 1-6, 15 and 16 over the scenario (see
 * sim_device.h; MODBUS Application Protocol V1.1b3, chapter 6).
 */
#include "simulators/sim_device.h"
#include "model/companion.h"
#include "simulators/course.h"
#include "simulators/encode.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    READ_COILS = 1,
    READ_DISCRETES = 2,
    READ_HOLDING = 3,
    READ_INPUT = 4,
    WRITE_COIL = 5,
    WRITE_REGISTER = 6,
    WRITE_COILS = 15,
    WRITE_REGISTERS = 16,
    BAD_FUNCTION = 1,
    BAD_ADDRESS = 2,
    BAD_VALUE = 3,
    DEVICE_FAILURE = 4,
    READ_BITS_MAX = 2000,
    READ_REGISTERS_MAX = 125,
    WRITE_BITS_MAX = 1968,
    WRITE_REGISTERS_MAX = 123,
    WIDEST = 4 /* registers of one point */
};

static const struct site_from *from_of(const struct device_area *area, size_t i)
{
    return area->places[i].from;
}

/* ---- what exists ------------------------------------------------------------------------------------------------- */

static void sort_places(struct device_area *area)
{
    for (size_t i = 1; i < area->place_count; i++) { /* site files are mostly in order: insertion is near linear */
        const struct device_place place = area->places[i];
        size_t to = i;
        for (; to > 0 && from_of(area, to - 1)->address > place.from->address; to--) {
            area->places[to] = area->places[to - 1];
        }
        area->places[to] = place;
    }
}

static void find_spans(struct device_area *area, uint32_t gap)
{
    for (size_t i = 0; i < area->place_count; i++) {
        const struct site_from *from = from_of(area, i);
        const uint32_t last = from->address + encode_width(from) - 1;
        struct device_span *span = area->span_count > 0 ? &area->spans[area->span_count - 1] : NULL;
        if (span == NULL || from->address > span->last + 1 + gap) {
            area->spans[area->span_count++] = (struct device_span){from->address, last};
        } else if (last > span->last) {
            span->last = last;
        }
    }
}

/* Adds the value and the companions of a point that stand in this table; places NULL: only counts them. */
static size_t add_places(struct device_place *places, size_t count, const struct site *site, uint32_t point,
                         enum mbus_table table)
{
    const struct site_from *from = &site->points[point].from;
    for (size_t k = 0; k <= site_companions(from); k++) {
        const struct site_from *place = k == 0 ? from : &from->extra->companions[k - 1].from;
        if (place->table != table) {
            continue;
        }
        if (places != NULL) {
            places[count] =
                (struct device_place){.point = point, .from = place, .companion = k == 0 ? DEVICE_VALUE : k - 1};
        }
        count++;
    }
    return count;
}

static enum err_code init_area(struct sim_device *device, enum mbus_table table, struct err *err)
{
    const struct site *site = device->site;
    struct device_area *area = &device->areas[table];
    for (int pass = 0; pass < 2; pass++) { /* count, then fill */
        size_t count = 0;
        for (uint32_t i = 0; i < site->point_count; i++) {
            const struct site_from *from = &site->points[i].from;
            if (from->source == device->source && from->unit == device->unit) {
                count = add_places(pass == 1 ? area->places : NULL, count, site, i, table);
            }
        }
        if (pass == 0 && count > 0) {
            area->places = calloc(count, sizeof area->places[0]);
            area->spans = calloc(count, sizeof area->spans[0]);
            if (area->places == NULL || area->spans == NULL) {
                return err_set(err, ERR_ENV, "out of memory");
            }
        }
        if (count == 0) {
            break;
        }
        area->place_count = count;
    }
    sort_places(area);
    const uint32_t gap = site->sources[device->source].gap;
    find_spans(area, encode_is_bits(table) ? gap * 16 : gap);
    return ERR_NONE;
}

enum err_code sim_device_init(struct sim_device *device, const struct site *site, const struct scenario *scenario,
                              uint32_t source, uint8_t unit, struct err *err)
{
    *device = (struct sim_device){.site = site, .scenario = scenario, .unit = unit, .source = source};
    enum err_code code = ERR_NONE;
    for (enum mbus_table table = TABLE_INPUT; table <= TABLE_DISCRETE && code == ERR_NONE; table++) {
        code = init_area(device, table, err);
    }
    return code;
}

void sim_device_done(struct sim_device *device)
{
    for (size_t i = 0; i < DEVICE_TABLES; i++) {
        free(device->areas[i].places);
        free(device->areas[i].spans);
        free(device->areas[i].written);
        device->areas[i] = (struct device_area){0};
    }
}

static const struct device_span *find_span(const struct device_area *area, uint32_t first, uint32_t last)
{
    for (size_t i = 0; i < area->span_count; i++) {
        if (first >= area->spans[i].first && last <= area->spans[i].last) {
            return &area->spans[i];
        }
    }
    return NULL;
}

uint32_t sim_device_block(const struct sim_device *device, enum mbus_table table, uint32_t address, uint32_t limit)
{
    const struct device_span *span = find_span(&device->areas[table], address, address);
    const uint32_t length = span == NULL ? 1 : span->last - span->first + 1;
    return length < limit ? length : limit;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The first of the area's places that can reach `address`. */
static size_t lower_bound(const struct device_area *area, uint32_t address)
{
    size_t low = 0, high = area->place_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (from_of(area, middle)->address + (uint32_t)WIDEST <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* A stretch of one table, being filled in. */
struct stretch {
    const struct sim_device *device;
    const struct device_area *area;
    int64_t t_ns;
    uint32_t first, count;
    uint16_t *words;
    bool plain; /* values are put as their points are written: what companions say does not matter */
};

/* What is put over what: values nobody named, companions for which all is well, those with something to say, and
 * values the scenario names. */
enum layer { LAYER_UNNAMED, LAYER_WELL, LAYER_TOLD, LAYER_NAMED, LAYERS };

static struct sim_reading reading_of(const struct stretch *stretch, uint32_t point)
{
    const struct sim_point *course = &stretch->device->scenario->points[point];
    return course_reading(course, &stretch->device->site->points[point], course_tick(course, stretch->t_ns));
}

static enum layer layer_of(const struct stretch *stretch, const struct device_place *place)
{
    if (place->companion == DEVICE_VALUE) {
        return stretch->device->scenario->points[place->point].named ? LAYER_NAMED : LAYER_UNNAMED;
    }
    const struct site_from *from = &stretch->device->site->points[place->point].from;
    const uint16_t status = reading_of(stretch, place->point).status;
    return status != 0 && encode_sayer(from, status) == place->companion ? LAYER_TOLD : LAYER_WELL;
}

static struct site_from guided(const struct stretch *stretch, const struct site_from *from);

static void put_place(const struct stretch *stretch, const struct device_place *place)
{
    uint16_t *words = &stretch->words[place->from->address - stretch->first];
    const struct sim_reading reading = reading_of(stretch, place->point);
    if (place->companion != DEVICE_VALUE) {
        double number;
        const struct site_from *from = &stretch->device->site->points[place->point].from;
        if (encode_companion(from, place->companion, reading.status, &number)) {
            encode_put(place->from, encode_raw(place->from, number), words);
        }
    } else if (stretch->plain || site_companions(place->from) == 0) {
        encode_put(place->from, encode_reading(place->from, reading), words);
    } else {
        const struct site_from from = guided(stretch, place->from);
        encode_put(&from, encode_reading(&from, reading), words);
    }
}

static void fill_layer(const struct stretch *stretch, enum layer layer)
{
    for (size_t i = lower_bound(stretch->area, stretch->first); i < stretch->area->place_count; i++) {
        const struct device_place *place = &stretch->area->places[i];
        const uint32_t address = place->from->address;
        const uint32_t end = address + encode_width(place->from);
        if (address >= stretch->first + stretch->count) {
            break;
        }
        if (address < stretch->first || end > stretch->first + stretch->count || layer_of(stretch, place) != layer) {
            continue; /* if only part of it was asked for there is nothing sensible to show */
        }
        put_place(stretch, place);
    }
}

/* Fills words[0..count) with what stands there. */
static void fill(const struct stretch *stretch)
{
    const struct device_written *written = stretch->area->written;
    memset(stretch->words, 0, stretch->count * sizeof stretch->words[0]);
    for (enum layer layer = LAYER_UNNAMED; layer < LAYERS; layer++) {
        fill_layer(stretch, layer);
    }
    for (uint32_t i = 0; written != NULL && i < stretch->count; i++) {
        if (written->is_written[stretch->first + i] != 0) {
            stretch->words[i] = written->words[stretch->first + i];
        }
    }
}

/* The point as its companions say at this moment. */
static struct site_from guided(const struct stretch *stretch, const struct site_from *from)
{
    struct site_from as_told = *from;
    for (size_t i = 0; i < from->extra->companion_count; i++) {
        const struct site_companion *companion = &from->extra->companions[i];
        uint16_t words[WIDEST];
        uint16_t status = 0;
        const struct stretch there = {
            .device = stretch->device,
            .area = &stretch->device->areas[companion->from.table],
            .t_ns = stretch->t_ns,
            .first = companion->from.address,
            .count = encode_width(&companion->from),
            .words = words,
            .plain = true,
        };
        if (companion->use != COMPANION_STATUS) {
            fill(&there);
            (void)companion_apply(companion, encode_number_at(&companion->from, words), &as_told, &status);
        }
    }
    return as_told;
}

static size_t exception(uint8_t function, uint8_t code, uint8_t *ret_answer)
{
    ret_answer[0] = function | 0x80;
    ret_answer[1] = code;
    return 2;
}

static uint32_t word_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static size_t answer_read(const struct sim_device *device, int64_t t_ns, const uint8_t *request, size_t len,
                          uint8_t *ret_answer)
{
    static const enum mbus_table tables[] = {
        [READ_COILS] = TABLE_COIL,
        [READ_DISCRETES] = TABLE_DISCRETE,
        [READ_HOLDING] = TABLE_HOLDING,
        [READ_INPUT] = TABLE_INPUT,
    };
    const enum mbus_table table = tables[request[0]];
    const struct device_area *area = &device->areas[table];
    if (len != 5) {
        return exception(request[0], BAD_VALUE, ret_answer);
    }
    const uint32_t first = word_at(request + 1), count = word_at(request + 3);
    if (count == 0 || count > (encode_is_bits(table) ? READ_BITS_MAX : READ_REGISTERS_MAX)) {
        return exception(request[0], BAD_VALUE, ret_answer);
    }
    if (find_span(area, first, first + count - 1) == NULL) {
        return exception(request[0], BAD_ADDRESS, ret_answer);
    }
    uint16_t words[READ_BITS_MAX];
    const struct stretch stretch = {
        .device = device, .area = area, .t_ns = t_ns, .first = first, .count = count, .words = words};
    fill(&stretch);
    const uint32_t bytes = encode_is_bits(table) ? (count + 7) / 8 : count * 2;
    ret_answer[0] = request[0];
    ret_answer[1] = (uint8_t)bytes;
    memset(ret_answer + 2, 0, bytes);
    for (uint32_t i = 0; i < count; i++) {
        if (encode_is_bits(table)) {
            ret_answer[2 + i / 8] |= (uint8_t)((words[i] & 1U) << (i % 8));
        } else {
            ret_answer[2 + 2 * i] = (uint8_t)(words[i] >> 8);
            ret_answer[3 + 2 * i] = (uint8_t)words[i];
        }
    }
    return 2 + bytes;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static bool ready_to_write(struct device_area *area)
{
    if (area->written == NULL) {
        area->written = calloc(1, sizeof *area->written);
    }
    return area->written != NULL;
}

static void write_word(struct device_area *area, uint32_t address, uint16_t word)
{
    area->written->words[address] = word;
    area->written->is_written[address] = 1;
}

/* A write's area, first address and count; an exception code when it cannot be done. */
static uint8_t check_write(struct sim_device *device, const uint8_t *request, size_t len, struct device_area **ret_area,
                           uint32_t *ret_count)
{
    const bool bits = request[0] == WRITE_COIL || request[0] == WRITE_COILS;
    const bool single = request[0] == WRITE_COIL || request[0] == WRITE_REGISTER;
    if (len < 5 || (single && len != 5)) {
        return BAD_VALUE;
    }
    const uint32_t value = word_at(request + 3);
    const uint32_t count = single ? 1 : value;
    if (request[0] == WRITE_COIL && value != 0 && value != 0xff00) {
        return BAD_VALUE;
    }
    if (!single) {
        const uint32_t bytes = bits ? (count + 7) / 8 : count * 2;
        const uint32_t most = bits ? WRITE_BITS_MAX : WRITE_REGISTERS_MAX;
        if (count == 0 || count > most || len != 6 + bytes || request[5] != bytes) {
            return BAD_VALUE;
        }
    }
    struct device_area *area = &device->areas[bits ? TABLE_COIL : TABLE_HOLDING];
    const uint32_t first = word_at(request + 1);
    if (find_span(area, first, first + count - 1) == NULL) {
        return BAD_ADDRESS;
    }
    *ret_area = area;
    *ret_count = count;
    return ready_to_write(area) ? 0 : DEVICE_FAILURE;
}

static size_t answer_write(struct sim_device *device, const uint8_t *request, size_t len, uint8_t *ret_answer)
{
    struct device_area *area = NULL;
    uint32_t count = 0;
    const uint8_t refused = check_write(device, request, len, &area, &count);
    if (refused != 0) {
        return exception(request[0], refused, ret_answer);
    }
    const uint32_t first = word_at(request + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t word = word_at(request + 3);
        if (request[0] == WRITE_COIL) {
            word = word != 0;
        } else if (request[0] == WRITE_COILS) {
            word = (uint32_t)request[6 + i / 8] >> (i % 8) & 1U;
        } else if (request[0] == WRITE_REGISTERS) {
            word = word_at(request + 6 + 2 * (size_t)i);
        }
        write_word(area, first + i, (uint16_t)word);
    }
    memcpy(ret_answer, request, 5); /* function, address, value or count come back */
    return 5;
}

size_t sim_device_answer(struct sim_device *device, int64_t t_ns, const uint8_t *request, size_t len,
                         uint8_t ret_answer[SIM_PDU_MAX])
{
    switch (request[0]) {
    case READ_COILS:
    case READ_DISCRETES:
    case READ_HOLDING:
    case READ_INPUT:
        return answer_read(device, t_ns, request, len, ret_answer);
    case WRITE_COIL:
    case WRITE_REGISTER:
    case WRITE_COILS:
    case WRITE_REGISTERS:
        return answer_write(device, request, len, ret_answer);
    default:
        return exception(request[0], BAD_FUNCTION, ret_answer);
    }
}
