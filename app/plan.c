/* plan: see plan.h. */
#include "app/plan.h"

#include "alerting/alarm_record.h"
#include "alerting/manager.h"
#include "alerting/pack.h"
#include "base/memory.h"
#include "base/table.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What the store's records say of a rule of the site. */
enum known { KNOWN_NOT, KNOWN_SAME, KNOWN_CHANGED };

struct plan {
    const struct site *site;
    struct store *store;
    FILE *out;
    uint8_t *rules;    /* [rule]: enum known */
    bool *alarms;      /* [alarm]: the store holds something of it */
    struct table gone; /* names of alarms the site no longer has -> index into gone_names */
    char **gone_names;
    uint32_t gone_count, gone_room;
    size_t unreadable;
};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void note_gone(struct plan *plan, const char *name)
{
    if (table_find(&plan->gone, name, strlen(name)) != TABLE_NONE) {
        return;
    }
    if (plan->gone_count == plan->gone_room) {
        plan->gone_room = plan->gone_room == 0 ? 16 : plan->gone_room * 2;
        plan->gone_names = memory_resize(plan->gone_names, plan->gone_room, sizeof *plan->gone_names);
    }
    plan->gone_names[plan->gone_count] = memory_strdup(name);
    (void)table_add(&plan->gone, plan->gone_names[plan->gone_count], plan->gone_count); /* it is not there yet */
    plan->gone_count++;
}

