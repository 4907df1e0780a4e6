/*
 * conditions: see conditions.h.
 *
 * Works on the flat code of the programs, in which the operands of every
 * instruction stand right before it; from[i] is where those of instruction i
 * begin.
 */
#include "rules/conditions.h"

#include <assert.h>
#include <string.h>

struct apart {
    struct arena *arena;
    struct term *terms;
    struct leaf *leaves;
    unsigned term_count, leaf_count;
    const struct instruction *code; /* of the program in hand */
    uint16_t from[PROGRAM_CODE_MAX];
    uint16_t *steps; /* of its formula */
    uint16_t step_count;
};

static unsigned operands(enum op op)
{
    return op < OP_ETA_UP ? 0 : op >= OP_ADD ? 2 : 1;
}

/* Finds where the operands of each instruction begin. */
static void find_operands(struct apart *apart, const struct program *program)
{
    for (uint16_t i = 0; i < program->length; i++) {
        uint16_t from = i;
        for (unsigned n = operands((enum op)program->code[i].op); n > 0; n--) {
            from = apart->from[from - 1];
        }
        apart->from[i] = from;
    }
}

static bool same_instruction(const struct instruction *a, const struct instruction *b)
{
    return a->op == b->op && a->slot == b->slot && a->mask == b->mask &&
           memcmp(&a->number, &b->number, sizeof a->number) == 0;
}

static bool same_term(const struct term *a, const struct term *b)
{
    if (a->length != b->length) {
        return false;
    }
    for (unsigned i = 0; i < a->length; i++) {
        if (!same_instruction(&a->code[i], &b->code[i])) {
            return false;
        }
    }
    return true;
}

/* The term of the instructions up to `root`, once for all that are equal. */
static uint16_t term_of(struct apart *apart, uint16_t root)
{
    const struct term term = {.code = apart->code + apart->from[root],
                              .length = (uint16_t)(root + 1 - apart->from[root])};
    for (unsigned t = 0; t < apart->term_count; t++) {
        if (same_term(&apart->terms[t], &term)) {
            return (uint16_t)t;
        }
    }
    apart->terms[apart->term_count] = term;
    return (uint16_t)apart->term_count++;
}

/* A limit that is infinite or unknown has no neighbours: such a comparison is a term itself. */
static bool is_limit(const struct apart *apart, uint16_t root)
{
    return apart->code[root].op == OP_NUMBER && isfinite(apart->code[root].number);
}

/* `term op limit`; mirrored: `limit op term`. */
static struct leaf leaf_of(enum op op, bool mirrored, double limit)
{
    const double above = nextafter(limit, INFINITY);
    const double below = nextafter(limit, -INFINITY);
    switch (op) {
    case OP_LESS:
    case OP_GREATER:
        return (op == OP_LESS) == mirrored ? (struct leaf){.kind = LEAF_RISING, .from = above, .upto = limit}
                                           : (struct leaf){.kind = LEAF_FALLING, .from = limit, .upto = below};
    case OP_LESS_EQUAL:
    case OP_GREATER_EQUAL:
        return (op == OP_LESS_EQUAL) == mirrored ? (struct leaf){.kind = LEAF_RISING, .from = limit, .upto = below}
                                                 : (struct leaf){.kind = LEAF_FALLING, .from = above, .upto = limit};
    default:
        return (struct leaf){
            .kind = op == OP_EQUAL ? LEAF_EQUAL : LEAF_NOT_EQUAL, .from = limit, .upto = limit};
    }
}

static void add_leaf(struct apart *apart, uint16_t root)
{
    const enum op op = (enum op)apart->code[root].op;
    struct leaf leaf = {.kind = LEAF_TRUTH};
    if (op < OP_LESS || op > OP_NOT_EQUAL) {
        leaf.term = term_of(apart, root);
    } else {
        const uint16_t right = (uint16_t)(root - 1);
        const uint16_t left = (uint16_t)(apart->from[right] - 1);
        if (is_limit(apart, right)) {
            leaf = leaf_of(op, false, apart->code[right].number);
            leaf.term = term_of(apart, left);
        } else if (is_limit(apart, left)) {
            leaf = leaf_of(op, true, apart->code[left].number);
            leaf.term = term_of(apart, right);
        } else {
            leaf.term = term_of(apart, root);
        }
    }
    apart->leaves[apart->leaf_count] = leaf;
    apart->steps[apart->step_count++] = (uint16_t)(FORMULA_LEAF + apart->leaf_count++);
}

/* Recurses once per level of the tree, which has at most PROGRAM_CODE_MAX. */
static void add_steps(struct apart *apart, uint16_t root)
{
    const struct instruction *in = &apart->code[root];
    switch ((enum op)in->op) {
    case OP_AND:
    case OP_OR:
        add_steps(apart, (uint16_t)(apart->from[root - 1] - 1));
        add_steps(apart, (uint16_t)(root - 1));
        apart->steps[apart->step_count++] = in->op == OP_AND ? FORMULA_AND : FORMULA_OR;
        break;
    case OP_NOT:
        add_steps(apart, (uint16_t)(root - 1));
        apart->steps[apart->step_count++] = FORMULA_NOT;
        break;
    case OP_NUMBER:
        apart->steps[apart->step_count++] = in->number != 0.0 ? FORMULA_TRUE : FORMULA_FALSE;
        break;
    default:
        add_leaf(apart, root);
        break;
    }
}

