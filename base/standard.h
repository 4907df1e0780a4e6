/*
 * standard: what a program finds when it is started: the three standard streams,
 * which its starter may have closed, and how many descriptors it may have.
 *
 * Threads: main, before there are others and after.
 */
#ifndef DAVY_BASE_STANDARD_H
#define DAVY_BASE_STANDARD_H

#include "base/err.h"

/* Gives a descriptor to those that are closed.  Else the next file that is opened, which may be the store's, gets the number,
 * and what is meant for people is written into it.  Writing to a stdout that was closed goes on failing. */
void standard_hold(void);
/* Lets the program have as many descriptors as it may: each source, receiver and table of the store takes one, for a reader
 * two, and the usual soft limit is 1024.  Nothing here selects by number. */
void standard_descriptors(void);
/* ERR_ENV when something that was printed to stdout did not get there. */
enum err_code standard_flush(struct err *err) MUST_CHECK;

#endif
