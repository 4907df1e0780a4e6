/* expr_lex: texts to tokens, by table. */
#include "base/buf.h"
#include "rules/expr_lex.h"
#include "tests/unit/rules_lang/unit.h"

static void print_token(const struct token *token, struct buf *out)
{
    static const char *const kinds[] = {
        [TOKEN_NUMBER] = "number ", [TOKEN_DURATION] = "duration ", [TOKEN_TEXT] = "text ",
        [TOKEN_WORD] = "word ",     [TOKEN_SIGN] = "sign ",         [TOKEN_BAD] = "bad ",
    };
    buf_printf(out, "%s%zu:", kinds[token->kind], token->at);
    if (token->kind == TOKEN_NUMBER || token->kind == TOKEN_DURATION) {
        buf_number(out, token->number);
    } else {
        buf_add(out, token->text, token->len);
    }
    if (token->meant != NULL) {
        buf_printf(out, " for %s", token->meant);
    }
    buf_text(out, " | ");
}

static void test_texts_become_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *text, *tokens;
    } cases[] = {
        {"", ""},
        {" \t\r\n ", ""},
        {"value>=1.5", "word 0:value | sign 5:>= | number 7:1.5 | "},
        {"!a&&b||c", "sign 0:! | word 1:a | sign 2:&& | word 4:b | sign 5:|| | word 7:c | "},
        {"a<=b<c!=d==e", "word 0:a | sign 1:<= | word 3:b | sign 4:< | word 5:c | sign 6:!= | word 8:d | sign 9:== | "
                         "word 11:e | "},
        {"-1+2*3/4",
         "sign 0:- | number 1:1 | sign 2:+ | number 3:2 | sign 4:* | number 5:3 | sign 6:/ | number 7:4 | "},
        {"(a,b)", "sign 0:( | word 1:a | sign 2:, | word 3:b | sign 4:) | "},
        {"0 0.5 1e3 1E-3 2.5e+2", "number 0:0 | number 2:0.5 | number 6:1000 | number 10:0.001 | number 15:250 | "},
        {".5 1. 1.e2 .5e1", "number 0:0.5 | number 3:1 | number 6:100 | number 11:5 | "},
        {"500ms 5s 10m 2h 7d 1y", "duration 0:0.5 | duration 6:5 | duration 9:600 | duration 13:7200 | "
                                  "duration 16:604800 | duration 19:31536000 | "},
        {"0s", "duration 0:0 | "},
        {"'tank-7/level' ''", "text 0:tank-7/level | text 15: | "},
        {"'501工作面/甲烷'+1", "text 0:501工作面/甲烷 | sign 21:+ | number 22:1 | "},
        {"eta_up2 _x", "word 0:eta_up2 | word 8:_x | "},
        {"浓度>1", "word 0:浓度 | sign 6:> | number 7:1 | "},
        /* what is neither number nor duration is taken whole */
        {"5min", "bad 0:5min | "},
        {"1.5h", "bad 0:1.5h | "},
        {"1.2.3", "bad 0:1.2.3 | "},
        {"1.s", "bad 0:1.s | "},
        {".5h", "bad 0:.5h | "},
        {"1..5", "bad 0:1..5 | "},
        {"010", "bad 0:010 | "},
        {".", "bad 0:. | "},
        {"00", "bad 0:00 | "},
        {"0x1F", "bad 0:0x1F | "},
        {"1e999", "bad 0:1e999 | "},
        {"5e", "bad 0:5e | "},
        {"1e5s", "bad 0:1e5s | "},
        {"5分", "bad 0:5分 | "},
        {"99999999999999999999s", "bad 0:99999999999999999999s | "},
        /* no closing quote: the rest is gone */
        {"a == 'b", "word 0:a | sign 2:== | bad 5:'b | "},
        /* signs of other languages and keyboards */
        {"a = b", "word 0:a | bad 2:= for == | word 4:b | "},
        {"a & b | c", "word 0:a | bad 2:& for && | word 4:b | bad 6:| for || | word 8:c | "},
        {"\"x\"", "bad 0:\" for ' | word 1:x | bad 2:\" for ' | "},
        {"（浓度≥1）", "bad 0:（ for ( | word 3:浓度 | bad 9:≥ for >= | number 12:1 | bad 13:） for ) | "},
        {"1％", "bad 0:1％ | "},
        {"10%", "number 0:10 | bad 2:% | "},
        {"a.b", "word 0:a | bad 1:. | word 2:b | "},
        {"#[;]", "bad 0:# | bad 1:[ | bad 2:; | bad 3:] | "},
        {"\x01", "bad 0:\x01 | "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf got = {0};
        buf_text(&got, "");
        struct lexer lexer = {.text = cases[i].text};
        for (struct token token = lex_next(&lexer); token.kind != TOKEN_END; token = lex_next(&lexer)) {
            print_token(&token, &got);
        }
        assert_string_equal(got.data, cases[i].tokens);
        buf_done(&got);
    }
}

static void test_the_end_is_the_end_for_ever(void **state)
{
    (void)state;
    struct lexer lexer = {.text = "1 "};
    (void)lex_next(&lexer);
    for (int i = 0; i < 3; i++) {
        const struct token token = lex_next(&lexer);
        assert_int_equal(token.kind, TOKEN_END);
        assert_int_equal(token.at, 2);
    }
}

static void test_words_of_other_languages_are_known(void **state)
{
    (void)state;
    assert_string_equal(lex_meant_word("and", 3), "&&");
    assert_string_equal(lex_meant_word("NOT", 3), "!");
    assert_null(lex_meant_word("andy", 4));
    assert_null(lex_meant_word("an", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_become_tokens),
        cmocka_unit_test(test_the_end_is_the_end_for_ever),
        cmocka_unit_test(test_words_of_other_languages_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
