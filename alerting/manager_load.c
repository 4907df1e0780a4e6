/*
 * manager_load: taking up where the last run left, by the site as it is now.
 *
 *   in the store                       in the site           what happens
 *   alarm, same digest                 yes                   goes on
 *   alarm, other digest                yes, rule changed     level, occurrence, acknowledgement stay; judged anew
 *   alarm, not all well                no                    `closed` by davy with the reason; record removed
 *   alarm, all well                    no                    record removed
 *   condition, same digest             yes                   handed to the shard
 *   condition otherwise                                      removed
 *
 * Reading happens in manager_new; what has to be written or said waits for the
 * first cycle, which has a clock.  One thread (the one that starts, then the
 * manager's).
 */
#include "alerting/manager_inside.h"
#include "base/log.h"
#include "base/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What scanning the store hands to each record, and where it notes trouble of our own. */
struct loading {
    struct manager *manager;
    uint64_t seq; /* the last one used, counting those set aside for `closed` */
};

static void refuse(struct manager *manager, const char *key, size_t key_len, const struct err *err)
{
    log_event(LOG_ERROR, "alerting", "ALT-003", "record", "key=\"%.*s\" reason=\"%s\" it starts afresh", (int)key_len,
              key, err->text);
    counter_add(manager->counters.unreadable, 1);
}

static void drop_later(struct manager *manager, const char *key, size_t key_len)
{
    buf_add(&manager->stale, key, key_len);
    buf_add(&manager->stale, "", 1);
}

/* ---- alarms that are gone ---------------------------------------------------------------------------------------- */

/* A site of one alarm, so that the book can close what the real site no longer has. */
struct little_site {
    struct site site;
    struct site_rule rule;
    struct site_point point;
    struct site_alarm alarm;
};

static struct alarm_book *little_book(struct little_site *little, const struct manager_gone *gone, uint64_t last_seq,
                                      struct err *err)
{
    const struct event_words *words = &gone->record.words;
    little->rule = (struct site_rule){.id = words->rule, .latch = true, .alarm_count = 1};
    little->point = (struct site_point){.id = words->point, .hazard = SITE_NONE};
    little->alarm =
        (struct site_alarm){.name = words->alarm, .point = words->point == NULL ? SITE_NONE : 0, .hazard = SITE_NONE};
    little->site = (struct site){.points = &little->point,
                                 .point_count = 1,
                                 .rules = &little->rule,
                                 .rule_count = 1,
                                 .alarms = &little->alarm,
                                 .alarm_count = 1};
    struct alarm_book *book = alarm_book_new(&little->site, last_seq);
    if (alarm_book_load(book, 0, gone->record.book, gone->record.book_len, err) != ERR_NONE) {
        alarm_book_free(book);
        return NULL;
    }
    return book;
}

/* Says in words why the alarm is not in the site any more. */
static void tell_reason(const struct site *site, const struct event_words *words, char *ret_text, size_t size)
{
    if (table_find(&site->rule_by_id, words->rule, strlen(words->rule)) == TABLE_NONE) {
        (void)snprintf(ret_text, size, "rule %s is no longer in the site", words->rule);
    } else if (words->point != NULL && site_point(site, words->point, strlen(words->point)) == SITE_NONE) {
        (void)snprintf(ret_text, size, "point %s is no longer in the site", words->point);
    } else {
        (void)snprintf(ret_text, size, "rule %s no longer covers %s", words->rule,
                       words->point != NULL ? words->point : words->name);
    }
}

/* Closes a gone alarm in a book of its own; gives the events there (borrowed from the book). */
static struct alarm_book *close_gone(const struct site *site, struct little_site *little,
                                     const struct manager_gone *gone, int64_t now_ns, uint64_t last_seq)
{
    struct err err;
    struct alarm_book *book = little_book(little, gone, last_seq, &err);
    struct act act = {.kind = ACT_CLOSE, .time_ns = now_ns, .by = "davy"};
    tell_reason(site, &gone->record.words, act.comment, sizeof act.comment);
    const double value = alarm_book_standing(book, 0).value;
    if (alarm_book_act(book, &act, now_ns, value, &err) != ERR_NONE) {
        act.kind = ACT_COMMENT; /* shelved or out of service, but never raised: nothing to close, still a word */
        const enum err_code code = alarm_book_act(book, &act, now_ns, value, &err);
        assert(code == ERR_NONE);
        (void)code; /* a comment is never refused */
    }
    return book;
}

