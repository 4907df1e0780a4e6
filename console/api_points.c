/* api_points: the newest readings, from the board. */
#include "console/api.h"

#include "base/text.h"
#include "console/rows.h"
#include <string.h>

static bool is_word(const char *asked, const char *word)
{
    return asked == NULL || (word != NULL && strcmp(asked, word) == 0);
}

static bool is_asked_for(const struct ask *ask, const struct site *site, const struct site_point *point)
{
    const char *hazard = point->hazard == SITE_NONE ? NULL : site->hazards[point->hazard].id;
    return (ask->id == NULL || text_glob(ask->id, point->id)) && is_word(ask->kind, point->kind) &&
           is_word(ask->hazard, hazard);
}

enum reply_next api_points_more(struct reply *reply, const struct console_source *source, int64_t now_ns)
{
    (void)now_ns;
    const struct site *site = source->site;
    uint32_t *next = &reply->at.points.next;
    for (; *next < site->point_count && reply->out.len < REPLY_PIECE; (*next)++) {
        const struct site_point *point = &site->points[*next];
        if (is_asked_for(&reply->ask, site, point)) {
            struct board_entry newest;
            board_read(source->board, *next, &newest);
            reply_element(reply);
            rows_point(&reply->out, point, &newest);
        }
    }
    return *next < site->point_count ? reply_go_on(reply) : reply_end_list(reply);
}

void api_point(struct reply *reply, const struct console_source *source)
{
    const uint32_t point = site_point(source->site, reply->id, strlen(reply->id));
    if (point == SITE_NONE) {
        reply_error(reply, 404, "there is no point \"%s\" in the site; /api/v1/points lists them", reply->id);
        return;
    }
    struct board_entry newest;
    board_read(source->board, point, &newest);
    reply_begin(reply, NULL);
    rows_point_whole(&reply->out, source->site, point, &newest);
    buf_text(&reply->out, "\n");
}
