/*
 * guard: whom the console answers at all.
 *
 * A monitor on loopback is reached by every page the operator's browser shows.
 * Two things keep such pages out:
 * - a name that an attacker points to 127.0.0.1 (DNS rebinding): on a loopback
 *   address only hosts that are loopback are answered to;
 * - a page of elsewhere that sends requests here: Origin and Sec-Fetch-Site tell
 *   it, and no header allows another origin to read an answer.  An act that a
 *   browser sends needs a Content-Type that no plain form can send.
 *
 * Programs send none of these headers and are not concerned.  Pure.
 */
#ifndef DAVY_CONSOLE_GUARD_H
#define DAVY_CONSOLE_GUARD_H

#include "base/err.h"
#include <stdbool.h>

/* Headers of a request; NULL: not sent. */
struct guard_headers {
    const char *host;       /* "127.0.0.1:8600" */
    const char *origin;     /* "http://127.0.0.1:8600" */
    const char *fetch_site; /* Sec-Fetch-Site */
    const char *content_type;
};

/* True for an address that only this machine reaches: 127.x, ::1, localhost; without brackets. */
bool guard_is_loopback(const char *host);

/* What is asked for: a file of the page, which a link anywhere may lead to; data; an act. */
enum guard_wish { GUARD_PAGE, GUARD_DATA, GUARD_ACT };

/* 0, or the status of a refusal with its words in *err: 421 a host that is not ours, 403 a page of elsewhere, 415 no
 * JSON (acts of a browser).  `own` is the host listened on. */
unsigned guard_check(const struct guard_headers *headers, const char *own, enum guard_wish wish, struct err *err);

#endif
