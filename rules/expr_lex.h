/*
 * expr_lex: an expression as a row of tokens.
 *
 * Blanks part tokens and mean nothing else.  What the language does not have
 * comes as one TOKEN_BAD with what to say about it, so that the parser decides
 * alone what is reported; full-width signs, as an input method leaves them
 * behind, are known and come with the sign that was meant.
 *
 * Memory: tokens borrow from the text.  Pure.
 */
#ifndef DAVY_RULES_EXPR_LEX_H
#define DAVY_RULES_EXPR_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
    TOKEN_END,
    TOKEN_NUMBER,
    TOKEN_DURATION,
    TOKEN_TEXT, /* 'in single quotes' */
    TOKEN_WORD,
    TOKEN_SIGN, /* an operator, a parenthesis or a comma */
    TOKEN_BAD,
};

struct token {
    enum token_kind kind;
    size_t at;        /* first byte */
    const char *text; /* as written; of a TEXT what stands between the quotes */
    size_t len;
    double number;     /* NUMBER; DURATION: seconds */
    const char *fault; /* BAD: the fact … */
    const char *meant; /* … and, if it is known, what was meant instead */
};

struct lexer {
    const char *text; /* ends in NUL */
    size_t at;        /* next byte */
};

/* Takes the next token; at the end of the text TOKEN_END for ever. */
struct token lex_next(struct lexer *lexer);

/* True when the token is this sign. */
bool token_is(const struct token *token, const char *sign);

/* What was meant by a word of other languages ("and": "&&"), NULL when it is none. */
const char *lex_meant_word(const char *word, size_t len);

#endif
