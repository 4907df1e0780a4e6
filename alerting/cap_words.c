/*
 * cap_words: see cap_words.h.
 *
 * Categories: Fire for what burns or tells of fire, CBRNE for gases that
 * poison, Env for air and water themselves.
 */
#include "alerting/cap_words.h"
#include <string.h>

static const struct cap_words WORDS[CAP_LANGUAGES] = {
    [CAP_CHINESE] = {.language = "zh-CN",
                     .colours = {"", "蓝色", "黄色", "橙色", "红色"},
                     .before = {"", "升级为", "降为", ""},
                     .behind = {"", "", "", "解除"},
                     .colon = "：",
                     .alarm = "报警",
                     .forecast = "预警",
                     .reads = "读数 ",
                     .reads_nothing = "暂无读数",
                     .condition = "判据：",
                     .open = "（",
                     .close = "）",
                     .named = "报警 ",
                     .numbered = "，第 ",
                     .number_end = " 次",
                     .stop = "。",
                     .last_stop = "。",
                     .exercise = "演练，并非真实警情。",
                     .test = "系统测试，并非真实警情。"},
    [CAP_ENGLISH] = {.language = "en",
                     .colours = {"", "Blue", "Yellow", "Orange", "Red"},
                     .before = {"", "", "", ""},
                     .behind = {"", ", worsened", ", eased", " cleared"},
                     .colon = ": ",
                     .alarm = " alarm",
                     .forecast = " early warning",
                     .reads = " reads ",
                     .reads_nothing = " has no reading",
                     .condition = "Condition: ",
                     .open = " (",
                     .close = ")",
                     .named = "Alarm ",
                     .numbered = ", occurrence ",
                     .number_end = "",
                     .stop = ". ",
                     .last_stop = ".",
                     .exercise = "Exercise, not a real event.",
                     .test = "Test of the system, not a real event."},
};

static const struct kind {
    const char *kind, *chinese, *english, *category;
} KINDS[] = {
    {"ch4", "甲烷", "Methane", "Fire"},
    {"lel", "可燃气体", "Combustible gas", "Fire"},
    {"h2", "氢气", "Hydrogen", "Fire"},
    {"gas", "气体", "Gas", "CBRNE"},
    {"smoke", "烟雾", "Smoke", "Fire"},
    {"fire", "火情", "Fire", "Fire"},
    {"flame", "火焰", "Flame", "Fire"},
    {"co", "一氧化碳", "Carbon monoxide", "CBRNE"},
    {"co2", "二氧化碳", "Carbon dioxide", "CBRNE"},
    {"h2s", "硫化氢", "Hydrogen sulfide", "CBRNE"},
    {"so2", "二氧化硫", "Sulfur dioxide", "CBRNE"},
    {"no", "一氧化氮", "Nitric oxide", "CBRNE"},
    {"no2", "二氧化氮", "Nitrogen dioxide", "CBRNE"},
    {"nh3", "氨气", "Ammonia", "CBRNE"},
    {"cl2", "氯气", "Chlorine", "CBRNE"},
    {"hcl", "氯化氢", "Hydrogen chloride", "CBRNE"},
    {"hf", "氟化氢", "Hydrogen fluoride", "CBRNE"},
    {"hcn", "氰化氢", "Hydrogen cyanide", "CBRNE"},
    {"phosgene", "光气", "Phosgene", "CBRNE"},
    {"benzene", "苯", "Benzene", "CBRNE"},
    {"toluene", "甲苯", "Toluene", "CBRNE"},
    {"xylene", "二甲苯", "Xylene", "CBRNE"},
    {"methanol", "甲醇", "Methanol", "CBRNE"},
    {"vinyl-chloride", "氯乙烯", "Vinyl chloride", "CBRNE"},
    {"ethylene-oxide", "环氧乙烷", "Ethylene oxide", "CBRNE"},
    {"acrylonitrile", "丙烯腈", "Acrylonitrile", "CBRNE"},
    {"o2", "氧气", "Oxygen", NULL},
    {"dust", "粉尘", "Dust", "Env"},
    {"wind", "风速", "Air flow", "Env"},
    {"winddir", "风向", "Wind direction", "Env"},
    {"water-level", "水位", "Water level", "Env"},
    {"temperature", "温度", "Temperature", NULL},
    {"pressure", "压力", "Pressure", NULL},
    {"level", "液位", "Level", NULL},
    {"flow", "流量", "Flow", NULL},
    {"humidity", "湿度", "Humidity", NULL},
    {"fan", "风机", "Fan", NULL},
    {"pump", "水泵", "Pump", NULL},
    {"valve", "阀门", "Valve", NULL},
    {"feed", "馈电", "Power feed", NULL},
    {"breaker", "断路器", "Breaker", NULL},
    {"davy", "监测系统", "Monitoring system", NULL},
};

const struct cap_words *cap_words_of(enum cap_language language)
{
    return &WORDS[language];
}

static const struct kind *find(const char *kind)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (strcmp(KINDS[i].kind, kind) == 0) {
            return &KINDS[i];
        }
    }
    return NULL;
}

const char *cap_kind_name(const char *kind, enum cap_language language)
{
    const struct kind *known = find(kind);
    return known == NULL ? kind : language == CAP_CHINESE ? known->chinese : known->english;
}

const char *cap_kind_category(const char *kind)
{
    const struct kind *known = kind == NULL ? NULL : find(kind);
    return known == NULL ? NULL : known->category;
}
