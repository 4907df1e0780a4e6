/* web: see web.h. */
#include "app/web.h"

#include "base/memory.h"
#include "console/console.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *address_of(const struct site *site)
{
    char text[400];
    if (site->http_host == NULL) {
        return NULL;
    }
    (void)snprintf(text, sizeof text, "%s %u", site->http_host, (unsigned)site->http_port); /* a host has at most 300 */
    return memory_strdup(text);
}

enum err_code web_prepare(struct web *web, const struct site *site, struct err *err)
{
    char *address = address_of(site);
    const bool same =
        address == NULL ? web->address == NULL : web->address != NULL && strcmp(address, web->address) == 0;
    enum err_code code = ERR_NONE;
    if (!same && address != NULL) {
        code = console_new(site->http_host, site->http_port, &web->next, err);
    }
    if (same || code != ERR_NONE) {
        free(address);
        return code;
    }
    web->next_address = address;
    web->changes = true;
    return ERR_NONE;
}

struct console *web_console(const struct web *web)
{
    return web->changes ? web->next : web->now;
}

void web_take(struct web *web)
{
    if (web->changes) {
        console_free(web->now);
        free(web->address);
        *web = (struct web){.now = web->next, .address = web->next_address};
    }
}

void web_drop(struct web *web)
{
    console_free(web->next);
    free(web->next_address);
    *web = (struct web){.now = web->now, .address = web->address};
}

void web_done(struct web *web)
{
    web_drop(web);
    console_free(web->now);
    free(web->address);
    *web = (struct web){0};
}
