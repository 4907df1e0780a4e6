/*
 * site_keys: the tables of the site file, from the inside out.
 *
 * Each line is all there is to say about a key: reading, checking, hints and
 * the manual's reference follow from it.
 */
#include "model/site_keys.h"

#include "model/site.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

#define KEY(type, member) .offset = offsetof(struct type, member)
#define COUNT(keys)       (sizeof(keys) / sizeof(keys)[0])

static const char *const certainty_words[] = {"S", "P", "D", NULL};

/* ---- site -------------------------------------------------------------------------------------------------------- */

static const struct conf_key site_own_keys[] = {
    {"id", CONF_ID, KEY(raw_site, id), .required = true, .help = "the site's id; stands in every event and topic"},
    {"name", CONF_TEXT, KEY(raw_site, name), .help = "the site's name for people"},
    {"org", CONF_TEXT, KEY(raw_site, org), .help = "the operator's id, e.g. its unified social credit code"},
    {"region", CONF_TEXT, KEY(raw_site, region), .help = "code of the administrative region"},
    {"timezone", CONF_TEXT, KEY(raw_site, timezone), .help = "IANA name, e.g. `Asia/Shanghai`; for people's times"},
};
const struct conf_table site_own_table = {
    .name = "site", .about = "The site itself.", .keys = site_own_keys, .count = COUNT(site_own_keys)};

/* ---- hazards ----------------------------------------------------------------------------------------------------- */

static const struct conf_key location_keys[] = {
    {"lat", CONF_NUMBER, KEY(raw_location, lat), .required = true, .lo = -90, .hi = 90, .unit = "°",
     .help = "latitude, WGS 84"},
    {"lon", CONF_NUMBER, KEY(raw_location, lon), .required = true, .lo = -180, .hi = 180, .unit = "°",
     .help = "longitude, WGS 84"},
};
static const struct conf_table location_table = {
    .name = "hazards[].location", .about = "Where it is.", .keys = location_keys, .count = COUNT(location_keys)};

static const struct conf_key hazard_keys[] = {
    {"id", CONF_ID, KEY(raw_hazard, id), .required = true, .help = "its id; points and rules name it"},
    {"name", CONF_TEXT, KEY(raw_hazard, name), .help = "its name for people"},
    {"location", CONF_TABLE, KEY(raw_hazard, location), .table = &location_table, .help = "where it is"},
    {"contact", CONF_TEXT, KEY(raw_hazard, contact), .help = "whom to call"},
    {"advice", CONF_TEXT, KEY(raw_hazard, advice), .help = "what to do first, where a rule says nothing itself"},
    {"every_in_alarm", CONF_DURATION, KEY(raw_hazard, every_in_alarm_ns), .lo = 1, .fallback_note = "no faster",
     .help = "while an alarm of it is active its points on Modbus that are read more slowly are read as often as this"},
};
const struct conf_table hazard_table = {.name = "hazards[]",
                                        .about = "A hazard: a place or plant whose points are judged together.",
                                        .keys = hazard_keys,
                                        .count = COUNT(hazard_keys)};

/* ---- sources ----------------------------------------------------------------------------------------------------- */

static const char *const source_words[] = {"modbus-tcp", "modbus-rtu", "modbus-rtu-tcp", "mqtt", NULL};
static const char *const parity_words[] = {"N", "E", "O", NULL};
static const char *const format_words[] = {"davy", "json", "neuron", "thingsboard", "sparkplug", NULL};

enum {
    NET = 1 << SOURCE_MODBUS_TCP | 1 << SOURCE_MODBUS_RTU_TCP,
    LINE = 1 << SOURCE_MODBUS_RTU,
    BUS = NET | LINE,
    BROKER = 1 << SOURCE_MQTT,
};

#define AS_SOURCE .fallback_note = "the source's"
static const struct conf_key unit_keys[] = {
    {"timeout", CONF_DURATION, KEY(raw_unit, timeout_ns), .lo = 1, AS_SOURCE, .help = "how long one answer may take"},
    {"pause", CONF_DURATION, KEY(raw_unit, pause_ns), AS_SOURCE, .help = "rest behind each of its answers"},
    {"max_registers", CONF_WHOLE, KEY(raw_unit, max_registers), .lo = 1, .hi = 125, AS_SOURCE,
     .help = "most registers in one request"},
    {"max_coils", CONF_WHOLE, KEY(raw_unit, max_coils), .lo = 1, .hi = 2000, AS_SOURCE,
     .help = "most coils or discrete inputs in one request"},
    {"gap", CONF_WHOLE, KEY(raw_unit, gap), .lo = 0, .hi = 124, AS_SOURCE,
     .help = "unused registers read along to join two blocks"},
    {"retries", CONF_WHOLE, KEY(raw_unit, retries), .lo = 0, .hi = 10, AS_SOURCE,
     .help = "times a request is repeated at once before it counts as failed"},
};
const struct conf_table unit_table = {.name = "sources.<id>.units.<unit>",
                                      .about = "A unit behind a Modbus source that is asked otherwise than the others.",
                                      .keys = unit_keys,
                                      .count = COUNT(unit_keys)};

