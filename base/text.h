/*
 * text: the forms in which Davy reads and prints numbers, times and durations.
 *
 * Pure functions, independent of the locale, of time zone data and of the
 * machine.  No allocation.  Threads: any.
 */
#ifndef DAVY_BASE_TEXT_H
#define DAVY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_NUMBER_MAX = 32, TEXT_TIME_MAX = 32, TEXT_DURATION_MAX = 32 };

/* Prints the shortest decimal that reads back the same, in ECMAScript's form (Number::toString): 100000, 0.1, 1e+21.
 * Minus zero prints as 0; NaN and infinities as NaN, Infinity, -Infinity (callers that write JSON keep them out).
 * Returns the length. */
size_t text_format_number(double value, char ret_text[TEXT_NUMBER_MAX]);

/* Reads a JSON-style decimal number (optional sign, digits, fraction, exponent; a leading '+' or '.' is refused)
 * occupying exactly text[0..len).  Correctly rounded; false also when it is too large for a finite double. */
bool text_parse_number(const char *text, size_t len, double *ret_value);

/* Prints 2026-01-05T00:00:30.000Z; finer times are cut (towards the past). */
size_t text_format_time(int64_t time_ns, char ret_text[TEXT_TIME_MAX]);

/* Prints RFC 3339 with the offset of `offset_s` seconds and no fraction: 2026-01-05T08:00:30+08:00. */
size_t text_format_time_offset(int64_t time_ns, int32_t offset_s, char ret_text[TEXT_TIME_MAX]);

/* Reads RFC 3339 (any offset, any fraction, cut to ns; leap second :60 as :59.999…) or Unix milliseconds (an integer or
 * decimal number) occupying exactly text[0..len).  False when it is neither or outside what int64 ns can hold. */
bool text_parse_time(const char *text, size_t len, int64_t *ret_ns);

/* The same, and "now", "now-2h", "now+5m", counted from now_ns. */
bool text_parse_moment(const char *text, size_t len, int64_t now_ns, int64_t *ret_ns);

/* Reads one whole number with a unit ms s m h d y (a day 24 h, a year 365 d): "500ms", "2h".  No sign, no blanks. */
bool text_parse_duration(const char *text, size_t len, int64_t *ret_ns);

/* Prints a duration in its largest whole unit: 90s, 2m, 500ms. */
size_t text_format_duration(int64_t duration_ns, char ret_text[TEXT_DURATION_MAX]);

/* Glob over bytes: '*' any run of characters ('/' too), '?' one character (one UTF-8 sequence).  No recursion:
 * the time is at most pattern length times text length. */
bool text_glob(const char *pattern, const char *text);

/* Gives the index of the candidate nearest to word (edit distance with transposition, at most a third of the word's
 * length, at least 1), or -1. */
int text_nearest(const char *word, const char *const *candidates, size_t n);

/* True when text[0..len) is well-formed UTF-8 without NUL. */
bool text_is_utf8(const char *text, size_t len);

/* Gives the length (1..4) and code of the well-formed UTF-8 character that text[0..len) begins with; 0 when none does.
 */
size_t text_utf8_char(const char *text, size_t len, uint32_t *ret_code);

/* Gives the largest length <= len at which text can be cut without cutting a character in two. */
size_t text_utf8_cut(const char *text, size_t len);

/* True when id is 1..128 characters of A-Z a-z 0-9 . _ - / or any non-ASCII letter (here: any non-ASCII character of
 * well-formed UTF-8 that is not a space, control or punctuation block U+2000-206F, U+3000-303F, U+FF00-FF0F). */
bool text_is_id(const char *id);

#endif
