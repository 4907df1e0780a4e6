/*
 * site_csv: point tables, and device tables.
 *
 *   id,kind,range.lo,range.hi,from.source,from.address,tags.place
 *   t1,ch4,0,10,plc-1,0,T1
 *
 * The columns are the keys of a point, dotted; `tags.<name>` is a tag; a range
 * may be two columns or one (`range`, holding "[0, 10]" or "0 10").  A missing
 * column or an empty cell is an absent key.  Cells follow RFC 4180: quotes
 * around a cell that holds commas, quotes (doubled) or line ends.
 *
 * A device table is read alike; its columns are the keys of a device.
 *
 * A row is read in place, straight into a struct raw_point or raw_device: no
 * JSON, nothing allocated but the texts that stay.
 */
#include "base/memory.h"
#include "base/text.h"
#include "model/csv.h"
#include "model/site_build.h"
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 256, COLUMN_NAME_MAX = 160 };

/* Where a column's cells go. */
struct column {
    const struct conf_table *table; /* NULL: a tag, or (tag NULL too) an unknown column */
    const struct conf_key *key;
    size_t offset;    /* of the table's struct in the row */
    const char *tag;  /* arena */
    const char *name; /* as in the header; arena */
};

/* What a row is read into. */
union row {
    struct raw_point point;
    struct raw_device device;
};

struct reader {
    struct site_build *build;
    const char *file;
    const struct conf_table *table; /* of a point or of a device */
    struct csv csv;
    struct column columns[COLUMNS_MAX];
    size_t column_count;
    struct conf_tag tags[COLUMNS_MAX]; /* of the row at hand */
    size_t tag_count;
    json_t *objects;           /* of the row at hand: cells that hold JSON */
    double range_lo, range_hi; /* of the row at hand; NaN absent */
};

/* One struct for `range.lo` and `range.hi`, which are columns only. */
static const struct conf_key range_keys[] = {
    {"lo", CONF_NUMBER, offsetof(struct reader, range_lo), .help = "lowest value"},
    {"hi", CONF_NUMBER, offsetof(struct reader, range_hi), .help = "highest value"},
};
static const struct conf_table range_table = {.name = "range", .keys = range_keys, .count = 2};

static void broken_quote(struct reader *reader, const struct conf_at *at)
{
    conf_mistake(&reader->build->conf, at, "double a quote that belongs to the cell",
                 "a quoted cell is not closed, or something follows its closing quote");
}

/* ---- header ------------------------------------------------------------------------------------------------------ */

/* Finds where a column goes; false when no key has that name. */
static bool find_column(struct reader *reader, const char *name, struct column *column)
{
    const bool points = reader->table == &point_table;
    *column = (struct column){.table = reader->table, .name = name};
    const char *rest = name;
    if (strncmp(name, "tags.", 5) == 0 && name[5] != '\0') {
        column->table = NULL;
        column->tag = conf_text(&reader->build->conf, name + 5, strlen(name + 5), true);
        return true;
    }
    if (points && strncmp(name, "from.", 5) == 0) {
        *column = (struct column){.table = &from_table, .offset = offsetof(struct raw_point, from), .name = name};
        rest = name + 5;
    } else if (points && strncmp(name, "range.", 6) == 0) {
        column->table = &range_table;
        rest = name + 6;
    }
    column->key = conf_find_key(column->table, rest, strlen(rest));
    bool whole = column->key != NULL && (column->key->type == CONF_TABLE || column->key->type == CONF_TAGS);
    return column->key != NULL && !whole;
}

/* All names a column may have, for the hint. */
static const char *hint_column(const struct conf_table *table, char hint[CONF_HINT_MAX], const char *name)
{
    enum { NAMES_MAX = 64 };
    char texts[NAMES_MAX][24];
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < table->count && n < NAMES_MAX - 2; i++) {
        (void)snprintf(texts[n++], sizeof texts[0], "%s", table->keys[i].name);
    }
    const size_t from_count = table == &point_table ? from_table.count : 0;
    for (size_t i = 0; i < from_count && n < NAMES_MAX - 2; i++) {
        (void)snprintf(texts[n++], sizeof texts[0], "from.%s", from_table.keys[i].name);
    }
    if (table == &point_table) {
        (void)snprintf(texts[n++], sizeof texts[0], "range.lo");
        (void)snprintf(texts[n++], sizeof texts[0], "range.hi");
    }
    for (size_t i = 0; i < n; i++) {
        names[i] = texts[i];
    }
    return conf_hint_nearest(hint, name, names, n);
}

