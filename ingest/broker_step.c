/*
 * broker_link, part deciding: when to connect, what to subscribe to, and what
 * the log is told of it.  Knows nothing of paho.
 */
#include "ingest/broker_link.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/nodelay.h"
#include "ingest/back_off.h"
#include "model/site_url.h"
#include "model/tls_trouble.h"
#include <stdio.h>
#include <string.h>

static const int64_t retry_min_ns = NS_PER_S;
static const int64_t retry_max_ns = 30 * NS_PER_S;
static const int64_t ask_max_ns = 300 * NS_PER_S; /* rights are given by people */
static const int64_t answer_ns = 30 * NS_PER_S;   /* for a subscription to be answered */

/* ---- the connection ---------------------------------------------------------------------------------------------- */

static const char *reason_text(const struct broker_link *link)
{
    const enum tls_trouble tls = (enum tls_trouble)cell_get(&link->tls);
    if (tls != TLS_NONE) {
        return tls_trouble_text(tls);
    }
    switch (link->reason) {
    case 0:
        return "the connection was lost";
    case 1:
        return "the broker does not speak MQTT 3.1.1";
    case 2:
        return "the broker refuses the client id";
    case 4:
        return "the broker refuses user and password";
    case 5:
        return "the broker does not allow this client";
    default:
        return link->encrypted ? TLS_SILENT_TEXT : "no connection";
    }
}

/* Says why there is no connection, once for each reason in a row. */
static void tell_down(struct broker_link *link)
{
    char subject[512];
    const char *id = link->config.source->id;
    const char *reason = reason_text(link);
    if (link->told == reason) {
        return;
    }
    link->told = reason;
    (void)snprintf(subject, sizeof subject, "%s: %s", id, reason);
    log_event(LOG_WARN, "ingest", "ING-010", subject, "source=%s host=%s port=%u reason=\"%s\"", id, link->host,
              link->port, reason);
}

/* Sets the time of the next try. */
static void plan_retry(struct broker_link *link, int64_t mono_ns)
{
    link->retry_ns = mono_ns + back_off_wait(link->seed, link->tries, retry_min_ns, retry_max_ns);
    link->tries++;
    link->ready = false;
    link->ask_ns = TIME_NEVER;
    link->down_since_ns = link->told == NULL ? mono_ns : link->down_since_ns;
    tell_down(link);
}

/* The connection stands, and what is to be subscribed to is on its way: who reads this may publish. */
static void greet(struct broker_link *link, int64_t mono_ns)
{
    const char *id = link->config.source->id;
    const int64_t down_ns = link->told != NULL ? mono_ns - link->down_since_ns : 0;
    log_event(LOG_INFO, "ingest", "ING-011", id, "source=%s host=%s port=%u connected after=%llds tries=%u session=%s",
              id, link->host, link->port, (long long)(down_ns / NS_PER_S), link->tries, link->session ? "kept" : "new");
    link->told = NULL;
    link->tries = 0;
}

/* ---- subscriptions ----------------------------------------------------------------------------------------------- */

static bool any_open(const struct broker_link *link)
{
    for (size_t i = 0; i < link->config.filter_count; i++) {
        if (link->config.filters[i].open) {
            return true;
        }
    }
    return false;
}

static void open_all(struct broker_link *link)
{
    for (size_t i = 0; i < link->config.filter_count; i++) {
        link->config.filters[i].open = true;
    }
}

/* Sets when what is open is asked for again. */
static void plan_ask(struct broker_link *link, int64_t mono_ns)
{
    link->ask_ns = mono_ns + back_off_wait(link->seed, link->ask_tries, retry_min_ns, ask_max_ns);
    link->ask_tries++;
}

static void ask(struct broker_link *link, int64_t mono_ns)
{
    link->unanswered = false;
    link->ask_ns = mono_ns + answer_ns;
    if (!broker_link_subscribe(link) && link->asking) {
        link->asking = false;
        link->unanswered = true;
        plan_ask(link, mono_ns);
    }
}

/* A kept session has its subscriptions, unless the site has changed since. */
static void begin_asking(struct broker_link *link, int64_t mono_ns)
{
    if (!link->session || !link->subscribed) {
        open_all(link);
        link->refused = false;
        link->ask_tries = 0;
    }
    if (!any_open(link)) {
        link->state = BROKER_UP;
        return;
    }
    link->state = link->config.clean ? BROKER_SUBSCRIBING : BROKER_UP; /* a kept session may bring messages at once */
    ask(link, mono_ns);
}

static void tell_refused(const struct broker_link *link, const char *topic)
{
    const char *id = link->config.source->id;
    char subject[512];
    (void)snprintf(subject, sizeof subject, "%s: %s", id, topic);
    log_event(LOG_ERROR, "ingest", "ING-012", subject,
              "source=%s host=%s port=%u topic=\"%s\" reason=\"the broker refuses the subscription\"", id, link->host,
              link->port, topic);
}

/* The broker may grant less than was asked, down to nothing (0x80), for each topic apart. */
static void take_answer(struct broker_link *link, const int *granted)
{
    enum { QOS_MAX = 2 };
    for (size_t i = 0; i < link->asked_count; i++) {
        struct broker_filter *filter = &link->config.filters[link->asked_at[i]];
        filter->open = granted == NULL || granted[i] > QOS_MAX;
        if (filter->open) {
            link->refused = true;
            tell_refused(link, filter->topic);
        }
    }
}

