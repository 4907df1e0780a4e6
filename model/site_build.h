/*
 * site_build: what the loader's files share while a site is being read.
 *
 *   site_load.c      files, includes, the order of the steps
 *   site_file.c      the bytes of a file
 *   site_own.c       the site itself, store, http, hazards
 *   site_broker.c    what MQTT sources and sinks share
 *   site_sources.c   ways in
 *   site_sparkplug.c what sources of format sparkplug have of their own
 *   site_sinks.c     ways out
 *   site_place.c     where a point was written
 *   site_points.c    one point, from JSON or a row, checked and put in place
 *   site_from.c      where its readings come from; registers that overlap
 *   site_companions.c  registers that say something about it
 *   site_csv.c       point tables and device tables
 *   site_template.c  kinds of devices, filled in
 *   site_devices.c   devices expanded to points
 *   site_rules.c     rules: levels, messages, digests
 *   site_suppress.c  which rule suppresses which
 *   site_where.c     which points a rule, or a class of store.keep, selects
 *   site_keep.c      how long what is stored is kept
 *   site_alarms.c    rules expanded to alarms
 *
 * All files are read first, then hazards and sources of all of them, then
 * points, then rules; so every name a step needs is known when it runs.
 *
 * Memory: what outlives the load is in the site's arena; the struct here and
 * all it owns end with site_load.  Threads: one.
 */
#ifndef DAVY_MODEL_SITE_BUILD_H
#define DAVY_MODEL_SITE_BUILD_H

#include "model/conf.h"
#include "model/site.h"
#include "model/site_keys.h"

enum { SITE_FILES_MAX = 256, SITE_DEPTH_MAX = 16 };
#define SITE_BYTES_MAX (INT64_C(1) << 30) /* of one file */

/* One file that was read: JSON, or the text of a point table. */
struct site_doc {
    const char *name;   /* as a message names it; arena */
    const char *folder; /* what its paths are relative to; arena */
    char *real;         /* resolved path, to know it again; owned */
    json_t *root;       /* owned; NULL for a point table */
    struct raw_file raw;
    char *text; /* point table: its bytes and a NUL; owned */
    size_t text_len;
    bool own;     /* the site's own file */
    bool devices; /* a table of devices, not of points */
};

/* A kind of device that was named at least once. */
struct site_template {
    const char *file; /* where it stands; arena */
    const char *name; /* its name under `templates`; NULL: a file of its own; arena */
    json_t *value;    /* owned; NULL when it could not be read */
    struct raw_template raw;
    bool tried; /* its points were looked at once, with its own places in the mistakes */
    bool bad;
};

struct site_build {
    struct site *site;
    struct conf conf;
    size_t mistakes_before; /* in the caller's list */
    struct err err;         /* the first trouble of the surroundings */
    struct site_doc *docs;  /* in reading order; owned */
    size_t doc_count;
    const char *open_files[SITE_DEPTH_MAX + 1]; /* resolved paths of the files being read, outermost first */
    struct site_template *templates; /* owned */
    size_t template_count;
    size_t point_room;
    struct site_place *places;      /* [point]; owned; the site gets a copy */
    struct site_companion last_companions[COMPANION_SCALE + 1]; /* [use]: the latest cases, to share */
    struct conf_texts *suppressors; /* [rule], as written; owned */
};

/* Prints where a point was written: `points[3]` or `line 4`, with the file in front when it is another than `file`. */
enum { SITE_PLACE_MAX = 512 };
const char *site_place(const struct site_build *build, uint32_t point, const char *file, char ret_text[SITE_PLACE_MAX]);

/* The same as breadcrumbs; they point at one another, so they stay where they are. */
struct place_crumbs {
    struct conf_at at[5];
};
const struct conf_at *site_place_at(const struct site *site, const struct site_place *place,
                                    struct place_crumbs *crumbs);

/* Gives `path` as seen from the folder of a file; absolute paths stay. */
const char *site_resolve(struct site_build *build, const char *folder, const char *path);

/* Gives the nearest known id as a hint, or to add it; for long lists no search is made. */
const char *site_hint_id(char hint[CONF_HINT_MAX], const char *word, const void *first, size_t stride, size_t n);

/* Reads a file the user named at `at` and adds it to the digest: its bytes and a NUL, the caller's (free).  What is
 * wrong with it is a mistake, or trouble kept in build->err; then NULL. */
