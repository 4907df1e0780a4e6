/* crc32c: known values, and every length and start against a slow one, bit by bit. */
#include "base/crc32c.h"
#include "tests/unit/base/unit.h"
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 3000 };

static uint32_t slow(uint32_t crc, const uint8_t *bytes, size_t len)
{
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? UINT32_C(0x82f63b78) : 0);
        }
    }
    return ~crc;
}

/* RFC 3720, B.4, and the check value of the polynomial. */
static void test_known_values(void **state)
{
    uint8_t bytes[32];
    (void)state;
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    assert_int_equal(crc32c(7, NULL, 0), 7);
}

static void test_every_length_gives_what_bits_give(void **state)
{
    static uint8_t bytes[LONGEST + 8];
    (void)state;
    srand(11);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)rand();
    }
    for (size_t len = 0; len <= LONGEST; len += len < 900 ? 1 : 37) {
        const size_t from = len % 8;
        assert_int_equal(crc32c(0, bytes + from, len), slow(0, bytes + from, len));
    }
}

static void test_parts_give_what_the_whole_gives(void **state)
{
    static uint8_t bytes[LONGEST];
    (void)state;
    srand(12);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)rand();
    }
    const uint32_t whole = crc32c(0, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= LONGEST; cut += 61) {
        assert_int_equal(crc32c(crc32c(0, bytes, cut), bytes + cut, sizeof bytes - cut), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_every_length_gives_what_bits_give),
        cmocka_unit_test(test_parts_give_what_the_whole_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
