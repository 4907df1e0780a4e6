/*
 * mbus_port: descriptors for Modbus: TCP sockets and serial lines, opened
 * without blocking.
 */
#include "ingest/mbus_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum {
    USER_TIMEOUT_MS = 10000, /* a peer that does not even acknowledge our bytes for so long is gone */
    KEEP_IDLE_S = 30,        /* and one we rarely ask is looked after by the kernel */
    KEEP_INTERVAL_S = 5,
    KEEP_PROBES = 3,
};

struct baud {
    uint32_t rate;
    speed_t speed;
};

static const struct baud bauds[] = {
    {300, B300},       {600, B600},       {1200, B1200},     {1800, B1800},     {2400, B2400},
    {4800, B4800},     {9600, B9600},     {19200, B19200},   {38400, B38400},   {57600, B57600},
    {115200, B115200}, {230400, B230400}, {460800, B460800}, {921600, B921600},
};

static const struct baud *find_baud(uint32_t rate)
{
    for (size_t i = 0; i < sizeof bauds / sizeof *bauds; i++) {
        if (bauds[i].rate == rate) {
            return &bauds[i];
        }
    }
    return NULL;
}

bool port_has_baud(uint32_t baud)
{
    return find_baud(baud) != NULL;
}

enum err_code port_check(const struct site_source *source, struct err *err)
{
    if (source->type != SOURCE_MODBUS_RTU) {
        return source->host != NULL ? ERR_NONE : err_set(err, ERR_INPUT, "source \"%s\" has no host", source->id);
    }
    if (source->device == NULL) {
        return err_set(err, ERR_INPUT, "source \"%s\" has no device", source->id);
    }
    if (find_baud(source->baud) == NULL) {
        return err_set(err, ERR_INPUT, "source \"%s\": no serial line runs at %u baud; try 9600 or 19200", source->id,
                       source->baud);
    }
    return ERR_NONE;
}

bool port_address(const struct site_source *source, struct sockaddr_storage *ret_address, socklen_t *ret_len)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(source->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(source->port)};
    if (inet_pton(AF_INET, source->host, &v4.sin_addr) == 1) {
        memcpy(ret_address, &v4, sizeof v4);
        *ret_len = sizeof v4;
        return true;
    }
    if (inet_pton(AF_INET6, source->host, &v6.sin6_addr) == 1) {
        memcpy(ret_address, &v6, sizeof v6);
        *ret_len = sizeof v6;
        return true;
    }
    return false;
}

static void set_option(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof value); /* only helps: without it the connection works too */
}

int port_connect(const struct sockaddr_storage *address, socklen_t len)
{
    const int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_PROBES);
    if (connect(fd, (const struct sockaddr *)address, len) != 0 && errno != EINPROGRESS) {
        const int saved = errno;
        (void)close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static int set_line(int fd, const struct site_source *source)
{
    struct termios line;
    if (tcgetattr(fd, &line) != 0) {
        return -1;
    }
    cfmakeraw(&line);
    line.c_cflag |= CLOCAL | CREAD;
    line.c_cflag &= (tcflag_t) ~(PARENB | PARODD | CSTOPB | CSIZE | CRTSCTS);
    line.c_cflag |= source->data_bits == 7 ? CS7 : CS8;
    line.c_cflag |= source->stop_bits == 2 ? CSTOPB : 0;
    line.c_cflag |= source->parity == 'E' ? PARENB : 0;
    line.c_cflag |= source->parity == 'O' ? PARENB | PARODD : 0;
    line.c_cc[VMIN] = 0;
    line.c_cc[VTIME] = 0;
    const speed_t speed = find_baud(source->baud)->speed;
    if (cfsetispeed(&line, speed) != 0 || cfsetospeed(&line, speed) != 0) {
        return -1;
    }
    return tcsetattr(fd, TCSANOW, &line);
}

int port_serial(const struct site_source *source)
{
    const int fd = open(source->device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    if (set_line(fd, source) != 0) {
        const int saved = errno;
        (void)close(fd);
        errno = saved;
        return -1;
    }
    (void)tcflush(fd, TCIOFLUSH); /* what others left on the line is not for us */
    return fd;
}

int64_t port_frame_gap_ns(const struct site_source *source)
{
    /* Modbus over serial line V1.02, 2.5.1.1: 3.5 characters of 11 bits; fixed 1.75 ms above 19200 baud. */
    const int64_t least_ns = 1750 * NS_PER_US;
    if (source->type != SOURCE_MODBUS_RTU || source->baud > 19200 || source->baud == 0) {
        return least_ns;
    }
    return NS_PER_S * 77 / 2 / source->baud;
}
