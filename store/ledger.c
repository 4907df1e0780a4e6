/*
 * ledger: see ledger.h; every byte stands in docs/data-model.md.
 */
#include "store/ledger.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/bytes.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CRC_FROM = 8, PATH_ROOM = 4096 };
static const uint32_t magic = 0x44564c47; /* "DVLG" */

struct ledger {
    int fd;
    uint8_t *found;        /* all bytes, as they were at the opening; NULL after ledger_begin */
    size_t found_at;       /* where ledger_next goes on */
    uint64_t found_number; /* of the record it gave last; 0: none */
    uint8_t *block;        /* a record on its way; LEDGER_RECORD_MAX */
    size_t at;             /* where the next one goes */
    uint64_t number;       /* of the last one written; of any that was found */
    bool broken;           /* a write failed */
    struct cell refused;   /* records it did not take; written under store->journal */

    pthread_mutex_t lock; /* guards the rest */
    uint64_t in_db;       /* number of the last record that was written to the database as well */
    uint64_t settled;     /* … and is synced there */
    uint64_t begun, done; /* syncs of the database: how many have begun, and which was the last to succeed */
};

/* ---- bytes --------------------------------------------------------------------------------------------------------
 */

static size_t whole_blocks(size_t len)
{
    return (len + LEDGER_BLOCK - 1) / LEDGER_BLOCK * LEDGER_BLOCK;
}

bool ledger_parse(const uint8_t *bytes, size_t room, struct ledger_record *ret_record)
{
    if (room < LEDGER_HEAD || get_u32(bytes) != magic) {
        return false;
    }
    const size_t len = get_u32(bytes + 32);
    if (len > LEDGER_RECORD_MAX - LEDGER_HEAD || len > room - LEDGER_HEAD ||
        get_u32(bytes + 4) != crc32c(0, bytes + CRC_FROM, LEDGER_HEAD - CRC_FROM + len)) {
        return false;
    }
    *ret_record = (struct ledger_record){
        .number = get_u64(bytes + 8),
        .before = get_u64(bytes + 16),
        .last = get_u64(bytes + 24),
        .bytes = bytes + LEDGER_HEAD,
        .len = len,
    };
    memcpy(ret_record->hash, bytes + 36, LEDGER_HASH);
    return true;
}

/* Gives its length, in whole blocks; the last one is filled with zeros. */
static size_t format(uint8_t *to, uint64_t number, const struct ledger_record *record)
{
    const size_t len = LEDGER_HEAD + record->len;
    (void)put_u32(to, magic);
    (void)put_u64(to + 8, number);
    (void)put_u64(to + 16, record->before);
    (void)put_u64(to + 24, record->last);
    (void)put_u32(to + 32, (uint32_t)record->len);
    memcpy(to + 36, record->hash, LEDGER_HASH);
    memcpy(to + LEDGER_HEAD, record->bytes, record->len);
    (void)put_u32(to + 4, crc32c(0, to + CRC_FROM, len - CRC_FROM));
    memset(to + len, 0, whole_blocks(len) - len);
    return whole_blocks(len);
}

/* ---- opening ------------------------------------------------------------------------------------------------------
 */

static bool write_all(int fd, const uint8_t *bytes, size_t len, size_t at)
{
    while (len > 0) {
        const ssize_t n = pwrite(fd, bytes, len, (off_t)at);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        const size_t wrote = n < 0 ? 0 : (size_t)n;
        bytes += wrote;
        at += wrote;
        len -= wrote;
    }
    return true;
}

static bool fill(int fd)
{
    uint8_t *const zeros = memory_new(LEDGER_RECORD_MAX, 1);
    bool fine = true;
    for (size_t at = 0; fine && at < LEDGER_BYTES; at += LEDGER_RECORD_MAX) {
        fine = write_all(fd, zeros, LEDGER_RECORD_MAX, at);
    }
    free(zeros);
    return fine && fsync(fd) == 0;
}

static bool sync_folder(const char *folder)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    const bool fine = fsync(fd) == 0;
    (void)close(fd); /* nothing was written by it */
    return fine;
}

