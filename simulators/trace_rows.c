/*
 * trace_rows: a binary heap by (time of arrival, order of making).
 */
#include "simulators/trace_rows.h"
#include "model/trace.h"
#include <stdlib.h>

void trace_rows_done(struct trace_rows *rows)
{
    free(rows->heap);
    rows->heap = NULL;
    rows->count = rows->room = 0;
}

static bool before(const struct trace_pending *a, const struct trace_pending *b)
{
    return a->sample.seen_ns != b->sample.seen_ns ? a->sample.seen_ns < b->sample.seen_ns : a->number < b->number;
}

static void swap(struct trace_rows *rows, size_t a, size_t b)
{
    const struct trace_pending kept = rows->heap[a];
    rows->heap[a] = rows->heap[b];
    rows->heap[b] = kept;
}

bool trace_rows_add(struct trace_rows *rows, const struct sample *sample)
{
    if (rows->count == rows->room) {
        const size_t room = rows->room == 0 ? 256 : rows->room * 2;
        struct trace_pending *heap = realloc(rows->heap, room * sizeof *heap);
        if (heap == NULL) {
            return false;
        }
        rows->heap = heap;
        rows->room = room;
    }
    size_t i = rows->count++;
    rows->heap[i] = (struct trace_pending){.sample = *sample, .number = rows->number++};
    for (; i > 0 && before(&rows->heap[i], &rows->heap[(i - 1) / 2]); i = (i - 1) / 2) {
        swap(rows, i, (i - 1) / 2);
    }
    return true;
}

static void remove_first(struct trace_rows *rows)
{
    rows->heap[0] = rows->heap[--rows->count];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < rows->count; child++) {
            least = before(&rows->heap[child], &rows->heap[least]) ? child : least;
        }
        if (least == i) {
            return;
        }
        swap(rows, i, least);
        i = least;
    }
}

void trace_rows_flush(struct trace_rows *rows, int64_t t_ns)
{
    while (rows->count > 0 && rows->heap[0].sample.seen_ns < t_ns) {
        const struct sample *sample = &rows->heap[0].sample;
        trace_write_sample(rows->out, rows->site->points[sample->point].id, sample, rows->with_seen);
        rows->written++;
        remove_first(rows);
    }
}
