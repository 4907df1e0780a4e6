/*
 * web: the console of a monitor over its reloads.
 *
 * It stays as it is while http.listen stays; a new address is listened on
 * before the old run ends, so that one that cannot be had is refused like any
 * other mistake, and takes the old one's place once the new run stands.
 *
 * Threads: main.
 */
#ifndef DAVY_APP_WEB_H
#define DAVY_APP_WEB_H

#include "base/err.h"
#include "model/site.h"
#include <stdbool.h>
#include <stdint.h>

struct console;

struct web {
    struct console *now, *next;   /* NULL: none; owned */
    char *address, *next_address; /* as the site says it, "host port"; NULL: none */
    bool changes;                 /* `next` is to take the place of `now` */
};

/* Listens where the site says, if that is not where it is listened already. */
enum err_code web_prepare(struct web *web, const struct site *site, struct err *err) MUST_CHECK;
/* The one that the run about to start is shown by; NULL: none. */
struct console *web_console(const struct web *web);
/* The run stands: what was prepared takes over.  Or it does not: what was prepared is given up. */
void web_take(struct web *web);
void web_drop(struct web *web);
void web_done(struct web *web);

#endif
