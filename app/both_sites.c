/* both_sites: see both_sites.h. */
#include "app/both_sites.h"

#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

static uint32_t *no_indices(size_t count)
{
    uint32_t *indices = memory_new(count, sizeof *indices);
    memset(indices, 0xff, count * sizeof *indices); /* SITE_NONE */
    return indices;
}

static void add_points(struct both_sites *both, int which, const struct site *one)
{
    struct site *site = &both->site;
    for (uint32_t i = 0; i < one->point_count; i++) {
        uint32_t at = table_add(&site->point_by_id, one->points[i].id, (uint32_t)site->point_count);
        if (at == TABLE_NONE) {
            at = (uint32_t)site->point_count++;
            site->points[at] = (struct site_point){.id = one->points[i].id, .hazard = SITE_NONE};
        }
        both->own_points[which][at] = i;
    }
}

static void add_alarms(struct both_sites *both, int which, const struct site *one)
{
    struct site *site = &both->site;
    for (uint32_t i = 0; i < one->alarm_count; i++) {
        uint32_t at = table_add(&site->alarm_by_name, one->alarms[i].name, (uint32_t)site->alarm_count);
        if (at == TABLE_NONE) {
            at = (uint32_t)site->alarm_count++;
            site->alarms[at] = (struct site_alarm){.name = one->alarms[i].name, .point = SITE_NONE};
        }
        both->own_alarms[which][at] = i;
        both->both_alarms[which][i] = at;
    }
}

void both_sites_init(struct both_sites *both, const struct site *const sites[BOTH])
{
    *both = (struct both_sites){0};
    const size_t points = sites[0]->point_count + sites[1]->point_count;
    const size_t alarms = sites[0]->alarm_count + sites[1]->alarm_count;
    both->site.points = memory_new(points, sizeof *both->site.points);
    both->site.alarms = memory_new(alarms, sizeof *both->site.alarms);
    table_init(&both->site.point_by_id);
    table_init(&both->site.alarm_by_name);
    for (int which = 0; which < BOTH; which++) {
        both->own_points[which] = no_indices(points);
        both->own_alarms[which] = no_indices(alarms);
        both->both_alarms[which] = no_indices(sites[which]->alarm_count);
        add_points(both, which, sites[which]);
        add_alarms(both, which, sites[which]);
    }
}

void both_sites_done(struct both_sites *both)
{
    for (int which = 0; which < BOTH; which++) {
        free(both->own_points[which]);
        free(both->own_alarms[which]);
        free(both->both_alarms[which]);
    }
    table_done(&both->site.point_by_id);
    table_done(&both->site.alarm_by_name);
    free(both->site.points);
    free(both->site.alarms);
    *both = (struct both_sites){0};
}

bool both_sites_row(const struct both_sites *both, int which, const struct trace_row *row, struct trace_row *ret_row)
{
    *ret_row = *row;
    switch (row->kind) {
    case TRACE_SAMPLE:
        ret_row->sample.point = both->own_points[which][row->sample.point];
        return ret_row->sample.point != SITE_NONE;
    case TRACE_ACT:
        ret_row->act.alarm = both->own_alarms[which][row->act.alarm];
        return ret_row->act.alarm != SITE_NONE;
    case TRACE_CLOCK:
        return true;
    }
    return false;
}
