/*
 * The manual tells no untruth: every condition in its examples compiles, and
 * the mistakes it shows are those that are told.
 *
 * Run with the folder of the manual as argument.
 */
#include "base/buf.h"
#include "tests/unit/rules_lang/lang_site.h"
#include "tests/unit/rules_lang/unit.h"
#include <stdio.h>
#include <string.h>

static const char *folder;

static char *read_page(const char *name, struct buf *page)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", folder, name);
    FILE *const file = fopen(path.data, "r");
    assert_non_null(file);
    char chunk[4096];
    for (size_t n = 0; (n = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        buf_add(page, chunk, n);
    }
    (void)fclose(file);
    buf_done(&path);
    return page->data;
}

/* The points that the examples name, beside those of the site of all these tests. */
static void init_site(struct lang *lang)
{
    static const char *const ids[] = {"face-501/t2/ch4", "tank-7/heater", "plant/test-run", "tank-7/limit",
                                      "pump-3/running"};
    lang_init(lang);
    for (uint32_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        (void)table_add(&lang->site.point_by_id, ids[i], i);
    }
}

static void compile_one(const char *text, size_t len)
{
    struct lang lang;
    init_site(&lang);
    char *const expression = arena_strndup(&lang.arena, text, len);
    if (!lang_compile(&lang, expression, NULL, NULL)) {
        fail_msg("the manual says \"%s\": %s", expression, lang.mistakes.lines[0]);
    }
    lang_done(&lang);
}

/* Compiles what stands behind each `"key": "`.  Gives how many there were. */
static size_t compile_key(const char *page, const char *key)
{
    size_t found = 0;
    for (const char *at = page; (at = strstr(at, key)) != NULL; found++) {
        at = strchr(at + strlen(key), '"') + 1;
        compile_one(at, strcspn(at, "\""));
    }
    return found;
}

static void test_conditions_of_the_manual_compile(void **state)
{
    (void)state;
    static const char *const pages[] = {"expressions.md", "rules.md"};
    static const size_t at_least[] = {20, 8};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        struct buf page = {0};
        const char *const text = read_page(pages[i], &page);
        const size_t found =
            compile_key(text, "\"when\":") + compile_key(text, "\"clear\":") + compile_key(text, "\"unless\":");
        assert_true(found >= at_least[i]);
        buf_done(&page);
    }
}

static void test_mistakes_of_the_manual_are_told(void **state)
{
    (void)state;
    static const char *const broken[] = {"valeu > 1", "value ≥ 1", "point('tank-7/levle') == 1", "mean > 5",
                                         "value > 5m",  "avg(5m) > 1", "mean(1.5h) > 1",          "value > 1,5",
                                         "tank-7/level > 1"};
    struct buf page = {0};
    const char *const text = read_page("expressions.md", &page);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct lang lang;
        init_site(&lang);
        assert_false(lang_compile(&lang, broken[i], NULL, NULL));
        const char *const told = strstr(lang.mistakes.lines[0], "at character");
        if (strstr(text, told) == NULL) {
            fail_msg("the manual does not show: %s", told);
        }
        lang_done(&lang);
    }
    buf_done(&page);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions_of_the_manual_compile),
        cmocka_unit_test(test_mistakes_of_the_manual_are_told),
    };
    folder = argc == 2 ? argv[1] : "docs/manual";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
