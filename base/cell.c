/*
 * latch: a seqlock without fences.  The words themselves are stored with
 * release and loaded with acquire: whoever saw a word of the next value also
 * sees, on its second look, the odd count written before that word.
 */
#include "base/cell.h"

void latch_write(struct latch *latch, const uint64_t words[LATCH_WORDS])
{
    const uint64_t seq = atomic_load_explicit(&latch->seq, memory_order_relaxed); /* ours alone */
    atomic_store_explicit(&latch->seq, seq + 1, memory_order_relaxed); /* ordered before the words by their release */
    for (int i = 0; i < LATCH_WORDS; i++) {
        /* pairs with the acquire of the word in latch_read: who sees it also sees the odd count */
        atomic_store_explicit(&latch->words[i], words[i], memory_order_release);
    }
    atomic_store_explicit(&latch->seq, seq + 2, memory_order_release); /* pairs with the first look in latch_read */
}

void latch_read(const struct latch *latch, uint64_t ret_words[LATCH_WORDS])
{
    for (;;) {
        /* pairs with the last store in latch_write: the words are at least as new as this count */
        const uint64_t before = atomic_load_explicit(&latch->seq, memory_order_acquire);
        for (int i = 0; i < LATCH_WORDS; i++) {
            /* pairs with the release of the word in latch_write; keeps the second look behind it */
            ret_words[i] = atomic_load_explicit(&latch->words[i], memory_order_acquire);
        }
        const uint64_t after = atomic_load_explicit(&latch->seq, memory_order_relaxed);
        if (before == after && (before & 1) == 0) {
            return;
        }
    }
}
