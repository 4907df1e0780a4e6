/*
 * columns: see columns.h.
 *
 * The scale of the column is the largest of its ops'.  An op that brings a
 * larger one multiplies all numbers so far; one that brings a smaller one (a
 * strand that began anew in the log) has its own multiplied.  A value exact at
 * one scale is exact at a larger one while its number stays below 2^53
 * (decimal.h); beyond that rows must be made.
 */
#include "store/columns.h"
#include "base/clock.h"
#include "store/decimal.h"

static const int64_t whole_max = INT64_C(1) << 53;

struct walk {
    struct columns *columns;
    int64_t time_ns, step_ns, lag_ns;
    int64_t k;      /* of the op's own scale */
    int64_t factor; /* from there to the column's */
};

/* The ops are our own and whole: no end is looked for within one. */
static int64_t take_zigzag(const uint8_t **at)
{
    uint64_t value = *(*at)++;
    if (value >= 0x80) {
        value &= 0x7f;
        for (unsigned shift = 7;; shift += 7) {
            const uint64_t byte = *(*at)++;
            value |= (byte & 0x7f) << shift;
            if (byte < 0x80) {
                break;
            }
        }
    }
    return unzigzag(value);
}

static void take_time(struct walk *walk, uint8_t tag, const uint8_t **at)
{
    uint64_t off = 0;
    switch (tag & OP_TIME) {
    case OP_TIME_FULL:
        walk->time_ns = get_i64(*at);
        walk->step_ns = 0; /* the time itself is where it stands */
        walk->lag_ns = 0;
        *at += 8;
        return;
    case OP_TIME_NS:
        off = (uint64_t)take_zigzag(at);
        break;
    case OP_TIME_MS:
        off = (uint64_t)take_zigzag(at) * (uint64_t)NS_PER_MS;
        break;
    default:
        break;
    }
    walk->step_ns = (int64_t)((uint64_t)walk->step_ns + off);
}

static bool fits(int64_t k, int64_t factor)
{
    const int64_t most = whole_max / factor;
    return k < most && k > -most;
}

/* Brings all numbers so far to a larger scale. */
static bool raise(struct columns *columns, int64_t factor)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (!fits(columns->k[i], factor)) {
            return false;
        }
        columns->k[i] *= factor;
    }
    return true;
}

static int64_t power(unsigned exponent)
{
    int64_t value = 1;
    for (; exponent > 0; exponent--) {
        value *= 10;
    }
    return value;
}

static bool take_scale(struct walk *walk, unsigned scale)
{
    struct columns *const columns = walk->columns;
    walk->factor = 1;
    if (columns->count == 0) {
        columns->scale = scale;
    }
    if (((scale ^ columns->scale) & DECIMAL_F32) != 0) {
        return false;
    }
    if (scale > columns->scale) {
        const int64_t factor = power(scale - columns->scale);
        columns->scale = scale;
        return raise(columns, factor);
    }
    walk->factor = power(columns->scale - scale);
    return true;
}

/* Adds what the walk has come to, `run` times with the time going on. */
static bool add(struct walk *walk, size_t run)
{
    struct columns *const columns = walk->columns;
    if ((walk->factor != 1 && !fits(walk->k, walk->factor)) || run > BOOK_BLOCK_ROWS - columns->count) {
        return false;
    }
    const int64_t k = walk->k * walk->factor;
    for (size_t i = 0; i < run; i++) {
        walk->time_ns = (int64_t)((uint64_t)walk->time_ns + (uint64_t)walk->step_ns);
        columns->times[columns->count] = walk->time_ns;
        columns->lags[columns->count] = walk->lag_ns;
        columns->k[columns->count++] = k;
    }
    return true;
}

/* An op as it stands in the log. */
static bool take_op(struct walk *walk, uint8_t tag, const uint8_t **at)
{
    take_time(walk, tag, at);
    const bool begins = (tag & OP_TIME) == OP_TIME_FULL; /* and says then what its number is */
    if ((tag & OP_STATUS) != 0 || (begins && (tag & OP_VALUE) != OP_VALUE_DECIMAL)) {
        return false;
    }
    if ((tag & OP_LAG) != 0) {
        walk->lag_ns = (int64_t)((uint64_t)walk->lag_ns + (uint64_t)take_zigzag(at));
        walk->columns->any_lag = true;
    }
    if ((tag & OP_VALUE) == OP_VALUE_STEP) {
        walk->k = (int64_t)((uint64_t)walk->k + (uint64_t)take_zigzag(at));
    } else if ((tag & OP_VALUE) == OP_VALUE_DECIMAL) {
        const unsigned scale = *(*at)++ & (DECIMAL_F32 | DECIMAL_SCALE_MAX);
        walk->k = take_zigzag(at);
        if (!take_scale(walk, scale)) {
            return false;
        }
    } else if ((tag & OP_VALUE) == OP_VALUE_RAW) {
        return false;
    }
    return add(walk, 1);
}

static bool take_held(struct walk *walk, const uint8_t **at)
{
    const uint8_t tag = *(*at)++;
    switch (tag & HELD_KIND) {
    case HELD_RUN:
        return add(walk, (size_t)(tag & HELD_NUMBER) + 1);
    case HELD_STEP:
        walk->k = (int64_t)((uint64_t)walk->k + (uint64_t)unzigzag(tag & HELD_NUMBER));
        return add(walk, 1);
    default:
        return take_op(walk, tag, at);
    }
}

bool columns_take(const struct book *book, const struct strand *strand, struct columns *ret_columns)
{
    struct walk walk = {.columns = ret_columns, .factor = 1};
    ret_columns->count = 0;
    ret_columns->any_lag = false;
    size_t len;
    uint32_t place = 0;
    for (const uint8_t *at; (at = book_ops(book, strand, &place, &len)) != NULL;) {
        for (const uint8_t *const end = at + len; at < end;) {
            if (!take_held(&walk, &at)) {
                return false;
            }
        }
    }
    return ret_columns->count > 0;
}
