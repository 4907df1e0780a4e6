/*
 * trace_ahead: of a trace without order, the points of the two lines behind the
 * one in hand are fetched while that is judged.
 *
 * A point's number stands behind two looks into memory, the table's slot and
 * the id it names; in a large site both are usually far away.  So of the line
 * after the next the slot is fetched, of the next one, whose slot has come by
 * now, the id.  Nothing is decided here: a line that is read wrong, or of which
 * only a part is there yet, fetches something that nobody needs.
 */
#include "model/trace_reader.h"
#include <string.h>

/* Where the point of a line begins; NULL when the text ends before. */
static const char *find_point(const struct trace_reader *reader, const char *line)
{
    for (size_t i = 0; i < reader->column_count && reader->columns[i] != COLUMN_POINT; i++) {
        line = strchrnul(line, ',');
        if (*line == '\0') {
            return NULL;
        }
        line++;
    }
    return line;
}

void trace_look_ahead(struct trace_reader *reader, const char *next)
{
    const struct table *table = &reader->site->point_by_id;
    if (reader->ahead_line == next) {
        table_fetch_key(table, reader->ahead_hash);
    }
    const char *line = strchrnul(next, '\n');
    const char *point = *line != '\0' ? find_point(reader, line + 1) : NULL;
    const char *end = point != NULL ? memchr(point, ',', TRACE_ID_MAX + 1) : NULL;
    reader->ahead_line = NULL;
    if (end != NULL) {
        reader->ahead_line = line + 1;
        reader->ahead_hash = table_hash(point, (size_t)(end - point));
        table_fetch(table, reader->ahead_hash);
    }
}
