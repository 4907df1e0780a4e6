/*
 * site: the whole site file as data; the catalog everybody reads.
 *
 * site_load reads the JSON file, its includes and point tables, adds every
 * mistake it finds to one list, resolves all names to indices, expands rules to
 * alarms, and seals the result.  Afterwards it is const and shared by all
 * threads; a re-read site is a new one beside it.
 *
 * Indices (points, rules, alarms …) are dense, follow the order of the file and
 * live only in this process.  Texts are owned by the site's arena.
 *
 * What a rule's expressions mean is rules/'s affair: here they are text with a
 * place (rules_compile adds its mistakes to the same list).
 */
#ifndef DAVY_MODEL_SITE_H
#define DAVY_MODEL_SITE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/mistakes.h"
#include "base/table.h"
#include "model/alarm.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SITE_NONE UINT32_MAX /* "no such index" */

struct site_tag {
    const char *key;
    const char *value;
};

struct site_hazard {
    const char *id;
    const char *name;    /* may be NULL, like every text below except ids */
    bool has_location;
    double lat, lon;     /* degrees, WGS 84 */
    const char *contact;
    const char *advice;
    int64_t every_in_alarm_ns; /* 0: not given */
};

enum source_type { SOURCE_MODBUS_TCP, SOURCE_MODBUS_RTU, SOURCE_MODBUS_RTU_TCP, SOURCE_MQTT };
enum mqtt_format { FORMAT_DAVY, FORMAT_JSON, FORMAT_NEURON, FORMAT_THINGSBOARD, FORMAT_SPARKPLUG };

/* One entry of a json format's "map": point key -> JSON pointer (RFC 6901). */
struct site_map {
    const char *key;
    const char *pointer;
};

/* How a unit behind a Modbus source is asked, where it is not as the source says. */
struct site_manners {
    int64_t timeout_ns, pause_ns;
    uint16_t max_registers, max_coils, gap;
    uint8_t retries;
};
struct site_unit {
    uint8_t unit;
    struct site_manners manners;
};

struct site_source {
    const char *id;
    const char *file;           /* where it stands, as a message names it; NULL: the site's own */
    enum source_type type;
    /* modbus */
    const char *host;           /* tcp */
    uint16_t port;              /* tcp; default 502 */
    const char *device;         /* rtu */
    uint32_t baud;              /* rtu; default 9600 */
    char parity;                /* rtu; 'N' 'E' 'O' */
    uint8_t data_bits;          /* rtu; 7 or 8 */
    uint8_t stop_bits;          /* rtu; 1 or 2 */
    int64_t timeout_ns;         /* one answer; default 1 s */
    int64_t pause_ns;           /* between requests; default 0 */
    uint16_t max_registers;     /* per request; default 125 */
    uint16_t max_coils;         /* per request; default 2000 */
    uint16_t gap;               /* unused registers read along to join two blocks; default 8 */
    uint8_t retries;            /* default 0 */
    uint8_t outstanding;        /* tcp; requests at a time on the connection; 0 counts as 1 */
    const struct site_unit *units; /* those with manners of their own */
    size_t unit_count;
    /* mqtt */
    const char *url;            /* mqtt://host:port or mqtts:// */
    const char *const *topics;  /* subscriptions, with wildcards */
    size_t topic_count;
    enum mqtt_format format;
    const struct site_map *map; /* format json */
    size_t map_count;
    const char *client_id;      /* default davy-<site>-<source> */
    const char *user, *password;
    const char *ca, *cert, *key; /* paths, resolved against the site file */
    /* mqtt, format sparkplug */
    const char *host_id;        /* default davy-<site>-<source>, with - for / */
    int64_t reorder_ns;         /* how long a missing message is waited for; default 2 s */
};

enum mbus_table { TABLE_INPUT, TABLE_HOLDING, TABLE_COIL, TABLE_DISCRETE };
enum mbus_type {
    TYPE_U16, TYPE_I16, TYPE_U32, TYPE_I32, TYPE_U64, TYPE_I64, TYPE_F32, TYPE_F64, TYPE_BOOL, TYPE_BIT, TYPE_BITS,
    TYPE_BCD16, TYPE_BCD32 /* packed decimals: 4 and 8 digits, one in 4 bits */
};

struct site_extra;

struct site_from {
    uint32_t source;       /* index; SITE_NONE: the point takes samples from replay only */
    /* modbus */
    uint8_t unit;          /* unit id 0..255 (RTU 1..247) */
    enum mbus_table table;
    uint16_t address;      /* 0-based, as on the wire */
    enum mbus_type type;
    uint8_t order[8];      /* order[i] = which byte of the value (0 = most significant) travels i-th */
    uint8_t registers;     /* 16-bit registers taken: 1, 2 or 4; 0 for coils and discrete inputs */
    uint8_t bit_lo, bit_hi; /* type bit and bits, both ends included, 0 = lowest */
    /* mqtt */
    const char *key;
    /* both */
    double scale, offset;  /* engineering = raw x scale + offset */
    double scale_num, offset_num, scale_den; /* the same as whole numbers over scale_den; 0: see scaling.h */
    const double *invalid; /* raw values that mean "no reading" */
    size_t invalid_count;
    const struct site_extra *extra; /* what few points have; NULL: nothing of it */
};

