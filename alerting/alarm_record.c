/*
 * alarm_record: keys and bytes of alarms and kept conditions.  See the header.
 */
#include "alerting/alarm_record.h"
#include "alerting/pack.h"
#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_VERSION = 1, HASH_BYTES = 32 };

void record_key(char ret_key[RECORD_KEY_MAX + 1], const char *prefix, const char *name)
{
    const int len = snprintf(ret_key, RECORD_KEY_MAX + 1, "%s%s", prefix, name);
    if (len <= RECORD_KEY_MAX) {
        return;
    }
    uint8_t hash[HASH_BYTES];
    const int hashed = EVP_Digest(name, strlen(name), hash, NULL, EVP_sha256(), NULL);
    assert(hashed == 1);
    (void)hashed; /* SHA-256 of bytes in memory does not fail */
    int at = snprintf(ret_key, RECORD_KEY_MAX + 1, "%s#", prefix);
    for (size_t i = 0; i < sizeof hash; i++) {
        at += snprintf(ret_key + at, (size_t)(RECORD_KEY_MAX + 1 - at), "%02x", hash[i]);
    }
}

void record_keep_key(char ret_key[RECORD_KEY_MAX + 1], struct buf *name, const struct site *site,
                     const struct verdict *keep)
{
    const struct site_alarm *alarm = &site->alarms[keep->alarm];
    const enum level level = site->rules[alarm->rule].levels[keep->keep_level].level;
    buf_clear(name);
    buf_printf(name, "%s/%s/%s", alarm->name, level_name(level), site->points[keep->point].id);
    record_key(ret_key, "keep/", name->data);
}

/* ---- alarms ------------------------------------------------------------------------------------------------------ */

/* The words in their order on disk. */
static const char **word_at(struct event_words *words, size_t i)
{
    const char **const order[] = {&words->alarm, &words->rule, &words->point,   &words->name,  &words->hazard,
                                  &words->kind,  &words->unit, &words->message, &words->advice};
    return i < sizeof order / sizeof order[0] ? order[i] : NULL;
}

void alarm_record_begin(struct buf *out, uint64_t digest, const struct event_words *words)
{
    struct event_words copy = *words;
    pack_u8(out, RECORD_VERSION);
    pack_u64(out, digest);
    const char **word;
    for (size_t i = 0; (word = word_at(&copy, i)) != NULL; i++) {
        pack_text(out, *word);
    }
}

enum err_code alarm_record_read(struct alarm_record *ret_record, const void *bytes, size_t len, struct err *err)
{
    struct alarm_record record = {0};
    struct unpack in = unpack_begin(bytes, len);
    const uint8_t version = unpack_u8(&in);
    record.digest = unpack_u64(&in);
    const char **word;
    for (size_t i = 0; (word = word_at(&record.words, i)) != NULL; i++) {
        *word = unpack_text(&in);
    }
    record.book_len = in.left;
    record.book = unpack_bytes(&in, in.left);
    if (in.bad || version != RECORD_VERSION || record.words.alarm == NULL || record.words.rule == NULL) {
        alarm_record_done(&record);
        return err_set(err, ERR_INPUT, "alarm record of %zu bytes, version %u, cannot be read", len, (unsigned)version);
    }
    *ret_record = record;
    return ERR_NONE;
}

void alarm_record_done(struct alarm_record *record)
{
    const char **word;
    for (size_t i = 0; (word = word_at(&record->words, i)) != NULL; i++) {
        union {
            const char *borrowed;
            char *owned;
        } text = {.borrowed = *word}; /* the record made these copies itself */
        free(text.owned);
        *word = NULL;
    }
}

/* ---- kept conditions --------------------------------------------------------------------------------------------- */

void keep_record_write(struct buf *out, const struct site *site, const struct verdict *keep)
{
    const struct site_alarm *alarm = &site->alarms[keep->alarm];
    const struct site_rule *rule = &site->rules[alarm->rule];
    pack_u8(out, RECORD_VERSION);
    pack_u64(out, rule->digest);
    pack_text(out, alarm->name);
    pack_text(out, site->points[keep->point].id);
    pack_u8(out, (uint8_t)rule->levels[keep->keep_level].level);
    pack_u8(out, keep->keep);
    pack_u8(out, keep->flags);
    pack_i64(out, keep->time_ns);
    pack_i64(out, keep->since_ns);
    pack_i64(out, keep->step_ns);
    pack_f64(out, keep->value);
}

