/* sample_sort: see sample_sort.h. */
#include "app/sample_sort.h"

#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A run in the file and, while merging, the part of it that is in memory. */
struct run {
    off_t at, end;         /* bytes of the file that were not read yet */
    struct sample *buffer; /* its share of the rows */
    size_t next, count;    /* of the buffer */
};

struct sample_sort {
    sample_compare_fn *compare;
    struct sample *rows;
    size_t room, count;
    struct run *runs; /* owned */
    size_t run_count, run_room;
    size_t share; /* of the rows for each run, while merging */
    int file;     /* -1: none yet */
    off_t written;
};

struct sample_sort *sample_sort_new(size_t rows, sample_compare_fn *compare)
{
    struct sample_sort *sort = memory_new(1, sizeof *sort);
    sort->compare = compare;
    sort->rows = memory_new(rows, sizeof *sort->rows);
    sort->room = rows;
    sort->file = -1;
    return sort;
}

void sample_sort_free(struct sample_sort *sort)
{
    if (sort == NULL) {
        return;
    }
    if (sort->file >= 0) {
        (void)close(sort->file); /* it has no name: this removes it */
    }
    free(sort->runs);
    free(sort->rows);
    free(sort);
}

/* ---- runs into the file ---- */

static enum err_code open_file(struct sample_sort *sort, struct err *err)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    if (folder == NULL || *folder == '\0') {
        folder = "/tmp";
    }
    (void)snprintf(path, sizeof path, "%s/davy-sort-XXXXXX", folder);
    sort->file = mkostemp(path, O_CLOEXEC);
    if (sort->file < 0) {
        return err_set(err, ERR_ENV, "%s: cannot make a temporary file: %s; set TMPDIR to a folder with room", folder,
                       strerror(errno));
    }
    (void)unlink(path); /* a name that stays does no harm */
    return ERR_NONE;
}

static enum err_code write_rows(struct sample_sort *sort, struct err *err)
{
    const char *bytes = (const char *)sort->rows;
    size_t left = sort->count * sizeof *sort->rows;
    while (left > 0) {
        ssize_t n = pwrite(sort->file, bytes, left, sort->written);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return err_set(err, ERR_ENV, "temporary file: %s; set TMPDIR to a folder with room", strerror(errno));
        }
        bytes += n;
        left -= (size_t)n;
        sort->written += n;
    }
    return ERR_NONE;
}

static void sort_rows(struct sample_sort *sort)
{
    qsort(sort->rows, sort->count, sizeof *sort->rows, sort->compare);
}

/* Sorts what is in memory and moves it to the file. */
static enum err_code end_run(struct sample_sort *sort, struct err *err)
{
    off_t start = sort->written;
    enum err_code code = sort->file >= 0 ? ERR_NONE : open_file(sort, err);
    if (code == ERR_NONE) {
        sort_rows(sort);
        code = write_rows(sort, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (sort->run_count == sort->run_room) {
        sort->run_room = sort->run_room == 0 ? 16 : 2 * sort->run_room;
        sort->runs = memory_resize(sort->runs, sort->run_room, sizeof *sort->runs);
    }
    sort->runs[sort->run_count++] = (struct run){.at = start, .end = sort->written};
    sort->count = 0;
    return ERR_NONE;
}

enum err_code sample_sort_add(struct sample_sort *sort, const struct sample *sample, struct err *err)
{
    if (sort->count == sort->room) {
        enum err_code code = end_run(sort, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    sort->rows[sort->count++] = *sample;
    return ERR_NONE;
}

/* ---- merging ---- */

/* Reads the next part of a run; its count stays 0 at its end. */
static enum err_code refill(struct sample_sort *sort, struct run *run, struct err *err)
{
    size_t bytes = sort->share * sizeof *run->buffer;
    bytes = (off_t)bytes < run->end - run->at ? bytes : (size_t)(run->end - run->at);
    run->next = 0;
    run->count = bytes / sizeof *run->buffer;
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pread(sort->file, (char *)run->buffer + done, bytes - done, run->at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return err_set(err, ERR_ENV, "temporary file: cannot be read: %s", n < 0 ? strerror(errno) : "cut short");
        }
        done += (size_t)n;
        run->at += n;
    }
    return ERR_NONE;
}

static bool comes_before(const struct sample_sort *sort, const struct run *a, const struct run *b)
{
    return sort->compare(&a->buffer[a->next], &b->buffer[b->next]) < 0;
}

/* Lets the run at place i of the heap sink to where it belongs: the one with the first sample is at 0. */
static void sink(struct sample_sort *sort, size_t i, size_t count)
{
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < count; child++) {
            least = comes_before(sort, &sort->runs[child], &sort->runs[least]) ? child : least;
        }
        if (least == i) {
            return;
        }
        struct run swap = sort->runs[i];
        sort->runs[i] = sort->runs[least];
        sort->runs[least] = swap;
        i = least;
    }
}

/* The rows' memory is shared out; should there be more runs than rows it grows to one row each. */
static enum err_code begin_merge(struct sample_sort *sort, struct err *err)
{
    if (sort->run_count > sort->room) {
        sort->room = sort->run_count;
        sort->rows = memory_resize(sort->rows, sort->room, sizeof *sort->rows);
    }
    sort->share = sort->room / sort->run_count;
    for (size_t i = 0; i < sort->run_count; i++) {
        sort->runs[i].buffer = sort->rows + i * sort->share;
        enum err_code code = refill(sort, &sort->runs[i], err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    for (size_t i = sort->run_count / 2; i-- > 0;) {
        sink(sort, i, sort->run_count);
    }
    return ERR_NONE;
}

static enum err_code merge(struct sample_sort *sort, sample_sort_fn *fn, void *self, struct err *err)
{
    enum err_code code = begin_merge(sort, err);
    size_t left = sort->run_count;
    while (code == ERR_NONE && left > 0) {
        struct run *first = &sort->runs[0];
        if (!fn(self, &first->buffer[first->next])) {
            return ERR_NONE;
        }
        if (++first->next == first->count) {
            code = refill(sort, first, err);
        }
        if (first->count == 0) {
            *first = sort->runs[--left];
        }
        sink(sort, 0, left);
    }
    return code;
}

enum err_code sample_sort_finish(struct sample_sort *sort, sample_sort_fn *fn, void *self, struct err *err)
{
    if (sort->run_count == 0) {
        sort_rows(sort);
        for (size_t i = 0; i < sort->count && fn(self, &sort->rows[i]); i++) {
        }
        return ERR_NONE;
    }
    enum err_code code = sort->count > 0 ? end_run(sort, err) : ERR_NONE;
    return code == ERR_NONE ? merge(sort, fn, self, err) : code;
}