/* What a companion says of the value: its flags, its byte order, its scale. */
enum companion_use { COMPANION_STATUS, COMPANION_ORDER, COMPANION_SCALE };

/* How its raw number is understood: by a list of cases, as bits that are each a flag, or for a scale as the number of
 * decimals, as factor or as divisor. */
enum companion_as { COMPANION_CASES, COMPANION_FLAGS, COMPANION_DECIMALS, COMPANION_FACTOR, COMPANION_DIVISOR };

struct site_case {
    double raw;         /* FLAGS: the number of the bit */
    uint16_t status;    /* use STATUS */
    uint8_t order[8];   /* use ORDER */
    double factor, add; /* use SCALE: value x factor + add */
};

enum { COMPANIONS_MOST = 8 }; /* of one point */

/* A register beside the value's, read in the same poll, that says something about it; see companion.h. */
struct site_companion {
    enum companion_use use;
    enum companion_as as;
    uint16_t other;        /* use STATUS, CASES: the flags of every raw number that is no case */
    struct site_from from; /* where it stands; source and unit are the point's */
    const struct site_case *cases;
    size_t case_count;
};

/* One raw number of an enumeration. */
struct site_value {
    double raw, value;
};

struct site_extra {
    const struct site_companion *companions;
    size_t companion_count;
    const struct site_value *values; /* only these raw numbers are readings; 0: no enumeration */
    size_t value_count;
};

/* The companions of a point; none for most. */
static inline size_t site_companions(const struct site_from *from)
{
    return from->extra != NULL ? from->extra->companion_count : 0;
}

struct site_point {
    const char *id;
    const char *name;     /* NULL: use id */
    const char *kind;     /* "ch4", "level" …; may be NULL */
    const char *unit;     /* may be NULL */
    bool has_range;
    double range_lo, range_hi;
    int64_t every_ns;     /* 0: not given */
    int64_t every_in_alarm_ns; /* on Modbus, while its hazard is in alarm; 0: as ever */
    int64_t stale_ns;     /* 0: never becomes stale; else `stale`, or 3 x every */
    double resolution;    /* default 0 */
    uint32_t hazard;      /* index or SITE_NONE */
    uint32_t keep;        /* 0: as store.keep says; else index + 1 into keep_classes */
    const struct site_tag *tags;
    size_t tag_count;
    struct site_from from;
};

struct site_level {
    enum level level;
    const char *when;       /* expression text */
    const char *clear;      /* NULL: when is false */
    int64_t on_delay_ns;    /* the level's own, or the rule's */
    int64_t off_delay_ns;
};

struct site_rule {
    const char *id;
    const char *place;      /* "rules[4]", for mistakes */
    const char *file;       /* the file it stands in, as the user named it */
    struct site_level levels[LEVEL_COUNT - 1]; /* low to high, whatever their order in the file */
    const char *level_places[LEVEL_COUNT - 1]; /* "rules[4].levels[1]" */
    size_t level_count;     /* 1..4 */
    bool latch;
    const char *unless;     /* expression text or NULL */
    const char *message;    /* template or NULL */
    const char *advice;
    const char *vote_by;    /* tag name without "tags."; NULL: no vote */
    uint32_t vote_at_least;
    const uint32_t *suppressed_by; /* rule indices */
    size_t suppressed_by_count;
    const uint32_t *points; /* the points selected by `where`, in site order */
    size_t point_count;
    uint32_t first_alarm;   /* its alarms stand together: first_alarm .. first_alarm + alarm_count */
    uint32_t alarm_count;
    uint64_t digest;        /* of the rule as written (canonical JSON); tells a changed rule from an unchanged one */
};

/* One alarm: rule x point, or rule x group.  Its index is the order of events of one instant. */
struct site_alarm {
    const char *name;       /* "<rule>:<point>" or "<rule>:<group>" */
    uint32_t rule;
    uint32_t point;         /* SITE_NONE for a group */
    const char *group;      /* NULL for a single point */
    const uint32_t *members; /* points, in site order; a single point: that one */
    size_t member_count;
    uint32_t hazard;        /* the point's; a group's only when all its points agree, else SITE_NONE */
    const char *kind;       /* likewise, else NULL */
};

enum sink_type { SINK_MQTT, SINK_FILE, SINK_CAP, SINK_WEBHOOK };
enum { SITE_SINKS_MAX = 32 }; /* each has a thread of its own */

struct site_sink {
    const char *id;
    enum sink_type type;
    const char *url;    /* mqtt, cap, webhook */
    const char *path;   /* file, cap; resolved against the site file */
    const char *secret; /* webhook */
    const char *client_id; /* mqtt; default davy-<site>-sink-<id> */
    const char *user, *password;
    const char *ca, *cert, *key;
    int64_t timeout_ns; /* cap, webhook: one POST; default 10 s */
    bool english;       /* cap: the language of its fixed words; else Chinese */
    const char *const *addresses; /* cap: whom its documents are for; none: the public */
    size_t address_count;
};

