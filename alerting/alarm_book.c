/*
 * alarm_book: making the book, and the list of events it gives.
 *
 * What an event is about is decided in the other book_ files; here it gets its
 * number, its time and the alarm's state after it.  Pure book-keeping: no
 * thread, clock or store.  Memory: flat arrays from one arena at the start;
 * only the event list and the copies of acts grow, to the largest step seen.
 */
#include "alerting/book.h"
#include "base/memory.h"
#include <math.h>
#include <stdlib.h>

struct alarm_book *alarm_book_new(const struct site *site, uint64_t last_seq)
{
    struct alarm_book *book = memory_new(1, sizeof *book);
    arena_init(&book->arena);
    book->site = site;
    book->seq = last_seq;
    book->alarms = ARENA_ARRAY(&book->arena, struct book_alarm, site->alarm_count);
    book->shelf.alarms = ARENA_ARRAY(&book->arena, uint32_t, site->alarm_count);
    for (size_t i = 0; i < site->alarm_count; i++) {
        book->alarms[i].time_ns = INT64_MIN;
        book->alarms[i].value = NAN;
    }
    book_suppress_build(book);
    arena_seal(&book->arena);
    return book;
}

void alarm_book_free(struct alarm_book *book)
{
    if (book == NULL) {
        return;
    }
    for (size_t i = 0; i < book->act_cap; i++) {
        free(book->acts[i]);
    }
    free(book->acts);
    free(book->events);
    free(book->event_acts);
    arena_done(&book->arena);
    free(book);
}

void alarm_book_lend_board(struct alarm_book *book, const struct board *board)
{
    book->board = board;
}

void book_look(struct alarm_book *book, uint32_t alarm)
{
    const uint32_t point = book->site->alarms[alarm].point;
    if (book->board == NULL || point == SITE_NONE) {
        return;
    }
    struct board_entry entry;
    board_read(book->board, point, &entry);
    book->alarms[alarm].value = entry.status == BOARD_UNHEARD ? (double)NAN : entry.good;
}

static void grow_events(struct alarm_book *book)
{
    book->event_cap = book->event_cap == 0 ? 16 : book->event_cap * 2;
    book->events = memory_resize(book->events, book->event_cap, sizeof *book->events);
    book->event_acts = memory_resize(book->event_acts, book->event_cap, sizeof *book->event_acts);
}

void book_say(struct alarm_book *book, uint32_t alarm, enum event_kind kind, uint8_t level, uint8_t when_level,
              int64_t time_ns)
{
    struct book_alarm *state = &book->alarms[alarm];
    if (state->time_ns < time_ns) {
        state->time_ns = time_ns;
    }
    if (book->event_count == book->event_cap) {
        grow_events(book);
    }
    book->event_acts[book->event_count] = BOOK_NO_ACT;
    book->events[book->event_count++] = (struct event){
        .time_ns = state->time_ns,
        .seq = ++book->seq,
        .value = book->site->alarms[alarm].point == SITE_NONE ? (double)NAN : state->value,
        .until_ns = kind == EV_SHELVED ? state->shelf_ns : 0,
        .alarm = alarm,
        .occurrence = state->occurrence,
        .kind = (uint8_t)kind,
        .level = level,
        .when_level = when_level,
        .state_level = state->level,
        .acked = book_is_acked(state),
        .shelved = state->shelf_ns != 0,
        .suppressed = state->suppressed,
        .out_of_service = state->out_of_service,
        .latched = state->latched,
        .blind = state->told_blind,
    };
}

static void grow_acts(struct alarm_book *book)
{
    const size_t cap = book->act_cap == 0 ? 4 : book->act_cap * 2;
    book->acts = memory_resize(book->acts, cap, sizeof *book->acts);
    for (size_t i = book->act_cap; i < cap; i++) {
        book->acts[i] = memory_new(1, sizeof **book->acts);
    }
    book->act_cap = cap;
}

void book_say_act(struct alarm_book *book, const struct act *act)
{
    if (book->act_count == book->act_cap) {
        grow_acts(book);
    }
    *book->acts[book->act_count] = *act;
    book->event_acts[book->event_count - 1] = (int32_t)book->act_count++;
}

const struct event *alarm_book_events(const struct alarm_book *book, size_t *ret_count)
{
    *ret_count = book->event_count;
    return book->events;
}

const struct act *alarm_book_event_act(const struct alarm_book *book, size_t index)
{
    assert(index < book->event_count);
    const int32_t act = book->event_acts[index];
    return act == BOOK_NO_ACT ? NULL : book->acts[act];
}

void alarm_book_clear_events(struct alarm_book *book)
{
    book->event_count = 0;
    book->act_count = 0;
}

enum level alarm_book_level(const struct alarm_book *book, uint32_t alarm)
{
    return (enum level)book->alarms[alarm].level;
}
