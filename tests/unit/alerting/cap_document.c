/*
 * CAP documents: one whole as bytes, the rest by what their elements say.
 */
#include "alerting/cap_document.h"
#include "alerting/xml_out.h"
#include "cap_rig.h"
#include "fixture.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct cap_style style(void)
{
    return (struct cap_style){.site = rig_site(), .language = CAP_CHINESE};
}

/* Makes the document of one event of the rig. */
static void make(struct buf *document, const struct cap_style *how, int alarm, uint64_t seq, enum event_kind kind,
                 enum level level, enum run_status status, const char *references)
{
    struct buf json = {0}, state = {0};
    rig_event(alarm, seq, kind, level, 1, status, &json, &state);
    const struct store_event stored = {.seq = seq,
                                       .time_ns = INT64_C(1767571230250000000) + (int64_t)seq * 1000000000,
                                       .alarm = "",
                                       .json = json.data,
                                       .json_len = json.len,
                                       .state = state.data,
                                       .state_len = state.len};
    struct cap_event event = {0};
    struct err err;
    if (cap_event_read(&event, &stored, 0, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    cap_document(document, how, &event, references);
    assert_true(rig_is_well_formed(document->data, document->len));
    cap_event_done(&event);
    buf_done(&json);
    buf_done(&state);
}

static void a_whole_document_byte_for_byte(void **state)
{
    (void)state;
    static const char *const addresses[] = {"centre@example.org", "Shift \"A\" leader"};
    struct cap_style how = style();
    how.language = CAP_ENGLISH;
    how.addresses = addresses;
    how.address_count = 2;
    struct buf document = {0};
    make(&document, &how, RIG_LIMIT, 42, EV_WORSENED, LEVEL_RED, RUN_EXERCISE, "a,b,c d,e,f");
    assert_string_equal(
        document.data,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\n"
        "  <identifier>jx-mine-42</identifier>\n"
        "  <sender>91140100MA0K0X0X0X</sender>\n"
        "  <sent>2026-01-05T00:01:12-00:00</sent>\n"
        "  <status>Exercise</status>\n"
        "  <msgType>Update</msgType>\n"
        "  <scope>Private</scope>\n"
        "  <addresses>centre@example.org \"Shift 'A' leader\"</addresses>\n"
        "  <note>Exercise, not a real event.</note>\n"
        "  <references>a,b,c d,e,f</references>\n"
        "  <info>\n"
        "    <language>en</language>\n"
        "    <category>Safety</category>\n"
        "    <category>Fire</category>\n"
        "    <event>Methane alarm</event>\n"
        "    <responseType>Execute</responseType>\n"
        "    <urgency>Immediate</urgency>\n"
        "    <severity>Extreme</severity>\n"
        "    <certainty>Observed</certainty>\n"
        "    <senderName>金鑫煤矿</senderName>\n"
        "    <headline>Red alarm, worsened: 501面T1甲烷: 1.02 %CH4</headline>\n"
        "    <description>501面T1甲烷 (face-501/t1/ch4) reads 1.02 %CH4. Condition: value &gt;= 3.0. "
        "Alarm limit:face-501/t1/ch4, occurrence 1.</description>\n"
        "    <instruction>停电撤人</instruction>\n"
        "    <contact>调度室 0351-0000000</contact>\n"
        "    <parameter>\n      <valueName>site</valueName>\n      <value>jx-mine</value>\n    </parameter>\n"
        "    <parameter>\n      <valueName>seq</valueName>\n      <value>42</value>\n    </parameter>\n"
        "    <parameter>\n      <valueName>event</valueName>\n      <value>worsened</value>\n    </parameter>\n"
        "    <parameter>\n      <valueName>alarm</valueName>\n      <value>limit:face-501/t1/ch4</value>\n"
        "    </parameter>\n"
        "    <parameter>\n      <valueName>occurrence</valueName>\n      <value>1</value>\n    </parameter>\n"
        "    <parameter>\n      <valueName>level</valueName>\n      <value>red</value>\n    </parameter>\n"
        "    <parameter>\n      <valueName>colour</valueName>\n      <value>Red</value>\n    </parameter>\n"
        "    <parameter>\n      <valueName>rule</valueName>\n      <value>limit</value>\n    </parameter>\n"
        "    <parameter>\n      <valueName>point</valueName>\n      <value>face-501/t1/ch4</value>\n    </parameter>\n"
        "    <parameter>\n      <valueName>hazard</valueName>\n      <value>face-501</value>\n    </parameter>\n"
        "    <parameter>\n      <valueName>kind</valueName>\n      <value>ch4</value>\n    </parameter>\n"
        "    <parameter>\n      <valueName>value</valueName>\n      <value>1.02</value>\n    </parameter>\n"
        "    <parameter>\n      <valueName>unit</valueName>\n      <value>%CH4</value>\n    </parameter>\n"
        "    <parameter>\n      <valueName>when</valueName>\n      <value>value &gt;= 3.0</value>\n    </parameter>\n"
        "    <area>\n"
        "      <areaDesc>金鑫煤矿 501采煤工作面</areaDesc>\n"
        "      <circle>37.86,-112.5 0</circle>\n"
        "      <geocode>\n        <valueName>GB/T 2260</valueName>\n        <value>140100</value>\n      </geocode>\n"
        "    </area>\n"
        "  </info>\n"
        "</alert>\n");
    buf_done(&document);
}

static void a_document_of_little_says_little(void **state)
{
    (void)state;
    struct site bare = *rig_site();
    bare.name = bare.org = bare.region = NULL;
    struct cap_style how = style();
    how.site = &bare;
    struct buf document = {0};
    make(&document, &how, RIG_FREE, 1, EV_RAISED, LEVEL_YELLOW, RUN_ACTUAL, NULL);
    assert_string_equal(rig_element(document.data, "sender"), "jx-mine");
    assert_string_equal(rig_element(document.data, "areaDesc"), "jx-mine");
    assert_string_equal(rig_element(document.data, "event"), "free报警");
    assert_string_equal(rig_element(document.data, "headline"), "黄色报警：free");
    assert_string_equal(rig_element(document.data, "responseType"), "Monitor");
    assert_string_equal(rig_element(document.data, "description"),
                        "free暂无读数。判据：value > 1。报警 free:free，第 1 次。");
    static const char *const absent[] = {"circle", "geocode",    "contact",   "instruction",
                                         "note",   "references", "addresses", "expires"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        char tag[32];
        (void)snprintf(tag, sizeof tag, "<%s>", absent[i]);
        assert_null(strstr(document.data, tag));
    }
    buf_done(&document);
}

static void grades_follow_level_kind_and_forecast(void **state)
{
    (void)state;
    static const struct {
        int alarm;
        enum event_kind kind;
        enum level level;
        const char *type, *response, *urgency, *severity, *certainty, *headline;
    } cases[] = {
        {RIG_LIMIT, EV_RAISED, LEVEL_YELLOW, "Alert", "Execute", "Immediate", "Moderate", "Observed", "黄色报警："},
        {RIG_LIMIT, EV_RAISED, LEVEL_RED, "Alert", "Execute", "Immediate", "Extreme", "Observed", "红色报警："},
        {RIG_LIMIT, EV_WORSENED, LEVEL_RED, "Update", "Execute", "Immediate", "Extreme", "Observed",
         "升级为红色报警："},
        {RIG_LIMIT, EV_EASED, LEVEL_YELLOW, "Update", "Execute", "Immediate", "Moderate", "Observed", "降为黄色报警："},
        {RIG_LIMIT, EV_CLEARED, LEVEL_RED, "Update", "AllClear", "Past", "Extreme", "Observed", "红色报警解除："},
        {RIG_FORECAST, EV_RAISED, LEVEL_BLUE, "Alert", "Execute", "Expected", "Minor", "Possible", "蓝色预警："},
        {RIG_FORECAST, EV_WORSENED, LEVEL_ORANGE, "Update", "Execute", "Immediate", "Severe", "Likely",
         "升级为橙色预警："},
        {RIG_FORECAST, EV_EASED, LEVEL_BLUE, "Update", "Execute", "Expected", "Minor", "Possible", "降为蓝色预警："},
        {RIG_FORECAST, EV_CLEARED, LEVEL_BLUE, "Update", "AllClear", "Past", "Minor", "Observed", "蓝色预警解除："},
    };
    const struct cap_style how = style();
    struct buf document = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int status = RUN_ACTUAL; status <= RUN_TEST; status++) {
            const bool alert = cases[i].type[0] == 'A';
            make(&document, &how, cases[i].alarm, 7, cases[i].kind, cases[i].level, (enum run_status)status,
                 alert ? NULL : "s,i,t");
            static const char *const words[] = {"Actual", "Exercise", "Test"};
            assert_string_equal(rig_element(document.data, "status"), words[status]);
            assert_string_equal(rig_element(document.data, "note"), status == RUN_ACTUAL ? ""
                                                                    : status == RUN_EXERCISE
                                                                        ? "演练，并非真实警情。"
                                                                        : "系统测试，并非真实警情。");
            assert_string_equal(rig_element(document.data, "msgType"), cases[i].type);
            assert_string_equal(rig_element(document.data, "references"), alert ? "" : "s,i,t");
            assert_string_equal(rig_element(document.data, "responseType"), cases[i].response);
            assert_string_equal(rig_element(document.data, "urgency"), cases[i].urgency);
            assert_string_equal(rig_element(document.data, "severity"), cases[i].severity);
            assert_string_equal(rig_element(document.data, "certainty"), cases[i].certainty);
            assert_memory_equal(rig_element(document.data, "headline"), cases[i].headline, strlen(cases[i].headline));
            assert_string_equal(rig_element(document.data, "event"),
                                cases[i].alarm == RIG_FORECAST ? "甲烷预警" : "甲烷报警");
            assert_string_equal(rig_element(document.data, "expires"),
                                cases[i].kind == EV_CLEARED ? "2026-01-05T01:00:37-00:00" : "");
            assert_string_equal(rig_element(document.data, "instruction"),
                                cases[i].kind == EV_CLEARED ? "" : "停电撤人");
        }
    }
    buf_done(&document);
}

