/*
 * control: the door for operators, a Unix socket in the store's folder.
 *
 * A client sends one JSON object on a line and reads lines until the end:
 *   {"do":"ack","alarm":"…","by":"li","comment":"…"}   -> {"ok":true,"seq":42} or {"ok":false,"error":"…"}
 *   {"do":"stat"}                                      -> one {"name","value","unit","help"} a line
 *   {"do":"backup","dir":"/…"}                         -> {"ok":true,"seq":0} or {"ok":false,"error":"…","code":2}
 *   {"do":"import"}, then lines and "end" (control_import.h) -> {"ok":true,"kept":1000,"unknown":0}
 * Acts go through a ring into the manager; its answers come back by a ring.
 * At most CONTROL_CLIENTS at once (more wait in the socket's queue); a request
 * longer than CONTROL_REQUEST_MAX is refused, and who takes longer than
 * CONTROL_CLIENT_NS to send it or to take the answer is dropped, well before
 * those who wait behind lose patience (CONTROL_PATIENCE_S).
 *
 * Threads: the agent's own.  Only the user Davy runs as may connect (0600).
 */
#ifndef DAVY_APP_CONTROL_H
#define DAVY_APP_CONTROL_H

#include "base/agent.h"
#include "base/cell.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/err.h"
#include "base/ring.h"
#include "model/site.h"

enum { CONTROL_CLIENTS = 32, CONTROL_REQUEST_MAX = 8192 };
#define CONTROL_CLIENT_NS (3 * NS_PER_S) /* to send a request, and to take its answer */
#define CONTROL_JOB_NS    (6 * 3600 * NS_PER_S) /* for a backup to be done */
#define CONTROL_ACT_NS    (8 * NS_PER_S) /* for an act to be on the disk */
enum { CONTROL_PATIENCE_S = 12 };        /* of a client, for the whole */

struct control;

struct control_config {
    const struct site *site; /* borrowed, like all below */
    const char *store_path;  /* the folder the socket is made in */
    struct ring *commands;   /* out: struct act */
    struct doorbell *command_bell;
    struct ring *answers; /* in: struct answer */
    struct ring *history; /* out: struct sample, what is imported; may be NULL, then imports are refused */
    struct doorbell *history_bell;
    const struct cell *history_kept;
    struct ring *jobs;           /* out: struct keeper_job; may be NULL, then backups are refused */
    struct doorbell *job_bell;
    struct ring *jobs_done;      /* in: struct answer */
    const struct counters *counters;
    const struct cell *exceptions; /* [point]: the Modbus exception it has now; may be NULL */
    const struct cell *stop; /* not 0: finish */
};

enum err_code control_new(const struct control_config *config, struct control **ret_control,
                          struct err *err) MUST_CHECK;
void control_free(struct control *control); /* removes the socket; accepts NULL */
struct agent control_agent(struct control *control);

/* The client's side, for the commands: sends one request, calls fn with each line of the answer.  ERR_NO when no
 * monitor runs on that store. */
typedef void control_line_fn(void *self, const char *line, size_t len);
enum err_code control_ask(const char *store_path, const char *request, control_line_fn *fn, void *self,
                          struct err *err) MUST_CHECK;
/* The same for what may take long: a backup. */
enum err_code control_ask_long(const char *store_path, const char *request, control_line_fn *fn, void *self,
                               struct err *err) MUST_CHECK;

#endif
