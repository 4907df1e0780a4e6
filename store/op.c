/*
 * op: see op.h for the bytes.
 */
#include "store/op.h"
#include "base/clock.h"
#include "store/decimal.h"

enum { MISSES_BEFORE_REST = 4, REST = 32 };

static int64_t wrap_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t wrap_sub(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static uint8_t *encode_time(struct op_state *state, int64_t time_ns, bool full, uint8_t *tag, uint8_t *to)
{
    if (full) {
        *tag |= OP_TIME_FULL;
        to = put_i64(to, time_ns);
        state->step_ns = 0;
    } else {
        const int64_t step = wrap_sub(time_ns, state->time_ns);
        const int64_t off = wrap_sub(step, state->step_ns);
        state->step_ns = step;
        if (off != 0 && off % NS_PER_MS == 0) {
            *tag |= OP_TIME_MS;
            to = put_varint(to, zigzag(off / NS_PER_MS));
        } else if (off != 0) {
            *tag |= OP_TIME_NS;
            to = put_varint(to, zigzag(off));
        }
    }
    state->time_ns = time_ns;
    return to;
}

/* Looks for a scale, but rests a while when several values in a row had none: a series without decimals would pay for
 * sixteen divisions a sample. */
static bool find_scale(struct op_state *state, double value, unsigned *ret_scale, int64_t *ret_k)
{
    if (state->misses >= MISSES_BEFORE_REST && state->misses < MISSES_BEFORE_REST + REST) {
        state->misses++;
        return false;
    }
    if (decimal_find(value, 0, ret_scale, ret_k) ||
        ((double)(float)value == value && decimal_find(value, DECIMAL_F32, ret_scale, ret_k))) {
        state->misses = 0;
        return true;
    }
    state->misses = state->misses < MISSES_BEFORE_REST ? (uint8_t)(state->misses + 1) : MISSES_BEFORE_REST;
    return false;
}

static uint8_t *encode_value(struct op_state *state, double value, bool full, uint8_t *tag, uint8_t *to)
{
    const uint64_t bits = double_bits(value);
    int64_t k;
    unsigned scale;
    if (!full && bits == state->bits) {
        return to; /* OP_VALUE_SAME */
    }
    state->bits = bits;
    if (!full && state->scale != OP_NO_SCALE && decimal_exact(value, state->scale, &k)) {
        *tag |= OP_VALUE_STEP;
        to = put_varint(to, zigzag(k - state->k)); /* both below 2^53 */
        state->k = k;
        return to;
    }
    if (find_scale(state, value, &scale, &k)) {
        *tag |= OP_VALUE_DECIMAL;
        *to++ = (uint8_t)scale;
        to = put_varint(to, zigzag(k));
        state->scale = (uint8_t)scale;
        state->k = k;
        return to;
    }
    *tag |= OP_VALUE_RAW;
    return put_u64(to, bits);
}

size_t op_encode(struct op_state *state, const struct store_row *row, bool full, uint8_t ret_bytes[OP_BYTES_MAX])
{
    uint8_t tag = 0;
    uint8_t *to = ret_bytes + 1;
    if (full) {
        *state = (struct op_state){.scale = OP_NO_SCALE};
    }
    to = encode_time(state, row->time_ns, full, &tag, to);
    const int64_t lag = wrap_sub(row->seen_ns, row->time_ns);
    if (lag != state->lag_ns) {
        tag |= OP_LAG;
        to = put_varint(to, zigzag(wrap_sub(lag, state->lag_ns)));
        state->lag_ns = lag;
    }
    if (row->status != state->status) {
        tag |= OP_STATUS;
        to = put_varint(to, row->status);
        state->status = row->status;
    }
    to = encode_value(state, row->value, full, &tag, to);
    ret_bytes[0] = tag;
    return (size_t)(to - ret_bytes);
}

void op_skip(uint8_t tag, struct cursor *cursor)
{
    if (op_is_end(tag)) {
        return;
    }
    if ((tag & OP_TIME) == OP_TIME_FULL) {
        (void)cursor_take(cursor, 8); /* a missing byte shows in cursor->bad */
    } else if ((tag & OP_TIME) != OP_TIME_SAME) {
        (void)cursor_varint(cursor);
    }
    if ((tag & OP_LAG) != 0) {
        (void)cursor_varint(cursor);
    }
    if ((tag & OP_STATUS) != 0) {
        (void)cursor_varint(cursor);
    }
    if ((tag & OP_VALUE) == OP_VALUE_RAW) {
        (void)cursor_take(cursor, 8);
        return;
    }
    if ((tag & OP_VALUE) == OP_VALUE_DECIMAL) {
        (void)cursor_u8(cursor);
    }
    if ((tag & OP_VALUE) != OP_VALUE_SAME) {
        (void)cursor_varint(cursor);
    }
}

static void decode_value(struct op_state *state, uint8_t tag, struct cursor *cursor)
{
    switch (tag & OP_VALUE) {
    case OP_VALUE_STEP:
        state->k = wrap_add(state->k, cursor_zigzag(cursor));
        state->bits = double_bits(decimal_value(state->k, state->scale));
        break;
    case OP_VALUE_DECIMAL:
        state->scale = cursor_u8(cursor) & (DECIMAL_F32 | 15);
        state->k = cursor_zigzag(cursor);
        state->bits = double_bits(decimal_value(state->k, state->scale));
        break;
    case OP_VALUE_RAW:
        state->bits = cursor_u64(cursor);
        break;
    default:
        break;
    }
}

void op_decode(struct op_state *state, uint8_t tag, struct cursor *cursor, struct store_row *ret_row)
{
    if ((tag & OP_TIME) == OP_TIME_FULL) {
        *state = (struct op_state){.scale = OP_NO_SCALE, .time_ns = cursor_i64(cursor)};
    } else {
        int64_t off = 0;
        if ((tag & OP_TIME) == OP_TIME_NS) {
            off = cursor_zigzag(cursor);
        } else if ((tag & OP_TIME) == OP_TIME_MS) {
            off = (int64_t)((uint64_t)cursor_zigzag(cursor) * (uint64_t)NS_PER_MS);
        }
        state->step_ns = wrap_add(state->step_ns, off);
        state->time_ns = wrap_add(state->time_ns, state->step_ns);
    }
    if ((tag & OP_LAG) != 0) {
        state->lag_ns = wrap_add(state->lag_ns, cursor_zigzag(cursor));
    }
    if ((tag & OP_STATUS) != 0) {
        state->status = (uint16_t)cursor_varint(cursor);
    }
    decode_value(state, tag, cursor);
    *ret_row = (struct store_row){
        .time_ns = state->time_ns,
        .seen_ns = wrap_add(state->time_ns, state->lag_ns),
        .value = bits_double(state->bits),
        .status = state->status,
    };
}