/* Makes an empty one, under another name first: what bears the right name is whole. */
static bool make(const char *folder, const char *path)
{
    char fresh[PATH_ROOM + 4];
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    const int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) {
        return false;
    }
    const bool filled = fill(fd);
    (void)close(fd); /* it is synced, or given up */
    if (filled && rename(fresh, path) == 0) {
        return sync_folder(folder);
    }
    const int why = errno;
    (void)unlink(fresh); /* it takes room that is wanted elsewhere */
    errno = why;
    return false;
}

/* Reads all of it; false when it is not as long as it should be. */
static bool read_found(struct ledger *ledger)
{
    struct stat stat;
    if (fstat(ledger->fd, &stat) != 0 || stat.st_size != LEDGER_BYTES) {
        return false;
    }
    ledger->found = memory_new(LEDGER_BYTES, 1);
    size_t at = 0;
    while (at < LEDGER_BYTES) {
        const ssize_t n = pread(ledger->fd, ledger->found + at, LEDGER_BYTES - at, (off_t)at);
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            return false;
        }
        at += n < 0 ? 0 : (size_t)n;
    }
    return true;
}

/* Numbers go on from the highest there is, so that an old record never looks like the next one. */
static void find_highest(struct ledger *ledger)
{
    struct ledger_record record;
    for (size_t at = 0; at < LEDGER_BYTES; at += LEDGER_BLOCK) {
        if (ledger_parse(ledger->found + at, LEDGER_BYTES - at, &record) && record.number > ledger->number) {
            ledger->number = record.number;
        }
    }
}

static bool open_file(struct ledger *ledger, const char *path)
{
    if (ledger->fd >= 0) {
        (void)close(ledger->fd); /* nothing was written */
    }
    free(ledger->found);
    ledger->found = NULL;
    ledger->fd = open(path, O_RDWR | O_DSYNC | O_CLOEXEC);
    return ledger->fd >= 0 && read_found(ledger);
}

enum err_code ledger_open(const char *folder, bool fresh, struct ledger **ret_ledger, struct err *err)
{
    char path[PATH_ROOM];
    if (snprintf(path, sizeof path, "%s/ledger", folder) >= (int)sizeof path) {
        return err_set(err, ERR_ENV, "%s: its path is too long for a ledger", folder);
    }
    struct ledger *const ledger = memory_new(1, sizeof *ledger);
    ledger->fd = -1;
    (void)pthread_mutex_init(&ledger->lock, NULL); /* cannot fail with default attributes */
    const bool opened = !fresh && open_file(ledger, path);
    if (!opened && !(make(folder, path) && open_file(ledger, path))) {
        const enum err_code code = err_set(err, ERR_ENV, "%s: %s", path, strerror(errno));
        ledger_close(ledger);
        return code;
    }
    ledger->block = memory_new(LEDGER_RECORD_MAX, 1);
    find_highest(ledger);
    *ret_ledger = ledger;
    return ERR_NONE;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    if (ledger->fd >= 0) {
        (void)close(ledger->fd); /* every write was synced */
    }
    (void)pthread_mutex_destroy(&ledger->lock);
    free(ledger->found);
    free(ledger->block);
    free(ledger);
}

/* ---- what was found -----------------------------------------------------------------------------------------------
 */

bool ledger_next(struct ledger *ledger, struct ledger_record *ret_record)
{
    struct ledger_record record;
    const size_t at = ledger->found_at;
    if (at >= LEDGER_BYTES || !ledger_parse(ledger->found + at, LEDGER_BYTES - at, &record) ||
        (ledger->found_number != 0 && record.number != ledger->found_number + 1)) {
        return false;
    }
    ledger->found_number = record.number;
    ledger->found_at += whole_blocks(LEDGER_HEAD + record.len);
    *ret_record = record;
    return true;
}

void ledger_begin(struct ledger *ledger)
{
    free(ledger->found);
    ledger->found = NULL;
    ledger->in_db = ledger->settled = ledger->number;
}

