/*
 * cover: see cover.h.
 */
#include "store/cover.h"
#include <stdlib.h>

static enum kept kept_of(enum tier tier)
{
    return tier == TIER_MINUTE ? KEPT_MINUTE : KEPT_HOUR;
}

void cover_begin(struct cover *cover, int64_t from_ns, int64_t to_ns, int64_t every_ns)
{
    cover->at_ns = from_ns;
    cover->to_ns = to_ns;
    for (enum tier tier = 0; tier < TIER_COUNT; tier++) {
        cover->usable[tier] = every_ns % tier_length(tier) == 0;
        cover->count[tier] = cover->passed[tier] = 0;
    }
}

static void add(struct cover *cover, enum tier tier, int64_t from_ns, int64_t to_ns)
{
    const struct stretch *const before = &cover->bad[tier][cover->count[tier] > 0 ? cover->count[tier] - 1 : 0];
    const bool same = cover->count[tier] > 0 && before->from_ns <= from_ns && before->to_ns >= to_ns;
    if (!same && to_ns > cover->at_ns && from_ns < cover->to_ns) {
        cover->bad[tier][cover->count[tier]++] = (struct stretch){.from_ns = from_ns, .to_ns = to_ns};
    }
}

void cover_behind(struct cover *cover, int64_t start_ns, int64_t end_ns)
{
    for (enum tier tier = 0; tier < TIER_COUNT; tier++) {
        const int64_t len_ns = tier_length(tier);
        if (cover->usable[tier]) {
            add(cover, tier, stretch_floor(start_ns, len_ns), stretch_start(stretch_index(end_ns, len_ns) + 1, len_ns));
        }
    }
}

static int by_start(const void *a, const void *b)
{
    const struct stretch *const x = a;
    const struct stretch *const y = b;
    return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

static void join(struct cover *cover, enum tier tier)
{
    struct stretch *const bad = cover->bad[tier];
    size_t kept = 0;
    qsort(bad, cover->count[tier], sizeof *bad, by_start);
    for (size_t i = 0; i < cover->count[tier]; i++) {
        if (bad[i].from_ns == bad[i].to_ns) {
            continue; /* cut to nothing */
        }
        if (kept > 0 && bad[i].from_ns <= bad[kept - 1].to_ns) {
            bad[kept - 1].to_ns = bad[i].to_ns > bad[kept - 1].to_ns ? bad[i].to_ns : bad[kept - 1].to_ns;
        } else {
            bad[kept++] = bad[i];
        }
    }
    cover->count[tier] = kept;
}

/* Where samples were removed the tiers are final, whatever came later: what is behind there does not count. */
static void leave_out(struct cover *cover, enum tier tier, const struct stretch *raw)
{
    struct stretch *const bad = cover->bad[tier];
    const size_t count = raw->from_ns < raw->to_ns ? cover->count[tier] : 0;
    for (size_t i = 0; i < count; i++) {
        const struct stretch one = bad[i];
        if (one.to_ns > raw->to_ns) { /* what is left behind it */
            const int64_t from_ns = one.from_ns > raw->to_ns ? one.from_ns : raw->to_ns;
            bad[cover->count[tier]++] = (struct stretch){.from_ns = from_ns, .to_ns = one.to_ns};
        }
        bad[i].to_ns = one.to_ns < raw->from_ns ? one.to_ns : raw->from_ns;
        bad[i].from_ns = one.from_ns < bad[i].to_ns ? one.from_ns : bad[i].to_ns;
    }
}

void cover_removed(struct cover *cover, const struct removed *removed)
{
    for (enum tier tier = 0; tier < TIER_COUNT; tier++) {
        const struct stretch *const own = &removed->kept[kept_of(tier)];
        leave_out(cover, tier, &removed->kept[KEPT_RAW]);
        if (own->from_ns < own->to_ns) {
            add(cover, tier, own->from_ns, own->to_ns);
        }
        join(cover, tier);
    }
}

/* The first stretch of whole buckets of the tier, all of them good, within [from, limit). */
static bool first_good(struct cover *cover, enum tier tier, int64_t from_ns, int64_t limit_ns, struct stretch *ret_good)
{
    const int64_t len_ns = tier_length(tier);
    const struct stretch *const bad = cover->bad[tier];
    while (cover->passed[tier] < cover->count[tier] && bad[cover->passed[tier]].to_ns <= from_ns) {
        cover->passed[tier]++;
    }
    int64_t start_ns = stretch_ceil(from_ns, len_ns);
    size_t i = cover->passed[tier];
    for (; i < cover->count[tier] && bad[i].from_ns <= start_ns; i++) {
        start_ns = bad[i].to_ns > start_ns ? bad[i].to_ns : start_ns;
    }
    const int64_t next_ns = stretch_start(stretch_index(start_ns, len_ns) + 1, len_ns);
    if (next_ns == INT64_MAX || next_ns > limit_ns) { /* the last bucket of all has no end */
        return false;
    }
    int64_t end_ns = stretch_floor(limit_ns, len_ns);
    if (i < cover->count[tier] && bad[i].from_ns < end_ns) {
        end_ns = bad[i].from_ns;
    }
    *ret_good = (struct stretch){.from_ns = start_ns, .to_ns = end_ns};
    return true;
}

bool cover_next(struct cover *cover, struct cover_piece *ret_piece)
{
    if (cover->at_ns >= cover->to_ns) {
        return false;
    }
    *ret_piece = (struct cover_piece){.from = KEPT_RAW, .from_ns = cover->at_ns, .to_ns = cover->to_ns};
    for (int tier = TIER_HOUR; tier >= TIER_MINUTE; tier--) {
        struct stretch good;
        if (!cover->usable[tier] || !first_good(cover, (enum tier)tier, cover->at_ns, ret_piece->to_ns, &good)) {
            continue;
        }
        if (good.from_ns == cover->at_ns) {
            ret_piece->from = kept_of((enum tier)tier);
            ret_piece->to_ns = good.to_ns;
            break;
        }
        ret_piece->to_ns = good.from_ns;
    }
    cover->at_ns = ret_piece->to_ns;
    return true;
}
