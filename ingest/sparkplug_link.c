/*
 * sparkplug_link: see sparkplug_link.h.
 */
#include "ingest/sparkplug_link.h"

#include "base/clock.h"
#include "base/log.h"
#include "ingest/sparkplug_topic.h"

/* ---- what the broker's link asks for ------------------------------------------------------------------------------
 */

static void on_changed(void *self)
{
    const struct spb_link *link = self;
    link->owner.changed(link->owner.self);
}

static bool on_message(void *self, const struct broker_message *message)
{
    const struct spb_link *link = self;
    link->owner.message(link->owner.self, message);
    return true; /* a clean session: a broker gives nothing again */
}

/* With the lock: our death, should the connection end. */
static void write_death(void *self, struct buf *ret_text)
{
    const struct spb_link *link = self;
    spb_write_state(ret_text, false, link->state_ms);
}

/* ---- what is published ------------------------------------------------------------------------------------------- */

static int publish_state(struct spb_link *link, bool online, int64_t state_ms)
{
    struct buf text = {0};
    spb_write_state(&text, online, state_ms);
    const int token = broker_link_publish(&link->broker, link->state_topic, &text, 1, true);
    buf_done(&text);
    return token;
}

void spb_link_say_online(struct spb_link *link, int64_t state_ms)
{
    log_event(LOG_WARN, "ingest", "ING-044", link->source->id, "source=%s host_id=%s", link->source->id,
              link->source->host_id);
    (void)publish_state(link, true, state_ms);
}

void spb_link_ask(struct spb_link *link, const char *node, int64_t now_ns)
{
    struct buf topic = {0};
    struct buf payload = {0};
    spb_write_rebirth_topic(&topic, node);
    spb_write_rebirth(&payload, now_ns / NS_PER_MS);
    (void)broker_link_publish(&link->broker, topic.data, &payload, 0, false); /* asked again when no birth comes */
    buf_done(&topic);
    buf_done(&payload);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

/* Lock held, given up while paho is called: says that we are here. */
static void be_born(struct spb_link *link)
{
    const int64_t state_ms = link->state_ms;
    link->up = true;
    (void)pthread_mutex_unlock(link->lock);
    (void)publish_state(link, true, state_ms);
    (void)pthread_mutex_lock(link->lock);
}

int64_t spb_link_step(struct spb_link *link, int64_t mono_ns, int64_t now_ns, bool *ret_born, bool *ret_lost)
{
    enum broker_news news = BROKER_NOTHING;
    if (link->broker.state == BROKER_DOWN) {
        link->state_ms = now_ns / NS_PER_MS; /* of the will, if it connects now */
    }
    const int64_t due_ns = broker_link_step(&link->broker, mono_ns, &news);
    if (news == BROKER_READY) {
        be_born(link);
        *ret_born = true;
    } else if (news == BROKER_FAILED && link->up) {
        link->up = false;
        *ret_lost = true;
    }
    return due_ns;
}

bool spb_link_up(const struct spb_link *link)
{
    return link->up && link->broker.state == BROKER_UP;
}

/* ---- start and end ----------------------------------------------------------------------------------------------- */

/* Our own STATE, the site's topics, the deaths among them. */
static void make_filters(struct spb_link *link, struct broker_config *config, struct arena *arena)
{
    const struct site_source *source = link->source;
    struct broker_filter *filters = ARENA_ARRAY(arena, struct broker_filter, 2 * source->topic_count + 1);
    struct buf topic = {0};
    size_t n = 0;
    spb_write_state_topic(&topic, source->host_id);
    link->state_topic = arena_strdup(arena, topic.data);
    filters[n++] = (struct broker_filter){.topic = link->state_topic, .qos = 1};
    for (size_t i = 0; i < source->topic_count; i++) {
        buf_clear(&topic);
        filters[n++] = (struct broker_filter){.topic = source->topics[i], .qos = 0};
        if (spb_write_death_filter(&topic, source->topics[i])) {
            filters[n++] = (struct broker_filter){.topic = arena_strdup(arena, topic.data), .qos = 1};
        }
    }
    buf_done(&topic);
    config->filters = filters;
    config->filter_count = n;
    config->will_topic = link->state_topic;
}

enum err_code spb_link_init(struct spb_link *link, const struct site *site, const struct site_source *source,
                            const struct spb_link_owner *owner, pthread_mutex_t *lock, struct arena *arena,
                            struct err *err)
{
    *link = (struct spb_link){.source = source, .owner = *owner, .lock = lock};
    struct broker_config config = {
        .site = site,
        .source = source,
        .clean = true,
        .owner = {.changed = on_changed, .message = on_message, .write_will = write_death, .self = link},
        .lock = lock,
    };
    make_filters(link, &config, arena);
    return broker_link_init(&link->broker, &config, arena, err);
}

void spb_link_done(struct spb_link *link, int64_t now_ns)
{
    if (broker_link_connected(&link->broker)) {
        const int token = publish_state(link, false, now_ns / NS_PER_MS);
        if (token != 0) {
            broker_link_flush(&link->broker, token); /* else the broker keeps our birth */
        }
    }
    broker_link_done(&link->broker);
}
