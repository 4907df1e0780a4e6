/*
 * shard_build: makes a shard's state for its part of the site, all in one
 * arena: points, instances, who reads what, windows shared by all that ask the
 * same, groups.
 */
#include "rules/shard_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- points ---- */

static void make_points(struct shard *shard, const uint64_t *masks, const uint8_t *homes)
{
    const struct site *site = shard->config.site;
    shard->local = ARENA_ARRAY(&shard->arena, uint32_t, site->point_count + 1);
    for (uint32_t p = 0; p < site->point_count; p++) {
        bool here = (masks[p] >> shard->config.index & 1) != 0;
        shard->local[p] = here ? shard->point_count++ : SITE_NONE;
    }
    shard->all_local = shard->point_count == site->point_count;
    shard->site_points = ARENA_ARRAY(&shard->arena, uint32_t, shard->point_count + 1);
    shard->points = arena_alloc(&shard->arena, sizeof *shard->points * (shard->point_count + 1), 64);
    for (uint32_t p = 0; p < site->point_count; p++) {
        uint32_t local = shard->local[p];
        if (local == SITE_NONE) {
            continue;
        }
        bool live = shard->config.live;
        const struct site_point *place = &site->points[p];
        shard->site_points[local] = p;
        shard->points[local] = (struct point_state){
            .value = NAN,
            .newest_ns = NEVER_YET,
            .seen_ns = shard->config.start_ns,
            .good_ns = NEVER_YET,
            .first_ns = live ? shard->config.start_ns : NEVER_YET,
            .moved = NAN,
            .moved_ns = NEVER_YET,
            .quiet = SPAN_NONE,
            .range_lo = place->has_range ? place->range_lo : -INFINITY,
            .range_hi = place->has_range ? place->range_hi : INFINITY,
            .resolution = place->resolution,
            .stale_ns = place->stale_ns,
            .timed = place->stale_ns == 0,
            .unknown = true,
            .home = homes[p] == shard->config.index,
        };
    }
    silence_init(&shard->silence, &shard->arena, shard->points, shard->point_count, shard->config.start_ns);
    for (uint32_t p = 0; shard->config.live && p < shard->point_count; p++) {
        if (!shard->points[p].timed) {
            shard->points[p].timed = true;
            silence_enter(&shard->silence, p);
        }
    }
}

/* ---- instances ---- */

static bool judged_here(const struct shard *shard, uint32_t alarm)
{
    return rules_alarm_shard(shard->config.rules, alarm, shard->config.count) == shard->config.index;
}

/* How many spans of an instance of the rule have no room in it. */
static uint32_t far_spans_of(const struct rule_code *code)
{
    return code->conditions.term_count > INSTANCE_SPANS ? code->conditions.term_count : 0;
}

/* What all instances together need of the shard's lists. */
struct needs {
    uint32_t slots, far_spans, terms;
};

static struct needs count_instances(struct shard *shard)
{
    const struct site *site = shard->config.site;
    struct needs needs = {0};
    for (uint32_t a = 0; a < site->alarm_count; a++) {
        const struct site_alarm *alarm = &site->alarms[a];
        if (judged_here(shard, a)) {
            shard->instance_count += (uint32_t)alarm->member_count;
            shard->group_count += alarm->group != NULL ? 1 : 0;
            const struct rule_code *code = &shard->config.rules->codes[alarm->rule];
            needs.slots += (uint32_t)(alarm->member_count * code->reads.window_count);
            needs.far_spans += (uint32_t)alarm->member_count * far_spans_of(code);
            needs.terms = code->conditions.term_count > needs.terms ? code->conditions.term_count : needs.terms;
        }
    }
    return needs;
}

/* `used` says how much of the lists the instances before have taken. */
static void add_instance(struct shard *shard, uint32_t i, uint32_t a, uint32_t point, uint32_t group,
                         struct needs *used)
{
    const uint32_t rule = shard->config.site->alarms[a].rule;
    const struct rule_code *code = &shard->config.rules->codes[rule];
    shard->instances[i] = (struct instance){
        .now_ns = INT64_MIN,
        .end_ns = TIME_NEVER,
        .due_ns = TIME_NEVER,
        .rule = rule,
        .alarm = a,
        .point = shard->local[point],
        .group = group,
        .slots = used->slots,
        .far_spans = used->far_spans,
    };
    used->slots += (uint32_t)code->reads.window_count;
    used->far_spans += far_spans_of(code);
    for (int k = 0; k < LEVEL_COUNT - 1; k++) {
        shard->instances[i].since_ns[k] = TIME_NEVER;
    }
}

