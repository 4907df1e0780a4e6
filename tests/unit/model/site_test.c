/* site_test: what a right site file becomes.  What is said of wrong ones is in tests/data/check. */
#include "base/clock.h"
#include "model/site.h"
#include "tests/unit/model/files.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Loads a site that must be right. */
static struct site *load(const char *path)
{
    struct mistakes mistakes;
    struct err err = {0};
    struct site *site = NULL;
    mistakes_init(&mistakes);
    enum err_code code = site_load(path, &mistakes, &site, &err);
    mistakes_print(&mistakes, stderr);
    mistakes_done(&mistakes);
    assert_int_equal(code, ERR_NONE);
    assert_non_null(site);
    return site;
}

static struct site *load_text(struct files *files, const char *text)
{
    return load(files_text(files, "site.json", text));
}

static void only_the_id_is_required(void **state)
{
    (void)state;
    struct files files;
    files_init(&files);
    struct site *site = load_text(&files, "{\"site\": {\"id\": \"x\"}}");
    assert_string_equal(site->id, "x");
    assert_null(site->name);
    assert_null(site->store_path);
    assert_null(site->http_host);
    assert_true(site->keep_raw_ns == 0 && site->keep_events_ns == 0); /* for ever */
    assert_true(site->pin_before_ns == 600 * NS_PER_S && site->pin_after_ns == 1800 * NS_PER_S);
    assert_true(site->store_sync_ns == NS_PER_S);
    assert_int_equal(site->point_count + site->rule_count + site->alarm_count, 0);
    assert_true(site->arena.sealed);
    assert_int_equal(site_point(site, "t", 1), SITE_NONE);
    site_free(site);
    site_free(NULL);
    files_done(&files);
}

/* The example of the manual. */
static const char example[] =
    "{\"site\": {\"id\": \"jx-mine\", \"name\": \"金鑫煤矿\", \"timezone\": \"Asia/Shanghai\"},\n"
    " \"hazards\": [{\"id\": \"face-501\", \"location\": {\"lat\": 37.86, \"lon\": 112.54}, \"advice\": "
    "\"停电撤人\"}],\n"
    " \"sources\": {\n"
    "  \"plc-1\": {\"type\": \"modbus-tcp\", \"host\": \"127.0.0.1\", \"port\": 1502, \"timeout\": \"500ms\"},\n"
    "  \"bus-2\": {\"type\": \"modbus-rtu\", \"device\": \"/dev/ttyS1\", \"parity\": \"E\"},\n"
    "  \"gw\": {\"type\": \"mqtt\", \"url\": \"mqtt://[::1]\", \"topics\": \"davy/v1/+/telemetry/#\"}},\n"
    " \"points\": [\n"
    "  {\"id\": \"face-501/t1/ch4\", \"name\": \"501面T1甲烷\", \"kind\": \"ch4\", \"unit\": \"%CH4\",\n"
    "   \"range\": [0, 10], \"every\": \"1s\", \"hazard\": \"face-501\", \"tags\": {\"place\": \"T1\"},\n"
    "   \"from\": {\"source\": \"plc-1\", \"unit\": 1, \"table\": \"input\", \"address\": 0, \"type\": \"f32\",\n"
    "            \"order\": \"CDAB\", \"scale\": 2, \"offset\": -1, \"invalid\": [32768, -9999]}},\n"
    "  {\"id\": \"tank-7/level\", \"kind\": \"level\", \"every\": \"2s\", \"stale\": \"1m\",\n"
    "   \"from\": {\"source\": \"gw\", \"key\": \"T7.LVL\"}},\n"
    "  {\"id\": \"pump\", \"from\": {\"source\": \"bus-2\", \"unit\": 247, \"table\": \"coil\", \"address\": 65535}},\n"
    "  {\"id\": \"word\", \"unit\": \"\", \"from\": {\"source\": \"bus-2\", \"unit\": 3, \"table\": \"holding\",\n"
    "   \"address\": 65535, \"type\": \"bits\", \"bits\": [8, 15]}},\n"
    "  {\"id\": \"alone\"}],\n"
    " \"rules\": [{\"id\": \"limit\", \"where\": {\"kind\": \"ch4\"}, \"on_delay\": \"5s\", \"levels\": [\n"
    "   {\"level\": \"red\", \"when\": \"value >= 3.0\", \"on_delay\": \"0s\"},\n"
    "   {\"level\": \"yellow\", \"when\": \"value >= 1.0\", \"clear\": \"value < 1.0\", \"off_delay\": \"1m\"}],\n"
    "   \"message\": \"{name}: {value} {unit}\"}],\n"
    " \"sinks\": {\"centre\": {\"type\": \"mqtt\", \"url\": \"mqtts://broker\"},\n"
    "           \"log\": {\"type\": \"file\", \"path\": \"events.ndjson\"}},\n"
    " \"store\": {\"path\": \"data\", \"keep\": {\"raw\": \"7d\"}},\n"
    " \"http\": {\"listen\": \"[::1]:8600\"}}\n";

