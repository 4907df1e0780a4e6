/*
 * garble_server: see garble_server.h.
 *
 * Pieces wait in a short queue of their connection and leave when they are
 * due, one after the other: one that is dribbled holds up those behind it.  A
 * cut reply throws away what waits, because a stream that goes on in the
 * middle of a frame with another's bytes is beyond any receiver.
 *
 * On lines without transaction ids a reply must not leave much after its
 * time-out (garble_wire.h).  So what has waited too long, for this process or
 * in it, is not sent at all.
 */
#include "garble_server.h"

#include "base/clock.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QUEUE = 12, PEERS_MAX = 2 * GARBLE_LINKS_MAX, EVENTS = 128, DRIBBLE_US = 400, TICK_MS = 1 };

struct waiting {
    int64_t due_ns, until_ns; /* not before; not after */
    bool dribble, cuts;
    enum garble_end end;
    size_t sent, len;
    uint8_t bytes[2 * GARBLE_FRAME_MAX];
};

struct peer {
    int fd; /* -1: free */
    unsigned link;
    size_t filled;
    uint8_t in[512];
    struct garble_past past;
    size_t count;
    struct waiting queue[QUEUE]; /* in no order */
    bool dribbling;              /* queue[0] is half sent */
};

struct served {
    struct garble_shared *shared;
    int64_t timeout_ns;
    int64_t now_ns;
    bool lagging; /* this process slept longer than it wanted */
    uint64_t chance;
    int epoll;
    int listeners[GARBLE_LINKS_MAX];
    struct peer peers[PEERS_MAX];
};

/* ---- values ------------------------------------------------------------------------------------------------------ */

bool garble_is_rtu(unsigned link)
{
    return link % 4 == 3;
}

unsigned garble_units(unsigned link)
{
    return link % 2 == 1 ? GARBLE_UNITS : 1;
}

unsigned garble_index(unsigned link, unsigned unit, unsigned table, unsigned place)
{
    return ((link * GARBLE_UNITS + unit - 1) * GARBLE_TABLES + table) * GARBLE_PLACES + place;
}

uint64_t garble_value(unsigned index, uint64_t number)
{
    uint64_t chance = (uint64_t)index << 24 | (number & 0xffffff);
    const uint64_t where = (number & 0xffffff) << 19 | index;
    return where << 10 | (garble_draw(&chance) & 0x3ff);
}

