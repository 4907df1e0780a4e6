/*
 * trace_fuzz: any bytes as a trace.
 *
 * Reading ends; every row is whole; rows and set-aside lines add up to no more
 * than there are lines; and each line that the quick scanner takes, all of it,
 * is read the same by the full reader.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "model/trace.h"
#include "model/trace_reader.h"
#include "tests/fuzz/site/memory_files.h"
#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char site_text[] =
    "{\"site\": {\"id\": \"x\"}, \"points\": [{\"id\": \"a\"}, {\"id\": \"b\"}, {\"id\": \"面/c\"}],"
    "\"rules\": [{\"id\": \"r\", \"levels\": [{\"level\": \"red\", \"when\": \"value > 1\"}]}]}";

static void check(bool right)
{
    if (!right) {
        abort();
    }
}

static const struct site *the_site(void)
{
    static struct site *site; /* made once: a fuzz target has no other place to keep it */
    if (site == NULL) {
        char path[MEMORY_PATH_MAX];
        struct mistakes mistakes;
        int fd = memory_file(site_text, strlen(site_text), path);
        mistakes_init(&mistakes);
        check(site_load(path, &mistakes, &site, NULL) == ERR_NONE);
        mistakes_done(&mistakes);
        (void)close(fd);
    }
    return site;
}

static void check_row(const struct trace_row *row)
{
    switch (row->kind) {
    case TRACE_SAMPLE:
        check(row->sample.point < 3 && row->sample.time_ns == row->time_ns);
        check(isfinite(row->sample.value) || (isnan(row->sample.value) && row->sample.status != 0));
        break;
    case TRACE_ACT:
        check(row->act.alarm < 3 && row->act.kind < ACT_COUNT && row->act.level < LEVEL_COUNT);
        check(memchr(row->act.by, '\0', sizeof row->act.by) != NULL);
        break;
    case TRACE_CLOCK:
        break;
    }
}

/* The line alone with its end and, behind it, what the quick scanner may look at. */
static void check_both_ways(struct trace_reader *reader, const char *text, size_t len)
{
    static struct trace_row quick;
    static struct trace_row full;
    char *line = memory_new(len + 1 + TRACE_SLACK, 1);
    memcpy(line, text, len);
    line[len] = '\n';
    const char *end = reader->ndjson             ? trace_json_quick(reader, line, &quick)
                      : reader->column_count > 0 ? trace_csv_quick(reader, line, &quick)
                                                 : NULL;
    if (end == NULL) {
        free(line);
        return;
    }
    check(end == line + len + 1);
    len -= len > 0 && line[len - 1] == '\r' ? 1 : 0;
    check(reader->ndjson ? trace_json_row(reader, line, len, &full) : trace_csv_row(reader, line, len, &full));
    free(line);
    check(quick.kind == full.kind && quick.time_ns == full.time_ns && quick.seen_ns == full.seen_ns);
    if (quick.kind == TRACE_SAMPLE) {
        check(quick.sample.point == full.sample.point && quick.sample.status == full.sample.status);
        check(quick.sample.value == full.sample.value || (isnan(quick.sample.value) && isnan(full.sample.value)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct trace_row row;
    char path[MEMORY_PATH_MAX];
    struct trace_reader *reader = NULL;
    uint64_t lines = 1;
    int fd = memory_file(data, size, path);
    enum err_code code = trace_open(path, the_site(), NULL, NULL, &reader, NULL);
    check(code == ERR_NONE || code == ERR_INPUT);
    if (reader != NULL) {
        while (trace_next(reader, &row)) {
            check_row(&row);
        }
        for (size_t i = 0; i < size; i++) {
            lines += data[i] == '\n';
        }
        check(trace_rows(reader) + trace_set_aside(reader) <= lines);
        const char *text = (const char *)data;
        for (size_t at = 0; at < size;) {
            const char *newline = memchr(text + at, '\n', size - at);
            size_t len = newline != NULL ? (size_t)(newline - text) - at : size - at;
            check_both_ways(reader, text + at, len);
            at += len + 1;
        }
    }
    trace_close(reader);
    (void)close(fd);
    return 0;
}
