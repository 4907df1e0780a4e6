/*
 * program_build: compiles all expressions of a rule (program.h).
 *
 *   text ── expr_lex ──► tokens ── expr_parse ──► tree ── expr_check ──► tree ── program_emit ──► code
 *   code of all of them ── conditions_take_apart ──► terms, leaves, formulas
 *
 * Each expression is read even when one before it has a mistake, so that one
 * run of `davy check` tells them all.
 *
 * Memory: trees live in an arena of their own until the rule is done; what
 * stays is in the caller's.
 */
#include "base/buf.h"
#include "rules/conditions.h"
#include "rules/expr_check.h"
#include "rules/expr_parse.h"
#include "rules/program.h"
#include "rules/program_emit.h"
#include <string.h>

struct build {
    const struct site *site;
    const struct site_rule *rule;
    struct arena *arena;
    struct arena trees;
    struct mistakes *mistakes;
    struct reads reads;
    bool fine;
};

/* Compiles one expression; `text` NULL: none.  `parent` and `key` name its place. */
static void compile(struct build *build, const char *parent, const char *key, const char *text, struct program *program)
{
    if (text == NULL) {
        build->fine = build->fine && strcmp(key, "when") != 0; /* missing, which was told: a site with mistakes */
        return;
    }
    struct buf place = {0};
    buf_printf(&place, "%s.%s", parent, key);
    struct expr_source source = {
        .text = text, .file = build->rule->file, .place = place.data, .mistakes = build->mistakes};
    struct node *const root = expr_parse(&source, &build->trees);
    const bool in_condition = strcmp(key, "unless") != 0;
    build->fine = root != NULL && expr_check(&source, build->site, root) &&
                  program_emit(&source, root, in_condition, &build->reads, build->arena, program) && build->fine;
    buf_done(&place);
}

void program_check_stray(const struct site *site, const struct site_stray *stray, struct mistakes *mistakes)
{
    const struct site_rule rule = {.file = stray->file};
    struct arena arena;
    struct program program = {0};
    arena_init(&arena);
    struct build build = {.site = site, .rule = &rule, .arena = &arena, .mistakes = mistakes};
    arena_init(&build.trees);
    compile(&build, stray->place, "when", stray->when, &program);
    compile(&build, stray->place, "clear", stray->clear, &program);
    arena_done(&build.trees);
    arena_done(&arena);
}

static struct rule_reads keep_reads(const struct reads *reads, struct arena *arena)
{
    uint32_t *const points = ARENA_ARRAY(arena, uint32_t, reads->point_count);
    memcpy(points, reads->points, reads->point_count * sizeof *points);
    struct window_read *const windows = ARENA_ARRAY(arena, struct window_read, reads->window_count);
    memcpy(windows, reads->windows, reads->window_count * sizeof *windows);
    return (struct rule_reads){
        .points = points, .point_count = reads->point_count, .windows = windows, .window_count = reads->window_count};
}

bool program_compile_rule(const struct site *site, const struct site_rule *rule, struct arena *arena,
                          struct mistakes *mistakes, struct rule_code *ret_code)
{
    struct build build = {
        .site = site, .rule = rule, .arena = arena, .mistakes = mistakes, .fine = rule->level_count > 0};
    arena_init(&build.trees);
    struct rule_code code = {0};
    for (size_t i = 0; i < rule->level_count; i++) {
        compile(&build, rule->level_places[i], "when", rule->levels[i].when, &code.when[i]);
        compile(&build, rule->level_places[i], "clear", rule->levels[i].clear, &code.clear[i]);
        code.reads_time = code.reads_time || code.when[i].reads_time || code.clear[i].reads_time;
    }
    compile(&build, rule->place, "unless", rule->unless, &code.unless);
    code.reads_time = code.reads_time || code.unless.reads_time;
    if (build.fine) {
        code.reads = keep_reads(&build.reads, arena);
        conditions_take_apart(&code, arena);
        *ret_code = code;
    }
    arena_done(&build.trees);
    return build.fine;
}
