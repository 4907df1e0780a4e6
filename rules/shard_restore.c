/* shard_restore: what was kept over a restart comes back before the first sample. */
#include "rules/shard_private.h"

#include "model/sample.h"
#include <math.h>

/* The instances of an alarm stand together and rise with it. */
static uint32_t first_instance(const struct shard *shard, uint32_t alarm)
{
    uint32_t low = 0;
    uint32_t high = shard->instance_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (shard->instances[middle].alarm < alarm) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void set_bit(struct instance *inst, unsigned bit, bool on)
{
    inst->bits = (uint16_t)(on ? inst->bits | bit : inst->bits & ~bit);
}

static void restore_level(struct shard *shard, uint32_t i, const struct verdict *kept)
{
    struct instance *inst = &shard->instances[i];
    const struct was was = judge_was(inst);
    unsigned k = kept->keep_level;
    if (k >= shard->rules[inst->rule].level_count) {
        return;
    }
    set_bit(inst, (unsigned)BIT_WHEN << k, (kept->keep & KEEP_WHEN) != 0);
    set_bit(inst, (unsigned)BIT_CLEAR << k, (kept->keep & KEEP_CLEAR) != 0);
    set_bit(inst, (unsigned)BIT_ENTERED << k, (kept->keep & KEEP_ENTERED) != 0);
    set_bit(inst, BIT_UNLESS, (kept->keep & KEEP_UNLESS) != 0);
    inst->since_ns[k] = kept->since_ns;
    inst->now_ns = kept->time_ns > inst->now_ns ? kept->time_ns : inst->now_ns;
    judge_restored(shard, i, &was);
}

void shard_restore(struct shard *shard, const struct verdict *kept)
{
    uint32_t first = first_instance(shard, kept->alarm);
    for (uint32_t i = first; i < shard->instance_count && shard->instances[i].alarm == kept->alarm; i++) {
        struct instance *inst = &shard->instances[i];
        if (kept->kind == VERDICT_KEEP) {
            if (shard->site_points[inst->point] == kept->point) {
                restore_level(shard, i, kept);
            }
            continue;
        }
        uint8_t said =
            say_pack((enum level)kept->level, (kept->flags & VERDICT_UNLESS) != 0, (kept->flags & VERDICT_BLIND) != 0);
        if (inst->group == SITE_NONE) {
            inst->said = said;
        } else {
            shard->groups[inst->group].said = said;
            inst->said = SAID_UNTOLD; /* whichever is judged first has the group compare */
        }
    }
}

void shard_restore_reading(struct shard *shard, uint32_t point, int64_t time_ns, double value)
{
    uint32_t local = shard->local[point];
    if (local != SITE_NONE && time_ns > shard->points[local].good_ns) {
        shard_take_good(shard, local, value, time_ns);
    }
}

void shard_restore_point(struct shard *shard, uint32_t point, const struct board_entry *entry)
{
    uint32_t local = shard->local[point];
    if (local == SITE_NONE || entry->status == BOARD_UNHEARD) {
        return;
    }
    struct point_state *state = &shard->points[local];
    state->heard = true;
    state->newest_ns = (entry->status & ST_SKEW) != 0 ? entry->seen_ns : entry->time_ns;
    state->value = entry->good;
    if (state->good_ns == NEVER_YET && !isnan(entry->good)) { /* no earlier readings were given back */
        state->good_ns = entry->time_ns;
        state->moved = entry->good;
        state->moved_ns = entry->time_ns;
    }
    state->status = entry->status;
    state->unknown = isnan(entry->value) || (entry->status & ST_UNKNOWN) != 0 || entry->value < state->range_lo;
    for (uint32_t k = 0; k < state->readers.count; k++) {
        judge_sight(shard, reader_of(shard, state->readers, k));
    }
}
