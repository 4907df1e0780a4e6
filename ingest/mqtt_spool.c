/*
 * mqtt_spool: see mqtt_spool.h; every byte of the file stands in
 * docs/data-model.md.
 *
 * Positions count bytes without end; a position's place in the file is its rest
 * by the capacity.  Records are whole: where one would reach over the end of
 * the file, a pad fills what is left.
 */
#include "ingest/mqtt_spool.h"

#include "base/cell.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_BYTES = 4096, ALIGN = 8 };
static const char magic[8] = "DAVYSP1\n";

struct header {
    char magic[8];
    uint64_t capacity;
    struct cell tail;     /* position of the oldest record; writer */
    struct cell released; /* number; reader */
};

struct head {
    uint32_t len; /* of all, a multiple of ALIGN; PAD: nothing more until the end of the file */
    uint32_t crc; /* over all behind it; pad: over the position */
    uint64_t pos;
    uint64_t number;
    int64_t seen_ns;
    uint32_t payload_len;
    uint16_t topic_len;
    uint16_t source_len;
};
enum { PAD = UINT32_MAX, PAD_BYTES = 8, CRC_FROM = offsetof(struct head, pos) };
static_assert(sizeof(struct head) == 40, "as docs/data-model.md says");

struct spool {
    int fd;
    size_t capacity;
    void *map;
    struct header *header; /* in the mapping, like the next */
    char *bytes;
    uint64_t began;   /* where the reader began; const after spool_open */
    uint64_t next;    /* number of the next record; writer */
    uint64_t tail;    /* as in the header; writer */
    struct cell head; /* position behind the newest record; writer */
    struct cell last; /* its number; writer */
    uint64_t at;      /* position of the record read next; reader */
};

enum found { FOUND_NOTHING, FOUND_PAD, FOUND_RECORD };

static size_t place(const struct spool *spool, uint64_t pos)
{
    return (size_t)(pos % spool->capacity);
}

static size_t length_of(size_t source_len, size_t topic_len, size_t payload_len)
{
    const size_t len = sizeof(struct head) + source_len + topic_len + payload_len;
    return (len + ALIGN - 1) / ALIGN * ALIGN;
}

static uint32_t pad_crc(uint64_t pos)
{
    return crc32c(0, &pos, sizeof pos);
}

/* ---- reading ---- */

/* Looks at what stands at a position, believing nothing. */
static enum found look(const struct spool *spool, uint64_t pos, struct head *ret_head)
{
    const size_t rest = spool->capacity - place(spool, pos);
    const char *at = spool->bytes + place(spool, pos);
    struct head head = {0};
    memcpy(&head, at, rest < sizeof head ? PAD_BYTES : sizeof head);
    if (head.len == PAD) {
        return head.crc == pad_crc(pos) ? FOUND_PAD : FOUND_NOTHING;
    }
    if (rest < sizeof head || head.pos != pos || head.len > rest || head.payload_len > rest ||
        head.len != length_of(head.source_len, head.topic_len, head.payload_len) ||
        head.crc != crc32c(0, at + CRC_FROM, head.len - CRC_FROM)) {
        return FOUND_NOTHING;
    }
    *ret_head = head;
    return FOUND_RECORD;
}

/* Gives the record at a position, which is known to be one, or behind the pad there; and the position behind it. */
static uint64_t take(const struct spool *spool, uint64_t pos, struct spool_record *ret_record)
{
    struct head head;
    memcpy(&head, spool->bytes + place(spool, pos), PAD_BYTES);
    if (head.len == PAD) {
        pos += spool->capacity - place(spool, pos);
    }
    const char *at = spool->bytes + place(spool, pos);
    memcpy(&head, at, sizeof head);
    at += sizeof head;
    *ret_record = (struct spool_record){
        .number = head.number,
        .seen_ns = head.seen_ns,
        .source = at,
        .topic = at + head.source_len,
        .payload = at + head.source_len + head.topic_len,
        .source_len = head.source_len,
        .topic_len = head.topic_len,
        .payload_len = head.payload_len,
    };
    return pos + head.len;
}

