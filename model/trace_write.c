/*
 * trace_write: samples as lines of a CSV trace.
 *
 * A line is made on the stack and handed to stdio whole.  Ids hold neither
 * commas nor quotes, so nothing is ever quoted.
 */
#include "base/text.h"
#include "model/trace.h"
#include <math.h>
#include <string.h>

enum { ID_BYTES_MAX = 4 * 128 };

void trace_write_header(FILE *out, bool with_seen)
{
    (void)fputs(with_seen ? "time,point,value,status,seen\n" : "time,point,value,status\n", out);
}

void trace_write_sample(FILE *out, const char *point_id, const struct sample *sample, bool with_seen)
{
    char line[2 * TEXT_TIME_MAX + ID_BYTES_MAX + TEXT_NUMBER_MAX + STATUS_TEXT_MAX + 8];
    size_t id_len = strnlen(point_id, ID_BYTES_MAX);
    size_t len = text_format_time(sample->time_ns, line);
    line[len++] = ',';
    memcpy(line + len, point_id, id_len);
    len += id_len;
    line[len++] = ',';
    if (!isnan(sample->value)) {
        len += text_format_number(sample->value, line + len);
    }
    line[len++] = ',';
    len += status_format(sample->status, line + len);
    if (with_seen) {
        line[len++] = ',';
        len += text_format_time(sample->seen_ns, line + len);
    }
    line[len++] = '\n';
    (void)fwrite(line, 1, len, out); /* the caller asks ferror once, at the end */
}