static const struct conf_key source_keys[] = {
    {"type", CONF_WORD, KEY(raw_source, type), .required = true, .words = source_words, .help = "what it speaks"},
    {"host", CONF_TEXT, KEY(raw_source, host), .required = true, .only = NET, .hi = 255,
     .help = "name or address of the device"},
    {"port", CONF_WHOLE, KEY(raw_source, port), .only = NET, .lo = 1, .hi = 65535, .fallback = "502",
     .help = "TCP port"},
    {"device", CONF_TEXT, KEY(raw_source, device), .required = true, .only = LINE,
     .help = "serial device, e.g. `/dev/ttyS1`"},
    {"baud", CONF_WHOLE, KEY(raw_source, baud), .only = LINE, .lo = 50, .hi = 4000000, .unit = "bit/s",
     .fallback = "9600", .help = "line speed"},
    {"parity", CONF_WORD, KEY(raw_source, parity), .only = LINE, .words = parity_words, .fallback = "N",
     .help = "none, even or odd"},
    {"data_bits", CONF_WHOLE, KEY(raw_source, data_bits), .only = LINE, .lo = 7, .hi = 8, .fallback = "8",
     .help = "bits of a character"},
    {"stop_bits", CONF_WHOLE, KEY(raw_source, stop_bits), .only = LINE, .lo = 1, .hi = 2, .fallback = "1",
     .help = "stop bits of a character"},
    {"timeout", CONF_DURATION, KEY(raw_source, timeout_ns), .only = BUS, .lo = 1, .fallback = "1s",
     .help = "how long one answer may take"},
    {"pause", CONF_DURATION, KEY(raw_source, pause_ns), .only = BUS, .fallback = "0s",
     .help = "rest between two requests, for slow devices"},
    {"max_registers", CONF_WHOLE, KEY(raw_source, max_registers), .only = BUS, .lo = 1, .hi = 125, .fallback = "125",
     .help = "most registers in one request"},
    {"max_coils", CONF_WHOLE, KEY(raw_source, max_coils), .only = BUS, .lo = 1, .hi = 2000, .fallback = "2000",
     .help = "most coils or discrete inputs in one request"},
    {"gap", CONF_WHOLE, KEY(raw_source, gap), .only = BUS, .lo = 0, .hi = 124, .fallback = "8",
     .help = "unused registers read along to join two blocks; 0 for devices that refuse unknown registers"},
    {"retries", CONF_WHOLE, KEY(raw_source, retries), .only = BUS, .lo = 0, .hi = 10, .fallback = "0",
     .help = "times a request is repeated at once before it counts as failed"},
    {"outstanding", CONF_WHOLE, KEY(raw_source, outstanding), .only = 1 << SOURCE_MODBUS_TCP, .lo = 1, .hi = 16,
     .fallback = "1", .help = "requests under way at a time, for devices and gateways that take several"},
    {"units", CONF_MAP, KEY(raw_source, units), .only = BUS, .table = &unit_table,
     .help = "by unit id: units that are asked otherwise"},
    {"url", CONF_TEXT, KEY(raw_source, url), .required = true, .only = BROKER,
     .help = "`mqtt://host[:1883]` or `mqtts://host[:8883]`"},
    {"topics", CONF_TEXTS, KEY(raw_source, topics), .only = BROKER, .fallback_note = "format `sparkplug`: `spBv1.0/#`",
     .help = "what to subscribe to, `+` and `#` allowed; all formats but `sparkplug` need it"},
    {"format", CONF_WORD, KEY(raw_source, format), .only = BROKER, .words = format_words, .fallback = "davy",
     .help = "how its messages are written"},
    {"map", CONF_MAP, KEY(raw_source, map), .only = BROKER,
     .help = "format `json`: for each key of a point the JSON pointer to its value"},
    {"client_id", CONF_TEXT, KEY(raw_source, client_id), .only = BROKER, .fallback_note = "`davy-<site>-<source>`",
     .help = "fixed client id of the persistent session"},
    {"user", CONF_TEXT, KEY(raw_source, user), .only = BROKER, .help = "user name"},
    {"password", CONF_TEXT, KEY(raw_source, password), .only = BROKER, .help = "its password"},
    {"ca", CONF_TEXT, KEY(raw_source, ca), .only = BROKER, .help = "file of trusted certificates (PEM)"},
    {"cert", CONF_TEXT, KEY(raw_source, cert), .only = BROKER, .help = "file of our own certificate (PEM)"},
    {"key", CONF_TEXT, KEY(raw_source, key), .only = BROKER, .help = "file of its private key (PEM)"},
    {"host_id", CONF_TEXT, KEY(raw_source, host_id), .only = BROKER, .hi = 256,
     .fallback_note = "`davy-<site>-<source>`, with `-` for `/`",
     .help = "format `sparkplug`: the id of this host application, under `spBv1.0/STATE/`"},
    {"reorder", CONF_DURATION, KEY(raw_source, reorder_ns), .only = BROKER, .fallback = "2s",
     .help = "format `sparkplug`: how long a missing message is waited for before a rebirth is asked for"},
};
const struct conf_table source_table = {.name = "sources.<id>",
                                        .about = "A way in from the field, under its id.",
                                        .keys = source_keys,
                                        .count = COUNT(source_keys),
                                        .only_words = source_words};