bool spool_read(struct spool *spool, struct spool_record *ret_record)
{
    if (spool->at == cell_get(&spool->head)) {
        return false;
    }
    spool->at = take(spool, spool->at, ret_record);
    return true;
}

void spool_unread(struct spool *spool, const struct spool_record *record)
{
    spool->at -= length_of(record->source_len, record->topic_len, record->payload_len);
}

void spool_release(struct spool *spool, uint64_t number)
{
    if (number > cell_get(&spool->header->released)) {
        cell_set(&spool->header->released, number);
    }
}

uint64_t spool_released(const struct spool *spool)
{
    return cell_get(&spool->header->released);
}

uint64_t spool_last(const struct spool *spool)
{
    return cell_get(&spool->last);
}

void spool_past(const struct spool *spool, spool_record_fn *fn, void *self)
{
    for (uint64_t pos = spool->tail; pos < spool->began;) {
        struct spool_record record;
        pos = take(spool, pos, &record);
        fn(self, &record);
    }
}

/* ---- writing ---- */

bool spool_fits(const struct spool *spool, const struct spool_record *record)
{
    return record->source_len <= SPOOL_SOURCE_MAX && record->topic_len <= UINT16_MAX &&
           record->payload_len <= spool->capacity &&
           length_of(record->source_len, record->topic_len, record->payload_len) <= spool->capacity / 2;
}

/* Gives up records that were released until there is room; false when there are not enough. */
static bool make_room(struct spool *spool, uint64_t head_pos, size_t need)
{
    const uint64_t released = spool_released(spool);
    while (spool->capacity - (head_pos - spool->tail) < need) {
        struct spool_record record;
        const uint64_t after = take(spool, spool->tail, &record);
        if (record.number > released) {
            return false;
        }
        spool->tail = after;
    }
    cell_set(&spool->header->tail, spool->tail);
    __asm__ volatile("" ::: "memory"); /* the tail moves before what it gave up is overwritten: a kill may come between */
    return true;
}

static void write_record(struct spool *spool, uint64_t pos, size_t len, const struct spool_record *record)
{
    char *at = spool->bytes + place(spool, pos);
    struct head head = {
        .len = (uint32_t)len,
        .pos = pos,
        .number = spool->next,
        .seen_ns = record->seen_ns,
        .payload_len = (uint32_t)record->payload_len,
        .topic_len = (uint16_t)record->topic_len,
        .source_len = (uint16_t)record->source_len,
    };
    char *text = at + sizeof head;
    memset(at + len - ALIGN, 0, ALIGN); /* what no text fills */
    memcpy(text, record->source, record->source_len);
    memcpy(text + record->source_len, record->topic, record->topic_len);
    if (record->payload_len > 0) {
        memcpy(text + record->source_len + record->topic_len, record->payload, record->payload_len);
    }
    memcpy(at, &head, sizeof head);
    head.crc = crc32c(0, at + CRC_FROM, len - CRC_FROM);
    memcpy(at, &head, CRC_FROM);
}

uint64_t spool_put(struct spool *spool, const struct spool_record *record)
{
    const size_t len = length_of(record->source_len, record->topic_len, record->payload_len);
    uint64_t pos = cell_get(&spool->head);
    const size_t rest = spool->capacity - place(spool, pos);
    const size_t pad = len <= rest ? 0 : rest;
    if (!make_room(spool, pos, pad + len)) {
        return 0;
    }
    if (pad > 0) {
        const struct head head = {.len = PAD, .crc = pad_crc(pos)};
        memcpy(spool->bytes + place(spool, pos), &head, PAD_BYTES);
        pos += pad;
    }
    write_record(spool, pos, len, record);
    cell_set(&spool->last, spool->next);
    cell_set(&spool->head, pos + len); /* release: the reader sees the record above */
    return spool->next++;
}

/* ---- opening ---- */

/* Finds what an earlier run left: where the reader goes on, and where the records end.  A pad without a record behind
 * it (a kill came between) does not count. */
