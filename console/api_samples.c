/*
 * api_samples: stored samples and buckets of one point.
 *
 * A piece is a read of its own, from where the one before ended: behind a
 * sample's time, or at the next whole multiple of the bucket's length, where an
 * answer can be cut without changing it.  It ends when it is large enough, or,
 * of buckets that are made of many samples each, has taken long enough.
 *
 * While the writer is busy without pause the store looks through its recovery
 * log at the beginning of a read.  So when a piece was slow the next ones are
 * larger, and there are fewer of them.
 */
#include "console/api.h"

#include "base/clock.h"
#include "console/rows.h"
#include <string.h>

enum { PIECE_MOST = 8 * REPLY_PIECE };
#define SLOW_NS (16 * NS_PER_MS)

/* Ends an element; false when the piece is to end. */
static bool goes_on(struct reply *reply)
{
    reply->ask.limit--;
    return reply->out.len < reply->at.samples.piece && reply->ask.limit > 0;
}

static bool take_sample(void *self, const struct store_row *row)
{
    struct reply *reply = self;
    reply->at.samples.next_ns = row->time_ns + 1; /* each time is there once, and before to_ns */
    reply_element(reply);
    rows_sample(&reply->out, row);
    return goes_on(reply);
}

static bool take_bucket(void *self, const struct store_bucket *bucket)
{
    struct reply *reply = self;
    const int64_t mono_ns = clock_mono_ns();
    if (reply->at.samples.first_ns == 0) {
        reply->at.samples.first_ns = mono_ns;
    }
    if (__builtin_add_overflow(bucket->start_ns, reply->ask.every_ns, &reply->at.samples.next_ns)) {
        reply->at.samples.next_ns = INT64_MAX;
    }
    reply_element(reply);
    rows_bucket(&reply->out, bucket, reply->ask.aggs, reply->ask.agg_count);
    reply->at.samples.stopped = !goes_on(reply) || mono_ns - reply->at.samples.first_ns > SLOW_NS;
    return !reply->at.samples.stopped;
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
        return reply_break(reply, err);
    }
    return stopped && reply->ask.limit > 0 ? reply_go_on(reply) : reply_end_list(reply);
}

static void adapt(struct reply *reply, int64_t took_ns)
{
    if (took_ns > SLOW_NS && reply->at.samples.piece < PIECE_MOST) {
        reply->at.samples.piece *= 2;
    }
}

enum reply_next api_samples_more(struct reply *reply, const struct console_source *source, int64_t now_ns)
{
    (void)now_ns;
    struct err err = {0};
    if (reply->ask.limit == 0) {
        return reply_end_list(reply);
    }
    const int64_t began_ns = clock_mono_ns();
    const enum err_code code =
        store_read(source->store, reply->id, reply->at.samples.next_ns, reply->ask.to_ns, take_sample, reply, &err);
    const bool stopped = reply->out.len >= reply->at.samples.piece;
    adapt(reply, clock_mono_ns() - began_ns);
    return settle(reply, code, stopped, &err);
}

enum reply_next api_buckets_more(struct reply *reply, const struct console_source *source, int64_t now_ns)
{
    (void)now_ns;
    struct err err = {0};
    if (reply->ask.limit == 0 || reply->at.samples.next_ns >= reply->ask.to_ns) {
        return reply_end_list(reply);
    }
    reply->at.samples.first_ns = 0;
    reply->at.samples.stopped = false;
    const int64_t began_ns = clock_mono_ns();
    const enum err_code code = store_aggregate(source->store, reply->id, reply->at.samples.next_ns, reply->ask.to_ns,
                                               reply->ask.every_ns, take_bucket, reply, &err);
    adapt(reply, clock_mono_ns() - began_ns);
    return settle(reply, code, reply->at.samples.stopped, &err);
}

void api_samples_begin(struct reply *reply, const struct console_source *source)
{
    reply_begin(reply, reply->ask.every_ns > 0 ? api_buckets_more : api_samples_more);
    reply->at.samples.known = site_point(source->site, reply->id, strlen(reply->id)) != SITE_NONE;
    reply->at.samples.next_ns = reply->ask.from_ns;
    reply->at.samples.piece = REPLY_PIECE;
}
