/*
 * check_sample: what a message would become if it came to a source now.
 *
 * The payload goes through the very decoder of the source, and nowhere else:
 * nothing is stored, judged or sent.
 *
 * Memory: its own, freed.  Threads: main.
 */
#ifndef DAVY_APP_CHECK_SAMPLE_H
#define DAVY_APP_CHECK_SAMPLE_H

#include "base/err.h"
#include "model/site.h"
#include <stdio.h>

struct check_sample {
    const char *file;   /* "-": standard input */
    const char *source; /* id */
    const char *topic;  /* NULL: not asked */
};

/* Prints each sample, and each part set aside with reason and offset.  ERR_NO when anything was set aside, or the
 * source would not hear of the topic; ERR_INPUT when source or file will not do. */
enum err_code check_sample(const struct site *site, const struct check_sample *call, FILE *out,
                           struct err *err) MUST_CHECK;

#endif