static void sources_and_sinks_get_their_defaults(void **state)
{
    (void)state;
    struct files files;
    files_init(&files);
    struct site *site = load_text(&files, example);
    const struct site_source *plc = &site->sources[0];
    assert_string_equal(plc->id, "plc-1");
    assert_int_equal(plc->port, 1502);
    assert_true(plc->timeout_ns == 500 * NS_PER_MS);
    assert_int_equal(plc->max_registers, 125);
    assert_int_equal(plc->gap, 8);
    const struct site_source *bus = &site->sources[1];
    assert_int_equal(bus->parity, 'E');
    assert_int_equal(bus->baud, 9600);
    const struct site_source *gw = &site->sources[2];
    assert_string_equal(gw->url, "mqtt://[::1]:1883");
    assert_string_equal(gw->client_id, "davy-jx-mine-gw");
    assert_int_equal(gw->topic_count, 1);
    assert_int_equal(gw->format, FORMAT_DAVY);
    assert_string_equal(site->sinks[0].url, "mqtts://broker:8883");
    assert_string_equal(site->sinks[0].client_id, "davy-jx-mine-sink-centre");
    assert_string_equal(site->sinks[1].path, files_path(&files, "events.ndjson"));
    assert_string_equal(site->store_path, files_path(&files, "data"));
    assert_true(site->keep_raw_ns == 7 * 86400 * NS_PER_S);
    assert_string_equal(site->http_host, "::1");
    assert_int_equal(site->http_port, 8600);
    site_free(site);
    files_done(&files);
}

static void points_are_resolved(void **state)
{
    (void)state;
    struct files files;
    files_init(&files);
    struct site *site = load_text(&files, example);
    const struct site_point *ch4 = &site->points[site_point(site, "face-501/t1/ch4", 15)];
    assert_true(ch4->has_range && ch4->range_lo == 0 && ch4->range_hi == 10);
    assert_true(ch4->every_ns == NS_PER_S && ch4->stale_ns == 3 * NS_PER_S);
    assert_int_equal(ch4->hazard, 0);
    assert_string_equal(site_point_tag(ch4, "place"), "T1");
    assert_null(site_point_tag(ch4, "plac"));
    assert_int_equal(ch4->from.registers, 2);
    assert_memory_equal(ch4->from.order, ((uint8_t[]){2, 3, 0, 1}), 4);
    assert_true(ch4->from.scale == 2 && ch4->from.offset == -1);
    assert_int_equal(ch4->from.invalid_count, 2);
    const struct site_point *level = &site->points[1];
    assert_string_equal(level->from.key, "T7.LVL");
    assert_int_equal(level->from.source, 2);
    assert_true(level->stale_ns == 60 * NS_PER_S);
    const struct site_point *pump = &site->points[2];
    assert_int_equal(pump->from.type, TYPE_BOOL);
    assert_int_equal(pump->from.registers, 0);
    const struct site_point *word = &site->points[3];
    assert_null(word->unit);
    assert_int_equal(word->from.bit_lo, 8);
    assert_int_equal(word->from.bit_hi, 15);
    assert_memory_equal(word->from.order, ((uint8_t[]){0, 1}), 2);
    const struct site_point *alone = &site->points[4];
    assert_int_equal(alone->from.source, SITE_NONE);
    assert_int_equal(alone->hazard, SITE_NONE);
    assert_true(alone->stale_ns == 0 && alone->from.scale == 1 && alone->resolution == 0);
    site_free(site);
    files_done(&files);
}

