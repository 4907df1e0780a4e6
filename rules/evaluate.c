/* evaluate: see evaluate.h.  Words and functions: docs/manual/expressions.md. */
#include "rules/evaluate.h"

#include "base/clock.h"
#include "model/sample.h"

static double far_seconds(int64_t later_ns, int64_t earlier_ns)
{
    return ((double)later_ns - (double)earlier_ns) / (double)NS_PER_S;
}

static double seconds_since(const struct frame *frame, int64_t then_ns)
{
    int64_t passed_ns = 0;
    if (__builtin_sub_overflow(frame->now_ns, then_ns, &passed_ns)) {
        return far_seconds(frame->now_ns, then_ns);
    }
    return (double)passed_ns / (double)NS_PER_S;
}

static double own_value(const struct frame *frame)
{
    return frame->own->unknown ? NAN : frame->own->value;
}

/* Since the last good sample; before the first good one since the first sample. */
static double own_age(const struct frame *frame)
{
    const struct point_state *own = frame->own;
    int64_t from_ns = own->good_ns != NEVER_YET ? own->good_ns : own->first_ns;
    return from_ns == NEVER_YET ? NAN : seconds_since(frame, from_ns);
}

static double own_unchanged(const struct frame *frame)
{
    const struct point_state *own = frame->own;
    return own->unknown || own->moved_ns == NEVER_YET ? NAN : seconds_since(frame, own->moved_ns);
}

static const struct point_state *slot_point(const struct frame *frame, uint16_t slot)
{
    return slot == SLOT_OWN ? frame->own : &frame->points[frame->point_slots[slot]];
}

static double has_status(const struct frame *frame, const struct instruction *in)
{
    const struct point_state *point = slot_point(frame, in->slot);
    return in->mask == 0 ? point->heard && point->status == 0 : (point->status & in->mask) != 0;
}

static double query(const struct frame *frame, const struct instruction *in)
{
    if (frame->points[frame->window_points[in->slot]].unknown) {
        return NAN;
    }
    return window_query(frame->windows[in->slot], (enum op)in->op, frame->now_ns);
}

static double query_eta(const struct frame *frame, const struct instruction *in, double limit)
{
    if (frame->points[frame->window_points[in->slot]].unknown) {
        return NAN;
    }
    return window_eta(frame->windows[in->slot], limit, in->op == OP_ETA_UP, frame->now_ns);
}

/* What needs nothing from the stack. */
static double push(const struct frame *frame, const struct instruction *in)
{
    switch ((enum op)in->op) {
    case OP_NUMBER:
        return in->number;
    case OP_VALUE:
        return own_value(frame);
    case OP_AGE:
        return own_age(frame);
    case OP_UNCHANGED:
        return own_unchanged(frame);
    case OP_POINT:
        return slot_point(frame, in->slot)->value;
    case OP_STATUS:
        return has_status(frame, in);
    default:
        return query(frame, in);
    }
}

/* A comparison with something unknown is unknown. */
static double truth(bool is, double a, double b)
{
    return isnan(a) || isnan(b) ? NAN : is;
}

static double combine(enum op op, double a, double b)
{
    switch (op) {
    case OP_ADD:
        return a + b;
    case OP_SUBTRACT:
        return a - b;
    case OP_MULTIPLY:
        return a * b;
    case OP_DIVIDE:
        return b == 0.0 ? NAN : a / b;
    case OP_LESS:
        return truth(a < b, a, b);
    case OP_LESS_EQUAL:
        return truth(a <= b, a, b);
    case OP_GREATER:
        return truth(a > b, a, b);
    case OP_GREATER_EQUAL:
        return truth(a >= b, a, b);
    case OP_EQUAL:
        return truth(a == b, a, b);
    case OP_NOT_EQUAL:
        return truth(a != b, a, b);
    case OP_AND: /* false && unknown is false */
        return a == 0.0 || b == 0.0 ? 0.0 : truth(true, a, b);
    default: /* OP_OR: true || unknown is true */
        return a == 1.0 || b == 1.0 ? 1.0 : truth(false, a, b);
    }
}

double evaluate_code(const struct program *program, const struct frame *frame)
{
    double stack[PROGRAM_STACK_MAX];
    unsigned top = 0; /* how many stand on the stack */
    for (unsigned i = 0; i < program->length; i++) {
        const struct instruction *in = &program->code[i];
        if (in->op < OP_ETA_UP) {
            stack[top++] = push(frame, in);
        } else if (in->op >= OP_ADD) {
            top--;
            stack[top - 1] = combine((enum op)in->op, stack[top - 1], stack[top]);
        } else if (in->op == OP_NEGATE) {
            stack[top - 1] = -stack[top - 1];
        } else if (in->op == OP_NOT) {
            stack[top - 1] = isnan(stack[top - 1]) ? NAN : stack[top - 1] == 0.0;
        } else {
            stack[top - 1] = query_eta(frame, in, stack[top - 1]);
        }
    }
    return stack[0];
}
