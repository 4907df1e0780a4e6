/* explain: see explain.h; reads the compiled programs and the lists of what they read. */
#include "rules/explain.h"

#include "base/clock.h"
#include "rules/rules_private.h"

enum { EWMA_CONSTANTS = 8 };

#define MEMORY_MAX_NS (INT64_C(400) * 86400 * NS_PER_S) /* no sum of the below comes near the end of time */

bool rules_plain_limit(const struct rules *rules, uint32_t rule, size_t level, enum rules_part part,
                       struct rules_limit *ret_limit)
{
    static const char *const ops[] = {
        [PLAIN_LESS] = "<", [PLAIN_LESS_EQUAL] = "<=", [PLAIN_GREATER] = ">", [PLAIN_GREATER_EQUAL] = ">="};
    const struct rule_code *code = &rules->codes[rule];
    const struct program *program = part == RULES_WHEN ? &code->when[level] : &code->clear[level];
    if (program->code == NULL || program->plain == PLAIN_NO) {
        return false;
    }
    *ret_limit = (struct rules_limit){.op = ops[program->plain], .limit = program->limit};
    return true;
}

static size_t add_point(uint32_t *points, size_t count, uint32_t point)
{
    for (size_t i = 0; i < count; i++) {
        if (points[i] == point) {
            return count;
        }
    }
    points[count] = point;
    return count + 1;
}

size_t rules_alarm_points(const struct rules *rules, uint32_t alarm, uint32_t *ret_points)
{
    const struct site_alarm *place = &rules->site->alarms[alarm];
    const struct rule_reads *reads = &rules->codes[place->rule].reads;
    size_t count = 0;
    for (size_t i = 0; i < place->member_count; i++) {
        ret_points[count++] = place->members[i];
    }
    for (size_t i = 0; i < reads->point_count; i++) {
        count = add_point(ret_points, count, reads->points[i]);
    }
    for (size_t i = 0; i < reads->window_count; i++) {
        if (reads->windows[i].point != SITE_NONE) {
            count = add_point(ret_points, count, reads->windows[i].point);
        }
    }
    return count;
}

static int64_t longer(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

static int64_t at_most(int64_t span_ns, int64_t times)
{
    return span_ns > MEMORY_MAX_NS / times ? MEMORY_MAX_NS : span_ns * times;
}

/* The largest constant of a program that uses age or unchanged(), as seconds. */
static int64_t longest_age_ns(const struct program *program)
{
    int64_t longest_ns = 0;
    for (uint16_t i = 0; program->reads_time && i < program->length; i++) {
        const struct instruction *at = &program->code[i];
        if (at->op == OP_NUMBER && at->number > 0) {
            const bool huge = at->number >= (double)(MEMORY_MAX_NS / NS_PER_S);
            longest_ns = longer(longest_ns, huge ? MEMORY_MAX_NS : (int64_t)(at->number * (double)NS_PER_S));
        }
    }
    return longest_ns;
}

int64_t rules_memory_ns(const struct rules *rules, uint32_t rule)
{
    const struct rule_code *code = &rules->codes[rule];
    const struct site_rule *heading = &rules->site->rules[rule];
    int64_t reads_ns = longest_age_ns(&code->unless);
    int64_t delays_ns = 0;
    for (size_t i = 0; i < code->reads.window_count; i++) {
        const struct window_read *window = &code->reads.windows[i];
        reads_ns = longer(reads_ns, at_most(window->width_ns, window->kind == WINDOW_EWMA ? EWMA_CONSTANTS : 1));
    }
    for (size_t k = 0; k < heading->level_count; k++) {
        reads_ns = longer(reads_ns, longer(longest_age_ns(&code->when[k]), longest_age_ns(&code->clear[k])));
        delays_ns = longer(delays_ns, longer(heading->levels[k].on_delay_ns, heading->levels[k].off_delay_ns));
    }
    return longer(reads_ns, 0) + at_most(delays_ns, 1);
}
