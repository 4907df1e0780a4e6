/*
 * conf: reading configuration by table.
 *
 * One table per kind of object says for each key its type, unit, range,
 * default and one line of help.  Reading JSON, reading a spreadsheet's cells,
 * finding all mistakes with a hint, and the reference in the manual come from
 * the same table, so they cannot disagree.
 *
 * A key's value lands in a plain struct at the key's offset, in the form its
 * type says below.  What was not written holds the form's "absent" value until
 * conf_defaults fills in what the table gives.
 *
 * Places are breadcrumbs on the stack (struct conf_at): they cost nothing until
 * there is a mistake to report, and then print as `rules[4].levels[1].when`.
 *
 * Memory: texts and lists go to the arena; json_t values are borrowed.
 * Threads: one at a time.
 */
#ifndef DAVY_MODEL_CONF_H
#define DAVY_MODEL_CONF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/mistakes.h"
#include "base/table.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONF_ABSENT UINT32_MAX /* BOOL, WHOLE, WORD that was not written */

enum conf_type {
    CONF_TEXT,     /* const char *; NULL absent */
    CONF_ID,       /* const char *, a well-formed id */
    CONF_BOOL,     /* uint32_t 0, 1, CONF_ABSENT */
    CONF_NUMBER,   /* double; NaN absent */
    CONF_WHOLE,    /* uint32_t; CONF_ABSENT */
    CONF_DURATION, /* int64_t ns; -1 absent; `lo` 1 refuses zero */
    CONF_WORD,     /* uint32_t, index into words; CONF_ABSENT */
    CONF_TEXTS,    /* struct conf_texts: a text or a list of texts */
    CONF_NUMBERS,  /* struct conf_numbers: a list of numbers */
    CONF_PAIR,     /* struct conf_pair: [lo, hi] */
    CONF_TAGS,     /* struct conf_tags: an object of texts */
    CONF_TABLE,    /* a struct of its own that begins with struct conf_head, by `table` */
    CONF_LIST,     /* json_t *: a list of objects, each by `table`; the caller walks it; NULL absent */
    CONF_MAP,      /* json_t *: an object of named values; the caller walks it; NULL absent */
    CONF_OBJECTS,  /* json_t *: an object, or a list of objects, each by `table`; the caller walks it; NULL absent */
    CONF_ANY,      /* json_t *: not looked at */
};

struct conf_texts {
    const char **items;
    size_t count;
    bool listed; /* written as a list */
};
struct conf_numbers {
    double *items;
    size_t count;
};
struct conf_pair {
    bool given;
    double lo, hi;
};
struct conf_tag {
    const char *key, *value;
};
struct conf_tags {
    struct conf_tag *items;
    size_t count;
};

/* What every struct that a table fills begins with. */
struct conf_head {
    bool given;       /* the object was written */
    uint64_t written; /* bit i: the table's key i was written, well or ill */
};

struct conf_table;

struct conf_key {
    const char *name;
    enum conf_type type;
    size_t offset;
    bool required;
    bool blank_ok;                  /* TEXT: "", TEXTS: [] is allowed and means absent */
    bool shared;                    /* TEXT, ID: the same few words again and again; kept once */
    bool increasing;                /* PAIR: lo < hi, else lo <= hi */
    unsigned only;                  /* set of words (1 << word) this key belongs to, 0: all; see conf_narrow */
    double lo, hi;                  /* NUMBER, WHOLE, PAIR, when lo < hi; TEXT: hi is the most bytes (0: 4096) */
    const char *unit;               /* for the manual */
    const char *fallback;           /* the default, as it would be written in a cell; NULL: none */
    const char *fallback_note;      /* a default that is no constant, for the manual */
    const char *const *words;       /* WORD; ends with NULL */
    const struct conf_table *table; /* TABLE, LIST, MAP of objects */
    const char *help;
};

struct conf_table {
    const char *name;            /* heading in the manual, e.g. "points[]" */
    const char *about;           /* a paragraph of the manual */
    const struct conf_key *keys; /* at most 64 */
    size_t count;
    const char *const *only_words; /* the words that `only` counts; NULL when unused */
};

/* Texts that are the same are kept once. */
struct conf_pool {
    struct table table;
    const char **texts;
    size_t count, room;
};
void conf_pool_init(struct conf_pool *pool);
void conf_pool_done(struct conf_pool *pool);

