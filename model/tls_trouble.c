/*
 * tls_trouble: see tls_trouble.h.
 */
#include "model/tls_trouble.h"

#include <string.h>

static const struct {
    const char *cause;
    enum tls_trouble trouble;
} causes[] = {
    {"unexpected eof", TLS_NONE}, /* the other end went away */
    {"certificate verify failed", TLS_UNTRUSTED},
    {"certificate required", TLS_WANTED},
    {"peer did not return a certificate", TLS_WANTED},
    {"certificate expired", TLS_EXPIRED},
    {"unknown ca", TLS_REFUSED},
    {"bad certificate", TLS_REFUSED},
    {"certificate unknown", TLS_REFUSED},
    {"certificate revoked", TLS_REFUSED},
    {"unsupported certificate", TLS_REFUSED},
    {"access denied", TLS_REFUSED},
    {"wrong version number", TLS_NOT_THERE},
    {"packet length too long", TLS_NOT_THERE},
    {"http request", TLS_NOT_THERE},
    {"No such file", TLS_FILES},
    {"no such file", TLS_FILES},
    {"Permission denied", TLS_FILES},
    {"system lib", TLS_FILES},
    {"BIO lib", TLS_FILES},
    {"PEM lib", TLS_FILES},
    {"no start line", TLS_FILES},
    {"no certificate or crl found", TLS_FILES},
    {"key values mismatch", TLS_FILES},
};

enum tls_trouble tls_trouble_of(const char *line, size_t len)
{
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        if (memmem(line, len, causes[i].cause, strlen(causes[i].cause)) != NULL) {
            return causes[i].trouble;
        }
    }
    return TLS_OTHER;
}

const char *tls_trouble_text(enum tls_trouble trouble)
{
    static const char *const texts[TLS_COUNT] = {
        NULL,
        "the broker's certificate does not hold: not from 'ca', expired, or for another host",
        "the broker wants a client certificate: set 'cert' and 'key'",
        "the broker does not take our client certificate",
        "the broker says our client certificate has expired",
        "what answers there does not speak TLS: another port, or mqtt:// instead of mqtts://",
        "'ca', 'cert' or 'key' cannot be read, or key and certificate do not fit",
        "no encrypted connection could be agreed on",
    };
    return texts[trouble];
}
