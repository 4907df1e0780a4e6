/*
 * site_keys: every key a site file may have, as tables, and the plain structs
 * they are read into.
 *
 * The structs hold what was written, not what it means: names are not yet
 * resolved, absent values are marked as conf.h says.  Used by the loader
 * (site_*.c) and by the program that prints the manual's reference.
 */
#ifndef DAVY_MODEL_SITE_KEYS_H
#define DAVY_MODEL_SITE_KEYS_H

#include "model/conf.h"

struct raw_site {
    struct conf_head head;
    const char *id, *name, *org, *region, *timezone;
};

struct raw_location {
    struct conf_head head;
    double lat, lon;
};

struct raw_hazard {
    struct conf_head head;
    const char *id, *name;
    struct raw_location location;
    const char *contact, *advice;
    int64_t every_in_alarm_ns;
};

struct raw_source {
    struct conf_head head;
    uint32_t type; /* enum source_type */
    const char *host;
    uint32_t port;
    const char *device;
    uint32_t baud, parity, data_bits, stop_bits;
    int64_t timeout_ns, pause_ns;
    uint32_t max_registers, max_coils, gap, retries, outstanding;
    json_t *units;
    const char *url;
    struct conf_texts topics;
    uint32_t format; /* enum mqtt_format */
    json_t *map;
    const char *client_id, *user, *password, *ca, *cert, *key;
    const char *host_id;
    int64_t reorder_ns;
};

/* What is said of one unit behind a Modbus source. */
struct raw_unit {
    struct conf_head head;
    int64_t timeout_ns, pause_ns;
    uint32_t max_registers, max_coils, gap, retries;
};

/* Which keys of `from` belong to which way in. */
enum from_way { FROM_MODBUS, FROM_MQTT };

struct raw_from {
    struct conf_head head;
    const char *source;
    uint32_t unit, table, address, type;
    const char *order;
    uint32_t bit;
    struct conf_pair bits;
    const char *key;
    double scale, offset;
    struct conf_numbers invalid;
    json_t *values, *status, *order_from, *scale_from;
};

/* A register that says something about the value of another: under `status`, `order_from` or `scale_from`. */
struct raw_companion {
    struct conf_head head;
    uint32_t table, address, type;
    const char *order;
    uint32_t bit;
    struct conf_pair bits;
    json_t *map, *flags;
    const char *other;
    uint32_t as; /* enum companion_as less COMPANION_DECIMALS */
};

struct raw_point {
    struct conf_head head;
    const char *id, *name, *kind, *unit;
    struct conf_pair range;
    int64_t every_ns, every_in_alarm_ns, stale_ns;
    double resolution;
    const char *hazard;
    struct conf_tags tags;
    struct raw_from from;
};

/* One device, or many alike: a template and what is its own. */
struct raw_device {
    struct conf_head head;
    const char *id, *template, *name, *source;
    uint32_t unit, unit_step, base, base_step, number;
    struct conf_pair numbers;
    int64_t every_ns;
    const char *hazard;
    struct conf_tags tags;
};

/* The points that every device of a kind has. */
struct raw_template {
    struct conf_head head;
    const char *name, *maker, *model;
    json_t *points;
    json_t *origin, *description, *notes;
};

struct raw_where {
    struct conf_head head;
    struct conf_texts id, kind, hazard;
    json_t *tags;
};

struct raw_vote {
    struct conf_head head;
    const char *by;
    uint32_t at_least;
};

struct raw_level {
    struct conf_head head;
    uint32_t level; /* enum level less one */
    const char *when, *clear;
    int64_t on_delay_ns, off_delay_ns;
    json_t *origin;
    uint32_t certainty;
    json_t *description;
};

struct raw_rule {
    struct conf_head head;
    const char *id;
    struct raw_where where;
    json_t *levels;
    int64_t on_delay_ns, off_delay_ns;
    uint32_t latch;
    const char *unless, *message, *advice;
    struct raw_vote vote;
    struct conf_texts suppressed_by;
    json_t *origin;
    uint32_t certainty;
    json_t *description;
};

struct raw_sink {
    struct conf_head head;
    uint32_t type; /* enum sink_type */
    const char *url, *path, *secret, *client_id, *user, *password, *ca, *cert, *key;
    int64_t timeout_ns;
    uint32_t language; /* 0 zh-CN, 1 en */
    struct conf_texts addresses;
};

struct raw_keep {
    struct conf_head head;
    int64_t raw_ns, minute_ns, hour_ns, events_ns;
    json_t *classes;
};

struct raw_keep_class {
    struct conf_head head;
    struct raw_where where;
    int64_t raw_ns, minute_ns, hour_ns;
};

struct raw_pin {
    struct conf_head head;
    int64_t before_ns, after_ns;
};

struct raw_store {
    struct conf_head head;
    const char *path;
    struct raw_keep keep;
    struct raw_pin pin;
    int64_t sync_ns;
};

struct raw_http {
    struct conf_head head;
    const char *listen;
    uint32_t clients, streams;
};

/* A whole file: the site's own, or one that is included. */
struct raw_file {
    struct conf_head head;
    struct raw_site site;
    json_t *hazards, *sources, *points;
    struct conf_texts points_csv, include, devices_csv;
    json_t *devices, *templates;
    json_t *rules, *sinks;
    struct raw_store store;
    struct raw_http http;
    const char *profile;
    json_t *origin, *description, *notes;
};

extern const struct conf_table site_table;     /* struct raw_file; the site's own file */
extern const struct conf_table include_table;  /* struct raw_file; an included file */
extern const struct conf_table site_own_table; /* struct raw_site */
extern const struct conf_table hazard_table;
extern const struct conf_table source_table;
extern const struct conf_table unit_table; /* struct raw_unit */
extern const struct conf_table point_table;
extern const struct conf_table from_table;
extern const struct conf_table companion_table; /* struct raw_companion */
extern const struct conf_table device_table;
extern const struct conf_table template_table;
extern const struct conf_table rule_table;
extern const struct conf_table where_table;
extern const struct conf_table level_table;
extern const struct conf_table sink_table;
extern const struct conf_table keep_class_table; /* struct raw_keep_class */

#endif