bool garble_value_read(unsigned index, uint64_t value, uint64_t *ret_number)
{
    *ret_number = value >> 29;
    return value == garble_value(index, *ret_number);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static void bump(struct cell *cell)
{
    cell_set(cell, cell_get(cell) + 1);
}

/* Notes that the point is asked for now; gives what it answers. */
static uint64_t ask(const struct served *served, unsigned index)
{
    struct garble_asked *asked = &served->shared->asked[index];
    const uint64_t number = cell_get(&asked->number) + 1;
    cell_set(&asked->at_ns[number % GARBLE_TIMES], (uint64_t)served->now_ns);
    cell_set(&asked->number, number);
    return garble_value(index, number);
}

static void fill(const struct served *served, const struct peer *peer, const uint8_t *request,
                 struct garble_reply *ret_reply)
{
    const unsigned first = (unsigned)request[2] << 8 | request[3];
    const unsigned count = (unsigned)request[4] << 8 | request[5];
    ret_reply->unit = request[0];
    ret_reply->pdu[0] = request[1];
    ret_reply->pdu[1] = (uint8_t)(2 * count);
    ret_reply->len = 2 + 2 * (size_t)count;
    for (unsigned word = 0; word < count; word += GARBLE_WORDS) {
        const unsigned place = (first + word) % GARBLE_FAR / GARBLE_WORDS;
        const unsigned table = request[1] == 4 || first >= GARBLE_FAR;
        const uint64_t value = ask(served, garble_index(peer->link, request[0], table, place));
        for (unsigned i = 0; i < 8 && 2 * word + i < 2 * count; i++) {
            ret_reply->pdu[2 + 2 * word + i] = (uint8_t)(value >> (56 - 8 * i));
        }
    }
}

static void enqueue(const struct served *served, struct peer *peer, const struct garble_plan *plan)
{
    const bool cuts = plan->kind == GARBLE_TRUNCATED || plan->kind == GARBLE_HANGUP;
    for (unsigned i = 0; i < plan->count && peer->count < QUEUE; i++) {
        struct waiting *waiting = &peer->queue[peer->count++];
        waiting->due_ns = served->now_ns + plan->pieces[i].delay_us * NS_PER_US;
        waiting->until_ns = garble_is_rtu(peer->link) ? served->now_ns + served->timeout_ns * 16 / 10 : INT64_MAX;
        waiting->dribble = plan->pieces[i].dribble;
        waiting->cuts = cuts;
        waiting->end = plan->end;
        waiting->sent = 0;
        waiting->len = plan->pieces[i].len;
        memcpy(waiting->bytes, plan->pieces[i].bytes, waiting->len);
    }
}

/* request: unit, function, address, count */
static void take(struct served *served, struct peer *peer, uint16_t transaction, const uint8_t *request)
{
    struct garble_reply reply = {.transaction = transaction};
    struct garble_plan plan;
    const bool rtu = garble_is_rtu(peer->link);
    bump(&served->shared->requests);
    if (rtu) { /* who is asked anew on such a line says no more about what was asked before */
        peer->count = 0;
        peer->dribbling = false;
    }
    fill(served, peer, request, &reply);
    if (rtu && served->lagging) {
        bump(&served->shared->kinds[GARBLE_DROPPED]);
        return;
    }
    garble_plan(rtu, cell_get(&served->shared->calm) != 0, served->timeout_ns / NS_PER_US, &reply, &peer->past,
                &served->chance, &plan);
    bump(&served->shared->kinds[plan.kind]);
    enqueue(served, peer, &plan);
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

static void hang_up(struct peer *peer, enum garble_end end)
{
    const struct linger hard = {.l_onoff = end == GARBLE_RESET, .l_linger = 0};
    (void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    (void)close(peer->fd);
    peer->fd = -1;
}

static void on_bytes(struct served *served, struct peer *peer)
{
    const bool rtu = garble_is_rtu(peer->link);
    const size_t size = rtu ? 8 : 12;
    const ssize_t got = read(peer->fd, peer->in + peer->filled, sizeof peer->in - peer->filled);
    if (got < 0 && errno == EAGAIN) {
        return; /* told of the connection that had this place before */
    }
    if (got <= 0) {
        hang_up(peer, GARBLE_FIN);
        return;
    }
    served->now_ns = clock_mono_ns(); /* this process, too, may have been held up */
    peer->filled += (size_t)got;
    size_t at = 0;
    for (; peer->filled - at >= size; at += size) {
        const uint8_t *bytes = peer->in + at;
        take(served, peer, (uint16_t)(rtu ? 0 : bytes[0] << 8 | bytes[1]), rtu ? bytes : bytes + 6);
    }
    memmove(peer->in, peer->in + at, peer->filled - at);
    peer->filled -= at;
}

static void on_connection(struct served *served, unsigned link)
{
    const int on = 1;
    const int fd = accept4(served->listeners[link], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    for (unsigned i = 0; fd >= 0 && i < PEERS_MAX; i++) {
        struct peer *peer = &served->peers[i];
        if (peer->fd >= 0) {
            continue;
        }
        struct epoll_event add = {.events = EPOLLIN, .data.u32 = GARBLE_LINKS_MAX + i};
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)epoll_ctl(served->epoll, EPOLL_CTL_ADD, fd, &add);
        peer->fd = fd;
        peer->link = link;
        peer->filled = 0;
        peer->count = 0;
        peer->dribbling = false;
        peer->past.count = peer->past.next = 0;
        return;
    }
    (void)close(fd);
}

/* ---- leaving ----------------------------------------------------------------------------------------------------- */

static void remove_waiting(struct peer *peer, size_t i)
{
    if (i < --peer->count) {
        peer->queue[i] = peer->queue[peer->count];
    }
}

/* Sends what it may of one piece; false: the connection has ended. */
static bool send_piece(struct served *served, struct peer *peer, size_t i)
{
    struct waiting *waiting = &peer->queue[i];
    size_t len = waiting->len - waiting->sent;
    if (waiting->dribble && len > 2) {
        len = 1 + (size_t)garble_below(&served->chance, 2);
    }
    if (waiting->until_ns != INT64_MAX && clock_mono_ns() > waiting->until_ns) { /* whatever held us up since now_ns */
        peer->dribbling = false;                                                 /* what was begun stays unfinished */
        remove_waiting(peer, i);
        return true;
    }
    if (len > 0 && send(peer->fd, waiting->bytes + waiting->sent, len, MSG_NOSIGNAL) != (ssize_t)len) {
        hang_up(peer, GARBLE_FIN);
        return false;
    }
    waiting->sent += len;
    waiting->due_ns = served->now_ns + DRIBBLE_US * NS_PER_US;
    if (waiting->sent < waiting->len) {
        const struct waiting first = peer->queue[0]; /* goes on before all others */
        peer->queue[0] = *waiting;
        peer->queue[i] = i == 0 ? peer->queue[0] : first;
        peer->dribbling = true;
        return true;
    }
    peer->dribbling = false;
    const enum garble_end end = waiting->end;
    if (waiting->cuts) {
        peer->count = 0;
    } else {
        remove_waiting(peer, i);
    }
    if (end != GARBLE_GOES_ON) {
        hang_up(peer, end);
        return false;
    }
    return true;
}

static void send_due(struct served *served, struct peer *peer)
{
    for (size_t i = 0; i < (peer->dribbling ? 1 : peer->count);) {
        const size_t before = peer->count;
        if (peer->queue[i].due_ns > served->now_ns) {
            i++;
        } else if (!send_piece(served, peer, i)) {
            return;
        } else if (peer->dribbling) {
            return;
        } else {
            i = peer->count == before ? i + 1 : 0;
        }
    }
}

static _Noreturn void serve(struct served *served, unsigned links)
{
    struct epoll_event events[EVENTS];
    served->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < PEERS_MAX; i++) {
        served->peers[i].fd = -1;
    }
    for (unsigned i = 0; i < links; i++) {
        struct epoll_event add = {.events = EPOLLIN, .data.u32 = i};
        (void)epoll_ctl(served->epoll, EPOLL_CTL_ADD, served->listeners[i], &add);
    }
    for (int64_t before_ns = clock_mono_ns();; before_ns = served->now_ns) {
        const int n = epoll_wait(served->epoll, events, EVENTS, TICK_MS);
        served->now_ns = clock_mono_ns();
        served->lagging = served->now_ns - before_ns > served->timeout_ns / 4;
        for (int i = 0; i < n; i++) {
            const unsigned which = events[i].data.u32;
            if (which < GARBLE_LINKS_MAX) {
                on_connection(served, which);
            } else if (served->peers[which - GARBLE_LINKS_MAX].fd >= 0) {
                on_bytes(served, &served->peers[which - GARBLE_LINKS_MAX]);
            }
        }
        for (unsigned i = 0; i < PEERS_MAX; i++) {
            if (served->peers[i].fd >= 0 && served->peers[i].count > 0) {
                send_due(served, &served->peers[i]);
            }
        }
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static int listen_somewhere(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        return -1;
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

bool garble_server_start(struct garble_server *server, unsigned links, int64_t timeout_ns, uint64_t seed)
{
    struct served *served = calloc(1, sizeof *served);
    server->shared = mmap(NULL, sizeof *server->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool sound = served != NULL && server->shared != MAP_FAILED;
    for (unsigned i = 0; i < links && sound; i++) {
        served->listeners[i] = listen_somewhere(&server->ports[i]);
        sound = served->listeners[i] >= 0;
    }
    if (!sound) {
        return false; /* the caller ends */
    }
    served->shared = server->shared;
    served->timeout_ns = timeout_ns;
    served->chance = seed;
    server->pid = fork();
    if (server->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(served, links);
    }
    for (unsigned i = 0; i < links; i++) {
        (void)close(served->listeners[i]);
    }
    free(served);
    return server->pid > 0;
}

void garble_server_stop(struct garble_server *server)
{
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
    (void)munmap(server->shared, sizeof *server->shared);
}
