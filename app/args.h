/*
 * args: reading a command line by a table of options.
 *
 * Options are "--name" (a flag) or "--name VALUE" / "--name=VALUE"; everything
 * else, "-" too, is positional, and all behind "--".  Mistakes name the nearest known option.
 *
 * Memory: results borrow argv.  Threads: main.
 */
#ifndef DAVY_APP_ARGS_H
#define DAVY_APP_ARGS_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arg_option {
    const char *name;    /* without the dashes */
    bool *ret_flag;      /* a flag; or … */
    const char **ret_value; /* … an option with a value; untouched when absent */
};

enum { ARGS_MAX = 256 };

struct args {
    const char *positional[ARGS_MAX];
    size_t count;
};

/* Reads argv[0..argc).  ERR_INPUT with a sentence on an unknown option, a missing value, or a number of positional
 * arguments outside [least, most] (most <= ARGS_MAX). */
enum err_code args_parse(int argc, char **argv, const struct arg_option *options, size_t option_count, size_t least,
                         size_t most, struct args *args, struct err *err) MUST_CHECK;

/* Looks whether the files named from that positional on can be opened ("-" always can), before work on the first begins.
 * ERR_INPUT when one is not there. */
enum err_code args_look_for_files(const struct args *args, size_t first, struct err *err) MUST_CHECK;

/* Reads a time of the command line: RFC 3339, Unix milliseconds, "now", "now-2h", "now+5m". */
enum err_code args_time(const char *text, int64_t now_ns, int64_t *ret_ns, struct err *err) MUST_CHECK;

/* ERR_INPUT when --from, which may be the usual one, lies after --to. */
enum err_code args_in_order(int64_t from_ns, int64_t to_ns, struct err *err) MUST_CHECK;

/* Reads a duration such as "30m". */
enum err_code args_duration(const char *text, int64_t *ret_ns, struct err *err) MUST_CHECK;

/* Reads a whole number within [least, most]. */
enum err_code args_whole(const char *text, const char *name, uint64_t least, uint64_t most, uint64_t *ret_value,
                         struct err *err) MUST_CHECK;

#endif
