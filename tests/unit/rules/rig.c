/* rig: see rig.h. */
#include "tests/unit/rules/rig.h"

#include "base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the site ---- */

static void write_file(const char *json, char *path)
{
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, json, strlen(json)), strlen(json));
    assert_int_equal(close(fd), 0);
}

void rig_load(const char *json, struct site **ret_site, struct rules **ret_rules)
{
    char path[] = "/tmp/davy-rig-XXXXXX.json";
    write_file(json, path);
    struct mistakes mistakes;
    mistakes_init(&mistakes);
    struct err err = {0};
    enum err_code code = site_load(path, &mistakes, ret_site, &err);
    (void)unlink(path);
    if (code == ERR_NONE) {
        code = rules_compile(*ret_site, &mistakes, ret_rules, &err);
    }
    mistakes_print(&mistakes, stderr);
    if (code != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    mistakes_done(&mistakes);
}

static size_t power_of_two(size_t least)
{
    size_t n = 16;
    while (n < least) {
        n *= 2;
    }
    return n;
}

void rig_open(struct rig *rig, const char *json, struct rig_options options)
{
    *rig = (struct rig){.count = options.shards == 0 ? 1 : options.shards, .clock_ns = options.start_ms * NS_PER_MS};
    rig_load(json, &rig->site, &rig->rules);
    assert_true(rig->site->point_count <= RIG_POINTS_MAX && rig->count <= RIG_SHARDS_MAX);
    rig->board = board_new(rig->site->point_count);
    rules_plan(rig->rules, rig->count, rig->masks, rig->homes);
    for (unsigned m = 0; m < rig->count; m++) {
        size_t room = power_of_two(shard_fan_out(rig->rules, m, rig->count));
        assert_int_equal(ring_open(sizeof(struct verdict), room, 0, &rig->verdicts[m], NULL), ERR_NONE);
        assert_int_equal(ring_open(sizeof(struct sample), 4, 0, &rig->stores[m], NULL), ERR_NONE);
        struct shard_config config = {
            .site = rig->site,
            .rules = rig->rules,
            .index = m,
            .count = rig->count,
            .store = rig->stores[m],
            .verdicts = rig->verdicts[m],
            .board = rig->board,
            .live = options.live,
            .keep = options.keep,
            .start_ns = rig->clock_ns,
        };
        assert_int_equal(shard_new(&config, &rig->shards[m], NULL), ERR_NONE);
    }
}

void rig_close(struct rig *rig)
{
    for (unsigned m = 0; m < rig->count; m++) {
        shard_free(rig->shards[m]);
        ring_free(rig->verdicts[m]);
        ring_free(rig->stores[m]);
    }
    board_free(rig->board);
    rules_free(rig->rules);
    site_free(rig->site);
}

/* ---- driving ---- */

/* As in replay: the order of the site. */
static int by_order(const void *a, const void *b)
{
    const struct verdict *x = a;
    const struct verdict *y = b;
    return (x->alarm > y->alarm) - (x->alarm < y->alarm);
}

static void collect(struct rig *rig)
{
    size_t first = rig->said_count;
    for (unsigned m = 0; m < rig->count; m++) {
        size_t n = 0;
        const void *items = NULL;
        while ((items = ring_peek(rig->verdicts[m], &n)) != NULL) {
            assert_true(rig->said_count + n <= RIG_VERDICTS_MAX);
            memcpy(rig->said + rig->said_count, items, n * sizeof *rig->said);
            rig->said_count += n;
            ring_release(rig->verdicts[m], n);
        }
        while ((items = ring_peek(rig->stores[m], &n)) != NULL) {
            assert_true(rig->stored_count + n <= RIG_VERDICTS_MAX);
            memcpy(rig->stored + rig->stored_count, items, n * sizeof *rig->stored);
            rig->stored_count += n;
            ring_release(rig->stores[m], n);
        }
    }
    if (rig->count > 1) {
        qsort(rig->said + first, rig->said_count - first, sizeof *rig->said, by_order);
    }
}

static int64_t next_due(const struct rig *rig)
{
    int64_t due_ns = TIME_NEVER;
    for (unsigned m = 0; m < rig->count; m++) {
        int64_t shard_ns = shard_next_due(rig->shards[m]);
        due_ns = shard_ns < due_ns ? shard_ns : due_ns;
    }
    return due_ns;
}

static void run_due(struct rig *rig, int64_t clock_ns)
{
    for (int64_t due_ns = next_due(rig); due_ns <= clock_ns; due_ns = next_due(rig)) {
        for (int phase = DUE_DELAYS; phase <= DUE_SECONDS; phase++) {
            for (unsigned m = 0; m < rig->count; m++) {
                shard_due(rig->shards[m], due_ns, (enum due_phase)phase);
            }
            collect(rig);
        }
    }
    rig->clock_ns = clock_ns > rig->clock_ns ? clock_ns : rig->clock_ns;
}

void rig_clock(struct rig *rig, int64_t clock_ms)
{
    run_due(rig, clock_ms * NS_PER_MS);
}

static int64_t first_before(const struct rig *rig, const struct sample *sample)
{
    int64_t first_ns = TIME_NEVER;
    for (unsigned m = 0; m < rig->count; m++) {
        if ((rig->masks[sample->point] >> m & 1) != 0) {
            int64_t end_ns = shard_first_before(rig->shards[m], sample);
            first_ns = end_ns < first_ns ? end_ns : first_ns;
        }
    }
    return first_ns;
}

static void end_before(struct rig *rig, const struct sample *sample)
{
    int64_t end_ns = first_before(rig, sample);
    for (; end_ns != TIME_NEVER; end_ns = first_before(rig, sample)) {
        for (unsigned m = 0; m < rig->count; m++) {
            if ((rig->masks[sample->point] >> m & 1) != 0) {
                shard_before(rig->shards[m], sample, end_ns);
            }
        }
        collect(rig);
    }
}

static void give(struct rig *rig, const char *id, int64_t time_ns, int64_t seen_ns, double value, uint16_t status)
{
    uint32_t point = site_point(rig->site, id, strlen(id));
    assert_true(point != SITE_NONE);
    run_due(rig, seen_ns);
    struct sample sample = {
        .time_ns = time_ns, .seen_ns = rig->clock_ns, .value = value, .point = point, .status = status};
    end_before(rig, &sample);
    for (unsigned m = 0; m < rig->count; m++) {
        if ((rig->masks[point] >> m & 1) != 0) {
            shard_sample(rig->shards[m], &sample);
        }
    }
    collect(rig);
}

void rig_sample(struct rig *rig, const char *point, int64_t time_ms, double value)
{
    rig_flagged(rig, point, time_ms, value, 0);
}

void rig_flagged(struct rig *rig, const char *point, int64_t time_ms, double value, uint16_t status)
{
    give(rig, point, time_ms * NS_PER_MS, time_ms * NS_PER_MS, value, status);
}

void rig_received(struct rig *rig, const char *point, int64_t time_ms, int64_t seen_ms, double value)
{
    give(rig, point, time_ms * NS_PER_MS, seen_ms * NS_PER_MS, value, 0);
}

/* ---- what was said ---- */

static size_t print_keep(const struct site *site, const struct verdict *verdict, char *to, size_t room)
{
    const struct site_alarm *alarm = &site->alarms[verdict->alarm];
    const struct site_level *level = &site->rules[alarm->rule].levels[verdict->keep_level];
    size_t n = (size_t)snprintf(to, room, "%lld %s%s%s %s keep", (long long)(verdict->time_ns / NS_PER_MS), alarm->name,
                                alarm->group != NULL ? "@" : "",
                                alarm->group != NULL ? site->points[verdict->point].id : "", level_name(level->level));
    static const char *const names[] = {"when", "clear", "entered", "unless"};
    for (unsigned b = 0; b < sizeof names / sizeof *names; b++) {
        if ((verdict->keep >> b & 1) != 0) {
            n += (size_t)snprintf(to + n, room - n, "%s%s", to[n - 1] == 'p' ? " " : ",", names[b]);
        }
    }
    if (verdict->since_ns != TIME_NEVER) {
        n += (size_t)snprintf(to + n, room - n, " since %lld", (long long)(verdict->since_ns / NS_PER_MS));
    }
    return n;
}

size_t rig_print(const struct site *site, const struct verdict *verdict, char *to, size_t room)
{
    if (verdict->kind == VERDICT_MARK) {
        return (size_t)snprintf(to, room, "mark %lld", (long long)verdict->time_ns);
    }
    if (verdict->kind == VERDICT_KEEP) {
        return print_keep(site, verdict, to, room);
    }
    return (size_t)snprintf(to, room, "%lld %s %s>%s%s%s", (long long)(verdict->time_ns / NS_PER_MS),
                            site->alarms[verdict->alarm].name, level_name(verdict->before), level_name(verdict->level),
                            (verdict->flags & VERDICT_UNLESS) != 0 ? " unless" : "",
                            (verdict->flags & VERDICT_BLIND) != 0 ? " blind" : "");
}

void rig_says_at(struct rig *rig, const char *const *lines, const char *file, int line)
{
    size_t used = 0;
    rig->text[0] = '\0';
    bool same = true;
    for (; rig->told < rig->said_count; rig->told++) {
        char *start = rig->text + used;
        used += rig_print(rig->site, &rig->said[rig->told], start, RIG_TEXT_MAX - used);
        same = same && *lines != NULL && strcmp(start, *lines) == 0;
        lines += *lines != NULL ? 1 : 0;
        assert_true(used + 2 < RIG_TEXT_MAX);
        rig->text[used++] = '\n';
        rig->text[used] = '\0';
    }
    if (!same || *lines != NULL) {
        print_error("%s:%d: was said:\n%sinstead, from here: %s\n", file, line, rig->text,
                    *lines != NULL ? *lines : "(nothing more)");
        _fail(file, line);
    }
}
