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

static bool window_unknown(const struct frame *frame, uint16_t slot)
{
    return frame->points[frame->window_points[slot]].unknown;
}

static double window_answer(const struct frame *frame, const struct instruction *in)
{
    if (window_unknown(frame, in->slot)) {
        return NAN;
    }
    return window_query(frame->windows[in->slot], (enum op)in->op, frame->now_ns);
}

static double eta_answer(const struct frame *frame, const struct instruction *in, double limit)
{
    if (window_unknown(frame, in->slot)) {
        return NAN;
    }
    return window_eta(frame->windows[in->slot], limit, in->op == OP_ETA_UP, frame->now_ns);
}

double evaluate(const struct instruction *code, unsigned length, const struct frame *frame)
{
    double stack[PROGRAM_STACK_MAX + 1]; /* the operands below the top; before the first there is one of no meaning */
    double *below = stack;
    double top = NAN;
    for (const struct instruction *in = code, *end = code + length; in < end; in++) {
        switch ((enum op)in->op) {
        case OP_NUMBER:
            *below++ = top;
            top = in->number;
            break;
        case OP_VALUE:
            *below++ = top;
            top = evaluate_value(frame);
            break;
        case OP_AGE:
            *below++ = top;
            top = own_age(frame);
            break;
        case OP_UNCHANGED:
            *below++ = top;
            top = own_unchanged(frame);
            break;
        case OP_POINT:
            *below++ = top;
            top = slot_point(frame, in->slot)->value;
            break;
        case OP_STATUS:
            *below++ = top;
            top = has_status(frame, in);
            break;
        default: /* OP_MEAN … OP_ANOMALY */
            *below++ = top;
            top = window_answer(frame, in);
            break;
        case OP_ETA_UP:
        case OP_ETA_DOWN:
            top = eta_answer(frame, in, top);
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
        case OP_ADD:
        case OP_SUBTRACT:
        case OP_MULTIPLY:
        case OP_DIVIDE:
        case OP_LESS:
        case OP_LESS_EQUAL:
        case OP_GREATER:
        case OP_GREATER_EQUAL:
        case OP_EQUAL:
        case OP_NOT_EQUAL:
            below--;
            top = evaluate_two((enum op)in->op, *below, top);
            break;
        case OP_NOT:
        case OP_AND:
        case OP_OR:
            assert(false && "truths are joined by formulas");
            break;
        }
    }
    return top;
}