static void make_instances(struct shard *shard)
{
    const struct site *site = shard->config.site;
    const struct needs needs = count_instances(shard);
    uint32_t n = shard->instance_count + 1;
    shard->instances = arena_alloc(&shard->arena, sizeof *shard->instances * n, 64);
    shard->far_spans = ARENA_ARRAY(&shard->arena, struct span, needs.far_spans);
    shard->terms = ARENA_ARRAY(&shard->arena, double, needs.terms);
    shard->scratch = ARENA_ARRAY(&shard->arena, uint32_t, n);
    shard->marked = ARENA_ARRAY(&shard->arena, uint8_t, n);
    shard->groups = ARENA_ARRAY(&shard->arena, struct group, shard->group_count + 1);
    shard->slot_windows = ARENA_ARRAY(&shard->arena, struct window *, needs.slots + 1);
    shard->slot_points = ARENA_ARRAY(&shard->arena, uint32_t, needs.slots + 1);
    timers_init(&shard->delays, &shard->arena, shard->instance_count);
    uint32_t i = 0;
    uint32_t group = 0;
    struct needs used = {0};
    for (uint32_t a = 0; a < site->alarm_count; a++) {
        const struct site_alarm *alarm = &site->alarms[a];
        if (!judged_here(shard, a)) {
            continue;
        }
        if (alarm->group != NULL) {
            shard->groups[group] = (struct group){.now_ns = INT64_MIN, .members = (uint32_t)alarm->member_count};
        }
        for (size_t m = 0; m < alarm->member_count; m++) {
            add_instance(shard, i++, a, alarm->members[m], alarm->group != NULL ? group : SITE_NONE, &used);
        }
        group += alarm->group != NULL ? 1 : 0;
    }
}

/* ---- rules ---- */

static void make_rules(struct shard *shard)
{
    const struct site *site = shard->config.site;
    shard->rules = ARENA_ARRAY(&shard->arena, struct judge_rule, site->rule_count + 1);
    for (size_t r = 0; r < site->rule_count; r++) {
        const struct site_rule *heading = &site->rules[r];
        const struct rule_code *code = &shard->config.rules->codes[r];
        struct judge_rule *rule = &shard->rules[r];
        *rule = (struct judge_rule){
            .code = code,
            .level_count = (uint8_t)heading->level_count,
            .vote = heading->vote_by != NULL ? heading->vote_at_least : 0,
        };
        for (size_t k = 0; k < heading->level_count; k++) {
            rule->levels[k] = (uint8_t)heading->levels[k].level;
            rule->on_delay_ns[k] = heading->levels[k].on_delay_ns;
            rule->off_delay_ns[k] = heading->levels[k].off_delay_ns;
        }
        uint32_t *slots = ARENA_ARRAY(&shard->arena, uint32_t, code->reads.point_count + 1);
        for (size_t s = 0; s < code->reads.point_count; s++) {
            slots[s] = shard->local[code->reads.points[s]];
        }
        rule->point_slots = slots;
    }
}

/* The local point that a window slot of an instance reads. */
static uint32_t window_point(const struct shard *shard, const struct instance *inst, const struct window_read *read)
{
    return read->point == SITE_NONE ? inst->point : shard->local[read->point];
}

/* ---- who reads a point ---- */

/* Calls for each point an instance reads, its own first; a point may come twice. */
static size_t reads_of(const struct shard *shard, uint32_t i, uint32_t *ret_points, size_t room)
{
    const struct instance *inst = &shard->instances[i];
    const struct judge_rule *rule = &shard->rules[inst->rule];
    const struct rule_reads *reads = &rule->code->reads;
    size_t n = 0;
    ret_points[n++] = inst->point;
    for (size_t s = 0; s < reads->point_count && n < room; s++) {
        ret_points[n++] = rule->point_slots[s];
    }
    for (size_t s = 0; s < reads->window_count && n < room; s++) {
        if (reads->windows[s].point != SITE_NONE) {
            ret_points[n++] = shard->local[reads->windows[s].point];
        }
    }
    return n;
}

enum { READS_MAX = 2 * RULE_SLOTS_MAX + 1 };

static bool seen_before(const uint32_t *points, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (points[k] == points[n]) {
            return true;
        }
    }
    return false;
}

/* Lists, for each point, the instances that read it, rising; two passes: count, then fill. */
static void make_readers(struct shard *shard)
{
    uint32_t points[READS_MAX];
    uint32_t total = 0;
    for (uint32_t i = 0; i < shard->instance_count; i++) {
        size_t n = reads_of(shard, i, points, READS_MAX);
        for (size_t k = 0; k < n; k++) {
            bool again = seen_before(points, k);
            shard->points[points[k]].readers.count += again ? 0 : 1;
            total += again ? 0 : 1;
        }
    }
    uint32_t first = 0;
    for (uint32_t p = 0; p < shard->point_count; p++) {
        struct run *run = &shard->points[p].readers;
        run->first = first;
        first += run->count;
        run->count = 0;
    }
    shard->readers = ARENA_ARRAY(&shard->arena, uint32_t, total + 1);
    for (uint32_t i = 0; i < shard->instance_count; i++) {
        size_t n = reads_of(shard, i, points, READS_MAX);
        for (size_t k = 0; k < n; k++) {
            if (!seen_before(points, k)) {
                struct run *run = &shard->points[points[k]].readers;
                shard->readers[run->first + run->count++] = i;
            }
        }
    }
    for (uint32_t p = 0; p < shard->point_count; p++) {
        struct run *run = &shard->points[p].readers;
        run->first = run->count == 1 ? shard->readers[run->first] : run->first;
    }
}

