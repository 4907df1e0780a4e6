/*
 * act_body: what an operator does, as the body of a POST says it.
 *
 *   {"by": "li", "comment": "on the way", "occurrence": 3, "level": "red",
 *    "for": "30m", "until": "2026-01-05T10:00:00Z", "cause": "…", "measure": "…"}
 *
 * All mistakes of a body are told at once, each with its key.  Pure; memory for
 * reading is taken and given back inside.
 */
#ifndef DAVY_CONSOLE_ACT_BODY_H
#define DAVY_CONSOLE_ACT_BODY_H

#include "base/err.h"
#include "model/alarm.h"

enum { ACT_BODY_MAX = 65536 };

/* Reads text[0..len) (text[len] is NUL) as an act of that kind: its texts, occurrence, level, and the end of a shelf.
 */
enum err_code act_body_read(enum act_kind kind, const char *text, size_t len, struct act *ret_act,
                            struct err *err) MUST_CHECK;

#endif
