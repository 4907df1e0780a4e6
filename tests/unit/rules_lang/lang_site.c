/* lang_site: see lang_site.h. */
#include "tests/unit/rules_lang/lang_site.h"

void lang_init(struct lang *lang)
{
    static const char *const ids[POINT_COUNT] = {"tank-7/level", "tank-7/temp", "face-501/t1/ch4", "501工作面/甲烷"};
    *lang = (struct lang){0};
    arena_init(&lang->arena);
    mistakes_init(&lang->mistakes);
    table_init(&lang->site.point_by_id);
    for (uint32_t i = 0; i < POINT_COUNT; i++) {
        lang->points[i].id = ids[i];
        (void)table_add(&lang->site.point_by_id, ids[i], i);
    }
    lang->site.points = lang->points;
    lang->site.point_count = POINT_COUNT;
    lang->rule = (struct site_rule){
        .id = "rule",
        .file = "site.json",
        .place = "rules[0]",
        .level_places = {"rules[0].levels[0]", "rules[0].levels[1]", "rules[0].levels[2]", "rules[0].levels[3]"},
        .level_count = 1};
}

void lang_done(struct lang *lang)
{
    table_done(&lang->site.point_by_id);
    mistakes_done(&lang->mistakes);
    arena_done(&lang->arena);
}

bool lang_compile(struct lang *lang, const char *when, const char *clear, const char *unless)
{
    lang->rule.levels[0] = (struct site_level){.level = LEVEL_YELLOW, .when = when, .clear = clear};
    lang->rule.unless = unless;
    return program_compile_rule(&lang->site, &lang->rule, &lang->arena, &lang->mistakes, &lang->code);
}
