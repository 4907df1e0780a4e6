/* load_print: see load_print.h.  One table says what is printed, in which order, under which word. */
#include "app/load_print.h"

#include "base/text.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static double share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0.0 : 100.0 * (double)part / (double)whole;
}

static double raised(const struct load_figures *f)
{
    return (double)f->raised;
}

static double red(const struct load_figures *f)
{
    return (double)f->by_level[LEVEL_RED];
}

static double orange(const struct load_figures *f)
{
    return (double)f->by_level[LEVEL_ORANGE];
}

static double yellow(const struct load_figures *f)
{
    return (double)f->by_level[LEVEL_YELLOW];
}

static double blue(const struct load_figures *f)
{
    return (double)f->by_level[LEVEL_BLUE];
}

static double per_day(const struct load_figures *f)
{
    return load_rate(f, LOAD_DAY_NS);
}

static double per_hour(const struct load_figures *f)
{
    return load_rate(f, LOAD_HOUR_NS);
}

static double per_period(const struct load_figures *f)
{
    return load_rate(f, LOAD_PERIOD_NS);
}

static double worst(const struct load_figures *f)
{
    return (double)f->worst;
}

static double periods_over(const struct load_figures *f)
{
    return share(f->periods_over, f->periods);
}

static double floods(const struct load_figures *f)
{
    return (double)f->floods;
}

static double in_flood(const struct load_figures *f)
{
    return share(f->periods_in_flood, f->periods);
}

static double hours_over(const struct load_figures *f)
{
    return share(f->hours_over, f->hours);
}

static double top_share(const struct load_figures *f)
{
    return share(f->top_raised, f->raised);
}

static double chattering(const struct load_figures *f)
{
    return (double)f->chattering;
}

static double fleeting(const struct load_figures *f)
{
    return (double)f->fleeting;
}

static double standing(const struct load_figures *f)
{
    return (double)f->standing;
}

static double stale(const struct load_figures *f)
{
    return (double)f->stale;
}

/* The targets are those widely quoted from ISA-18.2 (2009) and EEMUA 191, for one operator. */
static const struct figure {
    const char *key;
    const char *label;
    const char *target;
    double (*get)(const struct load_figures *figures);
} figure_rows[] = {
    {"raised", "alarms raised", "", raised},
    {"red", "  red", "", red},
    {"orange", "  orange", "", orange},
    {"yellow", "  yellow", "", yellow},
    {"blue", "  blue", "", blue},
    {"per_day", "a day", "<= 150, at most 300", per_day},
    {"per_hour", "an hour", "<= 6, at most 12", per_hour},
    {"per_10min", "in 10 minutes, on average", "<= 1, at most 2", per_period},
    {"worst_10min", "in 10 minutes, at worst", "<= 10", worst},
    {"over_10_percent", "10-minute periods with more than 10, %", "<= 1", periods_over},
    {"floods", "floods (more than 10 in 10 minutes)", "", floods},
    {"in_flood_percent", "time in flood, %", "<= 1", in_flood},
    {"busy_hours_percent", "hours with more than 30, %", "<= 1", hours_over},
    {"top_percent", "share of the ten most frequent, %", "1 to 5", top_share},
    {"chattering", "chattering alarms (3 in 60 s)", "0", chattering},
    {"fleeting", "fleeting occurrences (under 5 s)", "0", fleeting},
    {"standing", "standing at the end", "", standing},
    {"stale", "  for more than 24 h", "< 5", stale},
};

enum { FIGURE_ROWS = sizeof figure_rows / sizeof *figure_rows, LABEL_WIDTH = 40, COLUMN_WIDTH = 20 };

/* Two decimals, none for whole numbers. */
static void format(double value, char ret_text[TEXT_NUMBER_MAX])
{
    const bool whole = value == (double)(int64_t)value;
    (void)snprintf(ret_text, TEXT_NUMBER_MAX, whole ? "%.0f" : "%.2f", value);
}

static void print_span(FILE *out, const struct load_figures *figures)
{
    char from[TEXT_TIME_MAX];
    char to[TEXT_TIME_MAX];
    (void)text_format_time(figures->from_ns, from);
    (void)text_format_time(figures->to_ns, to);
    (void)fprintf(out, "operator load from %s to %s\n", from, to);
}

static void print_worst(FILE *out, const char *name, const struct load_figures *figures)
{
    if (figures->raised == 0) {
        return;
    }
    char time[TEXT_TIME_MAX];
    (void)text_format_time(figures->worst_ns, time);
    (void)fprintf(out, "\n%s: the worst 10 minutes began at %s; the most frequent alarms:\n", name, time);
    for (size_t i = 0; i < figures->top_count; i++) {
        (void)fprintf(out, "%8llu  %s\n", (unsigned long long)figures->top[i].raised, figures->top[i].alarm);
    }
}

/* The end of a name that is too long for its column: there two files differ. */
static const char *column_name(const char *name)
{
    const size_t len = strlen(name);
    return len < COLUMN_WIDTH ? name : name + len - (COLUMN_WIDTH - 1);
}

void load_print_table(FILE *out, const char *const *names, const struct load_figures *figures, size_t count)
{
    print_span(out, &figures[0]);
    (void)fprintf(out, "%-*s", LABEL_WIDTH, "");
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "%*s", COLUMN_WIDTH, column_name(names[i]));
    }
    (void)fprintf(out, "  bearable\n");
    for (size_t row = 0; row < FIGURE_ROWS; row++) {
        (void)fprintf(out, "%-*s", LABEL_WIDTH, figure_rows[row].label);
        for (size_t i = 0; i < count; i++) {
            char text[TEXT_NUMBER_MAX];
            format(figure_rows[row].get(&figures[i]), text);
            (void)fprintf(out, "%*s", COLUMN_WIDTH, text);
        }
        (void)fprintf(out, "%s%s\n", figure_rows[row].target[0] != '\0' ? "  " : "", figure_rows[row].target);
    }
    for (size_t i = 0; i < count; i++) {
        print_worst(out, names[i], &figures[i]);
    }
}

void load_print_json(struct buf *out, const char *name, const struct load_figures *figures)
{
    char time[TEXT_TIME_MAX];
    buf_text(out, "{\"site\":");
    buf_json_string(out, name);
    (void)text_format_time(figures->from_ns, time);
    buf_printf(out, ",\"from\":\"%s\"", time);
    (void)text_format_time(figures->to_ns, time);
    buf_printf(out, ",\"to\":\"%s\"", time);
    for (size_t row = 0; row < FIGURE_ROWS; row++) {
        buf_printf(out, ",\"%s\":", figure_rows[row].key);
        buf_number(out, figure_rows[row].get(figures));
    }
    if (figures->raised > 0) {
        (void)text_format_time(figures->worst_ns, time);
        buf_printf(out, ",\"worst_at\":\"%s\"", time);
    }
    buf_text(out, ",\"top\":[");
    for (size_t i = 0; i < figures->top_count; i++) {
        buf_text(out, i == 0 ? "{\"alarm\":" : ",{\"alarm\":");
        buf_json_string(out, figures->top[i].alarm);
        buf_printf(out, ",\"raised\":%llu}", (unsigned long long)figures->top[i].raised);
    }
    buf_text(out, "]}");
}
