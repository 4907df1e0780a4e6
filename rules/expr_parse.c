/* expr_parse: see expr_parse.h.  Precedence climbing; a NULL node means that a mistake was reported. */
#include "rules/expr_parse.h"
#include "base/text.h"
#include "rules/expr_hint.h"
#include "rules/expr_lex.h"
#include "rules/expr_read.h"
#include <stdio.h>
#include <string.h>

enum { FOUND_MAX = 40, HINT_MAX = EXPR_HINT_MAX };

struct parser {
    struct expr_source *source;
    struct arena *arena;
    struct lexer lexer;
    struct token token;   /* the one looked at */
    const char *expected; /* what the operator before it wants, in words */
    unsigned nesting;
    unsigned nodes;
};

struct binary {
    const char *sign;
    int precedence;
    enum op op;
};

static const struct binary binaries[] = {
    {"||", 1, OP_OR},  {"&&", 2, OP_AND},        {"==", 3, OP_EQUAL},   {"!=", 3, OP_NOT_EQUAL},
    {"<", 4, OP_LESS}, {"<=", 4, OP_LESS_EQUAL}, {">", 4, OP_GREATER},  {">=", 4, OP_GREATER_EQUAL},
    {"+", 5, OP_ADD},  {"-", 5, OP_SUBTRACT},    {"*", 6, OP_MULTIPLY}, {"/", 6, OP_DIVIDE},
};

static struct node *parse_binary(struct parser *parser, int least);
static struct node *parse_unary(struct parser *parser);

static void advance(struct parser *parser)
{
    parser->token = lex_next(&parser->lexer);
}

static const char *did_you_mean(char *room, const char *meant)
{
    if (meant == NULL) {
        return NULL;
    }
    (void)snprintf(room, HINT_MAX, "did you mean \"%s\"?", meant);
    return room;
}

/* What was meant by a token that does not fit, NULL when that cannot be guessed. */
static const char *hint_for(const struct parser *parser, const struct token *token, char room[HINT_MAX])
{
    const char *const meant = token->kind == TOKEN_WORD ? lex_meant_word(token->text, token->len) : token->meant;
    if (meant != NULL) {
        return did_you_mean(room, meant);
    }
    const bool has_one = (token->kind == TOKEN_BAD && (expr_hint_sign(token->text, token->len, room) ||
                                                       expr_hint_number(token->text, token->len, room))) ||
                         (token->kind == TOKEN_WORD && expr_hint_word(token->text, token->len, room)) ||
                         expr_hint_between(parser->source->text, token->at, room);
    return has_one ? room : NULL;
}

/* Reports that something else was expected at the token looked at.  Gives NULL, the parse functions' answer. */
static struct node *unexpected(struct parser *parser, const char *expected)
{
    const struct token *const token = &parser->token;
    char hint[HINT_MAX];
    const size_t quotes = token->kind == TOKEN_TEXT ? 2 : 0;
    const int shown = (int)text_utf8_cut(parser->source->text + token->at,
                                         token->len + quotes < FOUND_MAX ? token->len + quotes : FOUND_MAX);
    const char *const found = parser->source->text + token->at;
    if (token->kind == TOKEN_END) {
        expr_mistake(parser->source, token->at, NULL, "expected %s, found the end", expected);
    } else if (token->kind == TOKEN_BAD) {
        expr_mistake(parser->source, token->at, hint_for(parser, token, hint), "\"%.*s\" %s", shown, found,
                     token->fault);
    } else {
        expr_mistake(parser->source, token->at, hint_for(parser, token, hint), "expected %s, found \"%.*s\"", expected,
                     shown, found);
    }
    return NULL;
}

static struct node *new_node(struct parser *parser, enum node_kind kind, size_t at)
{
    if (++parser->nodes > PROGRAM_CODE_MAX) {
        expr_mistake(parser->source, at, "make several rules of it", "the expression has more than %d parts",
                     PROGRAM_CODE_MAX);
        return NULL;
    }
    struct node *const node = ARENA_NEW(parser->arena, struct node);
    node->kind = kind;
    node->at = at;
    return node;
}

/* To be balanced by a decrement of `nesting` when it is true. */
static bool enter(struct parser *parser)
{
    if (parser->nesting == EXPR_NESTING_MAX) {
        expr_mistake(parser->source, parser->token.at, "make several rules of it",
                     "more than %d things stand within one another", EXPR_NESTING_MAX);
        return false;
    }
    parser->nesting++;
    return true;
}

/* The arguments of a call behind its opening parenthesis, with the closing one. */
static bool parse_arguments(struct parser *parser, struct node *read)
{
    bool more = !token_is(&parser->token, ")");
    while (more) {
        parser->expected = "an argument";
        struct node *const arg = parse_binary(parser, 1);
        if (arg == NULL) {
            return false;
        }
        if (read->arg_count < NODE_ARGS_MAX) {
            read->args[read->arg_count] = arg;
        }
        read->arg_count++;
        more = token_is(&parser->token, ",");
        if (more) {
            advance(parser);
        }
    }
    if (!token_is(&parser->token, ")")) {
        (void)unexpected(parser, "an operator, \",\" or \")\"");
        return false;
    }
    advance(parser);
    return true;
}

