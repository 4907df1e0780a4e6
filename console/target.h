/*
 * target: what a request asks for, taken apart: "/api/v1/points/a%2Fb?every=1m".
 *
 * The path is split at its slashes and only then decoded, so that an id may
 * hold a slash (as %2F); parameters likewise at & and =.  A plus sign is a plus
 * sign, in a path and in a parameter: times have it ("+08:00").  What does not
 * decode to well-formed UTF-8 without control characters is refused whole.
 *
 * Pure.  Memory: decoding happens in the caller's text, which all results point
 * into.
 */
#ifndef DAVY_CONSOLE_TARGET_H
#define DAVY_CONSOLE_TARGET_H

#include <stdbool.h>
#include <stddef.h>

enum { TARGET_MAX = 4096, TARGET_SEGMENTS = 8, TARGET_PARAMS = 16 };

struct target_param {
    const char *name, *value; /* value "" when there is no = */
};

struct target {
    const char *segments[TARGET_SEGMENTS];
    size_t segment_count; /* 0: "/" */
    struct target_param params[TARGET_PARAMS];
    size_t param_count;
};

/* Takes text[0..len) apart (text[len] is NUL); "http://authority" in front is passed over.  False when it is no path of
 * ours: badly encoded, too many parts. */
bool target_parse(char *text, size_t len, struct target *ret_target);

/* The value of a parameter; NULL: not given. */
const char *target_param(const struct target *target, const char *name);

#endif