static void add_column(struct reader *reader, const struct conf_at *at, const struct csv_cell *cell)
{
    struct conf *conf = &reader->build->conf;
    char name[COLUMN_NAME_MAX];
    size_t skip = strspn(cell->text, " ");
    skip = skip < cell->len ? skip : cell->len;
    (void)snprintf(name, sizeof name, "%.*s", (int)(cell->len - skip < sizeof name ? cell->len - skip : 0),
                   cell->text + skip);
    for (size_t n = strlen(name); n > 0 && name[n - 1] == ' '; n--) {
        name[n - 1] = '\0';
    }
    struct column *column = &reader->columns[reader->column_count];
    const char *kept = arena_strdup(conf->arena, name);
    const struct conf_at here = CONF_KEY_AT(at, name);
    if (name[0] == '\0') {
        conf_mistake(conf, at, "name it, or take it out", "column %zu has no name", reader->column_count + 1);
        *column = (struct column){.name = ""};
        reader->column_count++;
        return;
    }
    if (!find_column(reader, kept, column)) {
        char hint[CONF_HINT_MAX];
        const char *told =
            strchr(name, ';') != NULL ? "cells are separated by commas" : hint_column(reader->table, hint, name);
        conf_mistake(conf, &here, told, "is not a known column");
        *column = (struct column){.name = kept};
    }
    for (size_t i = 0; i < reader->column_count; i++) {
        if (strcmp(reader->columns[i].name, name) == 0) {
            conf_mistake(conf, &here, "keep one of them", "stands twice in the header");
            *column = (struct column){.name = ""};
            break;
        }
    }
    reader->column_count++;
}

