/* route: see route.h. */
#include "console/route.h"

#include <string.h>

enum { PATTERN_MOST = 5, PARAMS_MOST = 8 };

/* Of a pattern "*" is the id and "!" an act. */
static const struct {
    enum route_kind kind;
    const char *pattern[PATTERN_MOST + 1];
    const char *params[PARAMS_MOST + 1];
} routes[] = {
    {ROUTE_POINTS, {"api", "v1", "points"}, {"id", "kind", "hazard"}},
    {ROUTE_POINT, {"api", "v1", "points", "*"}, {NULL}},
    {ROUTE_SAMPLES, {"api", "v1", "points", "*", "samples"}, {"from", "to", "every", "agg", "limit"}},
    {ROUTE_ALARMS, {"api", "v1", "alarms"}, {"all", "state", "level", "hazard"}},
    {ROUTE_ALARM, {"api", "v1", "alarms", "*"}, {NULL}},
    {ROUTE_ACT, {"api", "v1", "alarms", "*", "!"}, {NULL}},
    {ROUTE_EVENTS, {"api", "v1", "events"}, {"after", "limit", "alarm"}},
    {ROUTE_STREAM, {"api", "v1", "stream"}, {"after"}},
    {ROUTE_METRICS, {"metrics"}, {NULL}},
    {ROUTE_HEALTH, {"healthz"}, {NULL}},
    {ROUTE_SITE, {"api", "v1", "site"}, {NULL}},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

static bool fits(const char *const *pattern, const struct target *target, struct route *route)
{
    for (size_t i = 0; i < target->segment_count; i++) {
        const char *segment = target->segments[i];
        if (pattern[i] == NULL) {
            return false;
        }
        if (strcmp(pattern[i], "*") == 0) {
            route->id = segment;
        } else if (strcmp(pattern[i], "!") == 0) {
            if (!act_parse(segment, strlen(segment), &route->act)) {
                return false;
            }
        } else if (strcmp(pattern[i], segment) != 0) {
            return false;
        }
    }
    return pattern[target->segment_count] == NULL;
}

struct route route_find(const struct target *target)
{
    for (size_t i = 0; target->segment_count <= PATTERN_MOST && i < ROUTES; i++) {
        struct route route = {.kind = routes[i].kind};
        if (fits(routes[i].pattern, target, &route)) {
            return route;
        }
    }
    const struct page_file *page = NULL;
    if (target->segment_count <= 1) {
        page = page_find(target->segment_count == 0 ? "" : target->segments[0]);
    }
    return (struct route){.kind = page == NULL ? ROUTE_NONE : ROUTE_PAGE, .page = page};
}

const char *route_allow(enum route_kind kind)
{
    return kind == ROUTE_ACT ? "POST" : "GET, HEAD";
}

bool route_allows(enum route_kind kind, const char *method)
{
    if (kind == ROUTE_ACT) {
        return strcmp(method, "POST") == 0;
    }
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

const char *const *route_params(enum route_kind kind)
{
    static const char *const none[] = {NULL};
    for (size_t i = 0; i < ROUTES; i++) {
        if (routes[i].kind == kind) {
            return routes[i].params;
        }
    }
    return none;
}
