/*
 * tls_trouble: what a TLS library says of a failed handshake, in words for an
 * operator.
 *
 * The library's line names a routine and a cause ("error:0A000086:SSL
 * routines::certificate verify failed:…"); only the cause is looked at.  Pure.
 */
#ifndef DAVY_MODEL_TLS_TROUBLE_H
#define DAVY_MODEL_TLS_TROUBLE_H

#include <stddef.h>

enum tls_trouble {
    TLS_NONE,      /* nothing known */
    TLS_UNTRUSTED, /* the broker's certificate does not hold */
    TLS_WANTED,    /* the broker wants a certificate of ours */
    TLS_REFUSED,   /* the broker does not take ours */
    TLS_EXPIRED,   /* because it has expired */
    TLS_NOT_THERE, /* the broker does not speak TLS */
    TLS_FILES,     /* a file cannot be read, or key and certificate do not fit */
    TLS_OTHER,
    TLS_COUNT
};

/* Gives the cause of one line. */
enum tls_trouble tls_trouble_of(const char *line, size_t len);
/* Gives its sentence; NULL for TLS_NONE. */
const char *tls_trouble_text(enum tls_trouble trouble);
/* What to say when the library said nothing: so it is with a certificate for another host, and with TLS 1.3 when the
 * broker turns us away. */
#define TLS_SILENT_TEXT                                                                                                \
    "no connection; the broker's certificate may be for another host, or it may miss or refuse a client certificate"

#endif
