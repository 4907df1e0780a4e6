/* probe_ask: the way to a device and back, with one deadline for all of it; see probe.h. */
#include "app/probe.h"

#include "base/clock.h"
#include "model/site_url.h"
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MODBUS_PORT = 502, TRANSACTION = 1 };

enum err_code probe_url(const char *text, struct probe *probe, struct err *err)
{
    static const char scheme[] = "modbus://";
    if (strncmp(text, scheme, sizeof scheme - 1) != 0) {
        return err_set(err, ERR_INPUT, "\"%s\" is no address of a device; write modbus://host:port", text);
    }
    const char *host;
    size_t len;
    const char *fault = site_split_host(text + sizeof scheme - 1, MODBUS_PORT, &host, &len, &probe->port);
    if (fault == NULL && probe->port == 0) {
        fault = "0 is no port of a device";
    }
    if (fault != NULL || len >= sizeof probe->host) {
        return err_set(err, ERR_INPUT, "\"%s\": %s", text, fault != NULL ? fault : "the host's name is too long");
    }
    memcpy(probe->host, host, len);
    probe->host[len] = '\0';
    return ERR_NONE;
}

/* Waits until the descriptor is ready; false with errno when it is not in time. */
static bool wait_ready(int fd, short events, int64_t until_ns)
{
    for (;;) {
        const int64_t left_ns = until_ns - clock_mono_ns();
        struct pollfd ready = {.fd = fd, .events = events};
        const int n = left_ns > 0 ? poll(&ready, 1, (int)(left_ns / NS_PER_MS + 1)) : 0;
        if (n > 0) {
            return true;
        }
        if (n == 0) {
            errno = ETIMEDOUT;
            return false;
        }
        if (errno != EINTR) {
            return false;
        }
    }
}

/* Connects to one address; the descriptor, or -1 with errno. */
static int connect_to(const struct addrinfo *address, int64_t until_ns)
{
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    int fault = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (fault == EINPROGRESS) {
        socklen_t size = sizeof fault;
        if (!wait_ready(fd, POLLOUT, until_ns) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &size) != 0) {
            fault = errno;
        }
    }
    if (fault != 0) {
        (void)close(fd);
        errno = fault;
        return -1;
    }
    return fd;
}

/* Tries the addresses of the host, one after the other. */
static enum err_code open_connection(const struct probe *probe, int64_t until_ns, int *ret_fd, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char port[8];
    (void)snprintf(port, sizeof port, "%u", probe->port);
    const int fault = getaddrinfo(probe->host, port, &hints, &list);
    if (fault != 0) {
        return err_set(err, ERR_ENV, "%s is not found (%s); check the name, or write the address", probe->host,
                       gai_strerror(fault));
    }
    int fd = -1;
    for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = connect_to(a, until_ns);
    }
    const int why = errno;
    freeaddrinfo(list);
    if (fd >= 0) {
        *ret_fd = fd;
        return ERR_NONE;
    }
    const char *hint = why == ECONNREFUSED ? "the host is there, nothing listens on this port; check the port, and "
                                             "whether the device allows one more client"
                                           : "check address, cable and firewall";
    return err_set(err, ERR_ENV, "%s port %u cannot be reached: %s; %s", probe->host, probe->port, strerror(why), hint);
}

/* What the exceptions of the standard mean to somebody who asks for registers. */
static enum err_code exception_error(const struct probe *probe, uint8_t exception, struct err *err)
{
    static const struct {
        uint8_t exception;
        enum err_code code;
        const char *words;
    } known[] = {
        {1, ERR_NO, "the device does not know this function; try another --table"},
        {2, ERR_NO,
         "the device has no such address; try --count 1, another --address, or another --table (manuals "
         "often count from 1, and 4xxxx means holding, 3xxxx input)"},
        {3, ERR_NO, "the device refuses the count; try a smaller --count"},
        {4, ERR_ENV, "the device failed while it read the value"},
        {5, ERR_ENV, "the device needs more time; ask again later"},
        {6, ERR_ENV, "the device is busy; ask again later"},
        {8, ERR_ENV, "the device found its memory damaged"},
        {10, ERR_ENV, "the gateway has no way to this unit; check --unit and the gateway's table"},
        {11, ERR_ENV, "the unit behind the gateway does not answer; check --unit, its power and its line"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].exception == exception) {
            return err_set(err, known[i].code, "unit %u answers exception %u: %s", probe->unit, exception,
                           known[i].words);
        }
    }
    return err_set(err, ERR_NO, "unit %u answers exception %u, which the standard does not know", probe->unit,
                   exception);
}

/* Reads until the answer is there.  Frames that answer something else are passed over. */
static enum err_code receive(const struct probe *probe, int fd, const struct mbus_request *request, int64_t until_ns,
                             uint8_t ret_payload[MBUS_PDU_MAX], struct err *err)
{
    uint8_t bytes[2 * MBUS_ADU_MAX];
    size_t len = 0;
    for (;;) {
        struct mbus_reply reply;
        switch (mbus_frame_check(FRAMING_TCP, request, bytes, len, &reply)) {
        case FRAME_REPLY:
            memcpy(ret_payload, reply.payload, mbus_payload_size(request));
            return ERR_NONE;
        case FRAME_EXCEPTION:
            return exception_error(probe, reply.exception, err);
        case FRAME_STRANGER:
            len -= reply.size;
            memmove(bytes, bytes + reply.size, len);
            continue;
        case FRAME_WRONG:
            return err_set(err, ERR_ENV, "the answer does not match the request: wrong unit, function or length");
        case FRAME_GARBAGE:
            return err_set(err, ERR_ENV, "what comes back is not Modbus TCP; is this the right port?");
        case FRAME_PARTIAL:
            break;
        }
        if (!wait_ready(fd, POLLIN, until_ns)) {
            return err_set(err, ERR_ENV, "unit %u does not answer in time; check --unit, or allow a longer --timeout",
                           probe->unit);
        }
        const ssize_t n = recv(fd, bytes + len, sizeof bytes - len, 0);
        if (n == 0) {
            return err_set(err, ERR_ENV,
                           "the device closes the connection instead of answering; check --unit, and "
                           "whether it allows one more client");
        }
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return err_set(err, ERR_ENV, "the connection is lost: %s", strerror(errno));
        }
        len += n > 0 ? (size_t)n : 0;
    }
}

enum err_code probe_ask(const struct probe *probe, uint8_t ret_payload[MBUS_PDU_MAX], struct err *err)
{
    static const uint8_t functions[] = {[TABLE_INPUT] = FUNCTION_INPUTS,
                                        [TABLE_HOLDING] = FUNCTION_HOLDINGS,
                                        [TABLE_COIL] = FUNCTION_COILS,
                                        [TABLE_DISCRETE] = FUNCTION_DISCRETES};
    const struct mbus_request request = {.transaction = TRANSACTION,
                                         .unit = probe->unit,
                                         .function = functions[probe->table],
                                         .address = probe->address,
                                         .count = probe->count};
    uint8_t frame[MBUS_ADU_MAX];
    const size_t len = mbus_frame_request(FRAMING_TCP, &request, frame);
    const int64_t until_ns = clock_mono_ns() + probe->timeout_ns;
    int fd = -1;
    enum err_code code = open_connection(probe, until_ns, &fd, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (send(fd, frame, len, MSG_NOSIGNAL) == (ssize_t)len) { /* an empty socket takes 12 bytes at once */
        code = receive(probe, fd, &request, until_ns, ret_payload, err);
    } else {
        code = err_set(err, ERR_ENV, "the request cannot be sent: %s", strerror(errno));
    }
    (void)close(fd);
    return code;
}
