/* expr_check: see expr_check.h. */
#include "rules/expr_check.h"
#include "base/text.h"
#include "rules/evaluate.h"
#include "rules/expr_read.h"
#include <math.h>
#include <stdio.h>

enum { HINT_MAX = 160 };

struct checker {
    struct expr_source *source;
    const struct site *site;
};

static void check(const struct checker *checker, struct node *node);

static bool is_comparison(const struct node *node)
{
    return node->kind == NODE_BINARY && node->op >= OP_LESS && node->op <= OP_NOT_EQUAL;
}

static bool is_logic(const struct node *node)
{
    return node->kind == NODE_BINARY && (node->op == OP_AND || node->op == OP_OR);
}

static const char hint_for_text[] = "texts are for the ids of points and for status words";

static const char *hint_for_number(const struct node *parent, const struct node *operand)
{
    if (operand->type == TYPE_TEXT) {
        return hint_for_text;
    }
    if (!is_comparison(parent)) {
        return NULL;
    }
    return is_comparison(operand) ? "comparisons do not chain; write a < b && b < c"
                                  : "a condition needs no comparison; write it alone, or with ! before it";
}

static bool want_number(const struct checker *checker, const struct node *parent, const struct node *operand)
{
    if (operand->type != TYPE_NUMBER && operand->type != TYPE_MISTAKE) {
        expr_mistake(checker->source, operand->at, hint_for_number(parent, operand), "expected a number, found %s",
                     expr_type_name(operand));
    }
    return operand->type == TYPE_NUMBER;
}

static const char *hint_for_condition(const struct node *parent, const struct node *operand)
{
    if (operand->type == TYPE_TEXT) {
        return hint_for_text;
    }
    const bool negated = parent != NULL && parent->kind == NODE_UNARY;
    return negated ? "! belongs to what directly follows; write !(value > 1)"
                   : "compare it with something, such as value > 1";
}

/* `parent` is NULL for the whole expression. */
static bool want_condition(const struct checker *checker, const struct node *parent, const struct node *operand)
{
    if (operand->type != TYPE_TRUTH && operand->type != TYPE_MISTAKE) {
        expr_mistake(checker->source, operand->at, hint_for_condition(parent, operand),
                     "expected a condition, found %s", expr_type_name(operand));
    }
    return operand->type == TYPE_TRUTH;
}

/* A duration times a number is a duration; a duration by a duration is a number. */
static enum node_unit unit_of(const struct node *node)
{
    const bool a = node->args[0]->unit == UNIT_DURATION;
    const bool b = node->args[1]->unit == UNIT_DURATION;
    const bool duration = node->op == OP_DIVIDE ? a && !b : node->op == OP_MULTIPLY ? a != b : a || b;
    return duration ? UNIT_DURATION : UNIT_ANY;
}

static void fold(struct node *node)
{
    const struct node *const a = node->args[0];
    const struct node *const b = node->args[1];
    if (node->kind == NODE_UNARY && a->kind == NODE_NUMBER) {
        node->unit = a->unit;
        node->number = -a->number;
        node->kind = NODE_NUMBER;
    } else if (node->kind == NODE_BINARY && a->kind == NODE_NUMBER && b->kind == NODE_NUMBER) {
        node->unit = unit_of(node);
        node->number = evaluate_two(node->op, a->number, b->number);
        node->kind = NODE_NUMBER;
    }
}

static void check_arithmetic(const struct checker *checker, struct node *node)
{
    bool fine = want_number(checker, node, node->args[0]);
    if (node->kind == NODE_BINARY) {
        fine = want_number(checker, node, node->args[1]) && fine;
    }
    if (fine) {
        node->type = TYPE_NUMBER;
        /* a reading keeps its unit under a sign, nothing is said of sums and products */
        node->unit = node->kind == NODE_UNARY ? node->args[0]->unit : UNIT_ANY;
        fold(node);
    }
}

/* value > 5m is a slip for age > 5m or value > 5. */
static void check_units(const struct checker *checker, const struct node *duration, const struct node *value)
{
    if (duration->unit == UNIT_DURATION && value->unit == UNIT_VALUE) {
        char number[TEXT_NUMBER_MAX];
        char hint[HINT_MAX];
        (void)text_format_number(duration->number, number);
        (void)snprintf(hint, sizeof hint, "if seconds are meant, write the number %s", number);
        expr_mistake(checker->source, duration->at, hint, "a duration is compared with a value");
    }
}

static void check_comparison(const struct checker *checker, struct node *node)
{
    const bool left = want_number(checker, node, node->args[0]);
    const bool right = want_number(checker, node, node->args[1]);
    if (left && right) {
        check_units(checker, node->args[0], node->args[1]);
        check_units(checker, node->args[1], node->args[0]);
    }
    node->type = TYPE_TRUTH; /* even of operands at fault: so it was meant */
}

static void check_logic(const struct checker *checker, struct node *node)
{
    (void)want_condition(checker, node, node->args[0]);
    (void)want_condition(checker, node, node->args[1]);
    node->type = TYPE_TRUTH;
}

/* !value > 1 is one mistake, not two: what ! stands before at fault says nothing of the comparison around it. */
static void check_not(const struct checker *checker, struct node *node)
{
    if (want_condition(checker, node, node->args[0])) {
        node->type = TYPE_TRUTH;
    }
}

static void check_operation(const struct checker *checker, struct node *node)
{
    check(checker, node->args[0]);
    if (node->kind == NODE_BINARY) {
        check(checker, node->args[1]);
    }
    if (is_comparison(node)) {
        check_comparison(checker, node);
    } else if (is_logic(node)) {
        check_logic(checker, node);
    } else if (node->op == OP_NOT) {
        check_not(checker, node);
    } else {
        check_arithmetic(checker, node);
    }
}

/* Recurses once per level of the tree, which has at most PROGRAM_CODE_MAX. */
static void check(const struct checker *checker, struct node *node)
{
    switch (node->kind) {
    case NODE_NUMBER:
        node->type = TYPE_NUMBER;
        break;
    case NODE_TRUTH:
        node->type = TYPE_TRUTH;
        break;
    case NODE_TEXT:
        node->type = TYPE_TEXT;
        break;
    case NODE_READ:
        expr_check_word(checker->source, checker->site, node);
        for (size_t i = 0; i < node->arg_count && i < NODE_ARGS_MAX; i++) {
            check(checker, node->args[i]);
        }
        expr_check_read(checker->source, checker->site, node);
        break;
    case NODE_UNARY:
    case NODE_BINARY:
        check_operation(checker, node);
        break;
    }
}

bool expr_check(struct expr_source *source, const struct site *site, struct node *root)
{
    const struct checker checker = {.source = source, .site = site};
    check(&checker, root);
    (void)want_condition(&checker, NULL, root);
    return !source->broken;
}
