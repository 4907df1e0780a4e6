/*
 * trace_fuzz: any bytes as a trace.
 *
 * Reading ends; every row is whole; rows and set-aside lines add up to no more
 * than there are lines; and each NDJSON line that the quick scanner takes is
 * read the same by the full reader.
 */
#include "base/clock.h"
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

static void check_both_ways(struct trace_reader *reader, const char *line, size_t len)
{
    static struct trace_row quick;
    static struct trace_row full;
    if (!trace_json_plain(reader, line, len, &quick)) {
        return;
    }
    check(trace_json_full(reader, line, len, &full));
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