static void names_hold_nothing_that_cap_forbids(void **state)
{
    (void)state;
    static const struct {
        const char *id, *org, *reference;
    } cases[] = {
        {"jx-mine", NULL, "jx-mine,jx-mine-9,"},
        {"a/b", "A, B & <C>", "A%2C%20B%20%26%20%3CC%3E,a%2Fb-9,"},
        {"矿", "centre@example.org", "centre@example.org,%E7%9F%BF-9,"},
    };
    struct buf text = {0};
    const struct cap_event event = {.seq = 9, .time_ns = 0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct site named = {.id = cases[i].id, .org = cases[i].org};
        const struct cap_style how = {.site = &named};
        buf_clear(&text);
        cap_reference(&text, &how, &event);
        assert_memory_equal(text.data, cases[i].reference, strlen(cases[i].reference));
        assert_string_equal(text.data + strlen(cases[i].reference), "1970-01-01T00:00:00-00:00");
    }
    buf_done(&text);
}

static void long_names_stay_files_and_apart(void **state)
{
    (void)state;
    char id[2][400];
    struct buf names[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++) {
        (void)memset(id[i], 0, sizeof id[i]);
        for (int n = 0; n < 128; n++) {
            (void)strcat(id[i], n == 127 ? (i == 0 ? "甲" : "乙") : "矿");
        }
        struct site named = {.id = id[i]};
        const struct cap_style how = {.site = &named};
        cap_identifier(&names[i], &how, UINT64_MAX);
        assert_true(names[i].len + strlen("..xml.part") <= 255);
    }
    assert_string_not_equal(names[0].data, names[1].data);
    buf_done(&names[0]);
    buf_done(&names[1]);
}

