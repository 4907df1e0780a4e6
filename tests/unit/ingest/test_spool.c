/*
 * The spool against a plain list: what is put is read, what is not released is
 * there after a restart, also when the process was killed at any moment, and
 * whatever the file holds, opening it does no harm.
 */
#include "base/clock.h"
#include "field.h"
#include "ingest/mqtt_spool.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SMALL = 8192, HEADER = 4096 };

static char folder[] = "/tmp/davy-spool-XXXXXX";
static char path[64];

static struct spool *open_spool(size_t bytes, uint64_t least)
{
    struct spool *spool = NULL;
    struct err err;
    bool damaged = false;
    if (spool_open(path, bytes, least, &spool, &damaged, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    assert_false(damaged);
    return spool;
}

/* A record whose bytes follow from its number. */
static struct spool_record make(uint64_t number, char *text)
{
    const size_t len = (size_t)(number * 37 % 300);
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)(number + i);
    }
    return (struct spool_record){.number = number,
                                 .seen_ns = (int64_t)(number % 1000000) * 1000,
                                 .source = "gw",
                                 .topic = "a/topic",
                                 .payload = text,
                                 .source_len = 2,
                                 .topic_len = 7,
                                 .payload_len = len};
}

static uint64_t put(struct spool *spool, uint64_t number)
{
    char text[512];
    const struct spool_record record = make(number, text);
    return spool_put(spool, &record);
}

static void check(const struct spool_record *came, uint64_t number)
{
    char text[512];
    const struct spool_record record = make(number, text);
    assert_int_equal(came->number, number);
    assert_int_equal(came->seen_ns, record.seen_ns);
    assert_int_equal(came->payload_len, record.payload_len);
    assert_int_equal(came->topic_len, 7);
    assert_memory_equal(came->source, "gw", 2);
    assert_memory_equal(came->topic, "a/topic", 7);
    assert_memory_equal(came->payload, record.payload, record.payload_len);
}

static void what_is_put_is_read_in_order_round_and_round(void **state)
{
    struct spool *spool = open_spool(SMALL, 1);
    struct spool_record record;
    uint64_t next_put = 1;
    uint64_t next_read = 1;
    (void)state;
    assert_false(spool_read(spool, &record));
    while (next_put < 2000) {
        if (put(spool, next_put) == next_put) {
            next_put++;
            continue;
        }
        /* full: half of what is there is read and released */
        assert_true(next_put - next_read > 5);
        for (uint64_t half = next_read + (next_put - next_read) / 2; next_read < half; next_read++) {
            assert_true(spool_read(spool, &record));
            check(&record, next_read);
        }
        spool_release(spool, next_read - 1);
    }
    assert_int_equal(spool_last(spool), 1999);
    spool_close(spool);
}

static void what_was_not_released_comes_again_and_what_was_is_past(void **state)
{
    struct spool *spool = open_spool(SMALL, 1);
    struct spool_record record;
    (void)state;
    for (uint64_t n = 1; n <= 20; n++) {
        assert_int_equal(put(spool, n), n);
        assert_true(spool_read(spool, &record));
    }
    spool_release(spool, 12);
    spool_close(spool);
    spool = open_spool(SMALL, 1);
    assert_int_equal(spool_released(spool), 12);
    for (uint64_t n = 13; n <= 20; n++) {
        assert_true(spool_read(spool, &record));
        check(&record, n);
        spool_unread(spool, &record);
        assert_true(spool_read(spool, &record));
        check(&record, n);
    }
    assert_false(spool_read(spool, &record));
    assert_int_equal(put(spool, 21), 21);
    spool_close(spool);
}

static void note(void *self, const struct spool_record *record)
{
    uint64_t *next = self;
    check(record, (*next)++);
}

static void past_records_can_be_looked_at(void **state)
{
    struct spool *spool = open_spool(SMALL, 1);
    (void)state;
    for (uint64_t n = 1; n <= 10; n++) {
        assert_int_equal(put(spool, n), n);
    }
    spool_release(spool, 7);
    spool_close(spool);
    spool = open_spool(SMALL, 1);
    uint64_t next = 1;
    spool_past(spool, note, &next);
    assert_int_equal(next, 8);
    spool_close(spool);
}

