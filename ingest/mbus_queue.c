/*
 * mbus_queue: the reads of one connection that are due, oldest first.
 *
 * Taking passes over those whose units have to leave the line to the others
 * for now (mbus_share), or may yet give an old answer (RTU; mbus_line).
 */
#include "ingest/mbus_state.h"

void link_queue_add(struct bus_link *link, struct bus_read *read)
{
    read->queued = true;
    read->next = NULL;
    if (link->queue_tail != NULL) {
        link->queue_tail->next = read;
    } else {
        link->queue_head = read;
    }
    link->queue_tail = read;
}

/* From when on the read may be asked; 0: now. */
static int64_t held_until(const struct bus_link *link, const struct bus_read *read)
{
    const uint32_t unit = (uint32_t)(read->unit - link->units);
    const int64_t mono_ns = link->worker->mono_ns;
    const int64_t share_ns = share_holds_back(&link->share, unit, mono_ns) ? link->share.greedy_ns : 0;
    const int64_t quiet_ns = read->unit->quiet_ns > mono_ns ? read->unit->quiet_ns : 0;
    return quiet_ns > share_ns ? quiet_ns : share_ns;
}

struct bus_read *link_queue_take(struct bus_link *link)
{
    struct bus_read *before = NULL;
    struct bus_read *read = link->queue_head;
    while (read != NULL && held_until(link, read) > 0) {
        before = read;
        read = read->next;
    }
    if (read != NULL) {
        if (before != NULL) {
            before->next = read->next;
        } else {
            link->queue_head = read->next;
        }
        link->queue_tail = link->queue_tail == read ? before : link->queue_tail;
        read->queued = false;
    }
    return read;
}

int64_t link_queue_next(const struct bus_link *link)
{
    int64_t first_ns = TIME_NEVER;
    for (const struct bus_read *read = link->queue_head; read != NULL && first_ns > link->ready_ns; read = read->next) {
        const int64_t held_ns = held_until(link, read);
        first_ns = held_ns < first_ns ? held_ns : first_ns;
    }
    return first_ns < link->ready_ns ? link->ready_ns : first_ns;
}

struct bus_read *link_queue_pop(struct bus_link *link)
{
    struct bus_read *read = link->queue_head;
    if (read != NULL) {
        link->queue_head = read->next;
        link->queue_tail = link->queue_head == NULL ? NULL : link->queue_tail;
        read->queued = false;
    }
    link->share.greedy_ns = 0;
    return read;
}