static void times_are_those_of_the_zone(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t time_ns;
        const char *sent;
    } cases[] = {
        {"Asia/Shanghai", INT64_C(1767571230999999999), "2026-01-05T08:00:30+08:00"},
        {"Asia/Kolkata", INT64_C(1767571230000000000), "2026-01-05T05:30:30+05:30"},
        {"America/New_York", INT64_C(1782878400000000000), "2026-07-01T00:00:00-04:00"},
        {"America/New_York", INT64_C(1767571230000000000), "2026-01-04T19:00:30-05:00"},
        {"UTC", INT64_C(1767571230000000000), "2026-01-05T00:00:30-00:00"},
    };
    struct buf text = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone *zone;
        struct err err;
        if (zone_open(cases[i].zone, &zone, &err) != ERR_NONE) {
            print_message("skipped: %s\n", err.text);
            skip();
        }
        const struct cap_style how = {.site = rig_site(), .zone = zone};
        const struct cap_event event = {.seq = 9, .time_ns = cases[i].time_ns};
        buf_clear(&text);
        cap_reference(&text, &how, &event);
        assert_string_equal(strrchr(text.data, ',') + 1, cases[i].sent);
        zone_free(zone);
    }
    buf_done(&text);
}

static void categories_follow_the_kind(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *category, *chinese, *english;
    } cases[] = {{"ch4", "Fire", "甲烷", "Methane"},
                 {"co", "CBRNE", "一氧化碳", "Carbon monoxide"},
                 {"wind", "Env", "风速", "Air flow"},
                 {"temperature", NULL, "温度", "Temperature"},
                 {"spin", NULL, "spin", "spin"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *category = cap_kind_category(cases[i].kind);
        assert_true(category == NULL ? cases[i].category == NULL : strcmp(category, cases[i].category) == 0);
        assert_string_equal(cap_kind_name(cases[i].kind, CAP_CHINESE), cases[i].chinese);
        assert_string_equal(cap_kind_name(cases[i].kind, CAP_ENGLISH), cases[i].english);
    }
    assert_null(cap_kind_category(NULL));
}

