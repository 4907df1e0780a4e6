/*
 * fuzz_ledger: any bytes as a record of the ledger.  The checksum is set right
 * first where the length allows it, or no input would ever get past it.  What is
 * read lies within the bytes given.
 */
#include "base/crc32c.h"
#include "store/bytes.h"
#include "store/ledger.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CRC_AT = 4, CRC_FROM = 8, LEN_AT = 32 };

static void seal(uint8_t *bytes, size_t size)
{
    if (size >= LEDGER_HEAD) {
        const size_t len = get_u32(bytes + LEN_AT);
        const size_t rest = size - CRC_FROM;
        const size_t summed = len < rest && LEDGER_HEAD - CRC_FROM + len < rest ? LEDGER_HEAD - CRC_FROM + len : rest;
        (void)put_u32(bytes + CRC_AT, crc32c(0, bytes + CRC_FROM, summed));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *const bytes = malloc(size + 1); /* exactly as long as it may be read */
    struct ledger_record record;
    unsigned sum = 0;
    if (bytes == NULL) {
        abort();
    }
    memcpy(bytes, data, size);
    seal(bytes, size);
    if (ledger_parse(bytes, size, &record)) {
        if (record.bytes != bytes + LEDGER_HEAD || record.len > size - LEDGER_HEAD) {
            abort();
        }
        for (size_t i = 0; i < record.len; i++) {
            sum += record.bytes[i];
        }
    }
    free(bytes);
    return sum == UINT32_MAX; /* 0, but read */
}