/* ---- points ------------------------------------------------------------------------------------------------------ */

static const char *const table_words[] = {"input", "holding", "coil", "discrete", NULL};
static const char *const type_words[] = {"u16", "i16",  "u32", "i32",  "u64",   "i64",   "f32",
                                         "f64", "bool", "bit", "bits", "bcd16", "bcd32", NULL};
static const char *const way_words[] = {"a Modbus source", "an MQTT source", NULL};

enum { MODBUS = 1 << FROM_MODBUS, MQTT = 1 << FROM_MQTT };

static const char *const use_words[] = {"status", "order_from", "scale_from", NULL};
static const char *const as_words[] = {"decimals", "factor", "divisor", NULL};

enum {
    OF_STATUS = 1 << COMPANION_STATUS,
    OF_SCALE = 1 << COMPANION_SCALE,
};

static const struct conf_key companion_keys[] = {
    {"table", CONF_WORD, KEY(raw_companion, table), .words = table_words, .fallback_note = "the value's",
     .help = "which of the device's tables"},
    {"address", CONF_WHOLE, KEY(raw_companion, address), .required = true, .lo = 0, .hi = 65535,
     .help = "first register or bit, counted from 0 as on the wire"},
    {"type", CONF_WORD, KEY(raw_companion, type), .words = type_words,
     .fallback_note = "`u16`; `bit` or `bits` with these keys; `bool` for coils and discrete inputs",
     .help = "how the registers are read"},
    {"order", CONF_TEXT, KEY(raw_companion, order), .shared = true, .hi = 8, .fallback_note = "`ABCD`",
     .help = "its own byte order"},
    {"bit", CONF_WHOLE, KEY(raw_companion, bit), .lo = 0, .hi = 15, .help = "which bit of the register, 0 the lowest"},
    {"bits", CONF_PAIR, KEY(raw_companion, bits), .lo = 0, .hi = 15,
     .help = "lowest and highest bit, both included"},
    {"map", CONF_MAP, KEY(raw_companion, map),
     .help = "what each raw number means: flags as in `\"sensor+range\"` or `\"good\"`, a byte order, a factor or "
             "`[factor, offset]`"},
    {"flags", CONF_MAP, KEY(raw_companion, flags), .only = OF_STATUS,
     .help = "in place of `map`: what each bit means that is set, by its number; other bits mean nothing"},
    {"else", CONF_TEXT, KEY(raw_companion, other), .shared = true, .only = OF_STATUS, .fallback = "sensor",
     .help = "with `map`: the flags of every other raw number"},
    {"as", CONF_WORD, KEY(raw_companion, as), .words = as_words, .only = OF_SCALE,
     .help = "in place of `map`: the raw number is how many decimals the value has, a factor, or a divisor"},
};
const struct conf_table companion_table = {.name = "points[].from.status, order_from, scale_from",
                                           .about = "A register of the same unit, read in the same poll, that says "
                                                    "something about the value; see the section on registers about "
                                                    "registers.",
                                           .keys = companion_keys,
                                           .count = COUNT(companion_keys),
                                           .only_words = use_words};

