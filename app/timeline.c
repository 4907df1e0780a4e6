/* timeline: see timeline.h. */
#include "app/timeline.h"

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdlib.h>

/* Gives the place for a line: a new one, or that of the line it takes the place of; NULL: it is not to be kept. */
static struct timeline_line *place(struct timeline *timeline, int64_t time_ns, uint64_t key)
{
    if (time_ns < timeline->begin_ns) {
        for (size_t i = 0; i < timeline->count && key != 0; i++) {
            struct timeline_line *line = &timeline->items[i];
            if (line->key == key && line->time_ns < timeline->begin_ns) {
                free(line->text);
                return line;
            }
        }
        if (key == 0) {
            return NULL;
        }
    }
    if (timeline->count == TIMELINE_LINES) {
        timeline->left_out++;
        return NULL;
    }
    if (timeline->count == timeline->room) {
        timeline->room = timeline->room == 0 ? 64 : timeline->room * 2;
        timeline->items = memory_resize(timeline->items, timeline->room, sizeof *timeline->items);
    }
    return &timeline->items[timeline->count++];
}

void timeline_add(struct timeline *timeline, int64_t time_ns, uint32_t rank, uint64_t key, const char *fmt, ...)
{
    struct timeline_line *line = place(timeline, time_ns, key);
    if (line == NULL) {
        return;
    }
    struct buf text = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    *line = (struct timeline_line){
        .time_ns = time_ns, .order = timeline->added++, .rank = rank, .key = key, .text = text.data};
}

void timeline_done(struct timeline *timeline)
{
    for (size_t i = 0; i < timeline->count; i++) {
        free(timeline->items[i].text);
    }
    free(timeline->items);
    *timeline = (struct timeline){0};
}

static int by_time(const void *a, const void *b)
{
    const struct timeline_line *x = a;
    const struct timeline_line *y = b;
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    return (x->order > y->order) - (x->order < y->order);
}

void timeline_print(struct timeline *timeline, FILE *out)
{
    if (timeline->count > 0) {
        qsort(timeline->items, timeline->count, sizeof *timeline->items, by_time);
    }
    for (size_t i = 0; i < timeline->count; i++) {
        char time[TEXT_TIME_MAX];
        (void)text_format_time(timeline->items[i].time_ns, time);
        (void)fprintf(out, "%s  %s\n", time, timeline->items[i].text);
    }
    if (timeline->left_out > 0) {
        (void)fprintf(out, "%zu more changes of conditions are not shown\n", timeline->left_out);
    }
}
