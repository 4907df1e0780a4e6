/*
 * restart_notes: which windows a restart cannot give back whole, because their
 * readings are not kept for so long, or because nobody would wait for so many.
 * Nothing is wrong with such a rule while the monitor runs, so this is a note.
 */
#include "base/clock.h"
#include "base/text.h"
#include "rules/rules_private.h"

#define KEPT_ANYWAY_NS (3600 * NS_PER_S) /* beside store.pin.before, see docs/manual/store.md */

/* How far back the readings of a point are there after a restart. */
static int64_t known_ns(const struct site *site, uint32_t point)
{
    const int64_t raw_ns = site_point_keep(site, point).raw_ns;
    int64_t least_ns;
    if (raw_ns == 0 || __builtin_add_overflow(site->pin_before_ns, KEPT_ANYWAY_NS, &least_ns)) {
        return RULES_RESTORED_NS;
    }
    const int64_t kept_ns = raw_ns > least_ns ? raw_ns : least_ns;
    return kept_ns < RULES_RESTORED_NS ? kept_ns : RULES_RESTORED_NS;
}

struct shortest {
    int64_t known_ns, width_ns;
    uint32_t point; /* SITE_NONE: all windows of the rule come back whole */
};

static void look(const struct site *site, uint32_t point, int64_t width_ns, struct shortest *shortest)
{
    const int64_t there_ns = known_ns(site, point);
    if (width_ns > there_ns && (shortest->point == SITE_NONE || there_ns < shortest->known_ns ||
                                (there_ns == shortest->known_ns && width_ns > shortest->width_ns))) {
        *shortest = (struct shortest){.known_ns = there_ns, .width_ns = width_ns, .point = point};
    }
}

static struct shortest shortest_of(const struct rules *rules, size_t index)
{
    const struct site_rule *rule = &rules->site->rules[index];
    const struct rule_reads *reads = &rules->codes[index].reads;
    struct shortest shortest = {.point = SITE_NONE};
    for (size_t w = 0; w < reads->window_count; w++) {
        const struct window_read *read = &reads->windows[w];
        if (read->point != SITE_NONE) {
            look(rules->site, read->point, read->width_ns, &shortest);
        }
        for (size_t i = 0; read->point == SITE_NONE && i < rule->point_count; i++) {
            look(rules->site, rule->points[i], read->width_ns, &shortest);
        }
    }
    return shortest;
}

void rules_restart_notes(const struct rules *rules, struct mistakes *notes)
{
    for (size_t r = 0; r < rules->site->rule_count; r++) {
        const struct site_rule *rule = &rules->site->rules[r];
        const struct shortest found = shortest_of(rules, r);
        char width[TEXT_DURATION_MAX];
        char known[TEXT_DURATION_MAX];
        if (found.point == SITE_NONE) {
            continue;
        }
        const bool by_store = found.known_ns < RULES_RESTORED_NS;
        (void)text_format_duration(found.width_ns, width);
        (void)text_format_duration(found.known_ns, known);
        mistakes_add(
            notes, rule->file, rule->place,
            by_store ? "let store.keep.raw, or a class of store.keep.classes, be as long as the window"
                     : "nothing need be done; the rest fills as time goes on",
            by_store ? "after a restart a window of %s of \"%s\" holds the last %s only, its samples are not kept for "
                       "longer"
                     : "after a restart a window of %s of \"%s\" holds the last %s only",
            width, rules->site->points[found.point].id, known);
    }
}