static void recover(struct spool *spool, uint64_t least)
{
    const uint64_t released = spool_released(spool);
    const uint64_t tail = cell_get(&spool->header->tail);
    uint64_t end = tail;
    uint64_t last = 0;
    spool->began = tail;
    for (uint64_t pos = tail; pos - tail < spool->capacity;) {
        struct head head;
        const enum found found = look(spool, pos, &head);
        if (found == FOUND_NOTHING || (found == FOUND_RECORD && head.number <= last)) {
            break;
        }
        if (found == FOUND_PAD) {
            pos += spool->capacity - place(spool, pos);
            continue;
        }
        pos += head.len;
        last = head.number;
        end = pos;
        spool->began = last <= released ? end : spool->began;
    }
    last = last > released ? last : released;
    spool->tail = tail;
    spool->at = spool->began;
    spool->next = last + 1 > least ? last + 1 : least;
    cell_set(&spool->last, spool->next - 1);
    cell_set(&spool->head, end);
}

static bool is_ours(const struct spool *spool)
{
    const struct header *header = spool->header;
    return memcmp(header->magic, magic, sizeof magic) == 0 && header->capacity == spool->capacity;
}

static void begin(struct spool *spool)
{
    spool->header->capacity = spool->capacity;
    memcpy(spool->header->magic, magic, sizeof magic);
}

static enum err_code map(struct spool *spool, const char *path, struct err *err)
{
    const size_t bytes = HEADER_BYTES + spool->capacity;
    spool->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (spool->fd < 0) {
        return err_set(err, ERR_ENV, "%s: %s", path, strerror(errno));
    }
    const int failed = posix_fallocate(spool->fd, 0, (off_t)bytes);
    if (failed != 0) {
        return err_set(err, ERR_ENV, "%s: no room for %zu bytes: %s", path, bytes, strerror(failed));
    }
    spool->map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, spool->fd, 0);
    if (spool->map == MAP_FAILED) {
        spool->map = NULL;
        return err_set(err, ERR_ENV, "%s: %s", path, strerror(errno));
    }
    spool->header = spool->map;
    spool->bytes = (char *)spool->map + HEADER_BYTES;
    return ERR_NONE;
}

static void unmap(struct spool *spool)
{
    if (spool->map != NULL) {
        (void)munmap(spool->map, HEADER_BYTES + spool->capacity);
    }
    if (spool->fd >= 0) {
        (void)close(spool->fd); /* nothing was written through it */
    }
    spool->map = NULL;
    spool->fd = -1;
}

/* Maps what is there; what is no spool of this size is moved away first. */
static enum err_code map_ours(struct spool *spool, const char *path, bool *ret_damaged, struct err *err)
{
    struct stat info;
    const bool is_new = stat(path, &info) != 0 || info.st_size == 0;
    enum err_code code = map(spool, path, err);
    if (code != ERR_NONE || is_new || is_ours(spool)) {
        return code;
    }
    /* All zeros: a kill came between taking the room and the first word. */
    const struct header nothing = {0};
    if (memcmp(spool->header, &nothing, sizeof nothing) == 0) {
        return ERR_NONE;
    }
    char aside[PATH_MAX];
    (void)snprintf(aside, sizeof aside, "%s.bad", path);
    unmap(spool);
    if (rename(path, aside) != 0) {
        return err_set(err, ERR_ENV, "%s is no spool and cannot be moved away: %s", path, strerror(errno));
    }
    *ret_damaged = true;
    return map(spool, path, err);
}

enum err_code spool_open(const char *path, size_t bytes, uint64_t least, struct spool **ret_spool, bool *ret_damaged,
                         struct err *err)
{
    struct spool *spool = memory_new(1, sizeof *spool);
    spool->fd = -1;
    spool->capacity = bytes;
    *ret_damaged = false;
    const enum err_code code = map_ours(spool, path, ret_damaged, err);
    if (code != ERR_NONE) {
        spool_close(spool);
        return code;
    }
    if (!is_ours(spool)) {
        begin(spool);
    }
    recover(spool, least);
    *ret_spool = spool;
    return ERR_NONE;
}

void spool_close(struct spool *spool)
{
    if (spool != NULL) {
        unmap(spool);
        free(spool);
    }
}

enum err_code spool_sync(struct spool *spool, struct err *err)
{
    if (fdatasync(spool->fd) != 0) {
        return err_set(err, ERR_ENV, "the spool cannot be synced: %s", strerror(errno));
    }
    return ERR_NONE;
}
