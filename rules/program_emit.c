/* program_emit: see program_emit.h. */
#include "rules/program_emit.h"
#include <assert.h>
#include <math.h>
#include <string.h>

struct emitter {
    struct expr_source *source;
    struct reads *reads;
    bool in_condition;
    struct program program; /* but the code */
    unsigned stack;         /* now */
    struct instruction code[PROGRAM_CODE_MAX];
};

/* Adds an instruction that pops `pops` and pushes one. */
static void add(struct emitter *emitter, const struct node *node, unsigned pops, struct instruction instruction)
{
    assert(emitter->program.length < PROGRAM_CODE_MAX && "a node is at most one instruction");
    emitter->code[emitter->program.length++] = instruction;
    emitter->stack += 1 - pops;
    if (emitter->stack > PROGRAM_STACK_MAX && !emitter->source->broken) {
        expr_mistake(emitter->source, node->at, "move parentheses to the left or make several rules of it",
                     "more than %d operands wait for one another", PROGRAM_STACK_MAX);
    }
    if (emitter->stack > emitter->program.stack) {
        emitter->program.stack = (uint16_t)emitter->stack;
    }
}

static bool room_for_a_slot(struct emitter *emitter, const struct node *node)
{
    if (emitter->reads->point_count + emitter->reads->window_count < RULE_SLOTS_MAX) {
        return true;
    }
    if (!emitter->source->broken) {
        expr_mistake(emitter->source, node->at, "make several rules of it",
                     "the rule reads more than %d points and windows", RULE_SLOTS_MAX);
    }
    return false;
}

/* SLOT_OWN also when there was no room: the mistake keeps the code from being used. */
static uint16_t point_slot(struct emitter *emitter, const struct node *node)
{
    struct reads *const reads = emitter->reads;
    if (node->point == SITE_NONE) {
        return SLOT_OWN;
    }
    for (size_t i = 0; i < reads->point_count; i++) {
        if (reads->points[i] == node->point) {
            return (uint16_t)i;
        }
    }
    if (!room_for_a_slot(emitter, node)) {
        return SLOT_OWN;
    }
    reads->points[reads->point_count] = node->point;
    return (uint16_t)reads->point_count++;
}

static struct window_read *find_window(struct reads *reads, const struct node *node)
{
    for (size_t i = 0; i < reads->window_count; i++) {
        struct window_read *const window = &reads->windows[i];
        if (window->point == node->point && window->width_ns == node->width_ns && window->kind == node->word->kind) {
            return window;
        }
    }
    return NULL;
}

static uint16_t window_slot(struct emitter *emitter, const struct node *node)
{
    struct reads *const reads = emitter->reads;
    struct window_read *window = find_window(reads, node);
    if (window == NULL) {
        if (!room_for_a_slot(emitter, node)) {
            return SLOT_OWN;
        }
        window = &reads->windows[reads->window_count++];
        *window =
            (struct window_read){.point = node->point, .width_ns = node->width_ns, .kind = (uint8_t)node->word->kind};
    }
    window->needs = (uint8_t)(window->needs | node->word->needs);
    window->in_condition = window->in_condition || emitter->in_condition;
    return (uint16_t)(window - reads->windows);
}

static void emit(struct emitter *emitter, const struct node *node);

static void emit_read(struct emitter *emitter, const struct node *node)
{
    struct program *const program = &emitter->program;
    struct instruction instruction = {.op = (uint16_t)node->word->op, .slot = SLOT_OWN, .mask = node->mask};
    unsigned pops = 0;
    switch (node->word->shape) {
    case SHAPE_BARE:
        program->reads_own = true;
        break;
    case SHAPE_AGE:
        program->reads_time = true;
        break;
    case SHAPE_EMPTY:
        program->reads_own = true;
        program->reads_time = true;
        break;
    case SHAPE_FLAG:
    case SHAPE_POINT:
    case SHAPE_PSTATUS:
        instruction.slot = point_slot(emitter, node);
        break;
    case SHAPE_ETA:
        program->uses_eta = true;
        emit(emitter, node->limit);
        pops = 1;
        instruction.slot = window_slot(emitter, node);
        break;
    case SHAPE_WINDOW:
        instruction.slot = window_slot(emitter, node);
        break;
    }
    const bool window = node->word->shape == SHAPE_WINDOW || node->word->shape == SHAPE_ETA;
    program->reads_own = program->reads_own || (window && node->point == SITE_NONE);
    add(emitter, node, pops, instruction);
}

/* Recurses once per level of the tree, which has at most PROGRAM_CODE_MAX. */
static void emit(struct emitter *emitter, const struct node *node)
{
    switch (node->kind) {
    case NODE_NUMBER:
    case NODE_TRUTH:
        add(emitter, node, 0, (struct instruction){.op = OP_NUMBER, .number = node->number});
        break;
    case NODE_READ:
        emit_read(emitter, node);
        break;
    case NODE_UNARY:
        emit(emitter, node->args[0]);
        add(emitter, node, 1, (struct instruction){.op = (uint16_t)node->op});
        break;
    case NODE_BINARY:
        emit(emitter, node->args[0]);
        emit(emitter, node->args[1]);
        add(emitter, node, 2, (struct instruction){.op = (uint16_t)node->op});
        break;
    case NODE_TEXT:
        assert(false && "a checked tree has texts as arguments only");
        break;
    }
}

static bool is_value(const struct node *node)
{
    return node->kind == NODE_READ && node->word->op == OP_VALUE;
}

/* A limit that is unknown is left to the machine, which knows what to make of it. */
static bool is_limit(const struct node *node)
{
    return node->kind == NODE_NUMBER && !isnan(node->number);
}

static void find_plain(const struct node *root, struct program *program)
{
    static const uint8_t plains[][2] = {
        /* `value op limit`, `limit op value` */
        [OP_LESS - OP_LESS] = {PLAIN_LESS, PLAIN_GREATER},
        [OP_LESS_EQUAL - OP_LESS] = {PLAIN_LESS_EQUAL, PLAIN_GREATER_EQUAL},
        [OP_GREATER - OP_LESS] = {PLAIN_GREATER, PLAIN_LESS},
        [OP_GREATER_EQUAL - OP_LESS] = {PLAIN_GREATER_EQUAL, PLAIN_LESS_EQUAL},
    };
    if (root->kind != NODE_BINARY || root->op < OP_LESS || root->op > OP_GREATER_EQUAL) {
        return;
    }
    const bool mirrored = is_limit(root->args[0]);
    const struct node *const value = root->args[mirrored];
    const struct node *const limit = root->args[!mirrored];
    if (is_value(value) && is_limit(limit)) {
        program->plain = plains[root->op - OP_LESS][mirrored];
        program->limit = limit->number;
    }
}

bool program_emit(struct expr_source *source, const struct node *root, bool in_condition, struct reads *reads,
                  struct arena *arena, struct program *ret_program)
{
    struct emitter emitter = {.source = source, .reads = reads, .in_condition = in_condition};
    emit(&emitter, root);
    if (source->broken) {
        return false;
    }
    find_plain(root, &emitter.program);
    struct instruction *const code = ARENA_ARRAY(arena, struct instruction, emitter.program.length);
    memcpy(code, emitter.code, emitter.program.length * sizeof *code);
    emitter.program.code = code;
    *ret_program = emitter.program;
    return true;
}