static void numbers_go_on_behind_what_the_alarms_have_seen(void **state)
{
    struct spool *spool = open_spool(SMALL, 501); /* a new file beside an old store */
    (void)state;
    char text[512];
    struct spool_record record = make(501, text);
    assert_int_equal(spool_put(spool, &record), 501);
    spool_close(spool);
    spool = open_spool(SMALL, 1);
    assert_int_equal(spool_put(spool, &record), 502);
    spool_close(spool);
}

static void a_record_that_never_fits_is_told_before(void **state)
{
    struct spool *spool = open_spool(SMALL, 1);
    static char text[SMALL];
    struct spool_record record = make(1, text);
    (void)state;
    assert_true(spool_fits(spool, &record));
    record.payload = text;
    record.payload_len = SMALL / 2;
    assert_false(spool_fits(spool, &record));
    record.payload_len = SIZE_MAX;
    assert_false(spool_fits(spool, &record));
    record.payload_len = SMALL / 2 - 40 - 9 - 7;
    assert_true(spool_fits(spool, &record));
    for (uint64_t n = 1; n <= 5; n++) { /* whatever the place, it fits once all is released */
        assert_int_equal(spool_put(spool, &record), n);
        struct spool_record came;
        assert_true(spool_read(spool, &came));
        spool_release(spool, n);
    }
    spool_close(spool);
}

/* ---- kills ---- */

/* The child: puts, reads and releases as fast as it can, telling in shared memory what it has done. */
struct told {
    volatile uint64_t put, released;
};

static _Noreturn void run_child(struct told *told)
{
    struct spool *spool = open_spool(SMALL, 1);
    struct spool_record record;
    for (uint64_t n = spool_last(spool) + 1;; n++) {
        while (put(spool, n) == 0) {
            uint64_t last = 0;
            for (int i = 0; i < 7 && spool_read(spool, &record); i++) {
                last = record.number;
            }
            told->released = last; /* before: what follows may be cut off by the kill */
            spool_release(spool, last);
        }
        told->put = n;
    }
}

static void a_kill_at_any_moment_loses_nothing_that_was_put(void **state)
{
    enum { ROUNDS = 60 };
    (void)state;
    struct told *told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(told != MAP_FAILED);
    srand(5);
    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t before = told->put;
        const pid_t pid = fork();
        if (pid == 0) {
            run_child(told);
        }
        while (told->put < before + 50) {
            (void)usleep(100);
        }
        (void)usleep((useconds_t)(rand() % 500)); /* not to wait for anything: the moment of the kill is to be any */
        int status;
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        struct spool *spool = open_spool(SMALL, 1);
        struct spool_record record;
        assert_true(spool_released(spool) <= told->released);
        uint64_t next = spool_released(spool) + 1;
        while (spool_read(spool, &record)) {
            check(&record, next++);
        }
        assert_true(next - 1 >= told->put); /* at most one more, whose end was not told */
        assert_true(next - 1 <= told->put + 1);
        told->put = next - 1;
        spool_close(spool);
    }
    (void)munmap(told, sizeof *told);
}

/* ---- damage ---- */

static void any_byte_may_be_wrong(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 300; round++) {
        struct spool *spool = open_spool(SMALL, 1);
        uint64_t last = spool_last(spool);
        for (int i = 0; i < 5; i++) {
            (void)put(spool, ++last);
        }
        spool_close(spool);
        const int fd = open(path, O_RDWR | O_CLOEXEC);
        const off_t at = round % 2 == 0 ? HEADER + rand() % SMALL : 16 + rand() % 16;
        const uint8_t byte = (uint8_t)rand();
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        (void)close(fd);
        spool = open_spool(SMALL, 1);
        struct spool_record record;
        uint64_t number = 0;
        while (spool_read(spool, &record)) { /* what is given was put, in order */
            assert_true(record.number > number);
            number = record.number;
            check(&record, number);
        }
        spool_release(spool, number);
        spool_close(spool);
        if (round % 50 == 49) {
            assert_int_equal(unlink(path), 0);
        }
    }
}

/* Writes one number of the header. */
static void set_header(off_t at, uint64_t number)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, &number, sizeof number, at), sizeof number);
    (void)close(fd);
}