static void levels_rise_and_inherit_delays(void **state)
{
    (void)state;
    struct files files;
    files_init(&files);
    struct site *site = load_text(&files, example);
    const struct site_rule *rule = &site->rules[0];
    assert_int_equal(rule->level_count, 2);
    assert_int_equal(rule->levels[0].level, LEVEL_YELLOW);
    assert_true(rule->levels[0].on_delay_ns == 5 * NS_PER_S && rule->levels[0].off_delay_ns == 60 * NS_PER_S);
    assert_string_equal(rule->level_places[0], "rules[0].levels[1]");
    assert_int_equal(rule->levels[1].level, LEVEL_RED);
    assert_true(rule->levels[1].on_delay_ns == 0 && rule->levels[1].off_delay_ns == 0);
    assert_null(rule->levels[1].clear);
    assert_int_equal(rule->point_count, 1);
    assert_int_equal(site_alarm(site, "limit:face-501/t1/ch4", 21), 0);
    assert_int_equal(site->alarms[0].hazard, 0);
    site_free(site);
    files_done(&files);
}

static void byte_orders_mean_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *type, *order;
        uint8_t bytes[8];
        uint8_t registers;
    } cases[] = {
        {"u16", "AB", {0, 1}, 1},
        {"i16", "BA", {1, 0}, 1},
        {"u16", "CDAB", {0, 1}, 1},
        {"u16", "BADC", {1, 0}, 1},
        {"u16", "DCBA", {1, 0}, 1},
        {"bool", "BA", {1, 0}, 1},
        {"u32", "ABCD", {0, 1, 2, 3}, 2},
        {"f32", "BADC", {1, 0, 3, 2}, 2},
        {"i32", "DCBA", {3, 2, 1, 0}, 2},
        {"f64", "ABCD", {0, 1, 2, 3, 4, 5, 6, 7}, 4},
        {"u64", "CDAB", {6, 7, 4, 5, 2, 3, 0, 1}, 4},
        {"i64", "BADCFEHG", {1, 0, 3, 2, 5, 4, 7, 6}, 4},
        {"f64", "HGFEDCBA", {7, 6, 5, 4, 3, 2, 1, 0}, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct files files;
        char text[512];
        files_init(&files);
        (void)snprintf(text, sizeof text,
                       "{\"site\": {\"id\": \"x\"}, \"sources\": {\"s\": {\"type\": \"modbus-tcp\", \"host\": \"h\"}},"
                       "\"points\": [{\"id\": \"p\", \"from\": {\"source\": \"s\", \"unit\": 0, \"table\": \"input\","
                       "\"address\": 5, \"type\": \"%s\", \"order\": \"%s\"}}]}",
                       cases[i].type, cases[i].order);
        struct site *site = load_text(&files, text);
        assert_memory_equal(site->points[0].from.order, cases[i].bytes, 8);
        assert_int_equal(site->points[0].from.registers, cases[i].registers);
        site_free(site);
        files_done(&files);
    }
}