bool ledger_is_ahead(const char *folder, uint64_t seq, const uint8_t hash[LEDGER_HASH], uint64_t *ret_seq)
{
    char path[PATH_ROOM];
    struct ledger ledger = {.fd = -1};
    struct ledger_record record;
    bool ahead = false;
    if (snprintf(path, sizeof path, "%s/ledger", folder) < (int)sizeof path) {
        ledger.fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (ledger.fd >= 0 && read_found(&ledger)) {
        while (ledger_next(&ledger, &record)) {
            ahead |= record.before == seq && record.last > seq && memcmp(record.hash, hash, LEDGER_HASH) == 0;
            *ret_seq = ahead ? record.last : *ret_seq;
        }
    }
    if (ledger.fd >= 0) {
        (void)close(ledger.fd); /* nothing was written */
    }
    free(ledger.found);
    return ahead;
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

static void give_up(struct ledger *ledger)
{
    ledger->broken = true;
    log_event(LOG_WARN, "store", "STO-006", "ledger",
              "reason=\"%s\" events are synced with the database until the next start, which takes longer",
              strerror(errno));
}

static bool is_settled(struct ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->lock); /* fails only on misuse */
    const bool settled = ledger->settled == ledger->number;
    (void)pthread_mutex_unlock(&ledger->lock);
    return settled;
}

static bool append(struct ledger *ledger, const struct ledger_record *record)
{
    if (ledger->broken || record->len > LEDGER_RECORD_MAX - LEDGER_HEAD) {
        return false;
    }
    const size_t at = is_settled(ledger) ? 0 : ledger->at;
    const size_t len = format(ledger->block, ledger->number + 1, record);
    if (len > LEDGER_BYTES - at) {
        return false;
    }
    if (!write_all(ledger->fd, ledger->block, len, at)) {
        give_up(ledger);
        return false;
    }
    ledger->number++;
    ledger->at = at + len;
    return true;
}

bool ledger_append(struct ledger *ledger, const struct ledger_record *record)
{
    if (ledger == NULL) {
        return false;
    }
    const bool taken = append(ledger, record);
    if (!taken) {
        cell_set(&ledger->refused, cell_get(&ledger->refused) + 1);
    }
    return taken;
}

uint64_t ledger_refused(const struct ledger *ledger)
{
    return ledger == NULL ? 0 : cell_get(&ledger->refused);
}

void ledger_is_in_db(struct ledger *ledger)
{
    if (ledger != NULL) {
        (void)pthread_mutex_lock(&ledger->lock);
        ledger->in_db = ledger->number;
        (void)pthread_mutex_unlock(&ledger->lock);
    }
}

/* ---- syncs of the database ----------------------------------------------------------------------------------------
 */

struct ledger_sync ledger_sync_begin(struct ledger *ledger)
{
    struct ledger_sync sync = {0};
    if (ledger != NULL) {
        (void)pthread_mutex_lock(&ledger->lock);
        sync = (struct ledger_sync){.index = ++ledger->begun, .number = ledger->in_db};
        (void)pthread_mutex_unlock(&ledger->lock);
    }
    return sync;
}

void ledger_sync_done(struct ledger *ledger, const struct ledger_sync *sync)
{
    if (ledger != NULL) {
        (void)pthread_mutex_lock(&ledger->lock);
        ledger->done = sync->index > ledger->done ? sync->index : ledger->done;
        ledger->settled = sync->number > ledger->settled ? sync->number : ledger->settled;
        (void)pthread_mutex_unlock(&ledger->lock);
    }
}

uint64_t ledger_moment(struct ledger *ledger)
{
    uint64_t moment = 0;
    if (ledger != NULL) {
        (void)pthread_mutex_lock(&ledger->lock);
        moment = ledger->begun;
        (void)pthread_mutex_unlock(&ledger->lock);
    }
    return moment;
}

bool ledger_is_synced(struct ledger *ledger, uint64_t moment)
{
    bool synced = false;
    if (ledger != NULL) {
        (void)pthread_mutex_lock(&ledger->lock);
        synced = ledger->done > moment;
        (void)pthread_mutex_unlock(&ledger->lock);
    }
    return synced;
}
