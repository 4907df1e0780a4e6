/*
 * mqtt_lag: see mqtt_lag.h.
 */
#include "ingest/mqtt_lag.h"

void mqtt_lag_init(struct mqtt_lag *lag)
{
    *lag = (struct mqtt_lag){.began_ns = INT64_MIN, .now_ns = LAG_UNKNOWN, .before_ns = LAG_UNKNOWN};
}

/* How many windows have begun since the one being filled: 0, 1, or 2 for more. */
static int windows_gone(const struct mqtt_lag *lag, int64_t now_ns)
{
    int64_t since_ns = 0;
    if (__builtin_sub_overflow(now_ns, lag->began_ns, &since_ns) || since_ns >= 2 * LAG_WINDOW_NS) {
        return 2;
    }
    return since_ns >= LAG_WINDOW_NS ? 1 : 0;
}

void mqtt_lag_add(struct mqtt_lag *lag, int64_t time_ns, int64_t seen_ns)
{
    int64_t lag_ns = 0;
    if (time_ns == seen_ns || __builtin_sub_overflow(seen_ns, time_ns, &lag_ns)) {
        return;
    }
    const int gone = windows_gone(lag, seen_ns);
    if (gone > 0) {
        lag->before_ns = gone == 1 ? lag->now_ns : LAG_UNKNOWN;
        lag->now_ns = LAG_UNKNOWN;
        lag->began_ns = seen_ns;
    }
    lag->now_ns = lag_ns < lag->now_ns ? lag_ns : lag->now_ns;
}

int64_t mqtt_lag_least(const struct mqtt_lag *lag, int64_t now_ns)
{
    const int gone = windows_gone(lag, now_ns);
    if (gone == 2) {
        return LAG_UNKNOWN;
    }
    return gone == 0 && lag->before_ns < lag->now_ns ? lag->before_ns : lag->now_ns;
}
