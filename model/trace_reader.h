/*
 * trace_reader: what the parts of the trace reader share.
 *
 *   trace.c        opening, lines, setting aside
 *   trace_quick.c  the usual line of both forms, in one pass
 *   trace_scan.c   what that is made of
 *   trace_value.c  times, points, values, status: the same for both forms
 *   trace_csv.c    a CSV line
 *   trace_json.c   an NDJSON line
 *   trace_act.c    an act in one
 *   trace_write.c  writing
 */
#ifndef DAVY_MODEL_TRACE_READER_H
#define DAVY_MODEL_TRACE_READER_H

#include "model/trace.h"
#include <jansson.h>

enum {
    TRACE_BUFFER = 1 << 20, /* bytes; also the longest line, longer ones are set aside */
    TRACE_ID_MAX = 512,     /* bytes of a point's id: 128 characters */
    TRACE_SLACK = 1024,     /* behind the buffer: the quick scanners look so far, for an id and its end */
    TRACE_WRONG_MAX = 16,   /* so many wrong guesses, and only one row in as many is guessed at */
    TRACE_AHEAD_FROM = 8192, /* points: the table of fewer stays in the cache */
    TRACE_READ = 1 << 18,   /* bytes read at once: small enough to be still in the cache when they are looked at */
    TRACE_COLUMNS_MAX = 64,
    TRACE_TIME_KEPT = 48,
    TRACE_DAY_LEN = 11, /* yyyy-mm-ddT */
    TRACE_SHOWN_MAX = 48, /* bytes of a text that a reason quotes */
};

/* What a CSV column holds. */
enum trace_column { COLUMN_TIME, COLUMN_POINT, COLUMN_VALUE, COLUMN_STATUS, COLUMN_SEEN, COLUMN_OTHER, COLUMN_KINDS };

/* The last time that was read: rows of one moment say it again and again. */
struct trace_time {
    size_t len;
    int64_t ns;
    char text[TRACE_TIME_KEPT];
};

/* The date of the last RFC 3339 time, and when that day began in UTC. */
struct trace_day {
    int64_t ns;
    char text[TRACE_DAY_LEN]; /* "2026-01-05T"; NULs: none yet */
};

struct trace_text {
    const char *text; /* not ended by NUL */
    size_t len;
};

/* A point's id at hand. */
struct trace_name {
    const char *id; /* borrowed from the site */
    uint32_t len;
    uint32_t after; /* which point came after it the last time */
};

struct trace_reader {
    const struct site *site; /* borrowed */
    trace_aside_fn *aside;
    void *aside_self;
    void (*before_read)(void *self); /* may be NULL */
    void *before_read_self;
    char *file; /* owned */
    int fd;
    struct err err;

    char *buffer;      /* owned, TRACE_BUFFER + TRACE_SLACK bytes */
    size_t start, end; /* bytes in it that were not read yet; there is a NUL behind them */
    bool ended;        /* the file has no more */
    bool skipping;     /* within a line that is too long */

    uint64_t line; /* number of the line at hand, from 1 */
    uint64_t rows, set_aside;
    bool ndjson;
    uint8_t columns[TRACE_COLUMNS_MAX]; /* enum trace_column */
    size_t column_count;

    struct trace_time time, seen;
    struct trace_day day;
    uint32_t last_point;      /* of the row before */
    uint32_t wrong;           /* how many guesses in a row were wrong, at most TRACE_WRONG_MAX */
    struct trace_name *names; /* [point], at least one; owned */

    const char *ahead_line; /* see trace_look_ahead; only compared, for the buffer moves on */
    uint32_t ahead_hash;    /* of its point */
};

/* Reports and counts a broken row. */
void trace_aside(struct trace_reader *reader, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A text as a reason quotes it: cut, control characters as '?'. */
const char *trace_shown(struct trace_text text, char ret_text[TRACE_SHOWN_MAX + 4]);

bool trace_read_time(struct trace_time *kept, struct trace_text text, int64_t *ret_ns);
/* Points mostly come in the same order round after round, so the one that came after the last point the last time is
 * tried first.  On a trace without order that would cost a look into memory for nothing: then it is given up. */
static inline bool trace_may_guess(const struct trace_reader *reader)
{
    return reader->wrong < TRACE_WRONG_MAX || reader->rows % TRACE_WRONG_MAX == 0;
}

/* On such a trace, of a large site: fetches what the lines behind the one in hand will need, of which `next` is the first.
 * CSV only. */
void trace_look_ahead(struct trace_reader *reader, const char *next);
static inline bool trace_pays_ahead(const struct trace_reader *reader)
{
    return reader->wrong >= TRACE_WRONG_MAX && !reader->ndjson && reader->site->point_count >= TRACE_AHEAD_FROM;
}

/* Finds a point whose id is not the guessed one; SITE_NONE when there is none. */
uint32_t trace_find_point(struct trace_reader *reader, struct trace_text id);
/* Reads a number, "" (no value), true, false, NaN or an infinity in any case. */
bool trace_read_value(struct trace_text text, double *ret_value);

/* Makes a good row of a sample or of the clock alone; point SITE_NONE: the clock. */
void trace_make_row(struct trace_row *row, int64_t time_ns, int64_t seen_ns, uint32_t point, double value,
                    uint16_t status);

/* Takes a CSV header; false with err when it is none. */
bool trace_csv_header(struct trace_reader *reader, char *text, size_t len);
/* Reads one line; false when it was set aside.  The line is changed in place. */
bool trace_csv_row(struct trace_reader *reader, char *text, size_t len, struct trace_row *ret_row);

bool trace_json_row(struct trace_reader *reader, const char *text, size_t len, struct trace_row *ret_row);

/* Read the line at p, up to its newline, if it is a sample (or, NDJSON only, a clock row) of the usual form, and give
 * where the next one begins; NULL for everything else, which the functions above then read.  Bytes behind p up to
 * TRACE_SLACK can be read; some byte behind the text is a NUL. */
const char *trace_csv_quick(struct trace_reader *reader, const char *p, struct trace_row *ret_row);
const char *trace_json_quick(struct trace_reader *reader, const char *p, struct trace_row *ret_row);
/* An act row: reads the object of one with `do`. */
bool trace_json_act(struct trace_reader *reader, json_t *object, int64_t time_ns, int64_t seen_ns,
                    struct trace_row *ret_row);
/* Reads a time under a key (absent leaves *ret_ns alone); sets the row aside when it is none. */
bool trace_json_time(struct trace_reader *reader, const json_t *object, const char *key, int64_t *ret_ns);

#endif
