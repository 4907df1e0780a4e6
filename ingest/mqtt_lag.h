/*
 * mqtt_lag: how far a source's clock is from ours, as its messages tell.
 *
 * Receipt minus the field's time is the way of the message plus how far its
 * clock is behind ours.  The way is never negative, so the smallest difference
 * of a while tells the clock best: negative, the clock is ahead by at least
 * that; positive, it is behind, or even the quickest message was long under
 * way.  The smallest of the last one to two LAG_WINDOW_NS is kept, by time of
 * receipt.
 *
 * Pure.  One thread.
 */
#ifndef DAVY_INGEST_MQTT_LAG_H
#define DAVY_INGEST_MQTT_LAG_H

#include "base/clock.h"
#include <stdint.h>

#define LAG_WINDOW_NS (30 * NS_PER_S)
#define LAG_UNKNOWN INT64_MAX

struct mqtt_lag {
    int64_t began_ns; /* the window being filled */
    int64_t now_ns;   /* smallest of it */
    int64_t before_ns; /* smallest of the one before */
};

void mqtt_lag_init(struct mqtt_lag *lag);
/* One sample; one that bears the time of its receipt says nothing. */
void mqtt_lag_add(struct mqtt_lag *lag, int64_t time_ns, int64_t seen_ns);
/* The smallest difference; LAG_UNKNOWN when nothing came in the last two windows. */
int64_t mqtt_lag_least(const struct mqtt_lag *lag, int64_t now_ns);

#endif