/* ---- which points may be quiet ---- */

static void find_plain(struct shard *shard)
{
    shard->all_plain = true;
    for (uint32_t p = 0; p < shard->point_count; p++) {
        struct point_state *point = &shard->points[p];
        unsigned kind = TERM_VALUE; /* the most general of what they compare */
        point->own = !point->has_windows;
        for (uint32_t k = 0; k < point->readers.count; k++) {
            const struct instance *inst = &shard->instances[reader_of(shard, point->readers, k)];
            const struct conditions *conditions = &shard->rules[inst->rule].code->conditions;
            kind = conditions->kind > kind ? conditions->kind : kind;
            point->own = point->own && inst->point == p && inst->group == SITE_NONE && kind != TERM_GENERAL;
        }
        point->plain = point->own && kind == TERM_VALUE;
        shard->all_plain = shard->all_plain && point->plain;
    }
}

/* ---- windows ---- */

/* A window that some instance asks for. */
struct want {
    int64_t width_ns;
    uint32_t point; /* local */
    uint8_t kind;
    uint8_t needs;
};

static int compare_wants(const void *a, const void *b)
{
    const struct want *x = a;
    const struct want *y = b;
    if (x->point != y->point) {
        return x->point < y->point ? -1 : 1;
    }
    if (x->width_ns != y->width_ns) {
        return x->width_ns < y->width_ns ? -1 : 1;
    }
    return (int)x->kind - (int)y->kind;
}

/* Sorts the wants and joins equal ones; gives how many are left. */
static uint32_t join_wants(struct want *wants, uint32_t n)
{
    qsort(wants, n, sizeof *wants, compare_wants);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (kept > 0 && compare_wants(&wants[kept - 1], &wants[i]) == 0) {
            wants[kept - 1].needs |= wants[i].needs;
        } else {
            wants[kept++] = wants[i];
        }
    }
    return kept;
}

static struct want want_of(const struct shard *shard, uint32_t i, size_t slot)
{
    const struct instance *inst = &shard->instances[i];
    const struct window_read *read = &shard->rules[inst->rule].code->reads.windows[slot];
    return (struct want){
        .width_ns = read->width_ns, .point = window_point(shard, inst, read), .kind = read->kind, .needs = read->needs};
}

static void make_windows(struct shard *shard, const struct want *wants, uint32_t n)
{
    shard->windows = ARENA_ARRAY(&shard->arena, struct window *, n + 1);
    shard->point_windows = ARENA_ARRAY(&shard->arena, struct run, shard->point_count + 1);
    shard->window_count = n;
    for (uint32_t w = 0; w < n; w++) {
        const struct site_point *point = &shard->config.site->points[shard->site_points[wants[w].point]];
        shard->windows[w] = window_new(&shard->arena, (enum window_kind)wants[w].kind, wants[w].width_ns,
                                       wants[w].needs, point->every_ns, point->resolution);
        struct run *run = &shard->point_windows[wants[w].point];
        run->first = run->count == 0 ? w : run->first;
        run->count++;
        shard->points[wants[w].point].has_windows = true;
    }
}

static void bind_windows(struct shard *shard, const struct want *wants, uint32_t n)
{
    for (uint32_t i = 0; i < shard->instance_count; i++) {
        const struct instance *inst = &shard->instances[i];
        size_t count = shard->rules[inst->rule].code->reads.window_count;
        for (size_t slot = 0; slot < count; slot++) {
            struct want want = want_of(shard, i, slot);
            const struct want *found = bsearch(&want, wants, n, sizeof *wants, compare_wants);
            shard->slot_windows[inst->slots + slot] = shard->windows[found - wants];
            shard->slot_points[inst->slots + slot] = want.point;
        }
    }
}

