/* expr_lex: see expr_lex.h. */
#include "rules/expr_lex.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

enum { NUMBER_LENGTH_MAX = 120 }; /* of one with a point; longer ones are read as JSON's only */

/* Signs, longer ones first. */
static const char *const signs[] = {"<=", ">=", "==", "!=", "&&", "||", "<", ">",
                                    "!",  "+",  "-",  "*",  "/",  "(",  ")", ","};

struct lookalike {
    const char *written;
    const char *meant;
};

/* Signs of other languages that begin like one of ours. */
static const struct lookalike long_lookalikes[] = {
    {"===", "=="}, {"!==", "!="}, {"=<", "<="}, {"=>", ">="}, {"<>", "!="}, {"**", NULL},
};

static const struct lookalike sign_lookalikes[] = {
    {"=", "=="}, {"&", "&&"},  {"|", "||"},  {"\"", "'"}, {"`", "'"},      {"‘", "'"},   {"’", "'"},   {"“", "'"},
    {"”", "'"},  {"＇", "'"},  {"（", "("},  {"）", ")"}, {"，", ","},     {"、", ","},  {"；", ","},  {"＜", "<"},
    {"＞", ">"}, {"≤", "<="},  {"≦", "<="},  {"≥", ">="}, {"≧", ">="},     {"≠", "!="},  {"＝", "=="}, {"！", "!"},
    {"＋", "+"}, {"－", "-"},  {"−", "-"},   {"–", "-"},  {"—", "-"},      {"×", "*"},   {"＊", "*"},  {"÷", "/"},
    {"／", "/"}, {"＆", "&&"}, {"｜", "||"}, {"　", " "}, {"\u00A0", " "}, {"且", "&&"}, {"或", "||"}, {"非", "!"},
};

static const struct lookalike word_lookalikes[] = {
    {"and", "&&"},    {"AND", "&&"},      {"And", "&&"},      {"or", "||"}, {"OR", "||"},
    {"Or", "||"},     {"not", "!"},       {"NOT", "!"},       {"Not", "!"}, {"TRUE", "true"},
    {"True", "true"}, {"FALSE", "false"}, {"False", "false"},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Any character beyond ASCII belongs to a word, so that a mistake names the whole of it. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const struct lookalike *sign_lookalike(const char *text)
{
    for (size_t i = 0; i < sizeof sign_lookalikes / sizeof sign_lookalikes[0]; i++) {
        if (strncmp(text, sign_lookalikes[i].written, strlen(sign_lookalikes[i].written)) == 0) {
            return &sign_lookalikes[i];
        }
    }
    return NULL;
}

const char *lex_meant_word(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof word_lookalikes / sizeof word_lookalikes[0]; i++) {
        if (strlen(word_lookalikes[i].written) == len && memcmp(word, word_lookalikes[i].written, len) == 0) {
            return word_lookalikes[i].meant;
        }
    }
    return NULL;
}

static struct token bad(const char *text, size_t len, const char *fault, const char *meant)
{
    return (struct token){.kind = TOKEN_BAD, .text = text, .len = len, .fault = fault, .meant = meant};
}

static size_t word_length(const char *text)
{
    size_t len = 0;
    while ((is_letter(text[len]) || is_digit(text[len])) && sign_lookalike(text + len) == NULL) {
        len++;
    }
    return len;
}

static size_t digits(const char *text)
{
    size_t len = 0;
    while (is_digit(text[len])) {
        len++;
    }
    return len;
}

/* How far a number with fraction and exponent goes, and then whatever is glued to it (a unit, or a slip). */
static size_t number_length(const char *text)
{
    size_t len = digits(text);
    if (text[len] == '.') {
        len += 1 + digits(text + len + 1);
    }
    if (text[len] == 'e' || text[len] == 'E') {
        const size_t sign = text[len + 1] == '+' || text[len + 1] == '-';
        const size_t power = digits(text + len + 1 + sign);
        len += power > 0 ? 1 + sign + power : 0;
    }
    size_t glued = word_length(text + len);
    while (glued > 0 || text[len] == '.') {
        len += glued > 0 ? glued : 1;
        glued = word_length(text + len);
    }
    return len;
}