static bool is_member(const struct site_alarm *alarm, uint32_t point)
{
    for (size_t i = 0; i < alarm->member_count; i++) {
        if (alarm->members[i] == point) {
            return true;
        }
    }
    return false;
}

/* Turns names back into indices of this site; false when something is gone or the rule changed. */
static bool resolve(const struct site *site, const char *alarm_name, const char *point_id, uint8_t level,
                    uint64_t digest, struct verdict *keep)
{
    keep->alarm = site_alarm(site, alarm_name, strlen(alarm_name));
    keep->point = site_point(site, point_id, strlen(point_id));
    if (keep->alarm == SITE_NONE || keep->point == SITE_NONE) {
        return false;
    }
    const struct site_alarm *alarm = &site->alarms[keep->alarm];
    const struct site_rule *rule = &site->rules[alarm->rule];
    for (size_t i = 0; i < rule->level_count; i++) {
        if ((uint8_t)rule->levels[i].level == level) {
            keep->keep_level = (uint8_t)i;
            return rule->digest == digest && is_member(alarm, keep->point);
        }
    }
    return false;
}

enum err_code keep_record_read(const struct site *site, const void *bytes, size_t len, struct verdict *ret_keep,
                               struct err *err)
{
    struct unpack in = unpack_begin(bytes, len);
    struct verdict keep = {.kind = VERDICT_KEEP};
    const uint8_t version = unpack_u8(&in);
    const uint64_t digest = unpack_u64(&in);
    char *alarm_name = unpack_text(&in), *point_id = unpack_text(&in);
    const uint8_t level = unpack_u8(&in);
    keep.keep = unpack_u8(&in);
    keep.flags = unpack_u8(&in);
    keep.time_ns = unpack_i64(&in);
    keep.since_ns = unpack_i64(&in);
    keep.step_ns = unpack_i64(&in);
    keep.value = unpack_f64(&in);
    keep.seen_ns = keep.time_ns;
    enum err_code code = ERR_NONE;
    if (!unpack_whole(&in) || version != RECORD_VERSION || alarm_name == NULL || point_id == NULL) {
        code = err_set(err, ERR_INPUT, "kept condition of %zu bytes cannot be read", len);
    } else if (!resolve(site, alarm_name, point_id, level, digest, &keep)) {
        code = err_set(err, ERR_NO, "%s at %s is no longer judged so", alarm_name, point_id);
    } else {
        *ret_keep = keep;
    }
    free(alarm_name);
    free(point_id);
    return code;
}

/* ---- tickets ----------------------------------------------------------------------------------------------------- */

void taken_record_write(struct buf *out, const uint64_t *tickets, unsigned shards)
{
    pack_u8(out, RECORD_VERSION);
    pack_u8(out, (uint8_t)shards);
    for (unsigned m = 0; m < shards; m++) {
        pack_u64(out, tickets[m]);
    }
}

enum err_code taken_record_read(const void *bytes, size_t len, unsigned shards, uint64_t *ret_tickets, struct err *err)
{
    struct unpack in = unpack_begin(bytes, len);
    uint64_t tickets[UINT8_MAX];
    uint64_t least = UINT64_MAX;
    const uint8_t version = unpack_u8(&in);
    const unsigned written = unpack_u8(&in);
    for (unsigned m = 0; m < written; m++) {
        tickets[m] = unpack_u64(&in);
        least = tickets[m] < least ? tickets[m] : least;
    }
    if (version != RECORD_VERSION || written == 0 || !unpack_whole(&in)) {
        return err_set(err, ERR_INPUT, "the tickets of what was taken cannot be read");
    }
    for (unsigned m = 0; m < shards; m++) {
        ret_tickets[m] = written == shards ? tickets[m] : least;
    }
    return ERR_NONE;
}
