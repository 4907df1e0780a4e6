/*
 * What bad expressions are told: each mistake with its character, the fact and
 * the hint, all of one expression in one run.
 */
#include "base/buf.h"
#include "rules/expr_source.h"
#include "tests/unit/rules_lang/lang_site.h"
#include "tests/unit/rules_lang/unit.h"
#include <string.h>

/* The length of a line without the hint that stands where there is no better one; every line has a hint. */
static int told_len(const char *line)
{
    const char *const general = strstr(line, "; " EXPR_HINT);
    assert_non_null(strstr(line, "; "));
    return general != NULL ? (int)(general - line) : (int)strlen(line);
}

/* Compiles the text as a `when` and joins its mistakes, each with a newline behind it, without its place and without the
 * general hint. */
static void mistakes_of(const char *text, struct buf *ret_lines)
{
    static const char place[] = "site.json: rules[0].levels[0].when: ";
    struct lang lang;
    lang_init(&lang);
    const bool fine = lang_compile(&lang, text, NULL, NULL);
    assert_int_equal(fine, lang.mistakes.total == 0);
    buf_text(ret_lines, "");
    for (size_t i = 0; i < lang.mistakes.count; i++) {
        const char *const line = lang.mistakes.lines[i];
        assert_memory_equal(line, place, strlen(place));
        buf_printf(ret_lines, "%.*s\n", told_len(line + strlen(place)), line + strlen(place));
    }
    lang_done(&lang);
}

