/*
 * field: see field.h.
 */
#include "tests/unit/simulators/field.h"
#include "base/clock.h"
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

char *field_file(const char *name, const char *text)
{
    char folder[] = "/tmp/davy-sim-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    return path;
}

void field_remove(char *path)
{
    (void)unlink(path);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    (void)rmdir(path);
    free(path);
}

struct site *field_site(const char *json)
{
    char *path = field_file("site.json", json);
    struct mistakes mistakes;
    struct err err = {0};
    struct site *site = NULL;
    mistakes_init(&mistakes);
    const enum err_code code = site_load(path, &mistakes, &site, &err);
    mistakes_print(&mistakes, stderr);
    assert_int_equal(code, ERR_NONE);
    mistakes_done(&mistakes);
    field_remove(path);
    return site;
}

struct scenario *field_scenario(const struct site *site, const char *json)
{
    struct mistakes mistakes;
    struct err err = {0};
    struct scenario *scenario = NULL;
    mistakes_init(&mistakes);
    const enum err_code code = scenario_parse(json, "scenario.json", site, &mistakes, &scenario, &err);
    mistakes_print(&mistakes, stderr);
    assert_int_equal(code, ERR_NONE);
    mistakes_done(&mistakes);
    return scenario;
}

uint16_t field_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

bool field_wait_port(uint16_t port, int seconds)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    for (const int64_t end = field_ms() + 1000 * (int64_t)seconds; field_ms() < end; (void)poll(NULL, 0, 5)) {
        const int fd = socket(AF_INET, SOCK_STREAM, 0);
        const bool open = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
        (void)close(fd);
        if (open) {
            return true;
        }
    }
    return false;
}

pid_t field_start(const char *const *argv, int *ret_fd)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        union {
            const char *const *in;
            char *const *out;
        } words = {.in = argv};
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execvp(words.out[0], words.out);
        _exit(127);
    }
    (void)close(ends[1]);
    *ret_fd = ends[0];
    return pid;
}

int64_t field_ms(void)
{
    return clock_mono_ns() / NS_PER_MS;
}

bool field_wait_line(int fd, const char *word, int seconds)
{
    const int64_t end = field_ms() + 1000 * (int64_t)seconds;
    char line[512];
    size_t len = 0;
    for (int64_t left; (left = end - field_ms()) > 0;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        char byte;
        if (poll(&poll_fd, 1, (int)left) <= 0 || read(fd, &byte, 1) != 1) {
            return false;
        }
        if (byte != '\n' && len < sizeof line - 1) {
            line[len++] = byte;
            continue;
        }
        line[len] = '\0';
        if (strcmp(line, word) == 0) {
            return true;
        }
        len = 0;
    }
    return false;
}

int field_stop(pid_t pid)
{
    int status = 0;
    (void)kill(pid, SIGTERM);
    for (int64_t end = field_ms() + 10000; field_ms() < end;) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        (void)poll(NULL, 0, 5);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return -1;
}
