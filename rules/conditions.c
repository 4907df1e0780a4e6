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

static bool is_arithmetic(enum op op)
{
    return op == OP_NUMBER || op == OP_VALUE || op == OP_NEGATE || (op >= OP_ADD && op <= OP_NOT_EQUAL) ||
           op == OP_ADD_NUMBER || op == OP_MULTIPLY_NUMBER;
}

static enum term_kind kind_of(const struct instruction *code, unsigned length)
{
    bool arithmetic = true;
    for (unsigned i = 0; i < length; i++) {
        arithmetic = arithmetic && is_arithmetic((enum op)code[i].op);
    }
    const bool value = length == 1 && code[0].op == OP_VALUE;
    return value ? TERM_VALUE : arithmetic ? TERM_ARITHMETIC : TERM_GENERAL;
}

/* Copies the code, a constant and what adds or multiplies it made one.  a - c is the same as a + (-c), to the bit. */
static struct term copy_code(struct apart *apart, const struct instruction *code, unsigned length)
{
    struct instruction *copy = ARENA_ARRAY(apart->arena, struct instruction, length);
    unsigned n = 0;
    for (unsigned i = 0; i < length; i++) {
        const enum op op = (enum op)code[i].op;
        const bool joins = op == OP_ADD || op == OP_SUBTRACT || op == OP_MULTIPLY;
        if (n > 1 && joins && code[i - 1].op == OP_NUMBER) {
            const double number = copy[n - 1].number;
            copy[n - 1] = (struct instruction){.op = op == OP_MULTIPLY ? OP_MULTIPLY_NUMBER : OP_ADD_NUMBER,
                                               .number = op == OP_SUBTRACT ? -number : number};
        } else {
            copy[n++] = code[i];
        }
    }
    return (struct term){.code = copy, .length = (uint16_t)n, .kind = (uint8_t)kind_of(copy, n)};
}

/* The term of the instructions up to `root`, once for all that are equal. */
static uint16_t term_of(struct apart *apart, uint16_t root)
{
    const struct term term =
        copy_code(apart, apart->code + apart->from[root], (unsigned)(root + 1 - apart->from[root]));
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
        return (struct leaf){.kind = op == OP_EQUAL ? LEAF_EQUAL : LEAF_NOT_EQUAL, .from = limit, .upto = limit};
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
    for (unsigned t = 0; t < apart.term_count; t++) {
        conditions->kind = apart.terms[t].kind > conditions->kind ? apart.terms[t].kind : conditions->kind;
    }
}

double term_calculate(const struct term *term, double value)
{
    double stack[PROGRAM_STACK_MAX + 1]; /* as in evaluate */
    double *below = stack;
    double top = NAN;
    for (const struct instruction *in = term->code, *end = in + term->length; in < end; in++) {
        switch ((enum op)in->op) {
        case OP_NUMBER:
            *below++ = top;
            top = in->number;
            break;
        case OP_VALUE:
            *below++ = top;
            top = value;
            break;
        case OP_NEGATE:
            top = -top;
            break;
        case OP_ADD_NUMBER:
            top += in->number;
            break;
        case OP_MULTIPLY_NUMBER:
            top *= in->number;
            break;
        default:
            below--;
            top = evaluate_two((enum op)in->op, *below, top);
            break;
        }
    }
    return top;
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