static const struct conf_key from_keys[] = {
    {"source", CONF_ID, KEY(raw_from, source), .required = true, .shared = true, .help = "id of the source"},
    {"unit", CONF_WHOLE, KEY(raw_from, unit), .required = true, .only = MODBUS, .lo = 0, .hi = 255,
     .help = "unit id; 1 to 247 on serial lines"},
    {"table", CONF_WORD, KEY(raw_from, table), .required = true, .only = MODBUS, .words = table_words,
     .help = "which of the device's tables"},
    {"address", CONF_WHOLE, KEY(raw_from, address), .required = true, .only = MODBUS, .lo = 0, .hi = 65535,
     .help = "first register or bit, counted from 0 as on the wire"},
    {"type", CONF_WORD, KEY(raw_from, type), .only = MODBUS, .words = type_words,
     .fallback_note = "`u16`; `bool` for coils and discrete inputs",
     .help = "how the registers are read; `bcd16` and `bcd32` are packed decimals of 4 and 8 digits"},
    {"order", CONF_TEXT, KEY(raw_from, order), .shared = true, .only = MODBUS, .hi = 8,
     .fallback_note = "`ABCD`, `ABCDEFGH`",
     .help = "byte order as it travels, A the most significant: `ABCD CDAB BADC DCBA`; 8 bytes: the same or "
             "`ABCDEFGH GHEFCDAB BADCFEHG HGFEDCBA`; 2 bytes: `AB BA`"},
    {"bit", CONF_WHOLE, KEY(raw_from, bit), .only = MODBUS, .lo = 0, .hi = 15,
     .help = "type `bit`: which bit of the register, 0 the lowest"},
    {"bits", CONF_PAIR, KEY(raw_from, bits), .only = MODBUS, .lo = 0, .hi = 15,
     .help = "type `bits`: lowest and highest bit, both included"},
    {"key", CONF_TEXT, KEY(raw_from, key), .required = true, .only = MQTT,
     .help = "the name under which messages carry it"},
    {"scale", CONF_NUMBER, KEY(raw_from, scale), .fallback = "1", .help = "value = raw × scale + offset"},
    {"offset", CONF_NUMBER, KEY(raw_from, offset), .fallback = "0", .help = "see scale"},
    {"invalid", CONF_NUMBERS, KEY(raw_from, invalid), .help = "raw values that mean \"no reading\""},
    {"values", CONF_MAP, KEY(raw_from, values),
     .help = "in place of scale and offset: the value of each raw number; any other raw number is no reading"},
    {"status", CONF_OBJECTS, KEY(raw_from, status), .only = MODBUS, .table = &companion_table,
     .help = "registers whose content flags the reading"},
    {"order_from", CONF_MAP, KEY(raw_from, order_from), .only = MODBUS,
     .help = "a register that tells the byte order; keys as those of `status`"},
    {"scale_from", CONF_MAP, KEY(raw_from, scale_from), .only = MODBUS,
     .help = "a register that tells the scale; keys as those of `status`"},
};
const struct conf_table from_table = {.name = "points[].from",
                                      .about = "Where a point's readings come from; without it they come from replay "
                                               "only.",
                                      .keys = from_keys,
                                      .count = COUNT(from_keys),
                                      .only_words = way_words};

static const struct conf_key point_keys[] = {
    {"id", CONF_ID, KEY(raw_point, id), .required = true, .help = "its id"},
    {"name", CONF_TEXT, KEY(raw_point, name), .hi = 512, .fallback_note = "the id", .help = "its name for people"},
    {"kind", CONF_TEXT, KEY(raw_point, kind), .shared = true, .hi = 128,
     .help = "what is measured, e.g. `ch4`; rules select by it"},
    {"unit", CONF_TEXT, KEY(raw_point, unit), .shared = true, .blank_ok = true, .hi = 128, .help = "unit of the value"},
    {"range", CONF_PAIR, KEY(raw_point, range), .increasing = true,
     .help = "lowest and highest value the instrument can give; outside it a reading is flagged `range`"},
    {"every", CONF_DURATION, KEY(raw_point, every_ns), .lo = 1, .help = "time between two readings"},
    {"every_in_alarm", CONF_DURATION, KEY(raw_point, every_in_alarm_ns), .lo = 1, .fallback_note = "the hazard's",
     .help = "on Modbus: time between two readings while an alarm of its hazard is active"},
    {"stale", CONF_DURATION, KEY(raw_point, stale_ns), .lo = 1, .fallback_note = "3 × `every`, if given",
     .help = "silence after which the point is stale"},
    {"resolution", CONF_NUMBER, KEY(raw_point, resolution), .lo = 0, .hi = INFINITY, .fallback = "0",
     .help = "smallest step that counts as a movement (`unchanged`, `changes`)"},
    {"hazard", CONF_ID, KEY(raw_point, hazard), .shared = true, .help = "id of the hazard it belongs to"},
    {"tags", CONF_TAGS, KEY(raw_point, tags), .shared = true, .hi = 256,
     .help = "free names and values to select and group by"},
    {"from", CONF_TABLE, KEY(raw_point, from), .table = &from_table, .help = "where its readings come from"},
};
const struct conf_table point_table = {.name = "points[]",
                                       .about = "A point: one measured quantity. The same keys are the columns of a "
                                                "point table (`points_csv`).",
                                       .keys = point_keys,
                                       .count = COUNT(point_keys)};

/* ---- devices ----------------------------------------------------------------------------------------------------- */

