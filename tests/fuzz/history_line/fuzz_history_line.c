/* fuzz_history_line: any bytes as a line of an import; what is read as a sample must, written again, be read as the
 * same. */
#include "app/history_line.h"

#include "base/table.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct site_point point = {.id = "tank-7/level"};
    static struct site site = {.points = &point, .point_count = 1};
    if (site.point_by_id.count == 0) {
        table_init(&site.point_by_id);
        (void)table_add(&site.point_by_id, point.id, 0); /* there is no other */
    }
    struct sample first;
    struct sample second;
    char line[HISTORY_LINE_MAX];
    if (history_line_parse(&site, (const char *)data, size, &first) != HISTORY_SAMPLE) {
        return 0;
    }
    size_t len = history_line_format(&first, point.id, line);
    if (history_line_parse(&site, line, len - 1, &second) != HISTORY_SAMPLE || first.time_ns != second.time_ns ||
        first.seen_ns != second.seen_ns || first.status != second.status ||
        (first.value != second.value && !(isnan(first.value) && isnan(second.value)))) {
        abort();
    }
    return 0;
}
