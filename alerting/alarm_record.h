/*
 * alarm_record: what the manager keeps in the store beside the journal.
 *
 *   alarm/<name>                  the alarm: digest of its rule, its words, the book's record
 *   keep/<name>/<level>/<point>   one condition: digest of the rule, names, last truths and delay
 *   shown/<name>                  the retained state, JSON
 *
 * Names are texts, never indices, so that a record outlives any change of the
 * site.  A name too long for a key (rare: over 600 bytes) is replaced by
 * "#" and its SHA-256; so the name stands in the record too and keys are never
 * taken apart.
 *
 * Alarm record: u8 version 1, u64 digest, texts alarm rule point name hazard
 * kind unit message advice (pack.h: u16 length; absent 0xffff), then the book's
 * record (book_keep.c) to the end.
 *
 * Condition: u8 version 1, u64 digest, text alarm, text point, u8 level, u8
 * keep bits, u8 verdict flags, i64 time, i64 since, i64 step, f64 value.
 *
 * Pure; owned strings are freed by alarm_record_done.
 */
#ifndef DAVY_ALERTING_ALARM_RECORD_H
#define DAVY_ALERTING_ALARM_RECORD_H

#include "alerting/event_words.h"
#include "model/site.h"

enum { RECORD_KEY_MAX = 600 };

/* Writes the key <prefix><name>, prefix like "alarm/". */
void record_key(char ret_key[RECORD_KEY_MAX + 1], const char *prefix, const char *name);
/* Writes the key of one kept condition; `name` is scratch. */
void record_keep_key(char ret_key[RECORD_KEY_MAX + 1], struct buf *name, const struct site *site,
                     const struct verdict *keep);

/* One alarm as read from the store. */
struct alarm_record {
    uint64_t digest;
    struct event_words words; /* owned copies; alarm and rule are never NULL */
    const void *book;         /* the book's record, borrowed from the bytes read */
    size_t book_len;
};

/* Writes everything but the book's record, which the caller appends. */
void alarm_record_begin(struct buf *out, uint64_t digest, const struct event_words *words);
/* Reads one; ERR_INPUT when it cannot be. */
enum err_code alarm_record_read(struct alarm_record *ret_record, const void *bytes, size_t len,
                                struct err *err) MUST_CHECK;
void alarm_record_done(struct alarm_record *record);

void keep_record_write(struct buf *out, const struct site *site, const struct verdict *keep);
/* Reads one as a verdict of this site.  ERR_NO: not of this site as it is now (alarm, point or level gone, or the rule
 * changed); ERR_INPUT: cannot be read. */
enum err_code keep_record_read(const struct site *site, const void *bytes, size_t len, struct verdict *ret_keep,
                               struct err *err) MUST_CHECK;

/* The ticket each shard's verdicts have reached. */
void taken_record_write(struct buf *out, const uint64_t *tickets, unsigned shards);
/* Reads it for so many shards; when it was written for another number each gets the smallest.  ERR_INPUT: cannot be
 * read. */
enum err_code taken_record_read(const void *bytes, size_t len, unsigned shards, uint64_t *ret_tickets,
                                struct err *err) MUST_CHECK;

#endif
