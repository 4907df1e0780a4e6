/* cell and latch: a reader never sees half a value. */
#include "base/cell.h"
#include "tests/unit/base/unit.h"
#include <pthread.h>
#include <string.h>

enum { ROUNDS = 300000 };

static void test_a_latch_never_written_reads_as_zeros(void **state)
{
    (void)state;
    struct latch latch;
    memset(&latch, 0, sizeof latch);
    uint64_t words[LATCH_WORDS] = {1, 2, 3, 4, 5};
    latch_read(&latch, words);
    for (int i = 0; i < LATCH_WORDS; i++) {
        assert_int_equal(words[i], 0);
    }
}

struct shared {
    struct latch latch;
    struct cell done;
};

/* Every word is the round times an odd number of its own: words of two rounds never fit together. */
static void *write_rounds(void *arg)
{
    struct shared *shared = arg;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        uint64_t words[LATCH_WORDS];
        for (uint64_t i = 0; i < LATCH_WORDS; i++) {
            words[i] = round * (2 * i + 1);
        }
        latch_write(&shared->latch, words);
    }
    cell_set(&shared->done, 1);
    return NULL;
}

static void test_a_reader_sees_whole_values_in_order(void **state)
{
    (void)state;
    static struct shared shared;
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_rounds, &shared), 0);
    uint64_t last = 0;
    int torn = 0;
    while (cell_get(&shared.done) == 0) {
        uint64_t words[LATCH_WORDS];
        latch_read(&shared.latch, words);
        for (uint64_t i = 1; i < LATCH_WORDS; i++) {
            torn += words[i] != words[0] * (2 * i + 1);
        }
        assert_true(words[0] >= last);
        last = words[0];
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(torn, 0);
    uint64_t words[LATCH_WORDS];
    latch_read(&shared.latch, words);
    assert_int_equal(words[0], ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_latch_never_written_reads_as_zeros),
        cmocka_unit_test(test_a_reader_sees_whole_values_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
