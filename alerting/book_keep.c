/*
 * book_keep: an alarm's record on disk, and taking up where it was left.
 *
 * One record, version 1, 43 bytes, big-endian:
 *
 *   0  u8   version = 1
 *   1  u8   judged level    2  u8  level    3  u8  level left    4  u8  highest level acknowledged
 *   5  u8   highest level of this occurrence
 *   6  u8   flags: 1 unless, 2 blind, 4 blind was said, 8 latched, 16 suppressed, 32 out of service
 *   7  u32  occurrence, 0: never raised
 *  11  i64  time of the latest event (ns; the smallest number: none yet)
 *  19  i64  when this occurrence was raised (ns; 0: never)
 *  27  i64  end of the shelf (ns; 0: not shelved)
 *  35  f64  last good value (IEEE 754; NaN: none)
 *
 * A record that breaks what book.h says always holds is refused: a damaged
 * alarm shall be noticed, not guessed.  Pure.
 */
#include "alerting/book.h"
#include "alerting/pack.h"
#include <math.h>

enum { RECORD_VERSION = 1 };

enum record_flags {
    REC_UNLESS = 1 << 0,
    REC_BLIND = 1 << 1,
    REC_TOLD_BLIND = 1 << 2,
    REC_LATCHED = 1 << 3,
    REC_SUPPRESSED = 1 << 4,
    REC_OUT_OF_SERVICE = 1 << 5,
    REC_ALL = (1 << 6) - 1,
};

void alarm_book_save(const struct alarm_book *book, uint32_t alarm, struct buf *out)
{
    const struct book_alarm *state = &book->alarms[alarm];
    const int flags = (state->unless ? REC_UNLESS : 0) | (state->blind ? REC_BLIND : 0) |
                      (state->told_blind ? REC_TOLD_BLIND : 0) | (state->latched ? REC_LATCHED : 0) |
                      (state->suppressed ? REC_SUPPRESSED : 0) | (state->out_of_service ? REC_OUT_OF_SERVICE : 0);
    pack_u8(out, RECORD_VERSION);
    pack_u8(out, state->judged);
    pack_u8(out, state->level);
    pack_u8(out, state->left);
    pack_u8(out, state->acked);
    pack_u8(out, state->peak);
    pack_u8(out, (uint8_t)flags);
    pack_u32(out, state->occurrence);
    pack_i64(out, state->time_ns);
    pack_i64(out, state->raised_ns);
    pack_i64(out, state->shelf_ns);
    pack_f64(out, state->value);
}

/* Gives the first thing that cannot be, or NULL. */
static const char *fault_in(const struct book_alarm *state)
{
    const bool active = book_is_active(state);
    if (state->judged >= LEVEL_COUNT || state->level >= LEVEL_COUNT || state->left >= LEVEL_COUNT ||
        state->acked >= LEVEL_COUNT || state->peak >= LEVEL_COUNT) {
        return "a level is out of range";
    }
    if (state->peak < state->level || state->peak < state->left || state->peak < state->acked) {
        return "a level is above the highest of its occurrence";
    }
    if (active && (state->occurrence == 0 || state->left != LEVEL_NONE)) {
        return "an active alarm was never raised, or has left a level";
    }
    if (!active && state->occurrence > 0 && state->left == LEVEL_NONE) {
        return "a returned alarm has left no level";
    }
    if (state->occurrence == 0 && (state->left != LEVEL_NONE || state->acked != LEVEL_NONE)) {
        return "an alarm that was never raised has a past";
    }
    if (!active && (state->told_blind || state->latched || state->suppressed)) {
        return "an alarm that is not active is blind, latched or suppressed";
    }
    if (state->latched && (state->judged != LEVEL_NONE || book_is_acked(state))) {
        return "a latched alarm is judged or acknowledged";
    }
    if (active && !state->latched && state->judged != state->level) {
        return "the alarm's level is not the one judged";
    }
    if (!active && state->judged != LEVEL_NONE && !state->unless) {
        return "a judged level was not raised";
    }
    if (state->shelf_ns < 0 || isinf(state->value)) {
        return "the shelf's end or the value is no such thing";
    }
    return NULL;
}