struct conf {
    struct arena *arena;       /* borrowed */
    struct mistakes *mistakes; /* borrowed */
    struct conf_pool pool;
};

/* A breadcrumb: a key or an index below `up`, or (up NULL) the root of a file or of one of its lines. */
struct conf_at {
    const struct conf_at *up;
    const char *file; /* root only */
    const char *key;  /* NULL: index */
    size_t index;     /* root: the line, 0 for the whole file */
};
#define CONF_ROOT(name, line)    ((struct conf_at){.file = (name), .index = (line)})
#define CONF_KEY_AT(above, name) ((struct conf_at){.up = (above), .key = (name)})
#define CONF_INDEX_AT(above, i)  ((struct conf_at){.up = (above), .index = (i)})
/* Item i of texts that stand at `at`: the place itself when they are a single text. */
#define CONF_TEXT_AT(at, texts, i) ((texts)->listed ? CONF_INDEX_AT(at, i) : *(at))

enum { CONF_PATH_MAX = 640 };
/* Prints the path ("" at the root of a file). */
void conf_path(const struct conf_at *at, char ret_path[CONF_PATH_MAX]);
const char *conf_file(const struct conf_at *at);

/* Adds a mistake at `at`; hint may be NULL. */
void conf_mistake(struct conf *conf, const struct conf_at *at, const char *hint, const char *fact, ...)
    PRINTF_LIKE(4, 5);

/* Writes `did you mean "x"?` into hint and returns it, or gives NULL when no candidate is near. */
enum { CONF_HINT_MAX = 256 };
const char *conf_hint_nearest(char hint[CONF_HINT_MAX], const char *word, const char *const *candidates, size_t n);

/* Gives the arena's copy of a text; with `shared` the one copy of it. */
const char *conf_text(struct conf *conf, const char *text, size_t len, bool shared);

/* Sets every key of the struct to absent. */
void conf_clear(const struct conf_table *table, void *target);

/* Clears the struct and reads an object into it; each mistake is added.  Keys that `only` some words have are not
 * required here (see conf_narrow). */
void conf_read(struct conf *conf, const struct conf_at *at, const struct conf_table *table, json_t *object,
               void *target);

/* Reads one JSON value into its key's field. */
void conf_read_value(struct conf *conf, const struct conf_at *at, const struct conf_key *key, json_t *value,
                     void *target);

/* Reads one cell of a spreadsheet (or a default) into the key's field.  Lists are written `[1, 2]` or `1 2`. */
void conf_read_cell(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                    size_t len, void *target);

/* Once it is known which word of `only_words` an object is: keys of other words are mistakes, missing required ones
 * too. */
void conf_narrow(struct conf *conf, const struct conf_at *at, const struct conf_table *table, const void *target,
                 unsigned word);

/* Puts the table's defaults where nothing was written, in nested tables too. */
void conf_defaults(struct conf *conf, const struct conf_table *table, void *target);

/* True when the key was written, well or ill; and says so. */
bool conf_is_written(const struct conf_table *table, const struct conf_key *key, const void *target);
void conf_mark_written(const struct conf_table *table, const struct conf_key *key, void *target);

/* True when the key's field holds no value. */
bool conf_is_absent(const struct conf_key *key, const void *target);

const struct conf_key *conf_find_key(const struct conf_table *table, const char *name, size_t len);
/* A mistake: a key (or column) that the table does not know. */
void conf_unknown_key(struct conf *conf, const struct conf_at *at, const struct conf_table *table, const char *name);

/* Reads a file of at most that size; gives its text, ending in NUL and without NUL inside, the caller's (free).  NULL: what
 * is wrong with it is a mistake and ERR_INPUT; when it could not be read, ERR_ENV. */
char *conf_read_file(struct mistakes *mistakes, const char *file, int64_t most, struct err *err);
/* Reads up to the end, of what is no more than `most`; adds a NUL.  The caller's (free); NULL with errno set. */
char *conf_read_all(int fd, int64_t most, size_t *ret_len);

/* Reads JSON text (ending in NUL, without NUL inside); what is no JSON, and every key that stands twice in one object,
 * is a mistake.  NULL when it is no JSON; else the caller's (json_decref). */
json_t *conf_parse_json(struct conf *conf, const char *file, const char *text);

#endif
