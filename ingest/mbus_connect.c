/*
 * mbus_connect: from DOWN to UP: names, sockets, serial lines.
 *
 * Whatever fails on the way is the link's affair (link_lost), and so is when to
 * try again.
 */
#include "ingest/mbus_state.h"

#include <errno.h>
#include <string.h>

static const int64_t connect_min_ns = NS_PER_S; /* a connection may take this long even if answers may not */

static void on_event(uv_poll_t *poll, int status, int events);

/* Nothing is known of a connection after trouble; after a renewal all that was known still holds. */
static void begin_anew(struct bus_link *link)
{
    link->proven = false;
    link->mute = 0;
    link->mute_ns = 0;
    link->ready_ns = link->worker->mono_ns;
    counter_set(link->count.connected, 1);
    if (link->was_up) {
        counter_add(link->count.reconnects, 1);
    }
    link->was_up = true;
    for (uint32_t i = 0; i < link->read_count; i++) {
        if (link->reads[i].lost) {
            link_due(link, &link->reads[i]); /* what was lost is asked at once, whatever its slot */
        }
    }
}

static void go_up(struct bus_link *link)
{
    link->state = LINK_UP;
    link_tap(link, WIRE_UP, NULL, 0);
    if (uv_poll_start(&link->poll, UV_READABLE, on_event) != 0) {
        link_lost(link, "the loop does not take the connection");
        return;
    }
    if (link->renewals_left > 0) {
        counter_add(link->count.renewals, 1);
    } else {
        begin_anew(link);
    }
    line_pump(link);
}

static void on_connected(struct bus_link *link)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        error = errno;
    }
    if (error == 0) {
        go_up(link);
    } else if (!link_renews_again(link)) {
        link_lost_errno(link, "no connection", error);
    }
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct bus_link *link = poll->data;
    link->worker->work++;
    (void)status; /* an error of the descriptor shows in what we do with it next */
    (void)events;
    if (link->state == LINK_CONNECTING) {
        on_connected(link);
    } else if (link->state == LINK_UP) {
        line_receive(link);
    }
}

static void watch(struct bus_link *link, int events)
{
    if (uv_poll_init(&link->worker->loop, &link->poll, link->fd) != 0) {
        link_lost(link, "the loop does not take the descriptor");
        return;
    }
    link->poll.data = link;
    link->poll_open = true;
    if (uv_poll_start(&link->poll, events, on_event) != 0) {
        link_lost(link, "the loop does not take the connection");
    }
}

static void start_connect(struct bus_link *link)
{
    link->fd = port_connect(&link->address, link->address_len);
    if (link->fd < 0) {
        const int error = errno;
        if (!link_renews_again(link)) {
            link_lost_errno(link, "no connection", error);
        }
        return;
    }
    const int64_t patience_ns = link->source->timeout_ns > connect_min_ns ? link->source->timeout_ns : connect_min_ns;
    link->state = LINK_CONNECTING;
    link->deadline_ns = link->worker->mono_ns + patience_ns;
    watch(link, UV_WRITABLE);
    link_wake_when_due(link);
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *found)
{
    struct bus_link *link = resolve->data;
    link->resolve_open = false;
    link->worker->work++;
    if (link->state == LINK_RESOLVING) {
        if (status == 0) {
            memcpy(&link->address, found->ai_addr, found->ai_addrlen);
            link->address_len = found->ai_addrlen;
            start_connect(link);
        } else {
            link_lost(link, "its name is not known");
        }
    }
    uv_freeaddrinfo(found);
}

static void start_resolve(struct bus_link *link)
{
    char service[8];
    (void)snprintf(service, sizeof service, "%u", link->source->port);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    link->state = LINK_RESOLVING;
    link->resolve.data = link;
    const int failed =
        uv_getaddrinfo(&link->worker->loop, &link->resolve, on_resolved, link->source->host, service, &hints);
    link->resolve_open = failed == 0;
    if (failed != 0) {
        link_lost(link, "its name cannot be looked up");
    }
}

static void start_serial(struct bus_link *link)
{
    link->fd = port_serial(link->source);
    if (link->fd < 0) {
        link_lost_errno(link, "the line cannot be opened", errno);
        return;
    }
    watch(link, UV_READABLE);
    if (link->fd >= 0) {
        go_up(link);
    }
}

void link_open_again(struct bus_link *link)
{
    start_connect(link);
}

void link_open(struct bus_link *link)
{
    if (link->source->type == SOURCE_MODBUS_RTU) {
        start_serial(link);
    } else if (port_address(link->source, &link->address, &link->address_len)) {
        start_connect(link);
    } else {
        start_resolve(link);
    }
}