static bool begins_operand(const struct token *token)
{
    return token->kind == TOKEN_WORD || token->kind == TOKEN_NUMBER || token->kind == TOKEN_DURATION ||
           token->kind == TOKEN_TEXT;
}

static struct node *parse_word(struct parser *parser)
{
    const struct token word = parser->token;
    const bool is_true = word.len == 4 && memcmp(word.text, "true", 4) == 0;
    const bool is_false = word.len == 5 && memcmp(word.text, "false", 5) == 0;
    struct node *const node = new_node(parser, is_true || is_false ? NODE_TRUTH : NODE_READ, word.at);
    if (node == NULL) {
        return NULL;
    }
    advance(parser);
    node->number = is_true ? 1 : 0;
    node->text = word.text;
    node->len = word.len;
    if (node->kind == NODE_TRUTH) {
        return node;
    }
    node->word = word_find(word.text, word.len);
    if (node->word == NULL && begins_operand(&parser->token)) { /* "if value > 1": the fault is the word */
        expr_unknown_word(parser->source, node);
        return NULL;
    }
    if (!token_is(&parser->token, "(")) {
        return node;
    }
    node->called = true;
    if (!enter(parser)) {
        return NULL;
    }
    advance(parser);
    const bool fine = parse_arguments(parser, node);
    parser->nesting--;
    return fine ? node : NULL;
}

static struct node *parse_literal(struct parser *parser)
{
    const struct token token = parser->token;
    struct node *const node = new_node(parser, token.kind == TOKEN_TEXT ? NODE_TEXT : NODE_NUMBER, token.at);
    if (node == NULL) {
        return NULL;
    }
    node->number = token.number;
    node->unit = token.kind == TOKEN_DURATION ? UNIT_DURATION : UNIT_ANY;
    node->text = token.text;
    node->len = token.len;
    advance(parser);
    return node;
}

static struct node *parse_parentheses(struct parser *parser)
{
    const size_t at = parser->token.at;
    if (!enter(parser)) {
        return NULL;
    }
    advance(parser);
    struct node *const node = parse_binary(parser, 1);
    parser->nesting--;
    if (node == NULL) {
        return NULL;
    }
    if (!token_is(&parser->token, ")")) {
        return unexpected(parser, "an operator or \")\"");
    }
    advance(parser);
    node->at = at; /* what is wrong with the whole begins at its parenthesis */
    return node;
}

static struct node *parse_primary(struct parser *parser)
{
    switch (parser->token.kind) {
    case TOKEN_NUMBER:
    case TOKEN_DURATION:
    case TOKEN_TEXT:
        return parse_literal(parser);
    case TOKEN_WORD:
        return parse_word(parser);
    case TOKEN_END:
    case TOKEN_SIGN:
    case TOKEN_BAD:
        break;
    }
    return token_is(&parser->token, "(") ? parse_parentheses(parser) : unexpected(parser, parser->expected);
}

static struct node *parse_unary(struct parser *parser)
{
    const bool minus = token_is(&parser->token, "-");
    if (!minus && !token_is(&parser->token, "!")) {
        return parse_primary(parser);
    }
    struct node *const node = new_node(parser, NODE_UNARY, parser->token.at);
    if (node == NULL || !enter(parser)) {
        return NULL;
    }
    advance(parser);
    parser->expected = minus ? "a number" : "a condition";
    node->op = minus ? OP_NEGATE : OP_NOT;
    node->args[0] = parse_unary(parser);
    parser->nesting--;
    return node->args[0] == NULL ? NULL : node;
}

static const struct binary *binary_of(const struct token *token)
{
    for (size_t i = 0; i < sizeof binaries / sizeof binaries[0]; i++) {
        if (token_is(token, binaries[i].sign)) {
            return &binaries[i];
        }
    }
    return NULL;
}

/* Operators of at least this precedence, those of the same one from left to right. */
static struct node *parse_binary(struct parser *parser, int least)
{
    struct node *left = parse_unary(parser);
    for (const struct binary *binary = binary_of(&parser->token);
         left != NULL && binary != NULL && binary->precedence >= least; binary = binary_of(&parser->token)) {
        struct node *const node = new_node(parser, NODE_BINARY, left->at);
        if (node == NULL) {
            return NULL;
        }
        advance(parser);
        parser->expected = binary->op == OP_AND || binary->op == OP_OR ? "a condition" : "a number";
        node->op = binary->op;
        node->args[0] = left;
        node->args[1] = parse_binary(parser, binary->precedence + 1);
        left = node->args[1] == NULL ? NULL : node;
    }
    return left;
}

struct node *expr_parse(struct expr_source *source, struct arena *arena)
{
    if (!text_is_utf8(source->text, strlen(source->text))) {
        expr_mistake(source, 0, NULL, "the expression is not UTF-8");
        return NULL;
    }
    struct parser parser = {
        .source = source, .arena = arena, .lexer = {.text = source->text}, .expected = "a condition"};
    advance(&parser);
    struct node *const root = parse_binary(&parser, 1);
    if (root != NULL && parser.token.kind != TOKEN_END) {
        return unexpected(&parser, "an operator or the end");
    }
    return root;
}