static const struct conf_key device_keys[] = {
    {"id", CONF_TEXT, KEY(raw_device, id), .required = true, .hi = 128,
     .help = "fills `{id}` of the template; with `numbers` it holds `{n}`"},
    {"template", CONF_TEXT, KEY(raw_device, template), .shared = true, .required = true,
     .help = "a name of `templates`, or a template's file"},
    {"name", CONF_TEXT, KEY(raw_device, name), .hi = 512, .fallback_note = "the id",
     .help = "fills `{name}`; may hold `{n}`"},
    {"source", CONF_ID, KEY(raw_device, source), .shared = true, .required = true,
     .help = "id of the source it is behind"},
    {"unit", CONF_WHOLE, KEY(raw_device, unit), .lo = 0, .hi = 255, .help = "unit id; required behind a Modbus source"},
    {"unit_step", CONF_WHOLE, KEY(raw_device, unit_step), .lo = 0, .hi = 255, .fallback = "0",
     .help = "with `numbers`: how much the unit id rises from one to the next"},
    {"base", CONF_WHOLE, KEY(raw_device, base), .lo = 0, .hi = 65535, .fallback = "0",
     .help = "is added to the addresses of the template"},
    {"base_step", CONF_WHOLE, KEY(raw_device, base_step), .lo = 0, .hi = 65535, .fallback = "0",
     .help = "with `numbers`: how much the base rises from one to the next"},
    {"number", CONF_WHOLE, KEY(raw_device, number), .lo = 0, .hi = 65535, .fallback = "0",
     .help = "fills `{n}`, and `from.step` of the template counts by it"},
    {"numbers", CONF_PAIR, KEY(raw_device, numbers), .lo = 0, .hi = 65535,
     .help = "first and last number: as many devices as that"},
    {"every", CONF_DURATION, KEY(raw_device, every_ns), .lo = 1, .fallback_note = "the template's",
     .help = "time between two readings of all its points"},
    {"hazard", CONF_ID, KEY(raw_device, hazard), .shared = true, .fallback_note = "the template's",
     .help = "id of the hazard it belongs to"},
    {"tags", CONF_TAGS, KEY(raw_device, tags), .shared = true, .hi = 256,
     .help = "are added to those of the template's points, or take their place"},
};
const struct conf_table device_table = {.name = "devices[]",
                                        .about = "A device, or with `numbers` many alike. The same keys are the "
                                                 "columns of a device table (`devices_csv`).",
                                        .keys = device_keys,
                                        .count = COUNT(device_keys)};

static const struct conf_key template_keys[] = {
    {"name", CONF_TEXT, KEY(raw_template, name), .help = "what it is called; not judged"},
    {"maker", CONF_TEXT, KEY(raw_template, maker), .help = "who makes the device; not judged"},
    {"model", CONF_TEXT, KEY(raw_template, model), .help = "which device it is; not judged"},
    {"points", CONF_LIST, KEY(raw_template, points), .required = true,
     .help = "as `points[]`; see the section on devices"},
    {"origin", CONF_ANY, KEY(raw_template, origin), .help = "where its values come from; not judged"},
    {"description", CONF_ANY, KEY(raw_template, description), .help = "a note; not judged"},
    {"notes", CONF_ANY, KEY(raw_template, notes), .help = "notes; not judged"},
};
const struct conf_table template_table = {.name = "templates.<name>",
                                          .about = "The points that every device of a kind has; also the keys of a "
                                                   "template's file.",
                                          .keys = template_keys,
                                          .count = COUNT(template_keys)};

/* ---- rules ------------------------------------------------------------------------------------------------------- */

static const char *const level_words[] = {"blue", "yellow", "orange", "red", NULL};

static const struct conf_key where_keys[] = {
    {"id", CONF_TEXTS, KEY(raw_where, id), .help = "ids; `*` is any run of characters, `?` one"},
    {"kind", CONF_TEXTS, KEY(raw_where, kind), .shared = true, .help = "kinds"},
    {"hazard", CONF_TEXTS, KEY(raw_where, hazard), .shared = true, .help = "ids of hazards"},
    {"tags", CONF_MAP, KEY(raw_where, tags), .help = "for each tag named the values allowed, a text or a list"},
};
const struct conf_table where_table = {.name = "rules[].where",
                                       .about = "Which points a rule is for. All keys given must hold; a list means "
                                                "any of.",
                                       .keys = where_keys,
                                       .count = COUNT(where_keys)};

static const struct conf_key vote_keys[] = {
    {"by", CONF_TEXT, KEY(raw_vote, by), .required = true, .help = "`tags.<name>`: the tag that names the group"},
    {"at_least", CONF_WHOLE, KEY(raw_vote, at_least), .required = true, .lo = 1, .hi = 1000000,
     .help = "points of the group at which a level must hold"},
};
static const struct conf_table vote_table = {.name = "rules[].vote",
                                             .about = "One alarm per group of points instead of one per point.",
                                             .keys = vote_keys,
                                             .count = COUNT(vote_keys)};

