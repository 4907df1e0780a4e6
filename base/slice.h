/*
 * slice: asks the scheduler to give the calling thread short turns.
 *
 * A thread that does little, but for which others wait, gets its turn sooner on
 * a busy machine if it promises to be brief: the kernel's scheduler (Linux 6.12
 * and later) orders threads by when their turn would end.  That needs no
 * privilege and gives no thread more of the processor than before.
 *
 * Threads made by the calling one afterwards inherit it.  Any thread.
 */
#ifndef DAVY_BASE_SLICE_H
#define DAVY_BASE_SLICE_H

/* Nothing happens where the kernel cannot, or where the thread is under another policy than the usual one. */
void slice_ask_short(void);

#endif