static enum err_code share_windows(struct shard *shard, struct err *err)
{
    size_t total = 0;
    for (uint32_t i = 0; i < shard->instance_count; i++) {
        total += shard->rules[shard->instances[i].rule].code->reads.window_count;
    }
    struct want *wants = calloc(total + 1, sizeof *wants);
    if (wants == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < shard->instance_count; i++) {
        size_t count = shard->rules[shard->instances[i].rule].code->reads.window_count;
        for (size_t slot = 0; slot < count; slot++) {
            wants[n++] = want_of(shard, i, slot);
        }
    }
    n = join_wants(wants, n);
    make_windows(shard, wants, n);
    bind_windows(shard, wants, n);
    free(wants);
    return ERR_NONE;
}

/* ---- what time alone changes ---- */

static int64_t next_second(int64_t clock_ns)
{
    int64_t rest_ns = clock_ns % NS_PER_S;
    int64_t floor_ns = clock_ns - (rest_ns < 0 ? rest_ns + NS_PER_S : rest_ns);
    return floor_ns + NS_PER_S;
}

static void list_by_second(struct shard *shard)
{
    shard->by_second = ARENA_ARRAY(&shard->arena, uint32_t, shard->instance_count + 1);
    for (uint32_t i = 0; i < shard->instance_count; i++) {
        if (shard->rules[shard->instances[i].rule].code->reads_time) {
            shard->by_second[shard->by_second_count++] = i;
        }
    }
    shard->second_ns = shard->by_second_count > 0 ? next_second(shard->config.start_ns) : TIME_NEVER;
}

static void make_counters(struct shard *shard)
{
    if (shard->config.counters == NULL) {
        return;
    }
    struct {
        struct counter **counter;
        const char *name, *help;
    } all[] = {
        {&shard->samples, "samples", "samples judged, of home points"},
        {&shard->late, "late", "samples older than the newest of their point: stored, not judged"},
        {&shard->equal, "equal", "samples of the same time as the newest of their point: stored, not judged again"},
        {&shard->skewed, "skew", "samples more than 60 s in the future: judged at their time of receipt"},
        {&shard->verdicts, "verdicts", "verdicts given"},
        {&shard->waits, "waits", "times the shard had to wait for room in a ring"},
        {&shard->p50, "latency_p50_us", "sample taken in to being judged, us, where that changed something, median"},
        {&shard->p99, "latency_p99_us", "sample taken in to being judged, us, where that changed something, 99 of 100"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "rules.%u.%s", shard->config.index, all[i].name);
        *all[i].counter = counter_new(shard->config.counters, name, "", all[i].help);
    }
}

enum err_code shard_new(const struct shard_config *config, struct shard **ret_shard, struct err *err)
{
    struct shard *shard = calloc(1, sizeof *shard);
    uint64_t *masks = calloc(config->site->point_count + 1, sizeof *masks);
    uint8_t *homes = calloc(config->site->point_count + 1, sizeof *homes);
    enum err_code code = ERR_NONE;
    if (shard == NULL || masks == NULL || homes == NULL) {
        free(shard);
        shard = NULL;
        code = err_set(err, ERR_ENV, "out of memory");
    } else {
        shard->config = *config;
        shard->clock_ns = config->start_ns;
        shard->group_open = SITE_NONE;
        arena_init(&shard->arena);
        rules_plan(config->rules, config->count, masks, homes);
        make_points(shard, masks, homes);
        make_instances(shard);
        make_rules(shard);
        make_readers(shard);
        list_by_second(shard);
        make_counters(shard);
        shard_agent_init(shard);
        code = share_windows(shard, err);
        find_plain(shard);
    }
    free(masks);
    free(homes);
    if (code != ERR_NONE) {
        shard_free(shard);
        return code;
    }
    arena_seal(&shard->arena);
    *ret_shard = shard;
    return ERR_NONE;
}

void shard_free(struct shard *shard)
{
    if (shard == NULL) {
        return;
    }
    for (uint32_t w = 0; w < shard->window_count; w++) {
        window_done(shard->windows[w]);
    }
    arena_done(&shard->arena);
    free(shard);
}

size_t shard_fan_out(const struct rules *rules, unsigned index, unsigned count)
{
    size_t total = 0;
    for (uint32_t a = 0; a < rules->site->alarm_count; a++) {
        if (rules_alarm_shard(rules, a, count) == index) {
            total += rules->site->alarms[a].member_count * VERDICTS_PER_INSTANCE + 2;
        }
    }
    return total;
}

struct shard_bytes shard_bytes(const struct shard *shard)
{
    size_t grown = 0;
    size_t windows = 0;
    for (uint32_t w = 0; w < shard->window_count; w++) {
        grown += window_grown_bytes(shard->windows[w]);
        windows += window_bytes(shard->windows[w]);
    }
    return (struct shard_bytes){.all = sizeof *shard + shard->arena.used + grown,
                                .quiet = offsetof(struct point_state, good_ns),
                                .point = sizeof(struct point_state),
                                .alarm = sizeof(struct instance),
                                .window = shard->window_count > 0 ? windows / shard->window_count : 0};
}
