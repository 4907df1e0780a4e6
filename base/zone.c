/*
 * zone: TZif files (RFC 8536).  See zone.h.
 *
 *   header, block of 4-byte times, [header, block of 8-byte times, "\n" rule "\n"]
 *   header  "TZif" version 15 unused, six counts u32: isut isstd leap times types chars
 *   block   times · type of each u8 · types (offset i32, summer u8, name u8) · names · leaps · isstd · isut
 *
 * A file is the machine's, but every count is checked against its length.
 */
#include "base/zone.h"
#include "base/memory.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADER_BYTES = 44, TYPE_BYTES = 6, FILE_MAX = 64 * 1024, PATH_ROOM = 512, COUNTS = 6, TYPES_MAX = 256 };
enum { ISUT, ISSTD, LEAP, TIMES, TYPES, CHARS };

struct zone {
    int64_t *times; /* rising */
    uint8_t *kinds; /* [time]: index into offsets */
    size_t count;
    int32_t offsets[TYPES_MAX];
    bool has_rule;
    struct zone_rule rule;
};

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static uint32_t u32_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t time_at(const uint8_t *at, size_t width)
{
    if (width == 4) {
        return (int32_t)u32_at(at);
    }
    return (int64_t)((uint64_t)u32_at(at) << 32 | u32_at(at + 4));
}

struct block {
    const uint8_t *body;
    size_t width, len; /* bytes of a time; of the body */
    uint32_t counts[COUNTS];
};

static bool read_header(const uint8_t *at, size_t left, size_t width, struct block *block)
{
    if (left < HEADER_BYTES || memcmp(at, "TZif", 4) != 0) {
        return false;
    }
    for (size_t i = 0; i < COUNTS; i++) {
        block->counts[i] = u32_at(at + 20 + 4 * i);
        if (block->counts[i] > FILE_MAX) {
            return false;
        }
    }
    const uint32_t *counts = block->counts;
    block->width = width;
    block->body = at + HEADER_BYTES;
    block->len = counts[TIMES] * (width + 1) + counts[TYPES] * TYPE_BYTES + counts[CHARS] + counts[LEAP] * (width + 4) +
                 counts[ISSTD] + counts[ISUT];
    return block->len <= left - HEADER_BYTES && counts[TYPES] > 0 && counts[TYPES] <= TYPES_MAX;
}

static bool take_block(struct zone *zone, const struct block *block)
{
    const size_t count = block->counts[TIMES];
    const uint8_t *kinds = block->body + count * block->width;
    const uint8_t *types = kinds + count;
    zone->times = memory_new(count, sizeof *zone->times);
    zone->kinds = memory_new(count, sizeof *zone->kinds);
    zone->count = count;
    for (size_t i = 0; i < block->counts[TYPES]; i++) {
        zone->offsets[i] = (int32_t)u32_at(types + i * TYPE_BYTES);
        if (zone->offsets[i] < -100000 || zone->offsets[i] > 100000) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        zone->times[i] = time_at(block->body + i * block->width, block->width);
        zone->kinds[i] = kinds[i];
        if (kinds[i] >= block->counts[TYPES] || (i > 0 && zone->times[i] <= zone->times[i - 1])) {
            return false;
        }
    }
    return true;
}

/* "\n" rule "\n" behind the second block; an empty one says nothing. */
static bool take_rule(struct zone *zone, const uint8_t *at, size_t left)
{
    const uint8_t *end = left < 2 || at[0] != '\n' ? NULL : memchr(at + 1, '\n', left - 1);
    if (end == NULL || end == at + 1) {
        return end != NULL;
    }
    zone->has_rule = zone_rule_parse((const char *)at + 1, (size_t)(end - at) - 1, &zone->rule);
    return zone->has_rule;
}

static bool take_file(struct zone *zone, const uint8_t *bytes, size_t len)
{
    struct block block;
    if (!read_header(bytes, len, 4, &block)) {
        return false;
    }
    if (bytes[4] < '2') {
        return take_block(zone, &block);
    }
    const size_t skip = HEADER_BYTES + block.len;
    if (!read_header(bytes + skip, len - skip, 8, &block)) {
        return false;
    }
    const uint8_t *behind = block.body + block.len;
    return take_block(zone, &block) && take_rule(zone, behind, (size_t)(bytes + len - behind));
}

struct zone *zone_parse(const void *bytes, size_t len)
{
    struct zone *zone = memory_new(1, sizeof *zone);
    if (!take_file(zone, bytes, len)) {
        zone_free(zone);
        return NULL;
    }
    return zone;
}

void zone_free(struct zone *zone)
{
    if (zone != NULL) {
        free(zone->times);
        free(zone->kinds);
        free(zone);
    }
}

/* ---- by name ----------------------------------------------------------------------------------------------------- */

enum err_code zone_open(const char *name, struct zone **ret_zone, struct err *err)
{
    const char *folder = getenv("TZDIR");
    folder = folder != NULL && folder[0] != '\0' ? folder : "/usr/share/zoneinfo";
    char path[PATH_ROOM];
    if (access(folder, X_OK) != 0) {
        return err_set(err, ERR_ENV, "%s: %s; install the package tzdata", folder, strerror(errno));
    }
    const bool fits = snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path;
    FILE *file = fits && strstr(name, "..") == NULL ? fopen(path, "rb") : NULL;
    if (file == NULL) {
        return err_set(err, ERR_INPUT, "\"%s\" is not a time zone of this machine (%s)", name, folder);
    }
    uint8_t *bytes = memory_new(FILE_MAX, 1);
    const size_t len = fread(bytes, 1, FILE_MAX, file);
    (void)fclose(file); /* it was only read */
    struct zone *zone = zone_parse(bytes, len);
    free(bytes);
    if (zone == NULL) {
        return err_set(err, ERR_INPUT, "%s is no time zone", path);
    }
    *ret_zone = zone;
    return ERR_NONE;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

int32_t zone_offset_s(const struct zone *zone, int64_t time_s)
{
    if (zone == NULL) {
        return 0;
    }
    if (zone->has_rule && (zone->count == 0 || time_s >= zone->times[zone->count - 1])) {
        return zone_rule_offset_s(&zone->rule, time_s);
    }
    size_t low = 0, high = zone->count; /* the first time that is later */
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (zone->times[mid] <= time_s) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return zone->offsets[low == 0 ? 0 : zone->kinds[low - 1]];
}