/* JSON's numbers, and those of C that end or begin with their point: 1. and .5 (but not 010, which means 8 to some). */
static bool read_number(const char *text, size_t len, double *ret_number)
{
    const char *const point = memchr(text, '.', len);
    if (point == NULL || len > NUMBER_LENGTH_MAX) {
        return text_parse_number(text, len, ret_number);
    }
    const int before = (int)(point - text);
    const int after = (int)len - before - 1;
    char whole[NUMBER_LENGTH_MAX + sizeof "00"];
    const int length = snprintf(whole, sizeof whole, "%.*s%s.%s%.*s", before, text, before > 0 ? "" : "0",
                                after > 0 && is_digit(point[1]) ? "" : "0", after, point + 1);
    return text_parse_number(whole, (size_t)length, ret_number);
}

static struct token number(const char *text)
{
    const size_t len = number_length(text);
    struct token token = {.kind = TOKEN_NUMBER, .text = text, .len = len};
    if (read_number(text, len, &token.number)) {
        return token;
    }
    int64_t duration_ns = 0;
    if (text_parse_duration(text, len, &duration_ns)) {
        token.kind = TOKEN_DURATION;
        token.number = (double)duration_ns / 1e9;
        return token;
    }
    return bad(text, len, "is neither a number such as 0.5 nor a duration such as 90s (whole, with ms s m h d y)",
               NULL);
}

/* Quotes need no escape: no id and no status word has one. */
static struct token quoted(const char *text)
{
    const char *const end = strchr(text + 1, '\'');
    if (end == NULL) {
        return bad(text, strlen(text), "has no closing quote", NULL);
    }
    return (struct token){.kind = TOKEN_TEXT, .text = text + 1, .len = (size_t)(end - text) - 1};
}

static struct token sign(const char *text)
{
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        const size_t len = strlen(signs[i]);
        if (strncmp(text, signs[i], len) == 0) {
            return (struct token){.kind = TOKEN_SIGN, .text = text, .len = len};
        }
    }
    return bad(text, 1, "is not a sign of the language", NULL);
}

static const struct lookalike *long_lookalike(const char *text)
{
    for (size_t i = 0; i < sizeof long_lookalikes / sizeof long_lookalikes[0]; i++) {
        if (strncmp(text, long_lookalikes[i].written, strlen(long_lookalikes[i].written)) == 0) {
            return &long_lookalikes[i];
        }
    }
    return NULL;
}

static struct token take(const char *text)
{
    if (text[0] == '\0') {
        return (struct token){.kind = TOKEN_END, .text = text};
    }
    const struct lookalike *const other = long_lookalike(text);
    if (other != NULL) {
        return bad(text, strlen(other->written), "is not a sign of the language", other->meant);
    }
    if (is_digit(text[0]) || (text[0] == '.' && is_digit(text[1]))) {
        return number(text);
    }
    if (text[0] == '\'') {
        return quoted(text);
    }
    const struct token known = sign(text);
    if (known.kind == TOKEN_SIGN) {
        return known;
    }
    const struct lookalike *const like = sign_lookalike(text);
    if (like != NULL) {
        return bad(text, strlen(like->written), known.fault, like->meant);
    }
    return is_letter(text[0]) ? (struct token){.kind = TOKEN_WORD, .text = text, .len = word_length(text)} : known;
}

struct token lex_next(struct lexer *lexer)
{
    while (is_blank(lexer->text[lexer->at])) {
        lexer->at++;
    }
    struct token token = take(lexer->text + lexer->at);
    token.at = lexer->at;
    lexer->at += token.len + (token.kind == TOKEN_TEXT ? 2 : 0);
    return token;
}

bool token_is(const struct token *token, const char *sign_text)
{
    return token->kind == TOKEN_SIGN && strlen(sign_text) == token->len &&
           memcmp(token->text, sign_text, token->len) == 0;
}