static void put_gone(struct manager *manager, struct manager_gone *gone, int64_t now_ns)
{
    struct little_site little;
    const struct event_words *words = &gone->record.words;
    if (gone->seq != 0) {
        struct alarm_book *book = close_gone(manager->config.site, &little, gone, now_ns, gone->seq - 1);
        size_t count;
        struct event event = *alarm_book_events(book, &count);
        event.state_level = LEVEL_NONE; /* nobody judges it any more: its retained state goes */
        event.acked = 1;
        event.shelved = event.out_of_service = 0;
        manager_put_event(manager, words, NULL, &event, alarm_book_event_act(book, 0));
        alarm_book_free(book);
    }
    char key[RECORD_KEY_MAX + 1];
    record_key(key, "alarm/", words->alarm);
    store_batch_put(manager->batch, key, NULL, 0);
    manager->filled = true;
}

/* True when something about the alarm is open, so that its end has to be told; err->code says when it cannot be read.
 */
static bool is_open(const struct manager_gone *gone, struct err *err)
{
    struct little_site little;
    struct alarm_book *book = little_book(&little, gone, 0, err);
    if (book == NULL) {
        return false;
    }
    const struct act look = {.kind = ACT_COMMENT};
    const enum err_code code = alarm_book_act(book, &look, 0, NAN, err);
    assert(code == ERR_NONE);
    (void)code; /* a comment is never refused */
    size_t count;
    const bool open = !event_all_well(alarm_book_events(book, &count));
    alarm_book_free(book);
    return open;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void add_gone(struct loading *loading, const void *bytes, size_t len, const char *key, size_t key_len)
{
    struct manager *manager = loading->manager;
    if (manager->gone_count == manager->gone_cap) {
        manager->gone_cap = manager->gone_cap == 0 ? 16 : manager->gone_cap * 2;
        manager->gone = memory_resize(manager->gone, manager->gone_cap, sizeof *manager->gone);
    }
    struct manager_gone *gone = &manager->gone[manager->gone_count];
    *gone = (struct manager_gone){0};
    buf_add(&gone->bytes, bytes, len);
    struct err err = {0};
    if (alarm_record_read(&gone->record, gone->bytes.data, gone->bytes.len, &err) != ERR_NONE) {
        buf_done(&gone->bytes);
        return; /* it was readable a moment ago */
    }
    if (is_open(gone, &err)) {
        gone->seq = ++loading->seq;
    } else if (err.code != ERR_NONE) {
        refuse(manager, key, key_len, &err);
    }
    manager->gone_count++;
}

static bool take_gone(void *self, const char *key, size_t key_len, const void *bytes, size_t len)
{
    struct loading *loading = self;
    struct alarm_record record;
    struct err err;
    if (alarm_record_read(&record, bytes, len, &err) != ERR_NONE) {
        refuse(loading->manager, key, key_len, &err);
        drop_later(loading->manager, key, key_len);
        return true;
    }
    const char *name = record.words.alarm;
    if (site_alarm(loading->manager->config.site, name, strlen(name)) == SITE_NONE) {
        add_gone(loading, bytes, len, key, key_len);
    }
    alarm_record_done(&record);
    return true;
}

static bool take_alarm(void *self, const char *key, size_t key_len, const void *bytes, size_t len)
{
    struct manager *manager = ((struct loading *)self)->manager;
    const struct site *site = manager->config.site;
    struct alarm_record record;
    struct err err;
    if (alarm_record_read(&record, bytes, len, &err) != ERR_NONE) {
        return true; /* was refused by take_gone */
    }
    const uint32_t alarm = site_alarm(site, record.words.alarm, strlen(record.words.alarm));
    if (alarm != SITE_NONE) {
        if (alarm_book_load(manager->book, alarm, record.book, record.book_len, &err) != ERR_NONE) {
            refuse(manager, key, key_len, &err);
        } else if (record.digest != site->rules[site->alarms[alarm].rule].digest) {
            manager->changed[alarm] = true;
            alarm_book_restart(manager->book, alarm);
        }
    }
    alarm_record_done(&record);
    return true;
}

static bool take_keep(void *self, const char *key, size_t key_len, const void *bytes, size_t len)
{
    struct manager *manager = ((struct loading *)self)->manager;
    struct verdict keep;
    struct err err;
    const enum err_code code = keep_record_read(manager->config.site, bytes, len, &keep, &err);
    if (code == ERR_INPUT) {
        refuse(manager, key, key_len, &err);
    }
    if (code != ERR_NONE) {
        drop_later(manager, key, key_len);
        return true;
    }
    if (manager->kept_count == manager->kept_cap) {
        manager->kept_cap = manager->kept_cap == 0 ? 64 : manager->kept_cap * 2;
        manager->kept = memory_resize(manager->kept, manager->kept_cap, sizeof *manager->kept);
    }
    manager->kept[manager->kept_count++] = keep;
    return true;
}

/* Without the record, or when it cannot be read, nothing is known to have been judged: it is judged again. */
static enum err_code load_taken(struct manager *manager, struct err *err)
{
    struct buf bytes = {0};
    enum err_code code = store_get(manager->config.store, MANAGER_TAKEN, &bytes, err);
    if (code == ERR_NONE) {
        struct err why;
        if (taken_record_read(bytes.data, bytes.len, manager->config.shard_count, manager->taken, &why) != ERR_NONE) {
            refuse(manager, MANAGER_TAKEN, strlen(MANAGER_TAKEN), &why);
        }
    }
    buf_done(&bytes);
    return code == ERR_NO ? ERR_NONE : code;
}

const uint64_t *manager_taken(const struct manager *manager)
{
    return manager->taken;
}

enum err_code manager_load(struct manager *manager, struct err *err)
{
    const struct manager_config *config = &manager->config;
    struct loading loading = {.manager = manager, .seq = store_last_seq(config->store)};
    manager->changed = memory_new(config->site->alarm_count, sizeof *manager->changed);
    /* The book begins behind the events of what is gone, so these are found first. */
    if (store_scan(config->store, "alarm/", take_gone, &loading, err) != ERR_NONE) {
        return err_prefix(err, "alarms of the store");
    }
    manager->book = alarm_book_new(config->site, loading.seq);
    alarm_book_lend_board(manager->book, config->board);
    if (store_scan(config->store, "alarm/", take_alarm, &loading, err) != ERR_NONE ||
        store_scan(config->store, "keep/", take_keep, &loading, err) != ERR_NONE) {
        return err_prefix(err, "alarms of the store");
    }
    return load_taken(manager, err);
}

/* ---- giving and settling ----------------------------------------------------------------------------------------- */

void manager_kept(struct manager *manager, manager_kept_fn *fn, void *self)
{
    for (uint32_t i = 0; i < manager->config.site->alarm_count; i++) {
        if (!alarm_book_is_fresh(manager->book, i)) {
            const struct verdict standing = alarm_book_standing(manager->book, i);
            fn(self, &standing);
        }
    }
    for (size_t i = 0; i < manager->kept_count; i++) {
        fn(self, &manager->kept[i]);
    }
}

void manager_settle(struct manager *manager, int64_t now_ns)
{
    for (size_t i = 0; i < manager->gone_count; i++) {
        put_gone(manager, &manager->gone[i], now_ns);
    }
    for (size_t at = 0; at < manager->stale.len; at += strlen(manager->stale.data + at) + 1) {
        store_batch_put(manager->batch, manager->stale.data + at, NULL, 0);
        manager->filled = true;
    }
    for (uint32_t i = 0; i < manager->config.site->alarm_count; i++) {
        if (manager->changed[i]) {
            manager_touch(manager, i); /* so that its record carries the new digest */
        }
    }
    alarm_book_settle(manager->book, now_ns);
    manager_load_done(manager);
}

void manager_load_done(struct manager *manager)
{
    for (size_t i = 0; i < manager->gone_count; i++) {
        alarm_record_done(&manager->gone[i].record);
        buf_done(&manager->gone[i].bytes);
    }
    free(manager->gone);
    free(manager->kept);
    free(manager->changed);
    buf_done(&manager->stale);
    manager->gone = NULL;
    manager->kept = NULL;
    manager->changed = NULL;
    manager->gone_count = manager->kept_count = 0;
    manager->stale = (struct buf){0};
}
