/*
 * probe: one request to a Modbus device, and what its answer may mean.
 *
 * `davy probe` shows a stranger's registers in every type and byte order, each
 * decoded by the very function that the monitor uses, so what looks right here
 * is right in the site file.  probe_ask.c is the way there and back,
 * probe_show.c the table.
 *
 * Memory: the caller's.  Threads: main.
 */
#ifndef DAVY_APP_PROBE_H
#define DAVY_APP_PROBE_H

#include "base/err.h"
#include "ingest/mbus_frame.h"
#include "model/site.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { PROBE_HOST_MAX = 256 };

struct probe {
    char host[PROBE_HOST_MAX];
    uint16_t port;
    uint8_t unit;
    enum mbus_table table;
    uint16_t address;
    uint16_t count;
    int64_t timeout_ns; /* for connecting and the answer together */
};

/* Reads modbus://host[:port] (502).  ERR_INPUT with a sentence. */
enum err_code probe_url(const char *text, struct probe *probe, struct err *err) MUST_CHECK;

/* Asks once and gives the registers or coils.  ERR_NO when the device refuses what was asked for, ERR_ENV when it
 * cannot be reached, does not answer in time, answers with something else, or says that it is out of order. */
enum err_code probe_ask(const struct probe *probe, uint8_t ret_payload[MBUS_PDU_MAX], struct err *err) MUST_CHECK;

/* Prints all readings of an answer. */
void probe_show(const struct probe *probe, const uint8_t *payload, FILE *out);

/* True for a number that an instrument may well send: a float of sane size, a short whole number.  Zero says nothing.
 */
bool probe_is_plausible(enum mbus_type type, double value);

#endif