static void whatever_a_text_holds_is_well_formed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *xml;
    } cases[] = {
        {"a<b>&\"'c", "a&lt;b&gt;&amp;\"'c"},
        {"]]>", "]]&gt;"},
        {"\x01\x1f\x7f\t\n\r", "\uFFFD\uFFFD\x7f\t\n&#13;"},
        {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"}, /* half of a pair, U+D800 */
        {"\xff\xfe", "\uFFFD\uFFFD"},
        {"\uFFFE\uFFFF\uFFFD", "\uFFFD\uFFFD\uFFFD"},
        {"\U0001F525煤\xe7\x85", "\U0001F525煤\uFFFD\uFFFD"},
    };
    struct buf out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buf_clear(&out);
        xml_text(&out, cases[i].text);
        assert_string_equal(out.data, cases[i].xml);
        buf_clear(&out);
        xml_leaf(&out, 0, "a", cases[i].text);
        assert_true(rig_is_well_formed(out.data, out.len));
    }
    buf_clear(&out);
    xml_leaf(&out, 1, "a", "");
    xml_leaf(&out, 1, "a", NULL);
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_document_byte_for_byte),
        cmocka_unit_test(a_document_of_little_says_little),
        cmocka_unit_test(grades_follow_level_kind_and_forecast),
        cmocka_unit_test(names_hold_nothing_that_cap_forbids),
        cmocka_unit_test(long_names_stay_files_and_apart),
        cmocka_unit_test(times_are_those_of_the_zone),
        cmocka_unit_test(categories_follow_the_kind),
        cmocka_unit_test(whatever_a_text_holds_is_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
