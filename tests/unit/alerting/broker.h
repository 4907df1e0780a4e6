/*
 * broker: a real mosquitto and what a subscriber sees, for tests.
 *
 * The broker keeps its sessions over an orderly restart; the observer's session
 * is persistent, so it sees every message the broker ever confirmed, once.
 * Ports are the kernel's choice; processes are ended by their id; every wait
 * has a deadline and fails the test when it passes.
 */
#ifndef DAVY_TESTS_ALERTING_BROKER_H
#define DAVY_TESTS_ALERTING_BROKER_H

#include "base/buf.h"
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct broker {
    char folder[64];
    uint16_t port;
    pid_t pid;
};

/* False when there is no mosquitto here. */
bool broker_is_possible(void);
void broker_open(struct broker *broker);
void broker_start(struct broker *broker);
void broker_stop(struct broker *broker, int signal);
/* Throws away what it kept of sessions and retained messages. */
void broker_forget(const struct broker *broker);
void broker_close(struct broker *broker);

/* What one subscriber to davy/# has seen: lines "r|topic|payload", r 1 for what was retained before. */
struct observer {
    pid_t pid;
    int out;
    struct buf seen; /* whole lines and the beginning of the next */
    size_t at;       /* how far observer_next has read */
};

void observer_open(struct observer *observer, const struct broker *broker, const char *client_id);
void observer_close(struct observer *observer);
/* Gives the next line (borrowed until the next call), waiting for it. */
const char *observer_next(struct observer *observer);
/* Gives the next line that holds `part`, passing over others. */
const char *observer_until(struct observer *observer, const char *part);

pid_t child_start(char *const argv[], int *ret_out);
void child_end(pid_t pid, int signal);

#endif