/* Alarm records and kept conditions begin alike: version, digest of the rule, name of the alarm (alarm_record.h). */
static bool take_record(void *self, const char *key, size_t key_len, const void *bytes, size_t len)
{
    (void)key;
    (void)key_len;
    struct plan *plan = self;
    struct unpack in = unpack_begin(bytes, len);
    (void)unpack_u8(&in); /* one version so far; a strange record does not give a name */
    const uint64_t digest = unpack_u64(&in);
    char *name = unpack_text(&in);
    if (in.bad || name == NULL) {
        plan->unreadable++;
        free(name);
        return true;
    }
    const uint32_t alarm = site_alarm(plan->site, name, strlen(name));
    if (alarm == SITE_NONE) {
        note_gone(plan, name);
    } else {
        const uint32_t rule = plan->site->alarms[alarm].rule;
        const bool same = plan->site->rules[rule].digest == digest;
        plan->alarms[alarm] = true;
        plan->rules[rule] = same && plan->rules[rule] != KNOWN_CHANGED ? KNOWN_SAME : KNOWN_CHANGED;
    }
    free(name);
    return true;
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

/* Prints "  NAME (orange, not acknowledged)" when something is open about the alarm. */
static enum err_code print_open(const struct plan *plan, const char *name, bool *ret_open, struct err *err)
{
    char key[RECORD_KEY_MAX + 1];
    struct buf bytes = {0};
    record_key(key, MANAGER_SHOWN, name);
    enum err_code code = store_get(plan->store, key, &bytes, err);
    *ret_open = code == ERR_NONE && bytes.len > 0;
    if (*ret_open) {
        json_t *state = json_loadb(bytes.data, bytes.len, 0, NULL);
        const char *word = json_string_value(json_object_get(state, "state"));
        const char *level = json_string_value(json_object_get(state, "level"));
        (void)fprintf(plan->out, "    %s (%s%s%s, %s)\n", name, word != NULL ? word : "", level != NULL ? " " : "",
                      level != NULL ? level : "",
                      json_is_true(json_object_get(state, "acked")) ? "acknowledged" : "not acknowledged");
        json_decref(state);
    }
    buf_done(&bytes);
    return code == ERR_NO ? ERR_NONE : code;
}

static enum err_code print_rule(const struct plan *plan, const struct site_rule *rule, enum known known,
                                struct err *err)
{
    enum err_code code = ERR_NONE;
    if (known == KNOWN_NOT) {
        (void)fprintf(plan->out, "  new      %s: %u alarms\n", rule->id, rule->alarm_count);
        return ERR_NONE;
    }
    if (known == KNOWN_SAME) {
        return ERR_NONE;
    }
    (void)fprintf(plan->out, "  changed  %s: %u alarms are judged anew; delays begin afresh\n", rule->id,
                  rule->alarm_count);
    for (uint32_t i = 0; i < rule->alarm_count && code == ERR_NONE; i++) {
        bool open = false;
        code = print_open(plan, plan->site->alarms[rule->first_alarm + i].name, &open, err);
    }
    return code;
}

static enum err_code print_rules(const struct plan *plan, struct err *err)
{
    size_t sums[KNOWN_CHANGED + 1] = {0};
    enum err_code code = ERR_NONE;
    for (size_t r = 0; r < plan->site->rule_count; r++) {
        sums[plan->rules[r]]++;
    }
    (void)fprintf(plan->out, "rules: %zu unchanged, %zu changed, %zu of which nothing is kept yet\n", sums[KNOWN_SAME],
                  sums[KNOWN_CHANGED], sums[KNOWN_NOT]);
    for (size_t r = 0; r < plan->site->rule_count && code == ERR_NONE; r++) {
        code = print_rule(plan, &plan->site->rules[r], (enum known)plan->rules[r], err);
    }
    return code;
}

static void print_new_alarms(const struct plan *plan)
{
    size_t count = 0;
    for (uint32_t a = 0; a < plan->site->alarm_count; a++) {
        count += !plan->alarms[a] && plan->rules[plan->site->alarms[a].rule] != KNOWN_NOT;
    }
    (void)fprintf(plan->out, "alarms: %zu more of these rules, %u gone\n", count, plan->gone_count);
}

static enum err_code print_gone(const struct plan *plan, struct err *err)
{
    size_t open_count = 0;
    enum err_code code = ERR_NONE;
    if (plan->gone_count > 0) {
        (void)fprintf(plan->out, "  closed, as rule or point is no longer in the site:\n");
    }
    for (uint32_t i = 0; i < plan->gone_count && code == ERR_NONE; i++) {
        bool open = false;
        code = print_open(plan, plan->gone_names[i], &open, err);
        open_count += open;
    }
    if (code == ERR_NONE && plan->gone_count > 0) {
        (void)fprintf(plan->out, "    %zu that are all well\n", plan->gone_count - open_count);
    }
    return code;
}

static enum err_code print_points(const struct plan *plan, struct err *err)
{
    size_t unheard = 0;
    for (size_t i = 0; i < plan->site->point_count; i++) {
        struct board_entry entry;
        struct err why = {0};
        enum err_code code = store_last(plan->store, plan->site->points[i].id, &entry, &why);
        if (code == ERR_NO) {
            if (unheard++ == 0) {
                (void)fprintf(plan->out, "points of which nothing is stored yet:\n");
            }
            (void)fprintf(plan->out, "    %s\n", plan->site->points[i].id);
        } else if (code != ERR_NONE) {
            *err = why;
            return code;
        }
    }
    (void)fprintf(plan->out, "points: %zu with stored samples, %zu without\n", plan->site->point_count - unheard,
                  unheard);
    return ERR_NONE;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

enum err_code plan_print(const struct site *site, struct store *store, FILE *out, struct err *err)
{
    struct plan plan = {.site = site, .store = store, .out = out};
    plan.rules = memory_new(site->rule_count, sizeof *plan.rules);
    plan.alarms = memory_new(site->alarm_count, sizeof *plan.alarms);
    table_init(&plan.gone);
    enum err_code code = store_scan(store, "alarm/", take_record, &plan, err);
    if (code == ERR_NONE) {
        code = store_scan(store, "keep/", take_record, &plan, err);
    }
    if (code == ERR_NONE) {
        code = print_rules(&plan, err);
    }
    if (code == ERR_NONE) {
        print_new_alarms(&plan);
        code = print_gone(&plan, err);
    }
    if (code == ERR_NONE) {
        code = print_points(&plan, err);
    }
    if (code == ERR_NONE && plan.unreadable > 0) {
        (void)fprintf(out, "%zu records cannot be read; their alarms start afresh\n", plan.unreadable);
    }
    table_done(&plan.gone);
    for (uint32_t i = 0; i < plan.gone_count; i++) {
        free(plan.gone_names[i]);
    }
    free(plan.gone_names);
    free(plan.alarms);
    free(plan.rules);
    return code;
}