static const struct {
    const char *text, *lines;
} cases[] = {
    {"", "at character 1: expected a condition, found the end\n"},
    {"value", "at character 1: expected a condition, found a number; compare it with something, such as value > 1\n"},
    {"value >", "at character 8: expected a number, found the end\n"},
    {"value > )", "at character 9: expected a number, found \")\"\n"},
    {"> 1", "at character 1: expected a condition, found \">\"\n"},
    {"value 1", "at character 7: expected an operator or the end, found \"1\"\n"},
    {"value > 1 1", "at character 11: expected an operator or the end, found \"1\"\n"},
    {"value >> 1", "at character 8: expected a number, found \">\"\n"},
    {"value = 1", "at character 7: \"=\" is not a sign of the language; did you mean \"==\"?\n"},
    {"value > 1 and age < 5",
     "at character 11: expected an operator or the end, found \"and\"; did you mean \"&&\"?\n"},
    {"not (value > 1)", "at character 1: \"not\" is not known; did you mean \"!\"?\n"},
    {"value > 1 & value < 2", "at character 11: \"&\" is not a sign of the language; did you mean \"&&\"?\n"},
    {"(value > 1", "at character 11: expected an operator or \")\", found the end\n"},
    {"value > 1)", "at character 10: expected an operator or the end, found \")\"\n"},
    {"((value > 1)", "at character 13: expected an operator or \")\", found the end\n"},
    {"value > 'a'",
     "at character 9: expected a number, found a text; texts are for the ids of points and for status words\n"},
    {"'a'",
     "at character 1: expected a condition, found a text; texts are for the ids of points and for status words\n"},
    {"'a' > 1",
     "at character 1: expected a number, found a text; texts are for the ids of points and for status words\n"},
    {"value > true", "at character 9: expected a number, found a condition; a condition needs no comparison; write it "
                     "alone, or with ! before it\n"},
    {"true > 1", "at character 1: expected a number, found a condition; a condition needs no comparison; write it "
                 "alone, or with ! before it\n"},
    {"value && value",
     "at character 1: expected a condition, found a number; compare it with something, such as value > 1\n"
     "at character 10: expected a condition, found a number; compare it with something, such as value > 1\n"},
    {"value > 1 && 5",
     "at character 14: expected a condition, found a number; compare it with something, such as value > 1\n"},
    {"!value > 3",
     "at character 2: expected a condition, found a number; ! belongs to what directly follows; write !(value > 1)\n"},
    {"!value",
     "at character 2: expected a condition, found a number; ! belongs to what directly follows; write !(value > 1)\n"},
    {"-true > 1", "at character 2: expected a number, found a condition\n"},
    {"1 < value < 3",
     "at character 1: expected a number, found a condition; comparisons do not chain; write a < b && b < c\n"},
    {"value == 1 == true",
     "at character 1: expected a number, found a condition; comparisons do not chain; write a < b && b < c\n"
     "at character 15: expected a number, found a condition; a condition needs no comparison; write it alone, or with "
     "! before it\n"},
    {"status('comm') == true", "at character 1: expected a number, found a condition; a condition needs no comparison; "
                               "write it alone, or with ! before it\n"
                               "at character 19: expected a number, found a condition; a condition needs no "
                               "comparison; write it alone, or with ! before it\n"},
    {"status('comm') + 1 > 0", "at character 1: expected a number, found a condition\n"},
    {"value > 5m", "at character 9: a duration is compared with a value; if seconds are meant, write the number 300\n"},
    {"5m < mean(10m)",
     "at character 1: a duration is compared with a value; if seconds are meant, write the number 300\n"},
    {"-5m < value",
     "at character 1: a duration is compared with a value; if seconds are meant, write the number -300\n"},
    {"value > 2 * 5m",
     "at character 9: a duration is compared with a value; if seconds are meant, write the number 600\n"},
    {"mean(5m) == 1h",
     "at character 13: a duration is compared with a value; if seconds are meant, write the number 3600\n"},
    {"count(5m) > 5m",
     "at character 13: a duration is compared with a value; if seconds are meant, write the number 300\n"},
    {"point('tank-7/temp') > 5m",
     "at character 24: a duration is compared with a value; if seconds are meant, write the number 300\n"},
    {"-value < 5m",
     "at character 10: a duration is compared with a value; if seconds are meant, write the number 300\n"},
    {"eta_up(5m, 1.5) < 1", "at character 8: expected the limit, a number, found a duration; write eta_up(10, 5m) or "
                            "eta_up('tank-7/level', 10, 5m)\n"},
    {"eta_up(true, 5m) < 1", "at character 8: expected the limit, a number, found a condition; write eta_up(10, 5m) or "
                             "eta_up('tank-7/level', 10, 5m)\n"},
    {"eta_up('tank-7/level', 5m) < 1", "at character 8: expected the limit, a number, found a text; write eta_up(10, "
                                       "5m) or eta_up('tank-7/level', 10, 5m)\n"},
    {"eta_up(1) < 1", "at character 1: eta_up takes a limit and a window, or the id of a point and both; write "
                      "eta_up(10, 5m) or eta_up('tank-7/level', 10, 5m)\n"},
    {"eta_up() < 1", "at character 1: eta_up takes a limit and a window, or the id of a point and both; write "
                     "eta_up(10, 5m) or eta_up('tank-7/level', 10, 5m)\n"},
    {"mean > 5", "at character 1: mean takes a window, or the id of a point and a window; write mean(5m) or "
                 "mean('tank-7/level', 5m)\n"},
    {"mean() > 5", "at character 1: mean takes a window, or the id of a point and a window; write mean(5m) or "
                   "mean('tank-7/level', 5m)\n"},
    {"mean(5m, 'tank-7/level') > 5",
     "at character 6: expected the id of a point, found a duration; ids stand in single quotes, such as "
     "'tank-7/level'\n"
     "at character 10: expected a length of time, found a text; write mean(5m) or mean('tank-7/level', 5m)\n"},
    {"mean('tank-7/level') > 5",
     "at character 6: expected a length of time, found a text; write mean(5m) or mean('tank-7/level', 5m)\n"},
    {"mean(1,2,3,4,5) > 5", "at character 1: mean takes a window, or the id of a point and a window; write mean(5m) or "
                            "mean('tank-7/level', 5m)\n"},
    {"mean(5) > 1 && maen(5m) > 1", "at character 16: \"maen\" is not known; did you mean \"mean\"?\n"},
    {"vaule > 1", "at character 1: \"vaule\" is not known; did you mean \"value\"?\n"},
    {"xyzzy > 1 || foo(1, bar) > 2", "at character 1: \"xyzzy\" is not known\n"
                                     "at character 14: \"foo\" is not known\n"
                                     "at character 21: \"bar\" is not known\n"},
    {"value() > 1", "at character 1: value takes no parentheses; write value > 1\n"},
    {"age(5m) > 1", "at character 1: age takes nothing; write age > 30s\n"},
    {"unchanged > 1", "at character 1: unchanged takes nothing between its parentheses; write unchanged() > 4h\n"},
    {"unchanged(5m) > 1", "at character 1: unchanged takes nothing between its parentheses; write unchanged() > 4h\n"},
    {"status", "at character 1: status takes one status word; write status('calibrating')\n"},
    {"status() ", "at character 1: status takes one status word; write status('calibrating')\n"},
    {"status(comm)",
     "at character 8: \"comm\" is not known; status words stand in single quotes, such as 'calibrating'\n"},
    {"status('com')", "at character 8: \"com\" is not a status word; did you mean \"comm\"?\n"},
    {"status('comm+stale')",
     "at character 8: \"comm+stale\" is not a status word; ask for one at a time: status('comm') || status('stale')\n"},
    {"status('')", "at character 8: \"\" is not a status word; there are good comm sensor range calibrating stale late "
                   "skew manual merged paused\n"},
    {"status('xyzzy')", "at character 8: \"xyzzy\" is not a status word; there are good comm sensor range calibrating "
                        "stale late skew manual merged paused\n"},
    {"status('comm','stale')", "at character 1: status takes one status word; write status('calibrating')\n"},
    {"status(1)", "at character 8: expected a status word, found a number; status words stand in single quotes, such "
                  "as 'calibrating'\n"},
    {"point > 1",
     "at character 1: point takes the id of a point, or nothing; write point('tank-7/level') or point()\n"},
    {"point(5) > 1", "at character 7: expected the id of a point, found a number; ids stand in single quotes, such as "
                     "'tank-7/level'\n"},
    {"point('tank-7/levle') > 1",
     "at character 7: the site has no point \"tank-7/levle\"; did you mean \"tank-7/level\"?\n"},
    {"point('nothing at all') > 1", "at character 7: the site has no point \"nothing at all\"\n"},
    {"point('') > 1", "at character 7: the site has no point \"\"\n"},
    {"point(tank-7/level) > 1",
     "at character 7: \"tank-7/level\" is the id of a point; ids stand in single quotes\n"},
    {"pstatus('tank-7/level')",
     "at character 1: pstatus takes the id of a point and a status word; write pstatus('tank-7/level', 'comm')\n"},
    {"pstatus('comm')",
     "at character 1: pstatus takes the id of a point and a status word; write pstatus('tank-7/level', 'comm')\n"},
    {"pstatus('tank-7/lev', 'com')",
     "at character 9: the site has no point \"tank-7/lev\"; did you mean \"tank-7/level\"?\n"
     "at character 23: \"com\" is not a status word; did you mean \"comm\"?\n"},
    {"pstatus('comm', 'tank-7/level')", "at character 9: the site has no point \"comm\"\n"
                                        "at character 17: \"tank-7/level\" is not a status word; there are good comm "
                                        "sensor range calibrating stale late skew manual merged paused\n"},
    {"mean(0) > 1", "at character 6: a length of time must be more than 0 and at most 285 years; write mean(5m) or "
                    "mean('tank-7/level', 5m)\n"},
    {"mean(-5m) > 1", "at character 6: a length of time must be more than 0 and at most 285 years; write mean(5m) or "
                      "mean('tank-7/level', 5m)\n"},
    {"mean(0s) > 1", "at character 6: a length of time must be more than 0 and at most 285 years; write mean(5m) or "
                     "mean('tank-7/level', 5m)\n"},
    {"mean(1/0) > 1", "at character 6: a length of time must be more than 0 and at most 285 years; write mean(5m) or "
                      "mean('tank-7/level', 5m)\n"},
    {"mean(1e300) > 1", "at character 6: a length of time must be more than 0 and at most 285 years; write mean(5m) or "
                        "mean('tank-7/level', 5m)\n"},
    {"mean(300y) > 1", "at character 6: \"300y\" is neither a number such as 0.5 nor a duration such as 90s (whole, "
                       "with ms s m h d y)\n"},
    {"mean(value) > 1",
     "at character 6: a length of time must be a constant; write mean(5m) or mean('tank-7/level', 5m)\n"},
    {"mean(age) > 1",
     "at character 6: a length of time must be a constant; write mean(5m) or mean('tank-7/level', 5m)\n"},
    {"mean(true) > 1",
     "at character 6: expected a length of time, found a condition; write mean(5m) or mean('tank-7/level', 5m)\n"},
    {"mean('tank-7/level', 'x') > 1",
     "at character 22: expected a length of time, found a text; write mean(5m) or mean('tank-7/level', 5m)\n"},
    {"mean(5min) > 1",
     "at character 6: \"5min\" is neither a number such as 0.5 nor a duration such as 90s (whole, with ms s m "
     "h d y); did you mean \"5m\"?\n"},
    {"mean(1.5h) > 1",
     "at character 6: \"1.5h\" is neither a number such as 0.5 nor a duration such as 90s (whole, with ms s m "
     "h d y); did you mean \"90m\"?\n"},
    {"mean(5m > 1", "at character 12: expected an operator, \",\" or \")\", found the end\n"},
    {"mean(5m,) > 1", "at character 9: expected an argument, found \")\"\n"},
    {"mean(,5m) > 1", "at character 6: expected an argument, found \",\"\n"},
    {"mean(5m 6) > 1", "at character 9: expected an operator, \",\" or \")\", found \"6\"\n"},
    {"value > 0x10", "at character 9: \"0x10\" is neither a number such as 0.5 nor a duration such as 90s (whole, with "
                     "ms s m h d y)\n"},
    {"value > 1e999", "at character 9: \"1e999\" is neither a number such as 0.5 nor a duration such as 90s (whole, "
                      "with ms s m h d y)\n"},
    {"value > 10%",
     "at character 11: \"%\" is not a sign of the language; numbers have no unit: they are in the point's "
     "own\n"},
    {"value > 1 # too much", "at character 11: \"#\" is not a sign of the language\n"},
    {"value ≥ 1", "at character 7: \"≥\" is not a sign of the language; did you mean \">=\"?\n"},
    {"value＞1", "at character 6: \"＞\" is not a sign of the language; did you mean \">\"?\n"},
    {"（value > 1)", "at character 1: \"（\" is not a sign of the language; did you mean \"(\"?\n"},
    {"status(‘comm’)", "at character 8: \"‘\" is not a sign of the language; did you mean \"'\"?\n"},
    {"point(\"tank-7/level\") > 1", "at character 7: \"\"\" is not a sign of the language; did you mean \"'\"?\n"},
    {"point('tank-7/level) > 1", "at character 7: \"'tank-7/level) > 1\" has no closing quote\n"},
    {"浓度 > 1", "at character 1: \"浓度\" is not known\n"},
    {"'501工作面' > 1 && 浓渡 > 2",
     "at character 1: expected a number, found a text; texts are for the ids of points and for status words\n"
     "at character 17: \"浓渡\" is not known\n"},
    {"point('501工作面/甲烷') > 5m",
     "at character 22: a duration is compared with a value; if seconds are meant, write the number 300\n"},
    {"point('501工作面/甲') > 5",
     "at character 7: the site has no point \"501工作面/甲\"; did you mean \"501工作面/甲烷\"?\n"},
    {"value > +1", "at character 9: expected a number, found \"+\"\n"},
    {"TRUE", "at character 1: \"TRUE\" is not known; did you mean \"true\"?\n"},
    {"True && value > 1", "at character 1: \"True\" is not known; did you mean \"true\"?\n"},
    {"Value > 1", "at character 1: \"Value\" is not known; did you mean \"value\"?\n"},
    {"MEAN(5m) > 1", "at character 1: \"MEAN\" is not known; did you mean \"mean\"?\n"},
    {"truth", "at character 1: \"truth\" is not known\n"},
    {"value ! 1", "at character 7: expected an operator or the end, found \"!\"\n"},
    {"value > 1 ! ", "at character 11: expected an operator or the end, found \"!\"\n"},
    {"value, 1", "at character 6: expected an operator or the end, found \",\"\n"},
    {"sqrt(value) > 1",
     "at character 1: \"sqrt\" is not known; compare squares: value * value > 4\n"},
    {"abs(value) > 1",
     "at character 1: \"abs\" is not known; write both sides: value > 1 || value < -1\n"},
    {"value % 2 == 0",
     "at character 7: \"%\" is not a sign of the language; numbers have no unit: they are in the point's own\n"},
    {"value ^ 2 > 1",
     "at character 7: \"^\" is not a sign of the language; there are no powers; write value * value\n"},
    {"value > 1; value < 2",
     "at character 10: \";\" is not a sign of the language; join conditions by && or ||, or make two levels "
     "of them\n"},
    {"a > 1 && b > 2 && value",
     "at character 1: \"a\" is not known\n"
     "at character 10: \"b\" is not known\n"
     "at character 19: expected a condition, found a number; compare it with something, such as value > 1\n"},
    {"status(status('comm'))", "at character 8: expected a status word, found a condition; status words stand in "
                               "single quotes, such as 'calibrating'\n"},
    {"mean(mean(5m)) > 1",
     "at character 6: a length of time must be a constant; write mean(5m) or mean('tank-7/level', 5m)\n"},
    {"value > 1 ? true : false",
     "at character 11: \"?\" is not a sign of the language; join conditions by && or ||\n"},
    {"value > 1 && ", "at character 14: expected a condition, found the end\n"},
    {"value > 1 || )", "at character 14: expected a condition, found \")\"\n"},
    {"value + ", "at character 9: expected a number, found the end\n"},
    {"!", "at character 2: expected a condition, found the end\n"},
    {"-", "at character 2: expected a number, found the end\n"},
    {"mean(", "at character 6: expected an argument, found the end\n"},
    /* habits of other languages, spreadsheets and speech */
    {"value =< 1", "at character 7: \"=<\" is not a sign of the language; did you mean \"<=\"?\n"},
    {"value => 1", "at character 7: \"=>\" is not a sign of the language; did you mean \">=\"?\n"},
    {"value <> 1", "at character 7: \"<>\" is not a sign of the language; did you mean \"!=\"?\n"},
    {"value === 1", "at character 7: \"===\" is not a sign of the language; did you mean \"==\"?\n"},
    {"value !== 1", "at character 7: \"!==\" is not a sign of the language; did you mean \"!=\"?\n"},
    {"value > 1,5",
     "at character 10: expected an operator or the end, found \",\"; the decimal sign is a point: 1.5\n"},
    {"mean(5 m) > 1",
     "at character 8: expected an operator, \",\" or \")\", found \"m\"; durations are written without a "
     "blank: 5m\n"},
    {"mean(5 min) > 1",
     "at character 8: expected an operator, \",\" or \")\", found \"min\"; durations are written without a "
     "blank: 5m\n"},
    {"age > 10 sec",
     "at character 10: expected an operator or the end, found \"sec\"; durations are written without a blank: "
     "10s\n"},
    {"mean(90sec) > 1",
     "at character 6: \"90sec\" is neither a number such as 0.5 nor a duration such as 90s (whole, with ms s "
     "m h d y); did you mean \"90s\"?\n"},
    {"mean(2hours) > 1",
     "at character 6: \"2hours\" is neither a number such as 0.5 nor a duration such as 90s (whole, with ms s "
     "m h d y); did you mean \"2h\"?\n"},
    {"mean(0.5d) > 1",
     "at character 6: \"0.5d\" is neither a number such as 0.5 nor a duration such as 90s (whole, with ms s m "
     "h d y); did you mean \"12h\"?\n"},
    {"mean(5M) > 1",
     "at character 6: \"5M\" is neither a number such as 0.5 nor a duration such as 90s (whole, with ms s m h "
     "d y); did you mean \"5m\"?\n"},
    {"mean(5分钟) > 1",
     "at character 6: \"5分钟\" is neither a number such as 0.5 nor a duration such as 90s (whole, with ms s m "
     "h d y); did you mean \"5m\"?\n"},
    {"mean(0.0001s) > 1",
     "at character 6: \"0.0001s\" is neither a number such as 0.5 nor a duration such as 90s (whole, with ms "
     "s m h d y)\n"},
    {"avg(5m) > 1", "at character 1: \"avg\" is not known; did you mean \"mean\"?\n"},
    {"平均(5m) > 1", "at character 1: \"平均\" is not known; did you mean \"mean\"?\n"},
    {"std(5m) > 1", "at character 1: \"std\" is not known; did you mean \"stddev\"?\n"},
    {"maximum(5m) > 1", "at character 1: \"maximum\" is not known; did you mean \"max\"?\n"},
    {"rate(5m) > 1", "at character 1: \"rate\" is not known; did you mean \"slope\"?\n"},
    {"ema(5m) > 1", "at character 1: \"ema\" is not known; did you mean \"ewma\"?\n"},
    {"median(5m) > 1",
     "at character 1: \"median\" is not known; mean(5m) is the average, ewma(5m) one that forgets\n"},
    {"prev(5m) > 1",
     "at character 1: \"prev\" is not known; first(5m) is the oldest reading of the last five minutes, "
     "delta(5m) how far it went since\n"},
    {"sum(5m) > 1", "at character 1: \"sum\" is not known; write mean(5m) * count(5m)\n"},
    {"eta(1, 5m) < 1h",
     "at character 1: \"eta\" is not known; write eta_up(10, 5m) for a limit above, eta_down(10, 5m) for one "
     "below\n"},
    {"value between 1 and 2",
     "at character 7: expected an operator or the end, found \"between\"; write value > 1 && value < 2\n"},
    {"if value > 1", "at character 1: \"if\" is not known; write the condition alone\n"},
    {"value > 1 then 2",
     "at character 11: expected an operator or the end, found \"then\"; write the condition alone\n"},
    {"value is 1", "at character 7: expected an operator or the end, found \"is\"; did you mean \"==\"?\n"},
    {"value > 1.0 %CH4",
     "at character 13: \"%\" is not a sign of the language; numbers have no unit: they are in the point's "
     "own\n"},
    {"value ** 2 > 1",
     "at character 7: \"**\" is not a sign of the language; there are no powers; write value * value\n"},
    {"max(value, 5) > 1",
     "at character 5: expected the id of a point, found a number; ids stand in single quotes, such as "
     "'tank-7/level'\n"},
    {"value>1且age<5", "at character 8: \"且\" is not a sign of the language; did you mean \"&&\"?\n"},
    {"value > 1 或 age < 5", "at character 11: \"或\" is not a sign of the language; did you mean \"||\"?\n"},
    {"非(value > 1)", "at character 1: \"非\" is not a sign of the language; did you mean \"!\"?\n"},
    {"status == 'comm'",
     "at character 1: status takes one status word; write status('calibrating')\n"
     "at character 11: expected a number, found a text; texts are for the ids of points and for status words\n"},
    {"value == stale",
     "at character 10: \"stale\" is not known; status words stand in single quotes, such as 'calibrating'\n"},
    {"value == null",
     "at character 10: \"null\" is not known; a reading that is missing makes value unknown; ask "
     "status('sensor'), status('comm') or age > 10s\n"},
    {"value == NaN",
     "at character 10: \"NaN\" is not known; a reading that is missing makes value unknown; ask "
     "status('sensor'), status('comm') or age > 10s\n"},
    {"value > 1..2",
     "at character 9: \"1..2\" is neither a number such as 0.5 nor a duration such as 90s (whole, with ms s m "
     "h d y)\n"},
    {"slope(10m) > 0.02/min",
     "at character 19: min takes a window, or the id of a point and a window; write min(5m) or "
     "min('tank-7/level', 5m)\n"},
    {"age > '5m'",
     "at character 7: expected a number, found a text; texts are for the ids of points and for status words\n"},
    {"count(1m) < 30s",
     "at character 13: a duration is compared with a value; if seconds are meant, write the number 30\n"},
    {"delta(1h) > 1h",
     "at character 13: a duration is compared with a value; if seconds are meant, write the number 3600\n"},
    {"mean('tank-7/level' 5m) > 1", "at character 21: expected an operator, \",\" or \")\", found \"5m\"\n"},
    {"mean[5m] > 1",
     "at character 5: \"[\" is not a sign of the language; windows stand in round parentheses: mean(5m)\n"},
    {"value > 1 && && age > 1", "at character 14: expected a condition, found \"&&\"\n"},
    {"(value > 1) (age > 2)", "at character 13: expected an operator or the end, found \"(\"\n"},
    {"value > 1 or or age", "at character 11: expected an operator or the end, found \"or\"; did you mean \"||\"?\n"},
    {"hour == 3",
     "at character 1: \"hour\" is not known; rules do not ask for the time of day; a plan is a point, such as "
     "point('shift/maintenance') == 1\n"},
    {"level == 'red'",
     "at character 1: \"level\" is not known; the level of an alarm cannot be asked for; repeat the condition "
     "that enters it\n"
     "at character 10: expected a number, found a text; texts are for the ids of points and for status words\n"},
    {"tags.place == 'T1'", "at character 5: \".\" is not a sign of the language\n"},
    {"$value > 1",
     "at character 1: \"$\" is not a sign of the language; words have no sign before them; write value\n"},
    {"value > {limit}",
     "at character 9: \"{\" is not a sign of the language; only messages have words in braces; write value\n"},
    {"tank-7/level > 1", "at character 1: \"tank-7/level\" is the id of a point; ids stand in single quotes\n"},
    {"501工作面/甲烷 > 1",
     "at character 1: \"501工作面\" is neither a number such as 0.5 nor a duration such as 90s (whole, with ms s "
     "m h d y)\n"},
    {"value > 1; age > 2",
     "at character 10: \";\" is not a sign of the language; join conditions by && or ||, or make two levels "
     "of them\n"},
    {"tank-7/lev > 1",
     "at character 1: \"tank\" is not known\n"
     "at character 8: \"lev\" is not known\n"},
    {"value == 'x' && 1",
     "at character 10: expected a number, found a text; texts are for the ids of points and for status words\n"
     "at character 17: expected a condition, found a number; compare it with something, such as value > 1\n"},
};

static void test_each_mistake_is_told_with_its_character(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf got = {0};
        mistakes_of(cases[i].text, &got);
        if (strcmp(got.data, cases[i].lines) != 0) {
            fail_msg("\"%s\" is told\n%snot\n%s", cases[i].text, got.data, cases[i].lines);
        }
        buf_done(&got);
    }
}

static void test_a_text_that_is_no_utf8_is_told(void **state)
{
    (void)state;
    struct buf got = {0};
    mistakes_of("value > 1 \xFF", &got);
    assert_string_equal(got.data, "at character 1: the expression is not UTF-8\n");
    buf_done(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mistake_is_told_with_its_character),
        cmocka_unit_test(test_a_text_that_is_no_utf8_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
