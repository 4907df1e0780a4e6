/* control_ask: the client's side of the control socket; see control.h. */
#include "app/control.h"
#include "app/control_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static bool send_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        text += n;
        len -= (size_t)n;
    }
    return true;
}

static enum err_code ask(const char *store_path, const char *request, int64_t patience_s, control_line_fn *fn,
                         void *self, struct err *err)
{
    struct control_socket sock;
    enum err_code code = control_socket_connect(store_path, &sock, err);
    if (code != ERR_NONE) {
        return code;
    }
    struct timeval patience = {.tv_sec = patience_s};
    (void)setsockopt(sock.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    size_t lines = 0;
    FILE *in = NULL;
    if (send_all(sock.fd, request, strlen(request)) && send_all(sock.fd, "\n", 1)) {
        in = fdopen(dup(sock.fd), "r");
    }
    char *line = NULL;
    size_t room = 0;
    errno = 0;
    for (ssize_t n = 0; in != NULL && (n = getline(&line, &room, in)) > 0; lines++) {
        fn(self, line, (size_t)(line[n - 1] == '\n' ? n - 1 : n));
    }
    if (lines == 0) {
        const char *reason = errno == 0 ? "it closed the connection" : errno == EAGAIN ? "it is busy" : strerror(errno);
        code = err_set(err, ERR_ENV, "the monitor gave no answer (%s)", reason);
    }
    free(line);
    if (in != NULL) {
        (void)fclose(in);
    }
    control_socket_close(&sock);
    return code;
}

enum err_code control_ask(const char *store_path, const char *request, control_line_fn *fn, void *self, struct err *err)
{
    return ask(store_path, request, CONTROL_PATIENCE_S, fn, self, err);
}

enum err_code control_ask_long(const char *store_path, const char *request, control_line_fn *fn, void *self,
                               struct err *err)
{
    return ask(store_path, request, CONTROL_JOB_NS / NS_PER_S, fn, self, err);
}
