/*
 * fuzz_spool: any bytes as a spool.  The first sixteen are the header's tail and
 * released number, the rest stands from the tail on; checksums are set right
 * first, or no input would ever get past them.
 *
 * What is read must lie in the file and rise in number; what is put then must be
 * read back, and again after the next opening.
 */
#include "base/crc32c.h"
#include "ingest/mqtt_spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 4096, CAPACITY = 4096, HEAD = 40, CRC_FROM = 8 };

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Walks as a reader does and sets the checksums right. */
static void set_right(uint8_t *bytes, uint64_t tail)
{
    for (uint64_t pos = tail; pos - tail < CAPACITY;) {
        uint8_t *at = bytes + pos % CAPACITY;
        const size_t rest = CAPACITY - (size_t)(pos % CAPACITY);
        uint32_t len = 0;
        memcpy(&len, at, sizeof len);
        if (len == UINT32_MAX) {
            const uint32_t crc = crc32c(0, &pos, sizeof pos);
            memcpy(at + 4, &crc, sizeof crc);
            pos += rest;
            continue;
        }
        if (len < HEAD || len > rest || len % 8 != 0) {
            return;
        }
        memcpy(at + CRC_FROM, &pos, sizeof pos);
        const uint32_t crc = crc32c(0, at + CRC_FROM, len - CRC_FROM);
        memcpy(at + 4, &crc, sizeof crc);
        pos += len;
    }
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
    static uint8_t file[HEADER + CAPACITY];
    const uint64_t capacity = CAPACITY;
    uint64_t words[2] = {0};
    memset(file, 0, sizeof file);
    memcpy(words, data, size < sizeof words ? size : sizeof words);
    words[0] = words[0] % (UINT64_C(1) << 40) / 8 * 8; /* as every position */
    memcpy(file, "DAVYSP1\n", 8);
    memcpy(file + 8, &capacity, sizeof capacity);
    memcpy(file + 16, words, sizeof words);
    for (size_t i = sizeof words; i < size && i < CAPACITY; i++) {
        file[HEADER + (words[0] + i - sizeof words) % CAPACITY] = data[i];
    }
    set_right(file + HEADER, words[0]);
    FILE *out = fopen(path, "w");
    require(out != NULL && fwrite(file, sizeof file, 1, out) == 1 && fclose(out) == 0);
}

/* Every byte counts, so that a sanitizer sees each. */
static unsigned sum(const struct spool_record *record)
{
    unsigned total = 0;
    for (size_t i = 0; i < record->source_len + record->topic_len + record->payload_len; i++) {
        total += (unsigned char)record->source[i];
    }
    return total;
}

static void note(void *self, const struct spool_record *record)
{
    unsigned *total = self;
    *total += sum(record);
}

static struct spool *open_spool(const char *path)
{
    struct spool *spool = NULL;
    struct err err;
    bool damaged = false;
    require(spool_open(path, CAPACITY, 1, &spool, &damaged, &err) == ERR_NONE && !damaged);
    return spool;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    unsigned total = 0;
    uint64_t last = 0;
    struct spool_record record;
    const struct spool_record mine = {
        .source = "s", .topic = "t", .payload = "mine", .source_len = 1, .topic_len = 1, .payload_len = 4};
    (void)snprintf(path, sizeof path, "/tmp/davy-fuzz-spool-%ld", (long)getpid());
    write_file(path, data, size);
    struct spool *spool = open_spool(path);
    spool_past(spool, note, &total);
    while (spool_read(spool, &record)) {
        require(record.number > last || last == 0);
        last = record.number;
        total += sum(&record);
    }
    spool_release(spool, last);
    const uint64_t number = spool_put(spool, &mine);
    if (number > last) { /* else the numbers of the input are at their end */
        require(spool_read(spool, &record) && record.number == number && record.payload_len == 4);
        spool_close(spool);
        spool = open_spool(path);
        require(spool_read(spool, &record) && record.number == number && memcmp(record.payload, "mine", 4) == 0);
    }
    spool_close(spool);
    (void)unlink(path);
    return total == 1 ? 0 : 0; /* the sum is wanted */
}