static const struct conf_key level_keys[] = {
    {"level", CONF_WORD, KEY(raw_level, level), .required = true, .words = level_words, .help = "which level"},
    {"when", CONF_TEXT, KEY(raw_level, when), .required = true, .help = "expression that enters the level"},
    {"clear", CONF_TEXT, KEY(raw_level, clear), .fallback_note = "`when` is false",
     .help = "expression that leaves it"},
    {"on_delay", CONF_DURATION, KEY(raw_level, on_delay_ns), .fallback_note = "the rule's",
     .help = "how long `when` must hold without a break"},
    {"off_delay", CONF_DURATION, KEY(raw_level, off_delay_ns), .fallback_note = "the rule's",
     .help = "how long `clear` must hold without a break"},
    {"origin", CONF_ANY, KEY(raw_level, origin), .help = "where the value comes from; not judged"},
    {"certainty", CONF_WORD, KEY(raw_level, certainty), .words = certainty_words,
     .help = "standard, practice or default; not judged"},
    {"description", CONF_ANY, KEY(raw_level, description), .help = "a note; not judged"},
};
const struct conf_table level_table = {.name = "rules[].levels[]",
                                       .about = "A level of a rule; each level at most once.",
                                       .keys = level_keys,
                                       .count = COUNT(level_keys)};

static const struct conf_key rule_keys[] = {
    {"id", CONF_ID, KEY(raw_rule, id), .required = true, .help = "its id, the first half of its alarms' names"},
    {"where", CONF_TABLE, KEY(raw_rule, where), .table = &where_table, .fallback_note = "all points",
     .help = "which points it is for"},
    {"levels", CONF_LIST, KEY(raw_rule, levels), .required = true, .table = &level_table, .help = "one to four levels"},
    {"on_delay", CONF_DURATION, KEY(raw_rule, on_delay_ns), .fallback = "0s",
     .help = "how long `when` must hold without a break"},
    {"off_delay", CONF_DURATION, KEY(raw_rule, off_delay_ns), .fallback = "0s",
     .help = "how long `clear` must hold without a break"},
    {"latch", CONF_BOOL, KEY(raw_rule, latch), .fallback = "false",
     .help = "a returned alarm stays until it is acknowledged"},
    {"unless", CONF_TEXT, KEY(raw_rule, unless), .help = "expression; while it is true nothing is raised"},
    {"message", CONF_TEXT, KEY(raw_rule, message),
     .help = "text of its events; `{name} {value} {unit} {level} {point} {rule} {hazard}` are filled in"},
    {"advice", CONF_TEXT, KEY(raw_rule, advice), .help = "what to do"},
    {"vote", CONF_TABLE, KEY(raw_rule, vote), .table = &vote_table, .help = "judge groups of points"},
    {"suppressed_by", CONF_TEXTS, KEY(raw_rule, suppressed_by), .blank_ok = true,
     .help = "ids of rules; while one of them is active for the same hazard this one is not announced"},
    {"origin", CONF_ANY, KEY(raw_rule, origin), .help = "where its values come from; not judged"},
    {"certainty", CONF_WORD, KEY(raw_rule, certainty), .words = certainty_words,
     .help = "standard, practice or default; not judged"},
    {"description", CONF_ANY, KEY(raw_rule, description), .help = "a note; not judged"},
};
const struct conf_table rule_table = {.name = "rules[]",
                                      .about = "A rule: when which of its points raise an alarm.",
                                      .keys = rule_keys,
                                      .count = COUNT(rule_keys)};

/* ---- sinks, store, http ------------------------------------------------------------------------------------------ */

static const char *const language_words[] = {"zh-CN", "en", NULL};
static const char *const sink_words[] = {"mqtt", "file", "cap", "webhook", NULL};
enum {
    S_MQTT = 1 << SINK_MQTT,
    S_FILE = 1 << SINK_FILE,
    S_CAP = 1 << SINK_CAP,
    S_HOOK = 1 << SINK_WEBHOOK,
    S_HTTP = S_CAP | S_HOOK,
    S_NET = S_MQTT | S_HTTP
};

