/*
 * log: see log.h.  Everything that passes between threads here is behind one
 * mutex, held for the look at the repeats and one write that does not wait.
 *
 * This is the program's one global state: stderr is global too, and a log that
 * must be handed to every function would be left out where it is needed most.
 */
#include "base/log.h"
#include "base/clock.h"
#include "base/log_repeat.h"
#include "base/text.h"
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048, TEXT_MAX_BYTES = 1792 }; /* a line stays below PIPE_BUF, so a pipe takes it whole */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static struct repeats repeats;             /* behind the gate */
static struct clock wall;                  /* behind the gate; zeroed is a clock that follows the first reading */
static _Atomic uint64_t lost;              /* stored behind the gate, loaded by all; relaxed: a number for people */
static _Atomic int least_level = LOG_INFO; /* relaxed: a line more or less around the change does not matter */

/* One line is one line: a name or a reason from outside may not begin another. */
static void keep_to_one_line(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7F) {
            *text = '?';
        }
    }
}

/* Never waits: a reader of our stderr that has stopped must not stop the monitor. */
static void write_line(const char *line, size_t len)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    const bool ready = poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0;
    if (!ready || write(STDERR_FILENO, line, len) != (ssize_t)len) {
        atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
    }
}

static void say(const struct repeat_line *what, const char *text, const char *tail)
{
    static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    char time[TEXT_TIME_MAX];
    (void)text_format_time(clock_now_ns(&wall), time);
    char line[LINE_MAX_BYTES];
    const int len = snprintf(line, sizeof line, "%s %-5s %-7s %s%s%s%s\n", time, names[what->level], what->area,
                             what->id, text[0] == '\0' ? "" : " ", text, tail);
    if (len > 0 && (size_t)len < sizeof line) { /* the parts' own bounds add up to less */
        write_line(line, (size_t)len);
    }
}

static void say_count(void *to, const struct repeat *repeat)
{
    (void)to; /* stderr */
    char within[TEXT_DURATION_MAX];
    (void)text_format_duration(repeat->window_ns, within);
    char tail[96];
    (void)snprintf(tail, sizeof tail, " repeated=%llu within=%s", (unsigned long long)repeat->count, within);
    say(&repeat->line, repeat->line.text, tail);
}

/* Copies, cut to whole characters, and without line breaks. */
static void keep(char *to, size_t room, const char *text)
{
    const size_t len = strlen(text);
    const size_t kept = len < room ? len : text_utf8_cut(text, room - 1);
    memcpy(to, text, kept);
    to[kept] = '\0';
    keep_to_one_line(to);
}

void log_event(enum log_level level, const char *area, const char *id, const char *subject, const char *fmt, ...)
{
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed)) {
        return;
    }
    char text[TEXT_MAX_BYTES];
    va_list args;
    va_start(args, fmt);
    const int wanted = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    text[text_utf8_cut(text, wanted < 0 ? 0 : strlen(text))] = '\0';
    keep_to_one_line(text);

    struct repeat_line line = {.level = level};
    keep(line.area, sizeof line.area, area);
    keep(line.id, sizeof line.id, id);
    keep(line.text, sizeof line.text, text);
    const uint64_t key = repeat_key(id, subject == NULL ? "" : subject);

    (void)pthread_mutex_lock(&gate); /* cannot fail: a plain mutex, never locked twice */
    const int64_t now_ns = clock_mono_ns();
    repeats_tick(&repeats, now_ns, say_count, NULL);
    if (repeats_take(&repeats, now_ns, key, &line, say_count, NULL)) {
        say(&line, text, "");
    }
    (void)pthread_mutex_unlock(&gate);
}

void log_tick(void)
{
    (void)pthread_mutex_lock(&gate);
    repeats_tick(&repeats, clock_mono_ns(), say_count, NULL);
    (void)pthread_mutex_unlock(&gate);
}

void log_set_level(enum log_level least)
{
    atomic_store_explicit(&least_level, (int)least, memory_order_relaxed);
}

uint64_t log_lost(void)
{
    return atomic_load_explicit(&lost, memory_order_relaxed);
}
