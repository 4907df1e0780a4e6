/*
 * book_levels: what a verdict makes of an alarm (contract 4 and 9).
 *
 *   the alarm is      judged none            judged some
 *   not active        -                      raised, unless held back
 *   active            cleared, or latched    worsened / eased / nothing
 *
 * One verdict says, in this order: sighted, the level event, unacked directly
 * after worsened, blind, and last suppressed.  A latched alarm keeps its level
 * until that is acknowledged; the condition coming back is compared with it.
 * Pure; called through alarm_book_verdict and, for the end of a latch, by acts.
 */
#include "alerting/book.h"

static void book_raise(struct alarm_book *book, uint32_t alarm, int64_t time_ns)
{
    struct book_alarm *state = &book->alarms[alarm];
    state->occurrence++;
    state->level = state->judged;
    state->left = LEVEL_NONE;
    state->acked = LEVEL_NONE;
    state->peak = state->level;
    book_say(book, alarm, EV_RAISED, state->level, state->level, time_ns);
    state->raised_ns = state->time_ns;
    book_suppress_raised(book, alarm);
}

static void book_worsen(struct alarm_book *book, uint32_t alarm, int64_t time_ns)
{
    struct book_alarm *state = &book->alarms[alarm];
    const bool was_acked = book_is_acked(state);
    state->latched = false;
    state->level = state->judged;
    state->peak = state->level > state->peak ? state->level : state->peak;
    book_say(book, alarm, EV_WORSENED, state->level, state->level, time_ns);
    if (was_acked && !book_is_acked(state)) {
        book_say(book, alarm, EV_UNACKED, state->level, LEVEL_NONE, time_ns);
    }
}

static void book_ease(struct alarm_book *book, uint32_t alarm, int64_t time_ns)
{
    struct book_alarm *state = &book->alarms[alarm];
    const uint8_t before = state->level;
    state->latched = false;
    state->level = state->judged;
    book_say(book, alarm, EV_EASED, state->level, before, time_ns);
}

void book_return(struct alarm_book *book, uint32_t alarm, int64_t time_ns)
{
    struct book_alarm *state = &book->alarms[alarm];
    state->left = state->level;
    state->level = LEVEL_NONE;
    state->latched = false;
    state->told_blind = false;
    state->suppressed = false;
    book_say(book, alarm, EV_CLEARED, state->left, state->left, time_ns);
    book_suppress_cleared(book, alarm);
}

/* An active alarm was judged: moves it to its new level. */
static void book_move(struct alarm_book *book, uint32_t alarm, int64_t time_ns)
{
    struct book_alarm *state = &book->alarms[alarm];
    if (state->judged == LEVEL_NONE) {
        const bool latch = book->site->rules[book->site->alarms[alarm].rule].latch;
        if (latch && !book_is_acked(state)) {
            state->latched = true;
        } else {
            book_return(book, alarm, time_ns);
        }
    } else if (state->judged > state->level) {
        book_worsen(book, alarm, time_ns);
    } else if (state->judged < state->level) {
        book_ease(book, alarm, time_ns);
    } else {
        state->latched = false;
    }
}

void alarm_book_verdict(struct alarm_book *book, const struct verdict *verdict)
{
    if (verdict->kind != VERDICT_STEP) {
        return;
    }
    const uint32_t alarm = verdict->alarm;
    const int64_t time_ns = verdict->time_ns;
    assert(alarm < book->site->alarm_count);
    struct book_alarm *state = &book->alarms[alarm];
    book_suppress_upto(book, alarm);
    state->value = verdict->value;
    state->judged = verdict->level;
    state->unless = (verdict->flags & VERDICT_UNLESS) != 0;
    state->blind = (verdict->flags & VERDICT_BLIND) != 0;

    const bool was_active = book_is_active(state);
    if (state->told_blind && !state->blind) {
        state->told_blind = false;
        book_say(book, alarm, EV_SIGHTED, state->level, LEVEL_NONE, time_ns);
    }
    if (was_active) {
        book_move(book, alarm, time_ns);
    } else if (state->judged != LEVEL_NONE && !state->unless) {
        book_raise(book, alarm, time_ns);
    }
    if (book_is_active(state) && state->blind && !state->told_blind) {
        state->told_blind = true;
        book_say(book, alarm, EV_BLIND, state->level, LEVEL_NONE, time_ns);
    }
    if (was_active) {
        book_suppress_own(book, alarm, time_ns);
    } else {
        book_suppress_settle(book, alarm, time_ns);
    }
    book_suppress_upto(book, alarm); /* those whose place has passed follow the cause */
}