/* How long samples, minutes and hours of a class of points are kept; 0: for ever. */
struct site_keep {
    int64_t raw_ns, minute_ns, hour_ns;
};

/* Conditions of a level that has no place in its rule, because its word is not known or stands there twice.  Only a
 * site with mistakes has any. */
struct site_stray {
    const char *file, *place; /* as in site_rule; "rules[4].levels[1]" */
    const char *when, *clear; /* may be NULL */
    const struct site_stray *next;
};

/* A file that was read for the site. */
struct site_file {
    const char *name; /* as a message names it */
    bool table;       /* rows, not JSON */
};

/* Where a point was written: points[number] of a JSON file, or line `number` of a table; a device's point: at
 * devices[number], or that line, as points[part - 1] of its template. */
struct site_place {
    uint32_t file;
    uint32_t number;
    uint32_t part; /* 0: no template */
};

struct site {
    struct arena arena;
    const char *file;     /* as given */
    const char *folder;   /* that paths are relative to */
    const char *id, *name, *org, *region, *timezone;
    struct site_hazard *hazards;
    size_t hazard_count;
    struct site_source *sources;
    size_t source_count;
    struct site_point *points;
    size_t point_count;
    const struct site_file *files;
    const struct site_place *places; /* [point]; NULL in a site that was not read from files */
    struct site_rule *rules;
    size_t rule_count;
    const struct site_stray *strays; /* the last one first */
    struct site_alarm *alarms;
    size_t alarm_count;
    struct site_sink *sinks;
    size_t sink_count;
    const char *store_path; /* resolved; NULL: none given, `davy run` then uses "data" beside the file */
    int64_t keep_raw_ns, keep_minute_ns, keep_hour_ns, keep_events_ns; /* 0: for ever */
    struct site_keep *keep_classes;
    size_t keep_class_count;
    int64_t pin_before_ns, pin_after_ns; /* samples around an alarm that stay */
    int64_t store_sync_ns;  /* longest time a sample may wait unsynced; default 1 s */
    const char *http_host;  /* NULL: no http */
    uint16_t http_port;
    uint32_t http_clients, http_streams; /* connections at most, and streams among them */
    struct table point_by_id, alarm_by_name, rule_by_id, source_by_id, hazard_by_id;
    uint64_t digest;        /* of the file and all it names */
};

/* Reads the site.  Mistakes in the content go to `mistakes` (whatever their number) and give ERR_INPUT; a file that is
 * not there is one of them.  ERR_ENV when reading failed.  On success (no mistakes) gives a sealed site. */
enum err_code site_load(const char *file, struct mistakes *mistakes, struct site **ret_site, struct err *err) MUST_CHECK;

/* Likewise, but gives what could be read also of a site with mistakes (then mistakes->total has grown).  Such a site is
 * good for one thing: rules_compile, so that mistakes in expressions are told in the same run.  It has no alarms. */
enum err_code site_read(const char *file, struct mistakes *mistakes, struct site **ret_site, struct err *err) MUST_CHECK;

/* Frees it; accepts NULL. */
void site_free(struct site *site);

/* Finds by name; SITE_NONE when there is none. */
uint32_t site_point(const struct site *site, const char *id, size_t len);
uint32_t site_alarm(const struct site *site, const char *name, size_t len);

/* Where a key of a point was written, for a mistake: gives the file, and in *ret_path `points[3].from.address` or, of a
 * table, `line 4: from.address`. */
enum { SITE_PATH_MAX = 640 };
const char *site_point_path(const struct site *site, uint32_t point, const char *key, char ret_path[SITE_PATH_MAX]);
/* The same of a key of a source. */
const char *site_source_path(const struct site *site, const struct site_source *source, const char *key,
                             char ret_path[SITE_PATH_MAX]);

/* Sets type, registers and byte order of a value in registers, `order` as a site file writes it (NULL: big-endian); false
 * when that is no order for the type's size.  Pure. */
bool site_from_shape(struct site_from *from, enum mbus_type type, const char *order);

/* The words of a site file for these. */
const char *site_source_word(enum source_type type);
const char *site_table_word(enum mbus_table table);
const char *site_type_word(enum mbus_type type);
/* The other way; false when there is no such type. */
bool site_type_of(const char *word, enum mbus_type *ret_type);

/* How long what is stored of a point is kept; SITE_NONE: of one that is no longer in the site. */
struct site_keep site_point_keep(const struct site *site, uint32_t point);

/* How a unit behind a Modbus source is asked: by its own manners, or the source's. */
struct site_manners site_manners(const struct site_source *source, uint8_t unit);

/* The value of a point's tag, or NULL. */
const char *site_point_tag(const struct site_point *point, const char *key);

#endif
