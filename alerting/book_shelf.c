/*
 * book_shelf: alarms put aside for a while; a shelf always has an end and ends
 * by itself with `unshelved`.
 *
 * Shelving is a person's act, so the alarms on the shelf are few: one array
 * sorted by end, then alarm, is all that is needed.  Pure.  Memory: room for
 * every alarm, at load.
 */
#include "alerting/book.h"
#include "base/clock.h"
#include <string.h>

static bool due_before(const struct alarm_book *book, uint32_t a, uint32_t b)
{
    const int64_t end_a = book->alarms[a].shelf_ns, end_b = book->alarms[b].shelf_ns;
    return end_a < end_b || (end_a == end_b && a < b);
}

void book_shelf_put(struct alarm_book *book, uint32_t alarm, int64_t end_ns)
{
    book_shelf_take(book, alarm);
    struct book_shelf *shelf = &book->shelf;
    book->alarms[alarm].shelf_ns = end_ns;
    size_t at = shelf->count++;
    for (; at > 0 && due_before(book, alarm, shelf->alarms[at - 1]); at--) {
        shelf->alarms[at] = shelf->alarms[at - 1];
    }
    shelf->alarms[at] = alarm;
}

void book_shelf_take(struct alarm_book *book, uint32_t alarm)
{
    struct book_shelf *shelf = &book->shelf;
    if (book->alarms[alarm].shelf_ns == 0) {
        return;
    }
    size_t at = 0;
    while (shelf->alarms[at] != alarm) {
        at++;
    }
    shelf->count--;
    memmove(&shelf->alarms[at], &shelf->alarms[at + 1], (shelf->count - at) * sizeof *shelf->alarms);
    book->alarms[alarm].shelf_ns = 0;
}

int64_t alarm_book_next_due(const struct alarm_book *book)
{
    return book->shelf.count == 0 ? TIME_NEVER : book->alarms[book->shelf.alarms[0]].shelf_ns;
}

void alarm_book_due(struct alarm_book *book, int64_t clock_ns, const struct board *board)
{
    alarm_book_lend_board(book, board);
    while (alarm_book_next_due(book) <= clock_ns && book->shelf.count > 0) {
        const uint32_t alarm = book->shelf.alarms[0];
        const int64_t end_ns = book->alarms[alarm].shelf_ns;
        book_shelf_take(book, alarm);
        book_look(book, alarm);
        book_say(book, alarm, EV_UNSHELVED, book->alarms[alarm].level, LEVEL_NONE, end_ns);
    }
}
