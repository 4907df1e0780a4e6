/*
 * mbus_queue: the reads of one connection that are due, oldest first.
 *
 * Taking passes over those whose units have to leave the line to the others
 * for now (mbus_share).
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

static bool is_held_back(const struct bus_link *link, const struct bus_read *read)
{
    return share_holds_back(&link->share, (uint32_t)(read->unit - link->units), link->worker->mono_ns);
}

struct bus_read *link_queue_take(struct bus_link *link)
{
    struct bus_read *before = NULL;
    struct bus_read *read = link->queue_head;
    while (read != NULL && is_held_back(link, read)) {
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
    const struct bus_read *read = link->queue_head;
    while (read != NULL && is_held_back(link, read)) {
        read = read->next;
    }
    if (read != NULL) {
        return link->ready_ns;
    }
    const int64_t later_ns = link->share.greedy_ns > link->ready_ns ? link->share.greedy_ns : link->ready_ns;
    return link->queue_head != NULL ? later_ns : TIME_NEVER;
}

struct bus_read *link_queue_pop(struct bus_link *link)
{
    link->share.greedy_ns = 0;
    return link_queue_take(link);
}
