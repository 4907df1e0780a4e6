/*
 * fuzz_wire: any bytes as a recording, in two ways: as they are (first byte
 * 'f'), or as a list of records that are put together soundly, so that what
 * reads them is reached behind the check sum.
 *
 *   record   kind u8, source u8, milliseconds since the last u8, length of name u8, of bytes u8, name, bytes
 *
 * What is a whole record comes out of wire_encode the same again.  What can be
 * read is asked all its questions, at its beginning, middle and end.
 */
#include "base/clock.h"
#include "model/wire.h"
#include "simulators/recording.h"
#include "tests/fuzz/site/memory_files.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 5, INPUT_MOST = 1 << 17 };

static const char site_text[] =
    "{\"site\":{\"id\":\"s\"},\"sources\":{\"plc\":{\"type\":\"modbus-tcp\",\"host\":\"127.0.0.1\",\"port\":1502},"
    "\"gate\":{\"type\":\"modbus-rtu-tcp\",\"host\":\"127.0.0.1\",\"port\":1503},"
    "\"bus\":{\"type\":\"modbus-rtu\",\"device\":\"/dev/ttyS1\"},"
    "\"gw\":{\"type\":\"mqtt\",\"url\":\"mqtt://"
    "127.0.0.1:1883\",\"topics\":[\"t\"],\"format\":\"davy\"}},\"points\":[]}";

static void check(bool right)
{
    if (!right) {
        abort();
    }
}

static const struct site *the_site(void)
{
    static struct site *site; /* made once: a fuzz target has no other place to keep it */
    if (site == NULL) {
        char path[MEMORY_PATH_MAX];
        struct mistakes mistakes;
        const int fd = memory_file(site_text, strlen(site_text), path);
        mistakes_init(&mistakes);
        check(site_load(path, &mistakes, &site, NULL) == ERR_NONE);
        mistakes_done(&mistakes);
        (void)close(fd);
    }
    return site;
}

/* Puts the records together; gives the file's length. */
static size_t build(const uint8_t *data, size_t size, uint8_t *ret_file, size_t room)
{
    int64_t time_ns = 1000000 * NS_PER_S;
    size_t at = 0, len = WIRE_HEAD_SIZE;
    wire_head(ret_file);
    while (size - at >= HEAD) {
        const uint8_t *head = data + at;
        const size_t name_len = head[3], bytes_len = head[4];
        if (HEAD + name_len + bytes_len > size - at) {
            break;
        }
        time_ns += head[2] * NS_PER_MS;
        const struct wire_record record = {.kind = (enum wire_kind)(1 + head[0] % (WIRE_KINDS - 1)),
                                           .flags = head[0],
                                           .source = head[1] & 7,
                                           .time_ns = time_ns,
                                           .name = (const char *)head + HEAD,
                                           .name_len = name_len,
                                           .bytes = head + HEAD + name_len,
                                           .len = bytes_len};
        len += wire_encode(&record, ret_file + len, room - len);
        at += HEAD + name_len + bytes_len;
    }
    return len;
}

/* Every whole record is written the same again. */
static void check_records(const uint8_t *file, size_t len)
{
    static uint8_t again[WIRE_RECORD_MAX];
    struct wire_record record;
    size_t one = 0;
    for (size_t at = WIRE_HEAD_SIZE; at < len; at += one) {
        if (wire_decode(file + at, len - at, &record, &one) != WIRE_WHOLE) {
            return;
        }
        check(wire_encode(&record, again, sizeof again) == one && memcmp(again, file + at, one) == 0);
    }
}

static void ask_all(struct recording *recording)
{
    const int64_t moments[] = {0, recording->length_ns / 2, recording->length_ns, INT64_MAX / 2};
    for (size_t i = 0; i < recording->exchange_count; i++) {
        const struct recording_exchange *asked = &recording->exchanges[i];
        for (size_t m = 0; m < sizeof moments / sizeof moments[0]; m++) {
            const struct recording_exchange *answer =
                recording_answer(recording, asked->place, asked->unit, asked->pdu, asked->pdu_len, moments[m],
                                 m % 2 == 0 ? RECORDING_SLACK_NS : 0);
            check(answer != NULL && recording_compare(answer, asked) == 0);
            check(answer->first_piece + answer->piece_count <= recording->piece_count);
        }
        (void)recording_is_out(recording, asked->place, asked->at_ns);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_MOST) {
        return 0;
    }
    const size_t room = WIRE_HEAD_SIZE + 8 * size; /* a record grows by no more than that */
    uint8_t *file = malloc(room);
    check(file != NULL);
    size_t len = size - 1;
    if (data[0] == 'f') {
        memcpy(file, data + 1, len);
    } else {
        len = build(data, size, file, room);
    }
    if (wire_head_is(file, len)) {
        check_records(file, len);
    }
    struct recording *recording = NULL;
    struct err err = {0};
    if (recording_read(file, len, "fuzz", the_site(), &recording, &err) == ERR_NONE) {
        ask_all(recording);
        recording_free(recording);
    }
    return 0;
}
