/*
 * err: how a function that can fail says so.
 *
 * Setup and I/O functions return an enum err_code (0 is success) and, when the
 * caller passed a struct err, fill it with one readable sentence.  Callers put
 * their own context in front on the way up (err_prefix) and decide once.  The
 * hot path has no errors, only counters.  Codes equal the exit codes of the
 * programs, so main() can return what it got.
 *
 * Memory: the caller's; nothing is allocated.  Threads: any, one struct each.
 */
#ifndef DAVY_BASE_ERR_H
#define DAVY_BASE_ERR_H

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

enum err_code {
    ERR_NONE = 0,  /* fine */
    ERR_NO = 1,    /* the answer is no: difference, failed test, not found */
    ERR_INPUT = 2, /* the input or the call is wrong */
    ERR_ENV = 3,   /* the surroundings failed: disk, port, broker */
};

struct err {
    enum err_code code;
    char text[1024]; /* UTF-8, never longer: cut at the end */
};

/* Fills *err (may be NULL) with a fact and, if there is one, "; hint".  Returns code. */
enum err_code err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "context: " in front of the text.  Returns the code already in *err (ERR_ENV if err is NULL). */
enum err_code err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