/* A place that cannot be one, at the very end of the file, and a number there is no next to. */
static void a_header_that_cannot_be_does_no_harm(void **state)
{
    (void)state;
    for (uint64_t tail = SMALL - 9; tail < SMALL + 2; tail++) {
        spool_close(open_spool(SMALL, 1));
        set_header(16, tail);
        struct spool *spool = open_spool(SMALL, 1);
        assert_int_not_equal(put(spool, 1), 0);
        spool_close(spool);
        assert_int_equal(unlink(path), 0);
    }
    spool_close(open_spool(SMALL, 1));
    set_header(24, UINT64_MAX - 1);
    struct spool *spool = open_spool(SMALL, 1);
    struct spool_record record;
    assert_int_equal(put(spool, 1), 1);
    assert_int_equal(put(spool, 2), 2);
    spool_close(spool);
    spool = open_spool(SMALL, 1);
    assert_true(spool_read(spool, &record)); /* it was never released */
    check(&record, 1);
    spool_close(spool);
}

/* Power is lost: the records came to the disk, the header did not, and says what it said at the last sync.  What was
 * there at that sync and is not overwritten is there. */
static void a_header_older_than_the_records_loses_nothing_that_was_synced(void **state)
{
    (void)state;
    struct spool *spool = open_spool(SMALL, 1);
    struct spool_record record;
    char text[512];
    uint64_t last = 0;
    while (put(spool, last + 1) != 0) {
        last++;
    }
    for (uint64_t n = 1; n <= last - 10; n++) {
        assert_true(spool_read(spool, &record));
    }
    spool_release(spool, last - 10);
    spool_close(spool);
    uint64_t header[2]; /* as synced: tail and what is released */
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, header, sizeof header, 16), sizeof header);
    (void)close(fd);
    spool = open_spool(SMALL, 1);
    for (uint64_t n = last + 1; n <= last + 8; n++) { /* over the oldest ones */
        record = make(n, text);
        assert_int_equal(spool_put(spool, &record), n);
    }
    spool_close(spool);
    set_header(16, header[0]);
    set_header(24, header[1]);
    spool = open_spool(SMALL, 1);
    uint64_t next = last - 9;
    while (spool_read(spool, &record)) {
        check(&record, next++);
    }
    assert_true(next > last);
    const uint64_t number = spool_last(spool) + 1;
    assert_int_equal(put(spool, number), number);
    spool_close(spool);
}

static void a_file_that_is_no_spool_is_kept_aside(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("these are somebody's notes", file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct spool *spool = NULL;
    struct err err;
    bool damaged = false;
    assert_int_equal(spool_open(path, SMALL, 1, &spool, &damaged, &err), ERR_NONE);
    assert_true(damaged);
    assert_int_equal(put(spool, 1), 1);
    assert_int_equal(spool_sync(spool, &err), ERR_NONE);
    spool_close(spool);
    char bad[80];
    (void)snprintf(bad, sizeof bad, "%s.bad", path);
    assert_int_equal(unlink(bad), 0);
    assert_int_equal(spool_open("/nowhere/at/all", SMALL, 1, &spool, &damaged, &err), ERR_ENV);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    spool_close(NULL);
}

static int fresh(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_put_is_read_in_order_round_and_round, fresh),
        cmocka_unit_test_setup(what_was_not_released_comes_again_and_what_was_is_past, fresh),
        cmocka_unit_test_setup(past_records_can_be_looked_at, fresh),
        cmocka_unit_test_setup(numbers_go_on_behind_what_the_alarms_have_seen, fresh),
        cmocka_unit_test_setup(a_record_that_never_fits_is_told_before, fresh),
        cmocka_unit_test_setup(a_kill_at_any_moment_loses_nothing_that_was_put, fresh),
        cmocka_unit_test_setup(any_byte_may_be_wrong, fresh),
        cmocka_unit_test_setup(a_header_that_cannot_be_does_no_harm, fresh),
        cmocka_unit_test_setup(a_header_older_than_the_records_loses_nothing_that_was_synced, fresh),
        cmocka_unit_test_setup(a_file_that_is_no_spool_is_kept_aside, fresh),
    };
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof path, "%s/mqtt.spool", folder);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    (void)rmdir(folder);
    return failed;
}
