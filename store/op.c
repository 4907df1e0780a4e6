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

/* Adds up to five bytes behind the first `at` (1 to 11) of an op. */
static void add_part(uint64_t words[2], unsigned at, uint64_t part)
{
    const unsigned shift = 8 * (at & 7);
    const uint64_t low = part << shift;
    const uint64_t high = part >> 1 >> (63 - shift);
    words[0] |= at < 8 ? low : 0;
    words[1] |= at < 8 ? high : low;
}

/* The varint of a time off by so much; *tag says how it is meant. */
static uint64_t number_of_time(int64_t off, uint64_t *tag)
{
    const bool whole = off % NS_PER_MS == 0;
    *tag |= off == 0 ? OP_TIME_SAME : whole ? OP_TIME_MS : OP_TIME_NS;
    return zigzag(whole ? off / NS_PER_MS : off);
}

/* Most samples by far: in a strand, of the status as before, a value in decimals, no number too large.  False, and
 * nothing done, when it is another one.  What differs from sample to sample (whether a number is there, how long it is)
 * is no branch. */
static bool encode_words(struct op_state *state, const struct store_row *row, bool late, struct op *ret_op)
{
    const int64_t step = wrap_sub(row->time_ns, state->time_ns);
    const int64_t lag = wrap_sub(row->seen_ns, row->time_ns);
    const uint64_t bits = double_bits(row->value);
    const bool same = bits == state->bits;
    int64_t k = state->k;
    if (row->status != state->status || state->scale == OP_NO_SCALE ||
        (!decimal_exact(row->value, state->scale, &k) && !same)) {
        return false;
    }
    uint64_t tag = late ? OP_LATE : 0;
    const uint64_t time = number_of_time(wrap_sub(step, state->step_ns), &tag);
    const uint64_t later = zigzag(wrap_sub(lag, state->lag_ns));
    const uint64_t change = same ? 0 : zigzag(k - state->k);
    if ((time | later | change) >> VARINT_WORD_BITS != 0) {
        return false;
    }
    uint64_t part;
    const unsigned time_len = varint_word(time, &part);
    uint64_t words[2] = {tag | part << 8, 0}; /* without a time its varint is one byte of zeros, and is covered */
    unsigned at = 1 + (time != 0 ? time_len : 0);
    if (later != 0) {
        const unsigned len = varint_word(later, &part);
        words[0] |= OP_LAG;
        add_part(words, at, part);
        at += len;
    }
    const unsigned change_len = varint_word(change, &part);
    words[0] |= same ? 0 : OP_VALUE_STEP;
    add_part(words, at, part);
    ret_op->words[0] = words[0];
    ret_op->words[1] = words[1];
    ret_op->len = at + (same ? 0 : change_len);
    state->time_ns = row->time_ns;
    state->step_ns = step;
    state->lag_ns = lag;
    state->bits = bits;
    state->k = same ? state->k : k;
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