void broker_link_answered(struct broker_link *link, size_t count, const int *granted)
{
    (void)pthread_mutex_lock(link->config.lock);
    if (link->asking && count == link->asked_count) { /* else the connection it was asked on is gone */
        link->asking = false;
        link->subscribed = true;
        link->ask_ns = 0; /* broker_link_step plans what is next */
        take_answer(link, granted);
        link->state = link->state == BROKER_SUBSCRIBING ? BROKER_UP : link->state;
    }
    (void)pthread_mutex_unlock(link->config.lock);
    link->config.owner.changed(link->config.owner.self);
}

void broker_link_unanswered(struct broker_link *link)
{
    (void)pthread_mutex_lock(link->config.lock);
    if (link->asking) {
        link->asking = false;
        link->unanswered = true;
        link->ask_ns = 0;
    }
    (void)pthread_mutex_unlock(link->config.lock);
    link->config.owner.changed(link->config.owner.self);
}

static void all_granted(struct broker_link *link)
{
    const char *id = link->config.source->id;
    if (link->refused) {
        log_event(LOG_INFO, "ingest", "ING-019", id, "source=%s host=%s port=%u the broker grants all subscriptions",
                  id, link->host, link->port);
    }
    link->refused = false;
    link->ask_tries = 0;
    link->ask_ns = TIME_NEVER;
}

static void tell_unanswered(const struct broker_link *link)
{
    const char *id = link->config.source->id;
    log_event(LOG_WARN, "ingest", "ING-020", id, "source=%s host=%s port=%u reason=\"no answer to a subscription\"", id,
              link->host, link->port);
}

/* No answer: it may stand behind all that a kept session has for us, so only a clean one begins anew. */
static void stop_waiting(struct broker_link *link)
{
    tell_unanswered(link);
    link->ask_ns = TIME_NEVER;
    if (link->config.clean) {
        (void)broker_link_cut(link);
    }
}

/* Looks after what is not granted while the connection stands. */
static void see_to_open(struct broker_link *link, int64_t mono_ns)
{
    if (link->ask_ns == 0) { /* an answer has come, or never will */
        if (!any_open(link)) {
            all_granted(link);
        } else {
            plan_ask(link, mono_ns);
        }
    } else if (mono_ns < link->ask_ns) {
        return;
    } else if (link->asking) {
        stop_waiting(link);
    } else {
        if (link->unanswered) {
            tell_unanswered(link);
        }
        ask(link, mono_ns);
    }
}

/* Lock held, given up meanwhile.  False: the connection is gone already. */
static bool set_nodelay(struct broker_link *link)
{
    (void)pthread_mutex_unlock(link->config.lock);
    (void)nodelay_peer(link->host, link->port); /* only helps */
    (void)pthread_mutex_lock(link->config.lock);
    return link->state == BROKER_CONNECTED;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static int64_t step_down(struct broker_link *link, int64_t mono_ns, enum broker_news *ret_news)
{
    if (link->retry_ns == 0) {
        plan_retry(link, mono_ns);
        *ret_news = BROKER_FAILED;
    }
    if (mono_ns < link->retry_ns) {
        return link->retry_ns;
    }
    link->state = BROKER_CONNECTING;
    broker_link_connect(link);
    return TIME_NEVER;
}

int64_t broker_link_step(struct broker_link *link, int64_t mono_ns, enum broker_news *ret_news)
{
    *ret_news = BROKER_NOTHING;
    switch (link->state) {
    case BROKER_DOWN:
        return step_down(link, mono_ns, ret_news);
    case BROKER_CONNECTED:
        *ret_news = BROKER_MET;
        if (set_nodelay(link)) {
            begin_asking(link, mono_ns);
            greet(link, mono_ns);
        }
        return link->state == BROKER_SUBSCRIBING ? link->ask_ns : mono_ns; /* READY comes next, or FAILED */
    case BROKER_UP:
        *ret_news = link->ready ? BROKER_NOTHING : BROKER_READY;
        link->ready = true;
        see_to_open(link, mono_ns);
        return link->ask_ns;
    case BROKER_SUBSCRIBING:
        see_to_open(link, mono_ns);
        return link->ask_ns;
    case BROKER_CONNECTING:
        break;
    }
    return TIME_NEVER;
}

/* ---- the address ------------------------------------------------------------------------------------------------- */

enum err_code broker_link_read_url(struct broker_link *link, char ret_uri[BROKER_URI_MAX], struct err *err)
{
    char url[SITE_URL_MAX];
    bool tls = false;
    const char *host = NULL;
    size_t len = 0;
    const struct site_source *source = link->config.source;
    const char *reason = source->url == NULL ? "it is missing" : site_mqtt_url(source->url, url, &tls);
    const char *place = url + strlen(tls ? "mqtts://" : "mqtt://");
    if (reason == NULL) {
        reason = site_split_host(place, -1, &host, &len, &link->port);
    }
    if (reason != NULL || len >= sizeof link->host) {
        return err_set(err, ERR_INPUT, "source \"%s\": url: %s", source->id,
                       reason != NULL ? reason : "its host is too long");
    }
    memcpy(link->host, host, len);
    link->encrypted = tls;
    (void)snprintf(ret_uri, BROKER_URI_MAX, "%s://%s", tls ? "ssl" : "tcp", place); /* room for the longest url */
    return ERR_NONE;
}
