/*
 * broker: child processes and their output.  See broker.h.
 */
#include "broker.h"
#include "base/clock.h"
#include "fixture.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE_S = 30 };

pid_t child_start(char *const argv[], int *ret_out)
{
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves nothing behind */
        (void)dup2(pipes[1], STDOUT_FILENO);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    (void)close(pipes[1]);
    if (ret_out != NULL) {
        *ret_out = pipes[0];
    } else {
        (void)close(pipes[0]);
    }
    return pid;
}

void child_end(pid_t pid, int signal)
{
    assert_int_equal(kill(pid, signal), 0);
    const int64_t deadline_ns = clock_mono_ns() + DEADLINE_S * NS_PER_S;
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (clock_mono_ns() > deadline_ns) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, NULL, 0);
            fail_msg("process %d did not end", (int)pid);
        }
        (void)poll(NULL, 0, 5);
    }
}

/* ---- the broker -------------------------------------------------------------------------------------------------- */

bool broker_is_possible(void)
{
    return system("command -v mosquitto mosquitto_sub >/dev/null 2>&1") == 0;
}

static uint16_t free_port(void)
{
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
    (void)close(fd);
    return ntohs(name.sin_port);
}

static void in_folder(const struct broker *broker, const char *name, char ret_path[128])
{
    (void)snprintf(ret_path, 128, "%s/%s", broker->folder, name);
}

void broker_open(struct broker *broker)
{
    *broker = (struct broker){.port = free_port()};
    (void)strcpy(broker->folder, "/tmp/davy-broker-XXXXXX");
    assert_non_null(mkdtemp(broker->folder));
    char path[128];
    in_folder(broker, "mosquitto.conf", path);
    FILE *conf = fopen(path, "w");
    assert_non_null(conf);
    (void)fprintf(conf,
                  "listener %u 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\n"
                  "max_queued_messages 0\nset_tcp_nodelay true\nlog_type error\nlog_dest stderr\n",
                  (unsigned)broker->port, broker->folder);
    if (getuid() == 0) {
        (void)fprintf(conf, "user root\n"); /* else it becomes another user, who cannot write there */
    }
    assert_int_equal(fclose(conf), 0);
    broker_start(broker);
}

static bool port_answers(uint16_t port)
{
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const bool answers = connect(fd, (const struct sockaddr *)&name, sizeof name) == 0;
    (void)close(fd);
    return answers;
}

void broker_start(struct broker *broker)
{
    char path[128];
    in_folder(broker, "mosquitto.conf", path);
    char program[] = "mosquitto", option[] = "-c";
    char *const argv[] = {program, option, path, NULL};
    broker->pid = child_start(argv, NULL);
    const int64_t deadline_ns = clock_mono_ns() + DEADLINE_S * NS_PER_S;
    while (!port_answers(broker->port)) {
        assert_true(clock_mono_ns() < deadline_ns);
        (void)poll(NULL, 0, 5);
    }
}

void broker_stop(struct broker *broker, int signal)
{
    child_end(broker->pid, signal);
    broker->pid = 0;
}

void broker_forget(const struct broker *broker)
{
    char path[128];
    in_folder(broker, "mosquitto.db", path);
    (void)unlink(path); /* it may never have been written */
}

void broker_close(struct broker *broker)
{
    if (broker->pid != 0) {
        broker_stop(broker, SIGKILL);
    }
    broker_forget(broker);
    char path[128];
    in_folder(broker, "mosquitto.conf", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(broker->folder), 0);
}

/* ---- the observer ------------------------------------------------------------------------------------------------ */

void observer_open(struct observer *observer, const struct broker *broker, const char *client_id)
{
    char port[8];
    (void)snprintf(port, sizeof port, "%u", (unsigned)broker->port);
    const char *const words[] = {"mosquitto_sub", "-h", "127.0.0.1", "-p", port, "-i", client_id, "-c", "-q", "1", "-t",
                                 "davy/#",        "-F", "%r|%t|%p"};
    char *argv[sizeof words / sizeof words[0] + 1] = {NULL};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        argv[i] = strdup(words[i]);
    }
    *observer = (struct observer){0};
    observer->pid = child_start(argv, &observer->out);
    for (size_t i = 0; argv[i] != NULL; i++) {
        free(argv[i]);
    }
}

void observer_close(struct observer *observer)
{
    child_end(observer->pid, SIGTERM);
    (void)close(observer->out);
    buf_done(&observer->seen);
}

static void read_more(struct observer *observer, int64_t deadline_ns)
{
    struct pollfd poller = {.fd = observer->out, .events = POLLIN};
    const int64_t left_ms = (deadline_ns - clock_mono_ns()) / NS_PER_MS;
    if (left_ms <= 0 || poll(&poller, 1, (int)left_ms) <= 0) {
        fail_msg("nothing more was seen");
    }
    char bytes[65536];
    const ssize_t n = read(observer->out, bytes, sizeof bytes);
    assert_true(n > 0);
    buf_add(&observer->seen, bytes, (size_t)n);
}

const char *observer_next(struct observer *observer)
{
    const int64_t deadline_ns = clock_mono_ns() + DEADLINE_S * NS_PER_S;
    for (;;) {
        char *line = observer->seen.data + observer->at;
        char *end = observer->at < observer->seen.len ? strchr(line, '\n') : NULL;
        if (end != NULL) {
            *end = '\0';
            observer->at = (size_t)(end - observer->seen.data) + 1;
            return line;
        }
        read_more(observer, deadline_ns);
    }
}

const char *observer_until(struct observer *observer, const char *part)
{
    const char *line = observer_next(observer);
    while (strstr(line, part) == NULL) {
        line = observer_next(observer);
    }
    return line;
}
