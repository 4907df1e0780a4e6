/*
 * device: see device.h.
 */
#include "device.h"

#include "base/clock.h"
#include "ingest/mbus_frame.h"
#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum { WAIT_MS = 5, SLOW_MS = 60, TARDY_MS = 250, NOISE_MS = 15 };

/* One connection. */
struct peer {
    struct device *device;
    int fd;
    uint8_t bytes[512];
    size_t len;
    uint8_t held[MBUS_ADU_MAX]; /* MOOD_LATE: the answer not yet sent */
    size_t held_len;
    unsigned turn;
};

uint16_t device_value(uint8_t unit, uint16_t address)
{
    return (uint16_t)(unit * 257U + address * 31U + 7U);
}

static void bump(struct cell *cell)
{
    cell_set(cell, cell_get(cell) + 1);
}

static void send_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t sent = write(fd, bytes, len);
        if (sent <= 0) {
            return; /* the other side has gone; the reading side will see it */
        }
        bytes += sent;
        len -= (size_t)sent;
    }
}

static enum mood mood_of(const struct device *device, uint8_t unit)
{
    const uint64_t odd = cell_get(&device->odd_unit);
    return (enum mood)cell_get(odd != 0 && odd == unit ? &device->odd_mood : &device->mood);
}

static size_t answer(const struct peer *peer, uint16_t tid, uint8_t unit, const uint8_t *pdu, uint8_t *frame)
{
    const struct device *device = peer->device;
    const enum mbus_framing framing = device->rtu ? FRAMING_RTU : FRAMING_TCP;
    const enum mood mood = mood_of(device, unit);
    const uint16_t address = (uint16_t)(pdu[1] << 8 | pdu[2]);
    const uint16_t count = (uint16_t)(pdu[3] << 8 | pdu[4]);
    const uint64_t hole = cell_get(&device->hole);
    uint8_t reply[MBUS_PDU_MAX] = {pdu[0]};
    size_t len = 2;
    if (mood == MOOD_EXCEPTION || mood == MOOD_REFUSE_ALL ||
        (hole > 0 && address <= hole - 1 && hole - 1 < (uint64_t)address + count)) {
        reply[0] |= 0x80;
        reply[1] = mood == MOOD_EXCEPTION ? 4 : 2;
        return mbus_frame_wrap(framing, tid, unit, reply, len, frame);
    }
    for (unsigned i = 0; i < count; i++) {
        const uint16_t value = device_value(unit, (uint16_t)(address + i));
        reply[len++] = (uint8_t)(value >> 8);
        reply[len++] = (uint8_t)value;
    }
    if (mood == MOOD_WRONG_COUNT) {
        len -= 2;
    }
    reply[1] = (uint8_t)(len - 2);
    tid = (uint16_t)(mood == MOOD_WRONG_ID ? tid + 77 : tid);
    return mbus_frame_wrap(framing, tid, (uint8_t)(mood == MOOD_WRONG_UNIT ? unit + 1 : unit), reply, len, frame);
}

static void dribble(const struct peer *peer, const uint8_t *frame, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        send_all(peer->fd, frame + i, 1);
        (void)poll(NULL, 0, 1);
    }
}

static void merged(const struct peer *peer, const uint8_t *frame, size_t len)
{
    uint8_t both[2 * MBUS_ADU_MAX];
    memcpy(both, frame, len);
    both[0] ^= 0x55; /* another transaction, other values */
    both[len - 1] ^= 0xFF;
    memcpy(both + len, frame, len);
    send_all(peer->fd, both, 2 * len);
}

static void late(struct peer *peer, const uint8_t *frame, size_t len)
{
    if (peer->turn++ % 2 == 0) {
        memcpy(peer->held, frame, len);
        peer->held_len = len;
        return;
    }
    send_all(peer->fd, peer->held, peer->held_len);
    send_all(peer->fd, frame, len);
}

static void pairs(struct peer *peer, const uint8_t *frame, size_t len)
{
    if (peer->turn++ % 2 == 0) {
        memcpy(peer->held, frame, len);
        peer->held_len = len;
        return;
    }
    send_all(peer->fd, frame, len);
    send_all(peer->fd, peer->held, peer->held_len);
}