enum err_code alarm_book_load(struct alarm_book *book, uint32_t alarm, const void *bytes, size_t len, struct err *err)
{
    struct unpack in = unpack_begin(bytes, len);
    const uint8_t version = unpack_u8(&in);
    if (!in.bad && version != RECORD_VERSION) {
        return err_set(err, ERR_INPUT, "alarm record has version %u; this program reads version %u", (unsigned)version,
                       (unsigned)RECORD_VERSION);
    }
    struct book_alarm state = {.cell = book->alarms[alarm].cell};
    state.judged = unpack_u8(&in);
    state.level = unpack_u8(&in);
    state.left = unpack_u8(&in);
    state.acked = unpack_u8(&in);
    state.peak = unpack_u8(&in);
    const unsigned flags = unpack_u8(&in);
    state.occurrence = unpack_u32(&in);
    state.time_ns = unpack_i64(&in);
    state.raised_ns = unpack_i64(&in);
    state.shelf_ns = unpack_i64(&in);
    state.value = unpack_f64(&in);
    state.unless = (flags & REC_UNLESS) != 0;
    state.blind = (flags & REC_BLIND) != 0;
    state.told_blind = (flags & REC_TOLD_BLIND) != 0;
    state.latched = (flags & REC_LATCHED) != 0;
    state.suppressed = (flags & REC_SUPPRESSED) != 0;
    state.out_of_service = (flags & REC_OUT_OF_SERVICE) != 0;
    if (!unpack_whole(&in) || (flags & ~(unsigned)REC_ALL) != 0) {
        return err_set(err, ERR_INPUT, "alarm record of %zu bytes cannot be read", len);
    }
    const char *fault = fault_in(&state);
    if (fault != NULL) {
        return err_set(err, ERR_INPUT, "alarm record is damaged: %s", fault);
    }
    const int64_t shelf_ns = state.shelf_ns;
    state.shelf_ns = 0;
    book->alarms[alarm] = state;
    if (shelf_ns != 0) {
        book_shelf_put(book, alarm, shelf_ns);
    }
    if (book_is_active(&state)) {
        book_suppress_count(book, alarm);
    }
    return ERR_NONE;
}

void alarm_book_restart(struct alarm_book *book, uint32_t alarm)
{
    struct book_alarm *state = &book->alarms[alarm];
    state->unless = false;
    if (!book_is_active(state)) {
        state->judged = LEVEL_NONE;
    }
}

void alarm_book_settle(struct alarm_book *book, int64_t time_ns)
{
    const struct site *site = book->site;
    for (uint32_t i = 0; i < site->alarm_count; i++) {
        if (book->alarms[i].latched && !site->rules[site->alarms[i].rule].latch) {
            book_return(book, i, time_ns);
        }
    }
    for (uint32_t i = 0; i < site->alarm_count; i++) {
        book_suppress_settle(book, i, time_ns);
    }
    alarm_book_end_step(book);
}

struct verdict alarm_book_standing(const struct alarm_book *book, uint32_t alarm)
{
    const struct book_alarm *state = &book->alarms[alarm];
    const int flags = (state->unless ? VERDICT_UNLESS : 0) | (state->blind ? VERDICT_BLIND : 0);
    return (struct verdict){
        .time_ns = state->time_ns,
        .since_ns = INT64_MAX,
        .step_ns = INT64_MIN,
        .value = state->value,
        .alarm = alarm,
        .point = book->site->alarms[alarm].point,
        .kind = VERDICT_STEP,
        .flags = (uint8_t)flags,
        .level = state->judged,
        .before = state->judged,
    };
}

bool alarm_book_is_fresh(const struct alarm_book *book, uint32_t alarm)
{
    const struct book_alarm *state = &book->alarms[alarm];
    return state->time_ns == INT64_MIN && state->judged == LEVEL_NONE && !state->unless && !state->blind;
}