/* Reads the header; false when no row can be read by it. */
static bool read_header(struct reader *reader)
{
    const struct conf_at at = CONF_ROOT(reader->file, 1);
    struct conf *conf = &reader->build->conf;
    bool has_id = false;
    if (reader->csv.p == reader->csv.end) {
        conf_mistake(conf, &at, "the first line names the columns", "the file is empty");
        return false;
    }
    for (struct csv_cell cell = {0}; !cell.last;) {
        cell = csv_cell(&reader->csv);
        if (cell.broken) {
            broken_quote(reader, &at);
            return false;
        }
        if (reader->column_count == COLUMNS_MAX) {
            conf_mistake(conf, &at, NULL, "has more than %d columns", COLUMNS_MAX);
            return false;
        }
        add_column(reader, &at, &cell);
        has_id = has_id || strcmp(reader->columns[reader->column_count - 1].name, "id") == 0;
    }
    if (!has_id) {
        conf_mistake(conf, &at, "name the columns in the first line", "the column \"id\" is missing");
    }
    return has_id;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void take_tag(struct reader *reader, const struct conf_at *at, const struct column *column,
                     const struct csv_cell *cell)
{
    struct conf *conf = &reader->build->conf;
    const struct conf_key *key = conf_find_key(reader->table, "tags", 4);
    if (cell->len > (size_t)key->hi) {
        conf_mistake(conf, at, "make it shorter", "is %zu bytes long, at most %zu are allowed", cell->len,
                     (size_t)key->hi);
        return;
    }
    reader->tags[reader->tag_count++] =
        (struct conf_tag){.key = column->tag, .value = conf_text(conf, cell->text, cell->len, true)};
}

/* A cell that holds an object, as JSON.  The row borrows it. */
static void read_json_cell(struct reader *reader, const struct conf_at *at, const struct column *column,
                           const struct csv_cell *cell, void *target)
{
    json_error_t error;
    json_t *value = json_loadb(cell->text, cell->len, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL) {
        conf_mistake(&reader->build->conf, at, "such as {\"\"address\"\": 7}, its quotes doubled",
                     "is no JSON object: %s", error.text);
        return;
    }
    (void)json_array_append_new(reader->objects, value);
    ((struct conf_head *)target)->given = true;
    conf_mark_written(column->table, column->key, target);
    conf_read_value(&reader->build->conf, at, column->key, value, target);
}

static void read_cell(struct reader *reader, const struct conf_at *row, const struct column *column,
                      const struct csv_cell *cell, union row *raw)
{
    if (cell->len == 0 || (column->table == NULL && column->tag == NULL)) {
        return;
    }
    const struct conf_at at = CONF_KEY_AT(row, column->name);
    if (column->tag != NULL) {
        take_tag(reader, &at, column, cell);
        return;
    }
    void *target = column->table == &range_table ? (void *)reader : (char *)raw + column->offset;
    if (column->key->type == CONF_MAP || column->key->type == CONF_OBJECTS) {
        read_json_cell(reader, &at, column, cell, target);
        return;
    }
    conf_read_cell(&reader->build->conf, &at, column->key, cell->text, cell->len, target);
    if (column->table != &range_table) {
        ((struct conf_head *)target)->given = true;
        conf_mark_written(column->table, column->key, target);
    }
}

/* `range.lo` and `range.hi` together are a range. */
static void join_range(struct reader *reader, const struct conf_at *row, struct raw_point *raw)
{
    bool lo = !isnan(reader->range_lo);
    bool hi = !isnan(reader->range_hi);
    if (!lo && !hi) {
        return;
    }
    const struct conf_at at = CONF_KEY_AT(row, "range");
    if (!lo || !hi) {
        conf_mistake(&reader->build->conf, &at, "fill in both or neither",
                     "range.lo and range.hi must be given together");
    } else if (raw->range.given) {
        conf_mistake(&reader->build->conf, &at, "keep one of them", "stands in a column of its own and in two");
    } else if (reader->range_lo >= reader->range_hi) {
        conf_mistake(&reader->build->conf, &at, "low comes first", "the low end is not below the high end");
    } else {
        raw->range = (struct conf_pair){.given = true, .lo = reader->range_lo, .hi = reader->range_hi};
    }
}

/* A mistake when a key that every row needs was not written. */
static void require_cell(struct reader *reader, const struct conf_at *row, const struct conf_table *table,
                         const char *key, const char *column, const void *raw)
{
    if (!conf_is_written(table, conf_find_key(table, key, strlen(key)), raw)) {
        const struct conf_at at = CONF_KEY_AT(row, column);
        conf_mistake(&reader->build->conf, &at, "write it", "is missing");
    }
}

static void finish_point(struct reader *reader, const struct conf_at *row, struct site_place place,
                         struct raw_point *raw)
{
    join_range(reader, row, raw);
    raw->tags = (struct conf_tags){.items = reader->tags, .count = reader->tag_count};
    require_cell(reader, row, &point_table, "id", "id", raw);
    if (raw->from.head.given) {
        require_cell(reader, row, &from_table, "source", "from.source", &raw->from);
    }
    conf_defaults(&reader->build->conf, &point_table, raw);
    site_add_point(reader->build, row, raw, place);
}

static void finish_device(struct reader *reader, const struct conf_at *row, struct site_place place,
                          struct raw_device *raw)
{
    raw->tags = (struct conf_tags){.items = reader->tags, .count = reader->tag_count};
    for (size_t i = 0; i < device_table.count; i++) {
        const struct conf_key *key = &device_table.keys[i];
        if (key->required) {
            require_cell(reader, row, &device_table, key->name, key->name, raw);
        }
    }
    conf_defaults(&reader->build->conf, &device_table, raw);
    site_add_device(reader->build, row, raw, place);
}

/* Reads one row; `blank` is the state of nothing written. */
static void read_row(struct reader *reader, uint32_t doc, const union row *blank)
{
    const struct conf_at row = CONF_ROOT(reader->file, reader->csv.lines + 1);
    union row raw = *blank;
    reader->range_lo = reader->range_hi = NAN;
    reader->tag_count = 0;
    size_t n = 0;
    bool empty = true;
    for (struct csv_cell cell = {0}; !cell.last; n++) {
        cell = csv_cell(&reader->csv);
        if (cell.broken) {
            broken_quote(reader, &row);
            return;
        }
        if (n < reader->column_count) {
            read_cell(reader, &row, &reader->columns[n], &cell, &raw);
        }
        empty = empty && cell.len == 0;
    }
    if (empty) {
        return; /* as spreadsheets leave behind their last row */
    }
    if (n > reader->column_count) {
        conf_mistake(&reader->build->conf, &row, "put cells that hold commas in quotes",
                     "has %zu cells, the header %zu", n, reader->column_count);
        return;
    }
    const struct site_place place = {.file = doc, .number = (uint32_t)row.index};
    if (reader->table == &point_table) {
        finish_point(reader, &row, place, &raw.point);
    } else {
        finish_device(reader, &row, place, &raw.device);
    }
    (void)json_array_clear(reader->objects);
}

/* Says in which line the text stops being UTF-8; true when it is all well. */
static bool check_utf8(struct site_build *build, const struct site_doc *doc)
{
    if (text_is_utf8(doc->text, doc->text_len)) {
        return true;
    }
    size_t line = 1;
    const char *end = doc->text + doc->text_len;
    for (const char *p = doc->text; p < end; line++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline != NULL ? newline : end;
        if (!text_is_utf8(p, (size_t)(stop - p))) {
            break;
        }
        p = stop + 1;
    }
    const struct conf_at at = CONF_ROOT(doc->name, line);
    conf_mistake(&build->conf, &at, "save it as \"CSV UTF-8\"", "is not UTF-8");
    return false;
}

void site_read_table(struct site_build *build, uint32_t doc_index)
{
    const struct site_doc *doc = &build->docs[doc_index];
    if (!check_utf8(build, doc)) {
        return;
    }
    struct reader *reader = memory_new(1, sizeof *reader);
    reader->build = build;
    reader->file = doc->name;
    reader->objects = json_array();
    reader->table = doc->devices ? &device_table : &point_table;
    reader->csv = (struct csv){.p = doc->text + (strncmp(doc->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0),
                               .end = doc->text + doc->text_len};
    union row blank;
    conf_clear(reader->table, &blank);
    if (read_header(reader)) {
        while (reader->csv.p < reader->csv.end) {
            read_row(reader, doc_index, &blank);
        }
    }
    json_decref(reader->objects);
    free(reader);
}