static const struct conf_key sink_keys[] = {
    {"type", CONF_WORD, KEY(raw_sink, type), .required = true, .words = sink_words, .help = "how events leave"},
    {"url", CONF_TEXT, KEY(raw_sink, url), .only = S_MQTT | S_CAP | S_HOOK,
     .help = "`mqtt://host[:1883]`, `mqtts://host[:8883]`, `http://…` or `https://…`"},
    {"path", CONF_TEXT, KEY(raw_sink, path), .only = S_FILE | S_CAP,
     .help = "file of NDJSON lines; folder of CAP documents"},
    {"secret", CONF_TEXT, KEY(raw_sink, secret), .only = S_HOOK,
     .help = "key of the signature header; without it nothing is signed"},
    {"client_id", CONF_TEXT, KEY(raw_sink, client_id), .only = S_MQTT, .fallback_note = "`davy-<site>-sink-<id>`",
     .help = "client id at the broker"},
    {"timeout", CONF_DURATION, KEY(raw_sink, timeout_ns), .only = S_HTTP, .lo = 1, .fallback = "10s",
     .help = "how long one POST may take, at most 5m; connecting half of it"},
    {"language", CONF_WORD, KEY(raw_sink, language), .only = S_CAP, .words = language_words, .fallback = "zh-CN",
     .help = "of the words that Davy puts around names and messages"},
    {"addresses", CONF_TEXTS, KEY(raw_sink, addresses), .only = S_CAP, .fallback_note = "scope `Public`",
     .help = "whom documents are for: scope `Private`"},
    {"user", CONF_TEXT, KEY(raw_sink, user), .only = S_NET, .help = "user name"},
    {"password", CONF_TEXT, KEY(raw_sink, password), .only = S_NET, .help = "its password"},
    {"ca", CONF_TEXT, KEY(raw_sink, ca), .only = S_NET,
     .help = "file of trusted certificates (PEM); HTTP: instead of those of the system"},
    {"cert", CONF_TEXT, KEY(raw_sink, cert), .only = S_NET, .help = "file of our own certificate (PEM)"},
    {"key", CONF_TEXT, KEY(raw_sink, key), .only = S_NET, .help = "file of its private key (PEM)"},
};
const struct conf_table sink_table = {.name = "sinks.<id>",
                                      .about = "A way out for events, under its id. `mqtt` and `webhook` need `url`, "
                                               "`file` needs `path`, `cap` one of both.",
                                      .keys = sink_keys,
                                      .count = COUNT(sink_keys),
                                      .only_words = sink_words};

#define FOR_EVER .fallback_note = "for ever"
static const struct conf_key keep_class_keys[] = {
    {"where", CONF_TABLE, KEY(raw_keep_class, where), .required = true, .table = &where_table,
     .help = "which points, as in rules"},
    {"raw", CONF_DURATION, KEY(raw_keep_class, raw_ns), .lo = 1, .fallback_note = "that of `store.keep`",
     .help = "samples"},
    {"minute", CONF_DURATION, KEY(raw_keep_class, minute_ns), .lo = 1, .fallback_note = "that of `store.keep`",
     .help = "aggregates by minute"},
    {"hour", CONF_DURATION, KEY(raw_keep_class, hour_ns), .lo = 1, .fallback_note = "that of `store.keep`",
     .help = "aggregates by hour"},
};
const struct conf_table keep_class_table = {
    .name = "store.keep.classes[]",
    .about = "Other times for some of the points; for a point the first class counts that selects it.",
    .keys = keep_class_keys,
    .count = COUNT(keep_class_keys)};

static const struct conf_key keep_keys[] = {
    {"raw", CONF_DURATION, KEY(raw_keep, raw_ns), .lo = 1, FOR_EVER, .help = "samples"},
    {"minute", CONF_DURATION, KEY(raw_keep, minute_ns), .lo = 1, FOR_EVER, .help = "aggregates by minute"},
    {"hour", CONF_DURATION, KEY(raw_keep, hour_ns), .lo = 1, FOR_EVER, .help = "aggregates by hour"},
    {"events", CONF_DURATION, KEY(raw_keep, events_ns), .lo = 1, FOR_EVER, .help = "the journal of events"},
    {"classes", CONF_LIST, KEY(raw_keep, classes), .table = &keep_class_table,
     .help = "other times for some of the points"},
};
static const struct conf_table keep_table = {
    .name = "store.keep",
    .about = "How long things are kept. What is not named is kept for ever.",
    .keys = keep_keys,
    .count = COUNT(keep_keys)};

static const struct conf_key pin_keys[] = {
    {"before", CONF_DURATION, KEY(raw_pin, before_ns), .fallback = "10m", .help = "before the alarm was raised"},
    {"after", CONF_DURATION, KEY(raw_pin, after_ns), .fallback = "30m", .help = "after it was cleared"},
};
static const struct conf_table pin_table = {
    .name = "store.pin",
    .about = "Samples around an alarm, of all points of its hazard, that stay when others are removed.",
    .keys = pin_keys,
    .count = COUNT(pin_keys)};

