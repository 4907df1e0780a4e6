/*
 * api_samples: stored samples and buckets of one point.
 *
 * A piece is a read of its own, from where the one before ended: a sample's
 * time, or the next whole multiple of the bucket's length, where an answer can
 * be cut without changing it.  How far a piece of buckets reaches is found by
 * trying: twice as far after a quick one, half as far after a slow one.
 */
#include "console/api.h"

#include "base/clock.h"
#include "console/rows.h"
#include <string.h>

#define QUICK_NS   (4 * NS_PER_MS)
#define SLOW_NS    (16 * NS_PER_MS)
#define SPAN_FIRST (6 * 3600 * NS_PER_S)

static bool take_sample(void *self, const struct store_row *row)
{
    struct reply *reply = self;
    reply->at.samples.next_ns = row->time_ns + 1; /* each time is there once; a row's time is before to_ns */
    reply_element(reply);
    rows_sample(&reply->out, row);
    reply->ask.limit--;
    return reply->out.len < REPLY_PIECE && reply->ask.limit > 0;
}

static bool take_bucket(void *self, const struct store_bucket *bucket)
{
    struct reply *reply = self;
    reply->at.samples.next_ns = bucket->start_ns;
    if (__builtin_add_overflow(bucket->start_ns, reply->ask.every_ns, &reply->at.samples.next_ns)) {
        reply->at.samples.next_ns = INT64_MAX;
    }
    reply_element(reply);
    rows_bucket(&reply->out, bucket, reply->ask.aggs, reply->ask.agg_count);
    reply->ask.limit--;
    return reply->out.len < REPLY_PIECE && reply->ask.limit > 0;
}

/* Says what came of a read: a point that nothing is stored of is an empty list, if the site has it. */
static enum reply_next settle(struct reply *reply, enum err_code code, bool stopped, const struct err *err)
{
    if (code == ERR_NO && reply->at.samples.known) {
        return reply_end_list(reply);
    }
    if (code == ERR_NO) {
        reply_error(reply, 404, "there is no point \"%s\", in the site or the store; /api/v1/points lists them",
                     reply->id);
        return REPLY_END;
    }
    if (code != ERR_NONE) {
        if (!reply->any) {
            reply_fail(reply, err);
        }
        return REPLY_BROKEN;
    }
    return stopped && reply->ask.limit > 0 ? reply_go_on(reply) : reply_end_list(reply);
}

enum reply_next api_samples_more(struct reply *reply, const struct console_source *source, int64_t now_ns)
{
    (void)now_ns;
    struct err err = {0};
    if (reply->ask.limit == 0) {
        return reply_end_list(reply);
    }
    const enum err_code code = store_read(source->store, reply->id, reply->at.samples.next_ns, reply->ask.to_ns,
                                          take_sample, reply, &err);
    return settle(reply, code, reply->out.len >= REPLY_PIECE, &err);
}

/* The next place, a span further on, where buckets can be cut. */
static int64_t reach(const struct reply *reply)
{
    const int64_t every_ns = reply->ask.every_ns;
    const int64_t from_ns = reply->at.samples.next_ns;
    int64_t to_ns = 0;
    if (__builtin_add_overflow(from_ns, reply->at.samples.span_ns, &to_ns) || to_ns >= reply->ask.to_ns) {
        return reply->ask.to_ns;
    }
    const int64_t over_ns = (to_ns % every_ns + every_ns) % every_ns;
    if (over_ns != 0 && __builtin_add_overflow(to_ns, every_ns - over_ns, &to_ns)) {
        return reply->ask.to_ns;
    }
    return to_ns < reply->ask.to_ns ? to_ns : reply->ask.to_ns;
}

static void adapt(int64_t *span_ns, int64_t took_ns, int64_t every_ns)
{
    if (took_ns > SLOW_NS && *span_ns / 2 >= every_ns) {
        *span_ns /= 2;
    } else if (took_ns < QUICK_NS && *span_ns < INT64_MAX / 4) {
        *span_ns *= 2;
    }
}

enum reply_next api_buckets_more(struct reply *reply, const struct console_source *source, int64_t now_ns)
{
    (void)now_ns;
    struct err err = {0};
    if (reply->ask.limit == 0 || reply->at.samples.next_ns >= reply->ask.to_ns) {
        return reply_end_list(reply);
    }
    const int64_t from_ns = reply->at.samples.next_ns;
    const int64_t to_ns = reach(reply);
    const int64_t began_ns = clock_mono_ns();
    const enum err_code code = store_aggregate(source->store, reply->id, from_ns, to_ns, reply->ask.every_ns,
                                               take_bucket, reply, &err);
    adapt(&reply->at.samples.span_ns, clock_mono_ns() - began_ns, reply->ask.every_ns);
    if (reply->out.len < REPLY_PIECE) {
        reply->at.samples.next_ns = to_ns; /* all of the stretch was given */
    }
    return settle(reply, code, reply->at.samples.next_ns < reply->ask.to_ns, &err);
}

void api_samples_begin(struct reply *reply, const struct console_source *source)
{
    reply_begin(reply, reply->ask.every_ns > 0 ? api_buckets_more : api_samples_more);
    reply->at.samples.known = site_point(source->site, reply->id, strlen(reply->id)) != SITE_NONE;
    reply->at.samples.next_ns = reply->ask.from_ns;
    reply->at.samples.span_ns = reply->ask.every_ns > SPAN_FIRST ? reply->ask.every_ns : SPAN_FIRST;
}
