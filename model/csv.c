/*
 * csv: see csv.h.
 */
#include "model/csv.h"
#include <string.h>

/* Steps over the end of a row, if p stands there. */
static bool take_row_end(struct csv *csv)
{
    if (csv->p < csv->end && *csv->p == '\r' && (csv->p + 1 == csv->end || csv->p[1] == '\n')) {
        csv->p++;
    }
    if (csv->p == csv->end) {
        return true;
    }
    if (*csv->p != '\n') {
        return false;
    }
    csv->p++;
    csv->lines++;
    return true;
}

/* What stands behind a cell: a comma, or the end of the row. */
static void take_cell_end(struct csv *csv, struct csv_cell *cell)
{
    cell->last = take_row_end(csv);
    if (cell->last) {
        return;
    }
    if (*csv->p == ',') {
        csv->p++;
        return;
    }
    cell->broken = true; /* only behind a closing quote; goes on at the next row */
    cell->last = true;
    char *newline = memchr(csv->p, '\n', (size_t)(csv->end - csv->p));
    csv->p = newline != NULL ? newline : csv->end;
    (void)take_row_end(csv);
}

/* p stands behind the opening quote. */
static struct csv_cell take_quoted(struct csv *csv)
{
    struct csv_cell cell = {.text = csv->p};
    char *out = csv->p;
    for (; csv->p < csv->end; csv->p++) {
        if (*csv->p == '"') {
            csv->p++;
            if (csv->p == csv->end || *csv->p != '"') {
                cell.len = (size_t)(out - cell.text);
                take_cell_end(csv, &cell);
                return cell;
            }
        }
        csv->lines += *csv->p == '\n';
        *out++ = *csv->p;
    }
    cell.broken = cell.last = true;
    return cell;
}

struct csv_cell csv_cell(struct csv *csv)
{
    if (csv->p < csv->end && *csv->p == '"') {
        csv->p++;
        return take_quoted(csv);
    }
    struct csv_cell cell = {.text = csv->p};
    while (csv->p < csv->end && *csv->p != ',' && *csv->p != '\n') {
        csv->p++;
    }
    char *stop = csv->p;
    if (stop > cell.text && stop[-1] == '\r' && (stop == csv->end || *stop == '\n')) {
        stop--;
    }
    cell.len = (size_t)(stop - cell.text);
    take_cell_end(csv, &cell);
    return cell;
}
