/* lang_print: see lang_print.h. */
#include "tests/unit/rules_lang/lang_print.h"
#include "base/text.h"
#include "model/sample.h"
#include <math.h>

static const char *const names[] = {
    [OP_VALUE] = "value",
    [OP_AGE] = "age",
    [OP_UNCHANGED] = "unchanged",
    [OP_POINT] = "point",
    [OP_STATUS] = "status",
    [OP_MEAN] = "mean",
    [OP_MIN] = "min",
    [OP_MAX] = "max",
    [OP_RANGE] = "range",
    [OP_STDDEV] = "stddev",
    [OP_COUNT] = "count",
    [OP_FIRST] = "first",
    [OP_LAST] = "last",
    [OP_DELTA] = "delta",
    [OP_SLOPE] = "slope",
    [OP_CHANGES] = "changes",
    [OP_EWMA] = "ewma",
    [OP_ZSCORE] = "zscore",
    [OP_ANOMALY] = "anomaly",
    [OP_REPEATS] = "repeats",
    [OP_ETA_UP] = "eta_up",
    [OP_ETA_DOWN] = "eta_down",
    [OP_NEGATE] = "negate",
    [OP_NOT] = "!",
    [OP_ADD] = "+",
    [OP_SUBTRACT] = "-",
    [OP_MULTIPLY] = "*",
    [OP_DIVIDE] = "/",
    [OP_LESS] = "<",
    [OP_LESS_EQUAL] = "<=",
    [OP_GREATER] = ">",
    [OP_GREATER_EQUAL] = ">=",
    [OP_EQUAL] = "==",
    [OP_NOT_EQUAL] = "!=",
    [OP_AND] = "&&",
    [OP_OR] = "||",
};

static const char *point_name(const struct site *site, uint32_t point)
{
    return point == SITE_NONE ? "own" : site->points[point].id;
}

static void print_number(double number, struct buf *out)
{
    if (isnan(number)) {
        buf_text(out, "unknown");
    } else {
        buf_number(out, number);
    }
}

static void print_one(const struct site *site, const struct instruction *one, const struct rule_reads *reads,
                      struct buf *out)
{
    if (one->op == OP_NUMBER) {
        print_number(one->number, out);
        return;
    }
    buf_text(out, names[one->op]);
    if (one->op == OP_POINT || one->op == OP_STATUS) {
        buf_printf(out, "(%s", point_name(site, one->slot == SLOT_OWN ? SITE_NONE : reads->points[one->slot]));
        if (one->op == OP_STATUS) {
            char flags[STATUS_TEXT_MAX];
            (void)status_format((uint16_t)one->mask, flags);
            buf_printf(out, ",%s", flags);
        }
        buf_text(out, ")");
    } else if (one->op >= OP_MEAN && one->op <= OP_ETA_DOWN) {
        const struct window_read *const window = &reads->windows[one->slot];
        buf_printf(out, "(%s,", point_name(site, window->point));
        print_number((double)window->width_ns / 1e9, out);
        buf_text(out, ")");
    }
}

void lang_print(const struct site *site, const struct program *program, const struct rule_reads *reads, struct buf *out)
{
    for (size_t i = 0; i < program->length; i++) {
        if (i > 0) {
            buf_text(out, " ");
        }
        print_one(site, &program->code[i], reads, out);
    }
}