static void a_table_reads_like_json(void **state)
{
    (void)state;
    struct files files;
    files_init(&files);
    (void)files_text(&files, "points.csv",
                     "\xef\xbb\xbfid,name,kind,unit,range.lo,range.hi,every,tags.place,tags.area,from.source,from.unit,"
                     "from.table,from.address,from.type,from.order,from.invalid,from.bits,range\r\n"
                     "a,\"T1, \"\"left\"\"\nside\",ch4,%CH4,0,10,1s,T1,,plc, 1 ,input,0,f32,CDAB,\"[1, -2.5]\",,\r\n"
                     "b,,,,,,,,A,plc,1,input,2,bits,,32768 -9999,[0 3],-1 1e3\r\n"
                     ",,,,,,,,,,,,,,,,,\r\n"
                     "\r\n"
                     "c");
    struct site *site = load_text(&files, "{\"site\": {\"id\": \"x\"}, \"points_csv\": \"points.csv\","
                                          "\"sources\": {\"plc\": {\"type\": \"modbus-tcp\", \"host\": \"h\"}},"
                                          "\"points\": [{\"id\": \"first\"}]}");
    assert_int_equal(site->point_count, 4);
    assert_string_equal(site->points[0].id, "first");
    const struct site_point *a = &site->points[1];
    assert_string_equal(a->name, "T1, \"left\"\nside");
    assert_string_equal(a->kind, "ch4");
    assert_true(a->range_lo == 0 && a->range_hi == 10 && a->every_ns == NS_PER_S);
    assert_int_equal(a->tag_count, 1);
    assert_string_equal(site_point_tag(a, "place"), "T1");
    assert_int_equal(a->from.unit, 1);
    assert_int_equal(a->from.type, TYPE_F32);
    assert_memory_equal(a->from.order, ((uint8_t[]){2, 3, 0, 1}), 4);
    assert_int_equal(a->from.invalid_count, 2);
    assert_true(a->from.invalid[1] == -2.5);
    const struct site_point *b = &site->points[2];
    assert_null(b->name);
    assert_true(b->range_lo == -1 && b->range_hi == 1000);
    assert_string_equal(site_point_tag(b, "area"), "A");
    assert_int_equal(b->from.bit_hi, 3);
    assert_true(b->from.scale == 1);
    assert_string_equal(site->points[3].id, "c");
    assert_int_equal(site->points[3].from.source, SITE_NONE);
    site_free(site);
    files_done(&files);
}

static void included_lists_come_first_and_once(void **state)
{
    (void)state;
    struct files files;
    files_init(&files);
    (void)files_text(&files, "common.json", "{\"points\": [{\"id\": \"common\"}]}");
    (void)files_text(
        &files, "one.json",
        "{\"profile\": \"p\", \"origin\": [\"GB\"], \"include\": [\"common.json\"],"
        "\"points\": [{\"id\": \"one\"}], \"rules\": [{\"id\": \"r1\", \"origin\": \"§3\", \"certainty\": \"S\","
        "\"levels\": [{\"level\": \"red\", \"when\": \"value > 1\", \"certainty\": \"D\"}]}]}");
    (void)files_text(
        &files, "two.json",
        "{\"include\": [\"./common.json\"], \"points_csv\": [\"two.csv\"], \"points\": [{\"id\": \"two\"}]}");
    (void)files_text(&files, "two.csv", "id\ntwo-table\n");
    struct site *site = load_text(&files, "{\"site\": {\"id\": \"x\"}, \"include\": [\"one.json\", \"two.json\"],"
                                          "\"points\": [{\"id\": \"own\"}], \"rules\": [{\"id\": \"r2\", \"levels\":"
                                          "[{\"level\": \"blue\", \"when\": \"value > 0\"}]}]}");
    static const char *const order[] = {"common", "one", "two", "two-table", "own"};
    assert_int_equal(site->point_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(site->points[i].id, order[i]);
    }
    assert_string_equal(site->rules[0].id, "r1");
    assert_string_equal(site->rules[0].file, files_path(&files, "one.json"));
    assert_int_equal(site->alarm_count, 10);
    assert_string_equal(site->alarms[9].name, "r2:own");
    site_free(site);
    files_done(&files);
}