char *site_read_file(struct site_build *build, const struct conf_at *at, const char *name, size_t *ret_len);

/* The keys of a connection to a broker. */
struct site_broker {
    const char *url, *client_id, *user, *password, *ca, *cert, *key;
};
/* Checks them, completes the url with its port and resolves the paths. */
void site_read_broker(struct site_build *build, const struct conf_at *at, const char *folder,
                      struct site_broker *broker);
/* The keys but the url's: checks them and resolves the paths.  `plain_hint` is what to do about certificates at a url
 * that is not encrypted; NULL: it is, or nobody knows. */
void site_read_login(struct site_build *build, const struct conf_at *at, const char *folder, const char *plain_hint,
                     struct site_broker *broker);
/* Makes davy-<site>-<id>, with `middle` before the id. */
const char *site_default_client(struct site_build *build, const char *middle, const char *id);
/* What the format sparkplug has of its own, and what only it may leave out. */
void site_read_sparkplug(struct site_build *build, const struct conf_at *at, const struct raw_source *raw,
                         struct site_source *source);
/* The key of a point of such a source names a metric. */
void site_check_sparkplug_key(struct site_build *build, const struct conf_at *at, const char *key);
/* The keys of `sources` and `sinks` are ids; else a mistake and false. */
bool site_check_map_id(struct site_build *build, const struct conf_at *at, const char *id);

/* The steps; each adds its mistakes. */
void site_read_hazards(struct site_build *build, const struct site_doc *doc);
void site_read_sources(struct site_build *build, const struct site_doc *doc);
void site_read_sinks(struct site_build *build, const struct site_doc *doc);
void site_read_own(struct site_build *build, const struct site_doc *doc); /* site, store, http */
void site_read_keep(struct site_build *build, const struct raw_store *store);   /* store.keep, store.pin */
void site_read_keep_classes(struct site_build *build, const struct site_doc *own); /* once points are known */
void site_check_shared(struct site_build *build, const struct site_doc *own); /* between sources and sinks */

void site_read_points(struct site_build *build, uint32_t doc);
void site_read_table(struct site_build *build, uint32_t doc);
/* Checks a point and puts it behind the others. */
void site_add_point(struct site_build *build, const struct conf_at *at, struct raw_point *raw,
                    struct site_place place);
void site_read_from(struct site_build *build, const struct conf_at *at, struct raw_from *raw, struct site_from *from);
/* What of it is a Modbus register: place, type and byte order; from->source is known. */
void site_read_register(struct site_build *build, const struct conf_at *at, const struct raw_from *raw,
                        struct site_from *from);
/* Companions and enumeration. */
void site_read_extra(struct site_build *build, const struct conf_at *at, const struct raw_from *raw,
                     struct site_from *from);
/* Makes room for that many more points. */
void site_reserve_points(struct site_build *build, size_t more);

/* Finds a device's template by a name of any file's `templates`, or reads its file; NULL after a mistake, which is told
 * once.  The device's source is known to be there. */
struct site_template *site_find_template(struct site_build *build, const struct conf_at *at, const char *folder,
                                         const struct raw_device *device);
/* What a template's points are filled in with. */
struct template_words {
    const char *id, *name;
    const struct raw_device *device; /* source, every, hazard, tags */
    int64_t unit;                    /* -1: none */
    int64_t base;
    uint32_t n;
};
/* Fills in one point and reads it; the mistakes stand at `at`.  Gives the copy that *ret_raw borrows from, the caller's
 * (json_decref). */
json_t *site_fill_point(struct site_build *build, const struct conf_at *at, const struct site_template *template,
                     size_t index, const struct template_words *words, struct raw_point *ret_raw);

void site_read_devices(struct site_build *build, uint32_t doc);
/* Checks a device and adds its points. */
void site_add_device(struct site_build *build, const struct conf_at *at, const struct raw_device *raw,
                     struct site_place place);

void site_check_overlaps(struct site_build *build);

void site_read_rules(struct site_build *build);
void site_read_suppression(struct site_build *build);
/* Selects the rule's points into site_rule.points. */
void site_select(struct site_build *build, const struct conf_at *at, const struct raw_where *where,
                 struct site_rule *rule);
void site_make_alarms(struct site_build *build);

/* FNV-1a, 64 bits, over more bytes. */
#define SITE_DIGEST_START UINT64_C(0xcbf29ce484222325)
uint64_t site_digest(uint64_t digest, const void *bytes, size_t len);

#endif
