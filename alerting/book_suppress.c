/*
 * book_suppress: `suppressed_by`, without looking at every alarm at each event.
 *
 * At load the alarms of rules that take part are put into cells, one per rule
 * and hazard; a cell knows how many of its alarms are active, which cells it
 * suppresses and which suppress it.  So the first active alarm of a cell, and
 * the end of its last, touch just the alarms of that hazard.
 *
 *   victim: active alarm of a cell one of whose causes has active > 0
 *
 * A change is told at the victim's own place in the order of the step (one row,
 * one phase of an instant), last of what the step says of it; a victim whose
 * place has passed is told directly after its cause's events.  So a victim that clears in
 * the step in which its cause ends clears without a word.  An alarm without
 * hazard is not concerned.
 * Pure.  Memory: the book's arena, at load.
 */
#include "alerting/book.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

/* ---- building the index ------------------------------------------------------------------------------------------ */

struct place {
    uint32_t rule, hazard, alarm;
};

static int compare_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const int by_rule = compare_u32(x->rule, y->rule);
    const int by_hazard = compare_u32(x->hazard, y->hazard);
    return by_rule != 0 ? by_rule : by_hazard != 0 ? by_hazard : compare_u32(x->alarm, y->alarm);
}

/* Which rules name another or are named. */
static bool *rules_concerned(const struct site *site)
{
    bool *concerned = memory_new(site->rule_count, sizeof *concerned);
    for (size_t r = 0; r < site->rule_count; r++) {
        const struct site_rule *rule = &site->rules[r];
        for (size_t i = 0; i < rule->suppressed_by_count; i++) {
            concerned[r] = true;
            concerned[rule->suppressed_by[i]] = true;
        }
    }
    return concerned;
}

/* Gives all alarms with a hazard of rules that take part, sorted by rule, hazard, alarm. */
static struct place *sorted_places(const struct site *site, size_t *ret_count)
{
    bool *concerned = rules_concerned(site);
    struct place *places = memory_new(site->alarm_count, sizeof *places);
    size_t count = 0;
    for (uint32_t i = 0; i < site->alarm_count; i++) {
        const struct site_alarm *alarm = &site->alarms[i];
        if (concerned[alarm->rule] && alarm->hazard != SITE_NONE) {
            places[count++] = (struct place){.rule = alarm->rule, .hazard = alarm->hazard, .alarm = i};
        }
    }
    qsort(places, count, sizeof *places, compare_places);
    free(concerned);
    *ret_count = count;
    return places;
}

static void fill_cells(struct alarm_book *book, const struct place *places, size_t count)
{
    struct book_suppress *index = &book->suppress;
    for (size_t i = 0; i < count; i++) {
        struct book_cell *cell = index->cell_count == 0 ? NULL : &index->cells[index->cell_count - 1];
        if (cell == NULL || cell->rule != places[i].rule || cell->hazard != places[i].hazard) {
            cell = &index->cells[index->cell_count++];
            *cell = (struct book_cell){.rule = places[i].rule, .hazard = places[i].hazard, .first = (uint32_t)i};
        }
        cell->count++;
        index->alarms[i] = places[i].alarm;
        book->alarms[places[i].alarm].cell = index->cell_count - 1;
    }
}

static uint32_t find_cell(const struct book_suppress *index, uint32_t rule, uint32_t hazard)
{
    uint32_t low = 0, high = index->cell_count;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        const struct book_cell *cell = &index->cells[mid];
        if (cell->rule < rule || (cell->rule == rule && cell->hazard < hazard)) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    const bool found = low < index->cell_count && index->cells[low].rule == rule && index->cells[low].hazard == hazard;
    return found ? low : SITE_NONE;
}

/* Counts the links between cells, or (fill) writes them; victims come out rising because the outer loop does. */
static void link_cells(struct alarm_book *book, bool fill)
{
    struct book_suppress *index = &book->suppress;
    for (uint32_t v = 0; v < index->cell_count; v++) {
        struct book_cell *victim = &index->cells[v];
        const struct site_rule *rule = &book->site->rules[victim->rule];
        for (size_t i = 0; i < rule->suppressed_by_count; i++) {
            const uint32_t c = find_cell(index, rule->suppressed_by[i], victim->hazard);
            if (c == SITE_NONE) {
                continue;
            }
            struct book_cell *cause = &index->cells[c];
            if (fill) {
                victim->causes[victim->cause_count] = c;
                cause->victims[cause->victim_count] = v;
            }
            victim->cause_count++;
            cause->victim_count++;
        }
    }
}

void book_suppress_build(struct alarm_book *book)
{
    struct book_suppress *index = &book->suppress;
    for (size_t i = 0; i < book->site->alarm_count; i++) {
        book->alarms[i].cell = SITE_NONE;
    }
    size_t count;
    struct place *places = sorted_places(book->site, &count);
    index->cells = ARENA_ARRAY(&book->arena, struct book_cell, count);
    index->alarms = ARENA_ARRAY(&book->arena, uint32_t, count);
    index->due = ARENA_ARRAY(&book->arena, struct book_due, count);
    fill_cells(book, places, count);
    free(places);
    link_cells(book, false);
    for (uint32_t i = 0; i < index->cell_count; i++) {
        struct book_cell *cell = &index->cells[i];
        cell->victims = ARENA_ARRAY(&book->arena, uint32_t, cell->victim_count);
        cell->causes = ARENA_ARRAY(&book->arena, uint32_t, cell->cause_count);
        cell->victim_count = cell->cause_count = 0;
    }
    link_cells(book, true);
}