static void where_needs_all_its_keys_and_any_of_each_list(void **state)
{
    (void)state;
    static const struct {
        const char *where;
        const char *points; /* their ids in one text */
    } cases[] = {
        {"{\"id\": \"*\"}", "abcd"},
        {"{\"id\": \"?\", \"kind\": \"k1\"}", "ab"},
        {"{\"id\": [\"a\", \"d\"]}", "ad"},
        {"{\"kind\": [\"k1\", \"k2\"]}", "abc"},
        {"{\"hazard\": \"h1\"}", "ac"},
        {"{\"hazard\": [\"h1\", \"h2\"], \"kind\": \"k1\"}", "ab"},
        {"{\"tags\": {\"place\": [\"T0\", \"T1\"]}}", "ab"},
        {"{\"tags\": {\"place\": \"T1\", \"area\": \"x\"}}", "b"},
        {"{}", "abcd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct files files;
        char text[2048];
        char found[8] = "";
        files_init(&files);
        (void)snprintf(
            text, sizeof text,
            "{\"site\": {\"id\": \"x\"}, \"hazards\": [{\"id\": \"h1\"}, {\"id\": \"h2\"}], \"points\": ["
            "{\"id\": \"a\", \"kind\": \"k1\", \"hazard\": \"h1\", \"tags\": {\"place\": \"T0\"}},"
            "{\"id\": \"b\", \"kind\": \"k1\", \"hazard\": \"h2\", \"tags\": {\"area\": \"x\", \"place\": \"T1\"}},"
            "{\"id\": \"c\", \"kind\": \"k2\", \"hazard\": \"h1\", \"tags\": {\"place\": \"T2\"}},"
            "{\"id\": \"d\"}], \"rules\": [{\"id\": \"r\", \"where\": %s,"
            "\"levels\": [{\"level\": \"red\", \"when\": \"true\"}]}]}",
            cases[i].where);
        struct site *site = load_text(&files, text);
        for (size_t k = 0; k < site->rules[0].point_count; k++) {
            found[k] = site->points[site->rules[0].points[k]].id[0];
        }
        assert_string_equal(found, cases[i].points);
        assert_int_equal(site->alarm_count, site->rules[0].point_count);
        site_free(site);
        files_done(&files);
    }
}

static void a_group_stands_at_its_first_point(void **state)
{
    (void)state;
    struct files files;
    files_init(&files);
    struct site *site = load_text(
        &files,
        "{\"site\": {\"id\": \"x\"}, \"hazards\": [{\"id\": \"h\"}], \"points\": ["
        "{\"id\": \"a\", \"kind\": \"k\", \"hazard\": \"h\", \"tags\": {\"area\": \"west\"}}, {\"id\": \"b\"},"
        "{\"id\": \"c\", \"kind\": \"k\", \"tags\": {\"area\": \"east\"}},"
        "{\"id\": \"d\", \"kind\": \"k\", \"hazard\": \"h\", \"tags\": {\"area\": \"west\"}},"
        "{\"id\": \"e\", \"kind\": \"j\", \"tags\": {\"area\": \"east\"}}],"
        "\"rules\": [{\"id\": \"v\", \"vote\": {\"by\": \"tags.area\", \"at_least\": 2},"
        "\"levels\": [{\"level\": \"red\", \"when\": \"value > 1\"}]},"
        "{\"id\": \"w\", \"suppressed_by\": \"v\", \"levels\": [{\"level\": \"red\", \"when\": \"value > 1\"}]}]}");
    assert_int_equal(site->rules[0].alarm_count, 2);
    assert_int_equal(site->rules[1].first_alarm, 2);
    assert_int_equal(site->rules[1].suppressed_by[0], 0);
    const struct site_alarm *west = &site->alarms[site_alarm(site, "v:west", 6)];
    const struct site_alarm *east = west + 1;
    assert_ptr_equal(west, site->alarms);
    assert_string_equal(east->name, "v:east");
    assert_string_equal(west->group, "west");
    assert_int_equal(west->point, SITE_NONE);
    assert_int_equal(west->member_count, 2);
    assert_int_equal(west->members[1], 3);
    assert_int_equal(west->hazard, 0);
    assert_string_equal(west->kind, "k");
    assert_int_equal(east->hazard, SITE_NONE);
    assert_null(east->kind);
    assert_int_equal(site->alarms[2].member_count, 1);
    assert_int_equal(site->alarms[2].members[0], 0);
    site_free(site);
    files_done(&files);
}

static uint64_t digest_of(const char *rule)
{
    struct files files;
    char text[1024];
    files_init(&files);
    (void)snprintf(text, sizeof text, "{\"site\": {\"id\": \"x\"}, \"points\": [{\"id\": \"p\"}], \"rules\": [%s]}",
                   rule);
    struct site *site = load_text(&files, text);
    uint64_t digest = site->rules[0].digest;
    site_free(site);
    files_done(&files);
    return digest;
}

static void the_digest_follows_the_judging_only(void **state)
{
    (void)state;
    uint64_t first = digest_of("{\"id\": \"r\", \"levels\": [{\"level\": \"red\", \"when\": \"value > 1\"}]}");
    assert_true(first ==
                digest_of("{\"levels\": [{\"when\": \"value > 1\",  \"level\": \"red\", \"origin\": \"GB\"}],"
                          "\"id\": \"r\", \"message\": \"m\", \"advice\": \"a\", \"where\": {\"id\": \"p\"}}"));
    assert_true(first != digest_of("{\"id\": \"r\", \"levels\": [{\"level\": \"red\", \"when\": \"value > 2\"}]}"));
    assert_true(first != digest_of("{\"id\": \"r\", \"latch\": true, "
                                   "\"levels\": [{\"level\": \"red\", \"when\": \"value > 1\"}]}"));
}

static void a_missing_file_is_a_mistake_a_locked_one_is_not(void **state)
{
    (void)state;
    struct files files;
    files_init(&files);
    struct mistakes mistakes;
    struct err err = {0};
    struct site *site = NULL;
    mistakes_init(&mistakes);
    assert_int_equal(site_load(files_path(&files, "none.json"), &mistakes, &site, &err), ERR_INPUT);
    assert_int_equal(mistakes.count, 1);
    assert_null(site);
    if (geteuid() != 0) { /* root may read everything */
        const char *path = files_text(&files, "locked.json", "{}");
        assert_int_equal(chmod(path, 0), 0);
        assert_int_equal(site_load(path, &mistakes, &site, &err), ERR_ENV);
    }
    mistakes_done(&mistakes);
    files_done(&files);
}

static void each_point_is_kept_as_its_first_class_says(void **state)
{
    (void)state;
    struct files files;
    files_init(&files);
    struct site *site = load_text(
        &files,
        "{\"site\": {\"id\": \"x\"}, \"points\": [{\"id\": \"a/1\", \"kind\": \"ch4\"}, {\"id\": \"a/2\"}, {\"id\": \"b\"}],"
        " \"store\": {\"keep\": {\"raw\": \"30d\", \"hour\": \"10y\", \"classes\": ["
        "{\"where\": {\"kind\": \"ch4\"}, \"raw\": \"3y\"}, {\"where\": {\"id\": \"a/*\"}, \"raw\": \"1d\", \"hour\": \"1y\"}]},"
        " \"pin\": {\"before\": \"0s\", \"after\": \"1h\"}}}");
    const int64_t day = 86400 * NS_PER_S;
    const struct site_keep ch4 = site_point_keep(site, 0);
    const struct site_keep other = site_point_keep(site, 1);
    const struct site_keep rest = site_point_keep(site, 2);
    const struct site_keep gone = site_point_keep(site, SITE_NONE);
    assert_true(ch4.raw_ns == 3 * 365 * day && ch4.minute_ns == 0 && ch4.hour_ns == 10 * 365 * day);
    assert_true(other.raw_ns == day && other.minute_ns == 0 && other.hour_ns == 365 * day);
    assert_true(rest.raw_ns == 30 * day && rest.hour_ns == 10 * 365 * day);
    assert_memory_equal(&gone, &rest, sizeof rest);
    assert_true(site->pin_before_ns == 0 && site->pin_after_ns == 3600 * NS_PER_S);
    site_free(site);
    files_done(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_id_is_required),
        cmocka_unit_test(each_point_is_kept_as_its_first_class_says),
        cmocka_unit_test(sources_and_sinks_get_their_defaults),
        cmocka_unit_test(points_are_resolved),
        cmocka_unit_test(levels_rise_and_inherit_delays),
        cmocka_unit_test(byte_orders_mean_what_they_say),
        cmocka_unit_test(a_table_reads_like_json),
        cmocka_unit_test(included_lists_come_first_and_once),
        cmocka_unit_test(where_needs_all_its_keys_and_any_of_each_list),
        cmocka_unit_test(a_group_stands_at_its_first_point),
        cmocka_unit_test(the_digest_follows_the_judging_only),
        cmocka_unit_test(a_missing_file_is_a_mistake_a_locked_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