static struct formula take_apart(struct apart *apart, const struct program *program)
{
    if (program->code == NULL) {
        return (struct formula){0};
    }
    apart->code = program->code;
    apart->steps = ARENA_ARRAY(apart->arena, uint16_t, program->length);
    apart->step_count = 0;
    find_operands(apart, program);
    add_steps(apart, (uint16_t)(program->length - 1));
    return (struct formula){.steps = apart->steps, .length = apart->step_count};
}

/* There are never more leaves than instructions. */
static size_t most_leaves(const struct rule_code *code)
{
    size_t most = code->unless.length;
    for (unsigned k = 0; k < LEVEL_COUNT - 1; k++) {
        most += (size_t)code->when[k].length + code->clear[k].length;
    }
    return most;
}

static bool is_own_value(const struct term *term)
{
    return term->length == 1 && term->code[0].op == OP_VALUE;
}

void conditions_take_apart(struct rule_code *code, struct arena *arena)
{
    const size_t most = most_leaves(code);
    struct apart apart = {.arena = arena,
                          .terms = ARENA_ARRAY(arena, struct term, most),
                          .leaves = ARENA_ARRAY(arena, struct leaf, most)};
    struct conditions *conditions = &code->conditions;
    for (unsigned k = 0; k < LEVEL_COUNT - 1; k++) {
        conditions->when[k] = take_apart(&apart, &code->when[k]);
        conditions->clear[k] = take_apart(&apart, &code->clear[k]);
    }
    conditions->unless = take_apart(&apart, &code->unless);
    conditions->terms = apart.terms;
    conditions->leaves = apart.leaves;
    conditions->term_count = (uint16_t)apart.term_count;
    conditions->leaf_count = (uint16_t)apart.leaf_count;
    conditions->own_value_only = apart.term_count == 0 || (apart.term_count == 1 && is_own_value(&apart.terms[0]));
}

enum truth formula_join(const struct formula *formula, const struct leaf *leaves, const double *terms)
{
    enum truth stack[PROGRAM_STACK_MAX];
    unsigned top = 0; /* how many stand on the stack */
    for (unsigned i = 0; i < formula->length; i++) {
        const uint16_t step = formula->steps[i];
        if (step >= FORMULA_LEAF) {
            const struct leaf *leaf = &leaves[step - FORMULA_LEAF];
            stack[top++] = leaf_truth(leaf, terms[leaf->term]);
        } else if (step == FORMULA_NOT) {
            stack[top - 1] = TRUTH_TRUE - stack[top - 1];
        } else if (step == FORMULA_AND || step == FORMULA_OR) {
            top--;
            const bool less = stack[top] < stack[top - 1];
            stack[top - 1] = less == (step == FORMULA_AND) ? stack[top] : stack[top - 1];
        } else {
            stack[top++] = step == FORMULA_TRUE ? TRUTH_TRUE : TRUTH_FALSE;
        }
    }
    return stack[0];
}

static void narrow(struct span *span, double lo, double hi)
{
    span->lo = lo > span->lo ? lo : span->lo;
    span->hi = hi < span->hi ? hi : span->hi;
}

/* Narrows the span around a term's value to where the leaf keeps its truth. */
static void keep_truth(const struct leaf *leaf, double term, struct span *span)
{
    switch ((enum leaf_kind)leaf->kind) {
    case LEAF_RISING:
    case LEAF_FALLING:
        if (term >= leaf->from) {
            narrow(span, leaf->from, INFINITY);
        } else {
            narrow(span, -INFINITY, leaf->upto);
        }
        break;
    case LEAF_EQUAL:
    case LEAF_NOT_EQUAL:
        if (term == leaf->from) {
            narrow(span, term, term);
        } else if (term > leaf->from) {
            narrow(span, nextafter(leaf->from, INFINITY), INFINITY);
        } else {
            narrow(span, -INFINITY, nextafter(leaf->from, -INFINITY));
        }
        break;
    case LEAF_TRUTH:
        narrow(span, term, term);
        break;
    }
}

bool conditions_spans(const struct conditions *conditions, const double *terms, struct span *ret_spans)
{
    for (unsigned t = 0; t < conditions->term_count; t++) {
        if (isnan(terms[t])) {
            return false;
        }
        ret_spans[t] = SPAN_ALL;
    }
    for (unsigned l = 0; l < conditions->leaf_count; l++) {
        const struct leaf *leaf = &conditions->leaves[l];
        keep_truth(leaf, terms[leaf->term], &ret_spans[leaf->term]);
    }
    return true;
}