/* ---- keeping it -------------------------------------------------------------------------------------------------- */

static struct book_cell *cell_of(const struct alarm_book *book, uint32_t alarm)
{
    const uint32_t cell = book->alarms[alarm].cell;
    return cell == SITE_NONE ? NULL : &book->suppress.cells[cell];
}

static bool cell_is_suppressed(const struct alarm_book *book, const struct book_cell *cell)
{
    for (uint32_t i = 0; i < cell->cause_count; i++) {
        if (book->suppress.cells[cell->causes[i]].active > 0) {
            return true;
        }
    }
    return false;
}

void book_suppress_count(struct alarm_book *book, uint32_t alarm)
{
    struct book_cell *cell = cell_of(book, alarm);
    if (cell != NULL) {
        cell->active++;
    }
}

static void say_suppressed(struct alarm_book *book, uint32_t alarm, bool suppressed, int64_t time_ns)
{
    struct book_alarm *state = &book->alarms[alarm];
    state->suppressed = suppressed;
    book_say(book, alarm, suppressed ? EV_SUPPRESSED : EV_UNSUPPRESSED, state->level, LEVEL_NONE, time_ns);
}

/* Gives where an alarm stands, or belongs, in the rising list of those to be settled. */
static uint32_t find_due(const struct book_suppress *index, uint32_t alarm)
{
    uint32_t at = index->due_count;
    while (at > 0 && index->due[at - 1].alarm >= alarm) {
        at--;
    }
    return at;
}

static bool is_due(const struct book_suppress *index, uint32_t at, uint32_t alarm)
{
    return at < index->due_count && index->due[at].alarm == alarm;
}

/* Notes an alarm to be settled at its place, at the time of the first cause that began or the last that ended. */
static void settle_later(struct book_suppress *index, uint32_t alarm, bool began, int64_t time_ns)
{
    const uint32_t at = find_due(index, alarm);
    if (!is_due(index, at, alarm)) {
        memmove(&index->due[at + 1], &index->due[at], (index->due_count - at) * sizeof *index->due);
        index->due[at] = (struct book_due){.time_ns = time_ns, .alarm = alarm};
        index->due_count++;
    } else if (!began) {
        index->due[at].time_ns = time_ns;
    }
}

/* A cell that others wait for began or ended with this alarm's event: notes the victims. */
static void note_victims(struct alarm_book *book, const struct book_cell *cause, uint32_t alarm)
{
    struct book_suppress *index = &book->suppress;
    for (uint32_t v = 0; v < cause->victim_count; v++) {
        const struct book_cell *cell = &index->cells[cause->victims[v]];
        for (uint32_t i = cell->first; i < cell->first + cell->count; i++) {
            settle_later(index, index->alarms[i], cause->active > 0, book->alarms[alarm].time_ns);
        }
    }
}

void book_suppress_upto(struct alarm_book *book, uint32_t alarm)
{
    struct book_suppress *index = &book->suppress;
    uint32_t done = 0;
    for (; done < index->due_count && index->due[done].alarm < alarm; done++) {
        book_look(book, index->due[done].alarm);
        book_suppress_settle(book, index->due[done].alarm, index->due[done].time_ns);
    }
    if (done > 0) {
        index->due_count -= done;
        memmove(index->due, index->due + done, index->due_count * sizeof *index->due);
    }
}

void alarm_book_end_step(struct alarm_book *book)
{
    book_suppress_upto(book, SITE_NONE);
}

void book_suppress_raised(struct alarm_book *book, uint32_t alarm)
{
    struct book_cell *cell = cell_of(book, alarm);
    if (cell != NULL && cell->active++ == 0) {
        note_victims(book, cell, alarm);
    }
}

void book_suppress_settle(struct alarm_book *book, uint32_t alarm, int64_t time_ns)
{
    const struct book_alarm *state = &book->alarms[alarm];
    const struct book_cell *cell = cell_of(book, alarm);
    const bool suppressed = cell != NULL && cell_is_suppressed(book, cell);
    if (book_is_active(state) && state->suppressed != suppressed) {
        say_suppressed(book, alarm, suppressed, time_ns);
    }
}

void book_suppress_own(struct alarm_book *book, uint32_t alarm, int64_t time_ns)
{
    const struct book_suppress *index = &book->suppress;
    const uint32_t at = find_due(index, alarm);
    book_suppress_settle(book, alarm, is_due(index, at, alarm) ? index->due[at].time_ns : time_ns);
}

void book_suppress_cleared(struct alarm_book *book, uint32_t alarm)
{
    struct book_cell *cell = cell_of(book, alarm);
    if (cell != NULL && --cell->active == 0) {
        note_victims(book, cell, alarm);
    }
}