static const struct conf_key store_keys[] = {
    {"path", CONF_TEXT, KEY(raw_store, path), .fallback_note = "`data` beside the site file",
     .help = "folder of the database"},
    {"keep", CONF_TABLE, KEY(raw_store, keep), .table = &keep_table, .help = "how long things are kept"},
    {"pin", CONF_TABLE, KEY(raw_store, pin), .table = &pin_table, .help = "what stays around an alarm"},
    {"sync", CONF_DURATION, KEY(raw_store, sync_ns), .fallback = "1s",
     .help = "longest time a sample may wait before it is forced to the disk"},
};
static const struct conf_table store_table = {
    .name = "store", .about = "The database.", .keys = store_keys, .count = COUNT(store_keys)};

static const struct conf_key http_keys[] = {
    {"listen", CONF_TEXT, KEY(raw_http, listen), .required = true, .hi = 300,
     .help = "`address:port`; an IPv6 address in brackets; port 0 lets the system choose"},
    {"clients", CONF_WHOLE, KEY(raw_http, clients), .lo = 1, .hi = 1024, .fallback = "64",
     .help = "connections at a time"},
    {"streams", CONF_WHOLE, KEY(raw_http, streams), .lo = 1, .hi = 1024, .fallback = "32",
     .help = "streams of events among them"},
};
static const struct conf_table http_table = {.name = "http",
                                             .about = "The web page and API; without it there is none.",
                                             .keys = http_keys,
                                             .count = COUNT(http_keys)};

/* ---- files ------------------------------------------------------------------------------------------------------- */

#define SHARED_FILE_KEYS                                                                                               \
    {"hazards", CONF_LIST, KEY(raw_file, hazards), .table = &hazard_table, .help = "the hazards"},                     \
        {"sources", CONF_MAP, KEY(raw_file, sources), .table = &source_table, .help = "the ways in, by id"},           \
        {"points", CONF_LIST, KEY(raw_file, points), .table = &point_table, .help = "the points"},                     \
        {"points_csv", CONF_TEXTS, KEY(raw_file, points_csv), .blank_ok = true,                                        \
         .help = "point tables, read after `points`"},                                                                 \
        {"templates", CONF_MAP, KEY(raw_file, templates), .table = &template_table,                                    \
         .help = "kinds of devices, by name"},                                                                         \
        {"devices", CONF_LIST, KEY(raw_file, devices), .table = &device_table,                                         \
         .help = "devices by template; their points come after the point tables"},                                     \
        {"devices_csv", CONF_TEXTS, KEY(raw_file, devices_csv), .blank_ok = true,                                      \
         .help = "device tables, read after `devices`"},                                                               \
        {"include", CONF_TEXTS, KEY(raw_file, include), .blank_ok = true,                                              \
         .help = "files whose lists come before this file's own"},                                                     \
        {"rules", CONF_LIST, KEY(raw_file, rules), .table = &rule_table, .help = "the rules"},                         \
        {"profile", CONF_TEXT, KEY(raw_file, profile), .help = "name of a rule pack; not judged"},                     \
        {"origin", CONF_ANY, KEY(raw_file, origin), .help = "where its values come from; not judged"},                 \
        {"description", CONF_ANY, KEY(raw_file, description), .help = "a note; not judged"},                           \
    {                                                                                                                  \
        "notes", CONF_ANY, KEY(raw_file, notes), .help = "notes; not judged"                                           \
    }

static const struct conf_key site_keys[] = {
    {"site", CONF_TABLE, KEY(raw_file, site), .required = true, .table = &site_own_table, .help = "the site itself"},
    SHARED_FILE_KEYS,
    {"sinks", CONF_MAP, KEY(raw_file, sinks), .table = &sink_table, .help = "the ways out, by id"},
    {"store", CONF_TABLE, KEY(raw_file, store), .table = &store_table, .help = "the database"},
    {"http", CONF_TABLE, KEY(raw_file, http), .table = &http_table, .help = "web page and API"},
};
const struct conf_table site_table = {.name = "the file",
                                      .about = "The keys of the site file. Only `site.id` is required.",
                                      .keys = site_keys,
                                      .count = COUNT(site_keys)};

static const struct conf_key include_keys[] = {SHARED_FILE_KEYS};
const struct conf_table include_table = {.name = "an included file",
                                         .about = "The keys of a file named in `include`.",
                                         .keys = include_keys,
                                         .count = COUNT(include_keys)};

/* ---- the other way ----------------------------------------------------------------------------------------------- */

const char *site_source_word(enum source_type type)
{
    return source_words[type];
}

const char *site_table_word(enum mbus_table table)
{
    return table_words[table];
}

const char *site_type_word(enum mbus_type type)
{
    return type_words[type];
}

bool site_type_of(const char *word, enum mbus_type *ret_type)
{
    for (int i = 0; type_words[i] != NULL; i++) {
        if (strcmp(type_words[i], word) == 0) {
            *ret_type = (enum mbus_type)i;
            return true;
        }
    }
    return false;
}
