/* guard: see guard.h. */
#include "console/guard.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 256 };

/* The host of "host:port", "[::1]:port" or either alone, without brackets; false when it is none. */
static bool host_of(const char *authority, char ret_host[HOST_MAX])
{
    size_t len = strcspn(authority, ":");
    if (authority[0] == '[') {
        authority++;
        len = strcspn(authority, "]");
        if (authority[len] == '\0') {
            return false;
        }
    }
    if (len == 0 || len >= HOST_MAX) {
        return false;
    }
    memcpy(ret_host, authority, len);
    ret_host[len] = '\0';
    return true;
}

bool guard_is_loopback(const char *host)
{
    unsigned quad[4];
    char more = '\0';
    if (sscanf(host, "%3u.%3u.%3u.%3u%c", &quad[0], &quad[1], &quad[2], &quad[3], &more) == 4) {
        return quad[0] == 127;
    }
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0;
}

static bool is_own_host(const struct guard_headers *headers, const char *own)
{
    char host[HOST_MAX];
    if (headers->host == NULL || !guard_is_loopback(own)) {
        return true; /* what a name in the world points to is its owner's affair */
    }
    return host_of(headers->host, host) && (guard_is_loopback(host) || strcasecmp(host, own) == 0);
}

/* An origin is ours when it names the host that was asked, whatever is said of encryption on the way. */
static bool is_own_origin(const struct guard_headers *headers)
{
    const char *authority = strstr(headers->origin, "://");
    return authority != NULL && headers->host != NULL && strcasecmp(authority + 3, headers->host) == 0;
}

static bool is_from_elsewhere(const struct guard_headers *headers)
{
    const char *site = headers->fetch_site;
    if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0) {
        return true;
    }
    return headers->origin != NULL && !is_own_origin(headers);
}

/* Every browser says where a POST comes from. */
static bool is_browser(const struct guard_headers *headers)
{
    return headers->origin != NULL || headers->fetch_site != NULL;
}

static bool is_json(const char *type)
{
    const size_t len = type == NULL ? 0 : strcspn(type, "; \t");
    return len == strlen("application/json") && strncasecmp(type, "application/json", len) == 0;
}

unsigned guard_check(const struct guard_headers *headers, const char *own, enum guard_wish wish, struct err *err)
{
    if (!is_own_host(headers, own)) {
        (void)err_set(err, ERR_NO,
                      "this monitor is not \"%.200s\"; ask for it as http://%s%s%s/, a proxy in front must say so",
                      headers->host, strchr(own, ':') != NULL ? "[" : "", own, strchr(own, ':') != NULL ? "]" : "");
        return 421;
    }
    if (wish != GUARD_PAGE && is_from_elsewhere(headers)) {
        (void)err_set(err, ERR_NO, "requests of pages from elsewhere are not answered; open the monitor's own address");
        return 403;
    }
    if (wish == GUARD_ACT && is_browser(headers) && !is_json(headers->content_type)) {
        (void)err_set(err, ERR_NO, "a page sends an act as JSON; set the header Content-Type: application/json");
        return 415;
    }
    return 0;
}
