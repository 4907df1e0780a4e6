/* arena: alignment, zeroed memory, and that nothing grows after the seal. */
#include "base/arena.h"
#include "tests/unit/base/unit.h"
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_gives_aligned_zeroed_memory(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (size_t align = 1; align <= 4096; align *= 2) {
        for (size_t size = 0; size < 100; size += 33) {
            unsigned char *bytes = arena_alloc(&arena, size, align);
            assert_int_equal((uintptr_t)bytes % align, 0);
            for (size_t i = 0; i < size; i++) {
                assert_int_equal(bytes[i], 0);
            }
            memset(bytes, 0xFF, size);
        }
    }
    arena_done(&arena);
}

static void test_pieces_do_not_overlap_across_chunks(void **state)
{
    (void)state;
    enum { PIECES = 3000 };
    struct arena arena;
    arena_init(&arena);
    uint32_t *pieces[PIECES];
    for (uint32_t i = 0; i < PIECES; i++) {
        const size_t n = 1 + i % 97;
        pieces[i] = ARENA_ARRAY(&arena, uint32_t, n);
        for (size_t j = 0; j < n; j++) {
            assert_int_equal(pieces[i][j], 0);
            pieces[i][j] = i;
        }
    }
    for (uint32_t i = 0; i < PIECES; i++) {
        for (size_t j = 0; j < 1 + i % 97; j++) {
            assert_int_equal(pieces[i][j], i);
        }
    }
    arena_done(&arena);
}

static void test_a_piece_larger_than_a_chunk_gets_its_own(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const size_t size = 9 * 1024 * 1024;
    char *large = arena_alloc(&arena, size, 64);
    large[0] = 1;
    large[size - 1] = 1;
    char *small = arena_alloc(&arena, 10, 1);
    assert_int_equal(small[9], 0);
    assert_int_equal(arena.used, size + 10);
    arena_done(&arena);
}

static void test_copies_strings(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(arena_strdup(&arena, "甲烷"), "甲烷");
    assert_string_equal(arena_strdup(&arena, ""), "");
    assert_string_equal(arena_strndup(&arena, "tank-7/level", 6), "tank-7");
    assert_null(arena_strdup(&arena, NULL));
    assert_null(arena_strndup(&arena, NULL, 3));
    arena_done(&arena);
    arena_done(&arena); /* done twice is fine */
    arena_done(NULL);
}

static void test_an_allocation_after_the_seal_is_our_mistake(void **state)
{
    (void)state;
#ifdef NDEBUG
    skip();
#endif
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO); /* the assertion's words are not ours to show */
        struct arena arena;
        arena_init(&arena);
        arena_seal(&arena);
        (void)arena_alloc(&arena, 1, 1);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0); /* a sanitizer may turn the signal into an exit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_aligned_zeroed_memory),
        cmocka_unit_test(test_pieces_do_not_overlap_across_chunks),
        cmocka_unit_test(test_a_piece_larger_than_a_chunk_gets_its_own),
        cmocka_unit_test(test_copies_strings),
        cmocka_unit_test(test_an_allocation_after_the_seal_is_our_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
