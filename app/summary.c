/* summary: see summary.h. */
#include "app/summary.h"

#include "model/alarm.h"
#include <stdbool.h>
#include <string.h>

/* The sum of all counters whose name begins and ends so. */
static uint64_t sum(const struct counters *counters, const char *head, const char *tail)
{
    uint64_t total = 0;
    for (size_t i = 0; i < counters_count(counters); i++) {
        const struct counter *counter = counters_at(counters, i);
        const char *name = counter_name(counter);
        size_t len = strlen(name);
        if (strncmp(name, head, strlen(head)) == 0 && len >= strlen(tail) &&
            strcmp(name + len - strlen(tail), tail) == 0) {
            total += counter_get(counter);
        }
    }
    return total;
}

void summary_print(const struct counters *counters, FILE *out)
{
    (void)fprintf(out, "samples %llu, events %llu; raised",
                  (unsigned long long)sum(counters, "rules.", ".samples"),
                  (unsigned long long)sum(counters, "alerting.events", ""));
    for (int level = LEVEL_RED; level > LEVEL_NONE; level--) {
        char name[64];
        (void)snprintf(name, sizeof name, "alerting.raised.%s", level_name((enum level)level));
        (void)fprintf(out, "%s %s %llu", level == LEVEL_RED ? "" : ",", level_name((enum level)level),
                      (unsigned long long)sum(counters, name, ""));
    }
    (void)fprintf(out, "; from receipt to journal p50 %.1f ms, p99 %.1f ms\n",
                  (double)sum(counters, "alerting.latency_p50_us", "") / 1000.0,
                  (double)sum(counters, "alerting.latency_p99_us", "") / 1000.0);
}

uint64_t summary_dropped(const struct counters *counters)
{
    return sum(counters, "store.lost", "") + sum(counters, "alerting.lost", "");
}
