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

void op_fold(struct op *op)
{
    op->words[0] = op->words[1] = 0;
    for (size_t i = 0; i < op->len && op->len <= OP_WORDS; i++) {
        op->words[i / 8] |= (uint64_t)op->bytes[i] << 8 * (i % 8);
    }
}

/* Any sample, byte by byte. */
static void encode_long(struct op_state *state, const struct store_row *row, bool full, bool late, struct op *ret_op)
{
    uint8_t tag = late ? OP_LATE : 0;
    uint8_t *to = ret_op->bytes + 1;
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
    ret_op->bytes[0] = tag;
    ret_op->len = (size_t)(to - ret_op->bytes);
    op_fold(ret_op);
}

/* Adds up to five bytes behind those there are, which are at most 11. */
static void add_part(struct op *op, uint64_t part, unsigned len)
{
    const unsigned shift = 8 * (op->len & 7);
    const uint64_t low = part << shift;
    const uint64_t high = part >> 1 >> (63 - shift);
    op->words[0] |= op->len < 8 ? low : 0;
    op->words[1] |= op->len < 8 ? high : low;
    op->len += len;
}

static void add_number(struct op *op, uint64_t tag, uint64_t number)
{
    uint64_t part;
    const unsigned len = varint_word(number, &part);
    op->words[0] |= tag;
    add_part(op, part, len);
}

/* A time that is not as expected. */
static void add_time(struct op *op, int64_t off)
{
    const bool whole = off % NS_PER_MS == 0;
    add_number(op, whole ? OP_TIME_MS : OP_TIME_NS, zigzag(whole ? off / NS_PER_MS : off));
}

/* Adds what is not as expected of time and lag. */
static bool add_times(struct op *op, int64_t off, int64_t lag)
{
    if ((zigzag(off) | zigzag(lag)) >> VARINT_WORD_BITS != 0) {
        return false;
    }
    if (off != 0) {
        add_time(op, off);
    }
    if (lag != 0) {
        add_number(op, OP_LAG, zigzag(lag));
    }
    return true;
}

/* Adds a value that is another one; how long its change is is no branch. */
static bool add_value(const struct op_state *state, double value, struct op *op, int64_t *ret_k)
{
    int64_t k;
    if (state->scale == OP_NO_SCALE || !decimal_exact(value, state->scale, &k)) {
        return false;
    }
    const uint64_t change = zigzag(wrap_sub(k, state->k));
    if (change >> VARINT_SHORT_BITS != 0) {
        return false;
    }
    uint64_t part;
    const unsigned len = varint_short(change, &part);
    op->words[0] |= OP_VALUE_STEP;
    add_part(op, part, len);
    *ret_k = k;
    return true;
}

/* Most samples by far: in a strand, of the status as before, the value the same or in decimals, no number too large.
 * False, and the state as it was, when it is another one. */
static bool encode_words(struct op_state *state, const struct store_row *row, bool late, struct op *ret_op)
{
    const int64_t step = wrap_sub(row->time_ns, state->time_ns);
    const int64_t lag = wrap_sub(row->seen_ns, row->time_ns);
    const int64_t off = wrap_sub(step, state->step_ns);
    const int64_t later = wrap_sub(lag, state->lag_ns);
    const uint64_t bits = double_bits(row->value);
    int64_t k = state->k;
    ret_op->words[0] = late ? OP_LATE : 0;
    ret_op->words[1] = 0;
    ret_op->len = 1;
    if (row->status != state->status || ((off | later) != 0 && !add_times(ret_op, off, later)) ||
        (bits != state->bits && !add_value(state, row->value, ret_op, &k))) {
        return false;
    }
    state->time_ns = row->time_ns;
    state->step_ns = step;
    state->lag_ns = lag;
    state->bits = bits;
    state->k = k;
    return true;
}

void op_encode(struct op_state *state, const struct store_row *row, bool full, bool late, struct op *ret_op)
{
    if (full || !encode_words(state, row, late, ret_op)) {
        encode_long(state, row, full, late, ret_op);
    }
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
