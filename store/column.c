/*
 * column: see column.h for the bytes.
 *
 * Rice code of v with parameter k: v >> k ones, a zero, then the lowest k bits
 * of v; RICE_ESCAPE ones without a zero announce all 64 bits of v.
 */
#include "store/column.h"
#include "store/bits.h"

enum predictor { PREDICT_LEVEL, PREDICT_STEP, PREDICT_LINEAR, PREDICT_LINE, PREDICTORS };
enum { MODE_ZERO = 1 << 2, MODE_UNIT_SHIFT = 4, UNIT_MAX = 15 };
enum { STRETCH = 16, SHORT = 256 };
enum { GROUP = 32, GROUP_BITS = 6, GROUP_ZERO = 63, RICE_MAX = 54, RICE_ESCAPE = 20 };

static int64_t wrap_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t wrap_sub(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static unsigned bit_length(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

/* The straight line from y0 = 0 to the last number, walked place by place: at place i it stands at
 * whole * i + rest * i / parts, cut towards zero, without a division for each. */
struct line {
    int64_t whole, parts;
    int64_t rest, turn; /* size and sign of the rest */
    int64_t at, left;
};

static struct line line_to(int64_t last, size_t n)
{
    const int64_t parts = n > 1 ? (int64_t)n - 1 : 1;
    const int64_t rest = last % parts;
    return (struct line){
        .whole = last / parts, .parts = parts, .rest = rest < 0 ? -rest : rest, .turn = rest < 0 ? -1 : 1};
}

/* Steps to the next place, the first time to place 1. */
static int64_t line_next(struct line *line)
{
    line->at = wrap_add(line->at, line->whole);
    line->left += line->rest;
    if (line->left >= line->parts) {
        line->left -= line->parts;
        line->at = wrap_add(line->at, line->turn);
    }
    return line->at;
}

/* Goes on by so many places; rest * places is small. */
static void line_skip(struct line *line, size_t places)
{
    const int64_t gone = line->left + line->rest * (int64_t)places;
    const uint64_t turns = (uint64_t)(gone / line->parts) * (uint64_t)line->turn;
    line->at = wrap_add(line->at, (int64_t)((uint64_t)line->whole * places + turns));
    line->left = gone % line->parts;
}

/* Divides all numbers by the largest power of ten (up to 10^15) that divides them; gives its exponent. */
static unsigned take_unit(int64_t *y, size_t n)
{
    static const struct {
        int64_t by;
        unsigned exponent;
    } steps[] = {{1000000, 6}, {1000, 3}, {10, 1}};
    unsigned unit = 0;
    for (size_t s = 0; s < sizeof steps / sizeof steps[0];) {
        bool divides = unit + steps[s].exponent <= UNIT_MAX;
        uint64_t any = 0;
        for (size_t i = 0; divides && i < n; i++) {
            divides = y[i] % steps[s].by == 0;
            any |= (uint64_t)y[i];
        }
        if (!divides || any == 0) {
            s++;
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            y[i] /= steps[s].by;
        }
        unit += steps[s].exponent;
    }
    return unit;
}

static bool is_even(const int64_t *y, size_t n)
{
    const int64_t step = wrap_sub(y[n - 1], y[n > 1 ? n - 2 : 0]);
    for (size_t i = 1; i < n; i++) {
        if (wrap_sub(y[i], y[i - 1]) != step) {
            return false;
        }
    }
    return true;
}

/* The mean, near enough.  Numbers that could overflow together are divided before they are added. */
static int64_t mean_of(const int64_t *y, size_t n)
{
    uint64_t any = 0;
    int64_t sum = 0;
    int64_t rest = 0;
    for (size_t i = 0; i < n; i++) {
        any |= zigzag(y[i]);
    }
    if (any < UINT64_MAX / COLUMN_ROWS_MAX) {
        for (size_t i = 0; i < n; i++) {
            sum += y[i];
        }
        return sum / (int64_t)n;
    }
    for (size_t i = 0; i < n; i++) {
        sum += y[i] / (int64_t)n;
        rest += y[i] % (int64_t)n;
    }
    return sum + rest / (int64_t)n;
}

/* About as many bits as a number takes: exact but for those that need all 64. */
static unsigned weight(int64_t value)
{
    return 63 - (unsigned)__builtin_clzll(zigzag(value) << 1 | 1);
}

/* Adds what the numbers from `start` (at least 1) to `end` would weigh by each predictor. */
static void weigh(const int64_t *y, size_t n, size_t start, size_t end, int64_t level, uint64_t weights[PREDICTORS])
{
    struct line line = line_to(y[n - 1], n);
    line_skip(&line, start - 1);
    int64_t step = start > 1 ? wrap_sub(y[start - 1], y[start - 2]) : 0;
    for (size_t i = start; i < end; i++) {
        const int64_t next = wrap_sub(y[i], y[i - 1]);
        weights[PREDICT_LEVEL] += weight(wrap_sub(y[i], level));
        weights[PREDICT_STEP] += weight(next);
        weights[PREDICT_LINEAR] += weight(wrap_sub(next, step));
        weights[PREDICT_LINE] += weight(wrap_sub(y[i], line_next(&line)));
        step = next;
    }
}

static enum predictor lightest(const uint64_t weights[PREDICTORS])
{
    enum predictor best = PREDICT_STEP;
    for (enum predictor p = PREDICT_LEVEL; p < PREDICTORS; p++) {
        best = weights[p] < weights[best] ? p : best;
    }
    return best;
}

/* True when none of the others is near. */
static bool is_clear(const uint64_t weights[PREDICTORS])
{
    const enum predictor best = lightest(weights);
    for (enum predictor p = PREDICT_LEVEL; p < PREDICTORS; p++) {
        if (p != best && weights[p] - weights[best] < weights[best] / 4) {
            return false;
        }
    }
    return true;
}

/* Every second stretch is looked at first: mostly that tells the predictors apart. */
static enum predictor choose(const int64_t *y, size_t n, int64_t level)
{
    uint64_t weights[PREDICTORS] = {[PREDICT_LEVEL] = weight(level)};
    for (size_t first = 1; first <= 1 + STRETCH; first += STRETCH) {
        for (size_t start = first; start < n; start += 2 * STRETCH) {
            weigh(y, n, start, start + STRETCH < n ? start + STRETCH : n, level, weights);
        }
        if (n >= SHORT && is_clear(weights)) {
            break;
        }
    }
    return lightest(weights);
}

/* How many numbers at the start have no residual: they stand in the head. */
static size_t known_ahead(enum predictor predictor, size_t n)
{
    const size_t ahead = predictor == PREDICT_LEVEL ? 0 : predictor == PREDICT_LINEAR ? 2 : 1;
    return ahead < n ? ahead : n;
}

static size_t residuals_of(const int64_t *y, size_t n, enum predictor predictor, int64_t level, uint64_t *ret_residuals)
{
    struct line line = line_to(y[n - 1], n);
    const size_t ahead = known_ahead(predictor, n);
    for (size_t i = ahead; i < n; i++) {
        int64_t guess = level;
        if (predictor == PREDICT_STEP) {
            guess = y[i - 1];
        } else if (predictor == PREDICT_LINEAR) {
            guess = wrap_sub(wrap_add(y[i - 1], y[i - 1]), y[i - 2]);
        } else if (predictor == PREDICT_LINE) {
            guess = line_next(&line);
        }
        ret_residuals[i - ahead] = zigzag(wrap_sub(y[i], guess));
    }
    return n - ahead;
}

/* Of at most GROUP numbers, `any` all of them or-ed: when that is small there is no escape, and no branch. */
static uint64_t rice_cost(const uint64_t *v, size_t n, unsigned k, uint64_t any)
{
    uint64_t bits = n * (k + 1);
    if (any >> k < RICE_ESCAPE) {
        for (size_t i = 0; i < n; i++) {
            bits += v[i] >> k;
        }
        return bits;
    }
    for (size_t i = 0; i < n; i++) {
        const uint64_t ones = v[i] >> k;
        bits += ones < RICE_ESCAPE ? ones : RICE_ESCAPE + 64 - k;
    }
    return bits;
}

/* The mean, near enough for where to begin. */
static uint64_t mean_size(const uint64_t *v, size_t n, uint64_t any)
{
    const unsigned cut = any >> 58 == 0 ? 0 : 6; /* a group has 32: its sum cannot overflow */
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += v[i] >> cut;
    }
    return sum / n << cut;
}

/* Begins with the mean's and goes down as long as that is cheaper. */
static unsigned rice_parameter(const uint64_t *v, size_t n, uint64_t any)
{
    unsigned k = bit_length(mean_size(v, n, any));
    k = k < RICE_MAX ? k : RICE_MAX;
    uint64_t best = rice_cost(v, n, k, any);
    while (k > 0) {
        const uint64_t less = rice_cost(v, n, k - 1, any);
        if (less >= best) {
            break;
        }
        best = less;
        k--;
    }
    return k;
}

static void rice_put(struct bit_writer *writer, uint64_t v, unsigned k)
{
    const uint64_t ones = v >> k;
    const uint64_t low = v & ((UINT64_C(1) << k) - 1);
    if (ones >= RICE_ESCAPE) {
        bits_put(writer, (UINT64_C(1) << RICE_ESCAPE) - 1, RICE_ESCAPE);
        bits_put64(writer, v);
    } else if (ones + 1 + k <= 56) {
        bits_put(writer, ((UINT64_C(1) << ones) - 1) | low << (ones + 1), (unsigned)ones + 1 + k);
    } else {
        bits_put(writer, (UINT64_C(1) << ones) - 1, (unsigned)ones + 1);
        bits_put(writer, low, k);
    }
}

static uint8_t *put_residuals(uint8_t *to, const uint64_t *v, size_t n)
{
    struct bit_writer writer = {.at = to};
    for (size_t start = 0; start < n; start += GROUP) {
        const size_t len = n - start < GROUP ? n - start : GROUP;
        uint64_t any = 0;
        for (size_t i = 0; i < len; i++) {
            any |= v[start + i];
        }
        if (any == 0) {
            bits_put(&writer, GROUP_ZERO, GROUP_BITS);
            continue;
        }
        const unsigned k = rice_parameter(v + start, len, any);
        bits_put(&writer, k, GROUP_BITS);
        for (size_t i = 0; i < len; i++) {
            rice_put(&writer, v[start + i], k);
        }
    }
    return bits_finish(&writer);
}

static uint8_t *put_head(uint8_t *to, unsigned mode, int64_t first, const int64_t *y, size_t n, int64_t level)
{
    *to++ = (uint8_t)mode;
    to = put_varint(to, zigzag(first));
    switch ((enum predictor)(mode & 3)) {
    case PREDICT_LEVEL:
        return put_varint(to, zigzag(level));
    case PREDICT_LINEAR:
        return put_varint(to, zigzag(n > 1 ? y[1] : 0));
    case PREDICT_LINE:
        return put_varint(to, zigzag(y[n - 1]));
    default:
        return to;
    }
}

uint8_t *column_encode(uint8_t *to, int64_t *x, size_t n, uint64_t *scratch)
{
    const int64_t first = x[0];
    if (is_even(x, n)) {
        const int64_t ends[2] = {0, wrap_sub(x[n > 1 ? 1 : 0], first)};
        return put_head(to, PREDICT_LINEAR | MODE_ZERO, first, ends, 2, 0);
    }
    for (size_t i = 0; i < n; i++) {
        x[i] = wrap_sub(x[i], first);
    }
    const unsigned unit = take_unit(x, n);
    const int64_t level = mean_of(x, n);
    const enum predictor predictor = choose(x, n, level);
    const size_t count = residuals_of(x, n, predictor, level, scratch);
    return put_residuals(put_head(to, predictor | unit << MODE_UNIT_SHIFT, first, x, n, level), scratch, count);
}

/* Reads the residuals in place of the numbers they belong to. */
static bool get_residuals(struct cursor *cursor, size_t n, int64_t *ret_residuals)
{
    struct bit_reader reader = {.at = cursor->at, .end = cursor->end};
    for (size_t start = 0; start < n && !reader.bad; start += GROUP) {
        const size_t len = n - start < GROUP ? n - start : GROUP;
        const unsigned k = (unsigned)bits_get(&reader, GROUP_BITS);
        if (k > RICE_MAX) {
            memset(ret_residuals + start, 0, len * sizeof *ret_residuals);
            reader.bad |= k != GROUP_ZERO;
            continue;
        }
        for (size_t i = 0; i < len; i++) {
            const uint64_t ones = bits_get_unary(&reader, RICE_ESCAPE);
            const uint64_t v = ones < RICE_ESCAPE ? ones << k | bits_get(&reader, k) : bits_get64(&reader);
            ret_residuals[start + i] = unzigzag(v);
        }
    }
    cursor->at = bits_rest(&reader);
    return !reader.bad;
}

static void predict(enum predictor predictor, int64_t extra, size_t n, int64_t *y)
{
    struct line line = line_to(extra, n);
    for (size_t i = known_ahead(predictor, n); i < n; i++) {
        switch (predictor) {
        case PREDICT_LEVEL:
            y[i] = wrap_add(y[i], extra);
            break;
        case PREDICT_STEP:
            y[i] = wrap_add(y[i], y[i - 1]);
            break;
        case PREDICT_LINEAR:
            y[i] = wrap_add(y[i], wrap_sub(wrap_add(y[i - 1], y[i - 1]), y[i - 2]));
            break;
        default:
            y[i] = wrap_add(y[i], line_next(&line));
            break;
        }
    }
}

bool column_decode(struct cursor *cursor, size_t n, int64_t *ret_x)
{
    const unsigned mode = cursor_u8(cursor);
    const enum predictor predictor = (enum predictor)(mode & 3);
    const int64_t first = cursor_zigzag(cursor);
    const int64_t extra = predictor == PREDICT_STEP ? 0 : cursor_zigzag(cursor);
    const size_t ahead = known_ahead(predictor, n);
    if (cursor->bad || (mode & 8) != 0) {
        return false;
    }
    ret_x[0] = 0;
    if (ahead > 1) {
        ret_x[1] = extra;
    }
    if ((mode & MODE_ZERO) != 0) {
        memset(ret_x + ahead, 0, (n - ahead) * sizeof *ret_x);
    } else if (!get_residuals(cursor, n - ahead, ret_x + ahead)) {
        cursor->bad = true;
        return false;
    }
    predict(predictor, extra, n, ret_x);
    uint64_t unit = 1;
    for (unsigned i = mode >> MODE_UNIT_SHIFT; i > 0; i--) {
        unit *= 10;
    }
    for (size_t i = 0; i < n; i++) {
        ret_x[i] = wrap_add((int64_t)((uint64_t)ret_x[i] * unit), first);
    }
    return true;
}
