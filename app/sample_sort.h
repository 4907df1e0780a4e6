/*
 * sample_sort: any number of samples put in order, in bounded memory.
 *
 * Samples are added in any order.  SAMPLE_SORT_ROWS of them are kept in memory;
 * each time they are full they are sorted and written to a temporary file as a
 * run, and at the end the runs are merged.  What fits needs no file.
 *
 *   add ──► rows (32 MB) ──sorted──► run 0 │ run 1 │ … in a file without a name
 *                                       └───────┴── merged by a heap ──► out
 *
 * The file lies in the folder for temporary files (TMPDIR) and is gone with the
 * program, however it ends.
 *
 * Threads: one.  Memory: all at sample_sort_new; at the end the same memory
 * serves as the buffers of the runs.
 */
#ifndef DAVY_APP_SAMPLE_SORT_H
#define DAVY_APP_SAMPLE_SORT_H

#include "base/err.h"
#include "model/sample.h"

enum { SAMPLE_SORT_ROWS = 1 << 20 };

/* Like that of qsort; must tell all samples apart for which the order matters. */
typedef int sample_compare_fn(const void *a, const void *b);

struct sample_sort;

/* `rows` is how many are kept in memory (at least 2): SAMPLE_SORT_ROWS, less in tests. */
struct sample_sort *sample_sort_new(size_t rows, sample_compare_fn *compare);
void sample_sort_free(struct sample_sort *sort); /* accepts NULL */

/* ERR_ENV when the temporary file cannot be made or written. */
enum err_code sample_sort_add(struct sample_sort *sort, const struct sample *sample, struct err *err) MUST_CHECK;

/* Calls fn with every sample, in order, until it says false.  Once, after the last one was added. */
typedef bool sample_sort_fn(void *self, const struct sample *sample);
enum err_code sample_sort_finish(struct sample_sort *sort, sample_sort_fn *fn, void *self, struct err *err) MUST_CHECK;

#endif
