/*
 * field: what the tests of the simulators share: a site and a scenario from a
 * text, files in a folder of their own, a free port, a child process.
 */
#ifndef DAVY_TESTS_UNIT_SIMULATORS_FIELD_H
#define DAVY_TESTS_UNIT_SIMULATORS_FIELD_H

#include "base/mistakes.h"
#include "model/site.h"
#include "simulators/scenario.h"
#include <stdint.h>
#include <sys/types.h>

/* Loads a site, fails the test when it has mistakes. */
struct site *field_site(const char *json);

/* Loads a scenario of it, fails the test when it has mistakes. */
struct scenario *field_scenario(const struct site *site, const char *json);

/* Writes a file into a fresh folder; the path is the caller's to free (field_remove). */
char *field_file(const char *name, const char *text);
void field_remove(char *path);

/* A port of 127.0.0.1 that was free a moment ago. */
uint16_t field_free_port(void);

/* Waits until somebody listens on a port of 127.0.0.1. */
bool field_wait_port(uint16_t port, int seconds);

/* Starts a program whose stderr can be read from *ret_fd; ends with the test at the latest. */
pid_t field_start(const char *const *argv, int *ret_fd);

/* Reads lines from fd until one is `word` (true) or the time is over. */
bool field_wait_line(int fd, const char *word, int seconds);

/* Asks a child to end and gives its exit code; kills it after ten seconds. */
int field_stop(pid_t pid);

/* Monotonic milliseconds. */
int64_t field_ms(void);

#endif
