/*
 * alarm_book: every alarm's life, as pure book-keeping.
 *
 * Takes verdicts of the shards, acts of operators and the clock; gives events.
 * Knows no thread, store, socket or clock of its own, so live run, replay and
 * tests use the same book.
 *
 * Per alarm: level, occurrence, acknowledged level, latch, blind, shelf,
 * suppression, out of service (contract 4, 5, 9).  Events are appended to the
 * book's own list in the order of the contract; the caller takes them and
 * clears the list.  seq is given here, growing by one.
 *
 * Memory: all at book_new, except the event list, which grows to the largest
 * single step ever seen (bounded by 4 events per alarm).
 * Threads: one at a time.
 */
#ifndef DAVY_ALERTING_ALARM_BOOK_H
#define DAVY_ALERTING_ALARM_BOOK_H

#include "base/buf.h"
#include "base/err.h"
#include "model/alarm.h"
#include "model/board.h"
#include "model/site.h"

struct alarm_book;

struct alarm_book *alarm_book_new(const struct site *site, uint64_t last_seq); /* site borrowed */
void alarm_book_free(struct alarm_book *book);

/* Lends the board: an event that another alarm brings about (suppressed, unsuppressed) then carries the point's last
 * good value at that moment, as the contract asks.  Without it the value is the one last heard with the alarm's own
 * verdict or act. */
void alarm_book_lend_board(struct alarm_book *book, const struct board *board);

/* Applies one verdict (KEEP and MARK do nothing). */
void alarm_book_verdict(struct alarm_book *book, const struct verdict *verdict);

/* Ends a step: verdicts of one row, or of one phase of an instant, come in the order of alarms and are followed by this. */
void alarm_book_end_step(struct alarm_book *book);

/* Applies an act at time_ns; `value` is the alarm's point's last good value now (NaN: none).  ERR_NO with a reason when
 * it is refused; then there is no event. */
enum err_code alarm_book_act(struct alarm_book *book, const struct act *act, int64_t time_ns, double value,
                             struct err *err) MUST_CHECK;

/* The clock of the earliest shelf end, TIME_NEVER if none; and what is due at clock_ns.  `board` gives last good values
 * and stays lent (NULL: as after alarm_book_lend_board(book, NULL)). */
int64_t alarm_book_next_due(const struct alarm_book *book);
void alarm_book_due(struct alarm_book *book, int64_t clock_ns, const struct board *board);

/* The events of the steps since the last clear. */
const struct event *alarm_book_events(const struct alarm_book *book, size_t *ret_count);
/* The act that made the event (borrowed until clear), NULL if none did (also for `cleared` at the end of a latch). */
const struct act *alarm_book_event_act(const struct alarm_book *book, size_t index);
void alarm_book_clear_events(struct alarm_book *book);

/* Prints one event as the contract's JSON object, without newline. */
void event_format(struct buf *out, const struct site *site, const struct event *event, const struct act *act,
                  enum run_status status);
/* Prints the retained alarm state after an event; nothing when all is well again (cleared and acknowledged). */
void event_format_state(struct buf *out, const struct site *site, const struct event *event, enum run_status status);

/* Keeping: one alarm's record as bytes (versioned, big-endian, see book_keep.c), and back.  alarm_book_load is called
 * at most once per alarm, before the first verdict; it refuses (ERR_INPUT, nothing changed) what it cannot read. */
void alarm_book_save(const struct alarm_book *book, uint32_t alarm, struct buf *out);
enum err_code alarm_book_load(struct alarm_book *book, uint32_t alarm, const void *bytes, size_t len,
                              struct err *err) MUST_CHECK;
/* After a load: the alarm's rule was changed, so what was judged for its `unless` and held back no longer counts.
 * Level, occurrence and acknowledgement stay; the shard judges anew. */
void alarm_book_restart(struct alarm_book *book, uint32_t alarm);
/* After the last load: says what a changed site changed at once: the end of a latch or suppression that is no more, a
 * suppression that is new. */
void alarm_book_settle(struct alarm_book *book, int64_t time_ns);
/* The verdict STEP the book last took for this alarm, for shard_restore: level, flags, time; `since_ns` none. */
struct verdict alarm_book_standing(const struct alarm_book *book, uint32_t alarm);
/* The level the alarm has now; LEVEL_NONE: it is not active. */
enum level alarm_book_level(const struct alarm_book *book, uint32_t alarm);
/* True while nothing was ever heard of the alarm that would have to be kept. */
bool alarm_book_is_fresh(const struct alarm_book *book, uint32_t alarm);

#endif
