/* board_test: what was written is read back whole, by another thread too. */
#include "model/board.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void an_unwritten_point_is_unheard(void **state)
{
    (void)state;
    struct board *board = board_new(3);
    struct board_entry entry;
    board_read(board, 2, &entry);
    assert_int_equal(entry.status, BOARD_UNHEARD);
    assert_int_equal(entry.time_ns, 0);
    assert_true(isnan(entry.value) && isnan(entry.good));
    board_free(board);
    board_free(NULL);
}

static void an_entry_reads_back(void **state)
{
    (void)state;
    struct board *board = board_new(2);
    const struct board_entry written = {
        .time_ns = -5, .seen_ns = INT64_MAX, .value = NAN, .good = -0.0, .status = 0x3ff};
    struct board_entry entry;
    board_write(board, 1, &written);
    board_read(board, 1, &entry);
    assert_int_equal(entry.time_ns, -5);
    assert_true(entry.seen_ns == INT64_MAX);
    assert_true(isnan(entry.value) && entry.good == 0 && signbit(entry.good));
    assert_int_equal(entry.status, 0x3ff);
    board_read(board, 0, &entry);
    assert_int_equal(entry.status, BOARD_UNHEARD);
    board_free(board);
}

enum { ROUNDS = 100000 };

static void *write_rounds(void *self)
{
    for (int i = 1; i <= ROUNDS; i++) {
        board_write(self, 0, &(struct board_entry){.time_ns = i, .seen_ns = i, .value = i, .good = i, .status = 0});
    }
    return NULL;
}

static void a_reader_never_sees_half_an_entry(void **state)
{
    (void)state;
    struct board *board = board_new(1);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_rounds, board), 0);
    struct board_entry entry;
    do {
        board_read(board, 0, &entry);
        if (entry.status != BOARD_UNHEARD) {
            assert_true(entry.seen_ns == entry.time_ns);
            assert_true(entry.value == (double)entry.time_ns && entry.good == entry.value);
        }
    } while (entry.time_ns < ROUNDS);
    assert_int_equal(pthread_join(writer, NULL), 0);
    board_free(board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unwritten_point_is_unheard),
        cmocka_unit_test(an_entry_reads_back),
        cmocka_unit_test(a_reader_never_sees_half_an_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
