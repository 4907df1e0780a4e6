/*
 * board: one latch per point.
 *
 * A latch holds five words: time, seen, value, good, status.  An unwritten
 * latch reads as zeros, so the status is kept plus one: zero then says "not
 * heard of yet".
 *
 * Threads: each point has one writer (its home shard); anyone may read.
 */
#include "model/board.h"
#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A line of its own each: the writer of one never waits for a reader of its neighbour. */
enum { LINE = 64 };
struct slot {
    _Alignas(LINE) struct latch latch;
};

struct board {
    size_t count;
    struct slot slots[];
};

struct board *board_new(size_t points)
{
    struct board *board = memory_aligned(LINE, sizeof *board + points * sizeof board->slots[0]);
    board->count = points;
    return board;
}

void board_free(struct board *board)
{
    free(board);
}

const void *board_place(const struct board *board, uint32_t point)
{
    return &board->slots[point];
}

static uint64_t word_of(double value)
{
    uint64_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

static double double_of(uint64_t word)
{
    double value;
    memcpy(&value, &word, sizeof value);
    return value;
}

void board_write(struct board *board, uint32_t point, const struct board_entry *entry)
{
    assert(point < board->count);
    const uint64_t words[LATCH_WORDS] = {
        (uint64_t)entry->time_ns, (uint64_t)entry->seen_ns,    word_of(entry->value),
        word_of(entry->good),     (uint64_t)entry->status + 1,
    };
    latch_write(&board->slots[point].latch, words);
}

void board_read(const struct board *board, uint32_t point, struct board_entry *ret_entry)
{
    assert(point < board->count);
    uint64_t words[LATCH_WORDS];
    latch_read(&board->slots[point].latch, words);
    if (words[4] == 0) {
        *ret_entry = (struct board_entry){.value = NAN, .good = NAN, .status = BOARD_UNHEARD};
        return;
    }
    *ret_entry = (struct board_entry){
        .time_ns = (int64_t)words[0],
        .seen_ns = (int64_t)words[1],
        .value = double_of(words[2]),
        .good = double_of(words[3]),
        .status = (uint16_t)(words[4] - 1),
    };
}
