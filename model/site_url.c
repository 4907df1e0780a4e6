/*
 * site_url: see site_url.h.
 */
#include "model/site_url.h"

#include <stdio.h>
#include <string.h>

/* Reads 0..65535 from all of text. */
static bool read_port(const char *text, uint16_t *ret_port)
{
    unsigned port = 0;
    size_t n = strspn(text, "0123456789");
    if (n == 0 || n > 5 || text[n] != '\0') {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    *ret_port = (uint16_t)port;
    return port <= UINT16_MAX;
}

const char *site_split_host(const char *text, int32_t default_port, const char **ret_host, size_t *ret_host_len,
                            uint16_t *ret_port)
{
    bool bracket = text[0] == '[';
    const char *host = text + (bracket ? 1 : 0);
    size_t len = strcspn(host, bracket ? "]" : ":");
    const char *rest = host + len;
    if (bracket && *rest != ']') {
        return "the bracket of the address is not closed";
    }
    rest += bracket ? 1 : 0;
    if (len == 0) {
        return "it names no host";
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)host[i] <= ' ' || strchr("/?#@", host[i]) != NULL) {
            return "the host has a character that no host has";
        }
    }
    uint16_t port = (uint16_t)default_port;
    if (*rest == '\0' && default_port < 0) {
        return "it names no port";
    }
    if (*rest != '\0' && (*rest != ':' || !read_port(rest + 1, &port))) {
        return "what follows the host is no port";
    }
    *ret_host = host;
    *ret_host_len = len;
    *ret_port = port;
    return NULL;
}

const char *site_mqtt_url(const char *text, char ret_url[SITE_URL_MAX], bool *ret_tls)
{
    bool tls = strncmp(text, "mqtts://", 8) == 0;
    if (!tls && strncmp(text, "mqtt://", 7) != 0) {
        return "it does not begin with mqtt:// or mqtts://";
    }
    const char *host;
    size_t len;
    uint16_t port;
    const char *fault = site_split_host(text + (tls ? 8 : 7), tls ? 8883 : 1883, &host, &len, &port);
    if (fault == NULL && port == 0) {
        fault = "port 0 cannot be reached";
    }
    if (fault == NULL && len > 255) {
        fault = "the host is too long";
    }
    if (fault != NULL) {
        return fault;
    }
    bool v6 = memchr(host, ':', len) != NULL;
    (void)snprintf(ret_url, SITE_URL_MAX, "%s://%s%.*s%s:%u", tls ? "mqtts" : "mqtt", v6 ? "[" : "", (int)len, host,
                   v6 ? "]" : "", port);
    *ret_tls = tls;
    return NULL;
}

const char *site_http_fault(const char *text, bool *ret_tls)
{
    const bool tls = strncmp(text, "https://", 8) == 0;
    if (!tls && strncmp(text, "http://", 7) != 0) {
        return "it does not begin with http:// or https://";
    }
    const char *from = text + (tls ? 8 : 7);
    for (const char *c = from; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("<>\"\\^`{|}#", *c) != NULL) {
            return "it has a character that must be written with %";
        }
    }
    char address[SITE_URL_MAX];
    const size_t len = strcspn(from, "/?");
    if (len >= sizeof address) {
        return "the host is too long";
    }
    memcpy(address, from, len);
    address[len] = '\0';
    if (strchr(address, '@') != NULL) {
        return "it holds a user; that is the keys \"user\" and \"password\"";
    }
    const char *host;
    size_t host_len;
    uint16_t port;
    const char *fault = site_split_host(address, tls ? 443 : 80, &host, &host_len, &port);
    if (fault == NULL && port == 0) {
        fault = "port 0 cannot be reached";
    }
    *ret_tls = fault != NULL || tls;
    return fault;
}

const char *site_topic_fault(const char *filter)
{
    for (const char *p = filter; *p != '\0'; p++) {
        bool alone = (p == filter || p[-1] == '/') && (p[1] == '/' || p[1] == '\0');
        if ((*p == '+' || *p == '#') && !alone) {
            return "a wildcard must stand alone between slashes";
        }
        if (*p == '#' && p[1] != '\0') {
            return "# must be the last level";
        }
    }
    return NULL;
}

const char *site_pointer_fault(const char *pointer)
{
    if (pointer[0] != '/' && pointer[0] != '\0') {
        return "a JSON pointer begins with /";
    }
    for (const char *p = pointer; *p != '\0'; p++) {
        if (*p == '~' && p[1] != '0' && p[1] != '1') {
            return "after ~ comes 0 (for ~) or 1 (for /)";
        }
    }
    return NULL;
}
