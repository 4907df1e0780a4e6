/* api_site: what the site is called, which time it keeps, where its journal stands. */
#include "console/api.h"

#include "base/text.h"
#include "console/rows.h"

static void put_hazards(struct buf *out, const struct site *site)
{
    buf_text(out, ",\"hazards\":[");
    for (size_t i = 0; i < site->hazard_count; i++) {
        const struct site_hazard *hazard = &site->hazards[i];
        buf_text(out, i == 0 ? "{\"id\":" : ",{\"id\":");
        buf_json_string(out, hazard->id);
        rows_text(out, "name", hazard->name);
        rows_text(out, "contact", hazard->contact);
        buf_text(out, "}");
    }
    buf_text(out, "]");
}

void api_site(struct reply *reply, const struct console_source *source, int64_t now_ns)
{
    const struct site *site = source->site;
    struct buf *out = &reply->out;
    char time[TEXT_TIME_MAX];
    (void)text_format_time(now_ns, time);
    reply_begin(reply, NULL);
    buf_text(out, "{\"id\":");
    buf_json_string(out, site->id);
    rows_text(out, "name", site->name);
    rows_text(out, "timezone", site->timezone);
    rows_text(out, "status", source->status);
    rows_text(out, "version", DAVY_VERSION);
    buf_printf(out, ",\"seq\":%llu", (unsigned long long)store_last_seq(source->store));
    rows_text(out, "time", time);
    put_hazards(out, site);
    buf_text(out, "}\n");
}