/* Answers one request as the mood says; false: hang up. */
static bool serve(struct peer *peer, uint16_t tid, uint8_t unit, const uint8_t *pdu)
{
    static const uint8_t garbage[] = "HTTP/1.1 400 Bad Request\r\n";
    struct device *device = peer->device;
    uint8_t frame[MBUS_ADU_MAX];
    bump(&device->requests);
    const uint64_t count = (uint64_t)(pdu[3] << 8 | pdu[4]);
    cell_set(&device->longest, count > cell_get(&device->longest) ? count : cell_get(&device->longest));
    if (cell_get(&device->silent_unit) == unit) {
        bump(&device->silent_requests);
        return true;
    }
    const size_t len = answer(peer, tid, unit, pdu, frame);
    switch (mood_of(device, unit)) {
    case MOOD_SILENT:
        return true;
    case MOOD_LATE:
        late(peer, frame, len);
        return true;
    case MOOD_PAIRS:
        pairs(peer, frame, len);
        return true;
    case MOOD_DOUBLED:
        send_all(peer->fd, frame, len);
        send_all(peer->fd, frame, len);
        return true;
    case MOOD_DRIBBLE:
        dribble(peer, frame, len);
        return true;
    case MOOD_SLOW:
        (void)poll(NULL, 0, SLOW_MS);
        send_all(peer->fd, frame, len);
        return true;
    case MOOD_TARDY:
        (void)poll(NULL, 0, TARDY_MS);
        send_all(peer->fd, frame, len);
        return true;
    case MOOD_NOISY:
        send_all(peer->fd, garbage, sizeof garbage);
        (void)poll(NULL, 0, NOISE_MS);
        send_all(peer->fd, frame, len);
        return true;
    case MOOD_MERGED:
        merged(peer, frame, len);
        return true;
    case MOOD_GARBAGE:
        send_all(peer->fd, garbage, sizeof garbage);
        return true;
    case MOOD_TRUNCATED:
        send_all(peer->fd, frame, len / 2);
        return false;
    case MOOD_RESET:
        return false;
    default:
        send_all(peer->fd, frame, len);
        return true;
    }
}

/* Requests are always reads: 12 bytes over TCP, 8 over RTU. */
static bool receive(struct peer *peer)
{
    const size_t size = peer->device->rtu ? 8 : 12;
    const ssize_t got = read(peer->fd, peer->bytes + peer->len, sizeof peer->bytes - peer->len);
    if (got <= 0) {
        return false;
    }
    peer->len += (size_t)got;
    while (peer->len >= size) {
        const uint8_t *pdu;
        size_t pdu_len;
        uint16_t tid;
        uint8_t unit;
        const bool sound = mbus_frame_unwrap(peer->device->rtu ? FRAMING_RTU : FRAMING_TCP, peer->bytes, size, &tid,
                                             &unit, &pdu, &pdu_len);
        assert(sound);
        (void)sound;
        if (!serve(peer, tid, unit, pdu)) {
            return false;
        }
        memmove(peer->bytes, peer->bytes + size, peer->len - size);
        peer->len -= size;
    }
    return true;
}

static void hang_up(struct peer *peer)
{
    if (cell_get(&peer->device->mood) == MOOD_RESET) {
        const struct linger hard = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    (void)close(peer->fd);
    *peer = (struct peer){.device = peer->device, .fd = -1};
}

static void *run_tcp(void *arg)
{
    struct device *device = arg;
    struct peer peer = {.device = device, .fd = -1};
    while (cell_get(&device->stop) == 0) {
        struct pollfd fds[2] = {{.fd = device->listener, .events = POLLIN}, {.fd = peer.fd, .events = POLLIN}};
        (void)poll(fds, 2, WAIT_MS);
        if (fds[0].revents != 0) {
            if (peer.fd >= 0) {
                hang_up(&peer);
            }
            peer.fd = accept(device->listener, NULL, NULL);
            const int on = 1;
            (void)setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        } else if (peer.fd >= 0 && fds[1].revents != 0 && !receive(&peer)) {
            hang_up(&peer);
        }
    }
    if (peer.fd >= 0) {
        (void)close(peer.fd);
    }
    return NULL;
}

static void *run_serial(void *arg)
{
    struct device *device = arg;
    struct peer peer = {.device = device, .fd = device->line};
    while (cell_get(&device->stop) == 0) {
        struct pollfd fd = {.fd = peer.fd, .events = POLLIN};
        if (poll(&fd, 1, WAIT_MS) > 0 && (fd.revents & POLLIN) != 0) {
            (void)receive(&peer);
        } else if (fd.revents != 0) {
            (void)poll(NULL, 0, WAIT_MS); /* nobody has the other side open */
        }
    }
    return NULL;
}

void device_start(struct device *device, bool rtu)
{
    *device = (struct device){.line = -1, .rtu = rtu};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    device->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(device->listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(device->listener, 16) != 0 ||
        getsockname(device->listener, (struct sockaddr *)&address, &len) != 0) {
        abort();
    }
    device->port = ntohs(address.sin_port);
    if (pthread_create(&device->thread, NULL, run_tcp, device) != 0) {
        abort();
    }
}

void device_start_serial(struct device *device)
{
    *device = (struct device){.listener = -1, .rtu = true};
    device->line = posix_openpt(O_RDWR | O_NOCTTY);
    struct termios raw;
    if (device->line < 0 || grantpt(device->line) != 0 || unlockpt(device->line) != 0 ||
        ptsname_r(device->line, device->line_name, sizeof device->line_name) != 0 ||
        tcgetattr(device->line, &raw) != 0) {
        abort();
    }
    cfmakeraw(&raw);
    (void)tcsetattr(device->line, TCSANOW, &raw);
    if (pthread_create(&device->thread, NULL, run_serial, device) != 0) {
        abort();
    }
}

void device_stop(struct device *device)
{
    cell_set(&device->stop, 1);
    (void)pthread_join(device->thread, NULL);
    (void)close(device->listener >= 0 ? device->listener : device->line);
}
