/*
 * probe_show: the answer of a device as a table of everything it may mean.
 *
 * One block of lines per width: 16 bits, 32 bits, 64 bits; a value is shown at
 * each address from which on enough registers were read.
 */
#include "app/probe.h"

#include "base/text.h"
#include "ingest/mbus_decode.h"
#include <math.h>

enum { ORDERS = 4, SHORT_MAX = 9999, WIDE_MAX = 999999 };

bool probe_is_plausible(enum mbus_type type, double value)
{
    const double size = fabs(value);
    switch (type) {
    case TYPE_F32:
    case TYPE_F64:
        return size >= 0.001 && size < 1e6;
    case TYPE_U16:
    case TYPE_BCD16:
        return size >= 1 && size <= SHORT_MAX;
    case TYPE_I16: /* what is not negative stands in the unsigned column already */
        return value < 0 && size <= SHORT_MAX;
    case TYPE_U32:
    case TYPE_U64:
    case TYPE_BCD32:
        return size >= 1 && size <= WIDE_MAX;
    case TYPE_I32:
    case TYPE_I64:
        return value < 0 && size <= WIDE_MAX;
    case TYPE_BOOL:
    case TYPE_BIT:
    case TYPE_BITS:
        return false;
    }
    return false;
}

/* Prints one reading, right-aligned, with its mark. */
static void print_cell(FILE *out, int width, enum mbus_type type, const char *order, const uint8_t *payload, size_t at)
{
    struct site_from from = {.table = TABLE_HOLDING, .scale = 1};
    if (!site_from_shape(&from, type, order)) {
        return;
    }
    const struct reading reading = mbus_decode(&from, payload, at);
    char number[TEXT_NUMBER_MAX] = "-"; /* NaN and infinities: no reading */
    if (reading.status == 0) {
        (void)text_format_number(reading.value, number);
    }
    char cell[TEXT_NUMBER_MAX + 2];
    (void)snprintf(cell, sizeof cell, "%s%s", probe_is_plausible(type, reading.value) ? "*" : "", number);
    (void)fprintf(out, " %*s", width, cell);
}

static void print_bits(FILE *out, unsigned word)
{
    for (int bit = 15; bit >= 0; bit--) {
        (void)fputc((word >> bit & 1U) != 0 ? '1' : '0', out);
        if (bit % 4 == 0 && bit != 0) {
            (void)fputc(' ', out);
        }
    }
}

static void show_words(const struct probe *probe, const uint8_t *payload, FILE *out)
{
    (void)fprintf(out, "\n%7s  %4s  %-19s %9s %9s %9s %9s %9s\n", "address", "hex", "bits 15 to 0", "u16", "i16",
                  "bcd16", "u16 BA", "i16 BA");
    for (size_t at = 0; at < probe->count; at++) {
        const unsigned word = (unsigned)payload[2 * at] << 8 | payload[2 * at + 1];
        (void)fprintf(out, "%7zu  %04X  ", probe->address + at, word);
        print_bits(out, word);
        print_cell(out, 9, TYPE_U16, "AB", payload, at);
        print_cell(out, 9, TYPE_I16, "AB", payload, at);
        print_cell(out, 9, TYPE_BCD16, "AB", payload, at);
        print_cell(out, 9, TYPE_U16, "BA", payload, at);
        print_cell(out, 9, TYPE_I16, "BA", payload, at);
        (void)fputc('\n', out);
    }
}

/* A type of several registers and how it is called. */
struct shape {
    enum mbus_type type;
    const char *name;
};

/* Prints a block: at each address all types of one width in all its orders. */
static void show_wide(const struct probe *probe, const uint8_t *payload, unsigned registers, const struct shape *shapes,
                      size_t shape_count, const char *const orders[ORDERS], FILE *out)
{
    const int width = 25; /* the longest double with its mark */
    if (probe->count < registers) {
        return;
    }
    (void)fprintf(out, "\n%7s  %-5s", "address", "type");
    for (size_t o = 0; o < ORDERS; o++) {
        (void)fprintf(out, " %*s", width, orders[o]);
    }
    (void)fputc('\n', out);
    for (size_t at = 0; at + registers <= probe->count; at++) {
        for (size_t i = 0; i < shape_count; i++) {
            (void)fprintf(out, "%7zu  %-5s", probe->address + at, shapes[i].name);
            for (size_t o = 0; o < ORDERS; o++) {
                print_cell(out, width, shapes[i].type, orders[o], payload, at);
            }
            (void)fputc('\n', out);
        }
    }
}

static void show_coils(const struct probe *probe, const uint8_t *payload, FILE *out)
{
    (void)fprintf(out, "\n%7s  %s\n", "address", "value");
    for (size_t at = 0; at < probe->count; at++) {
        (void)fprintf(out, "%7zu  %d\n", probe->address + at, payload[at / 8] >> (at % 8) & 1);
    }
}

void probe_show(const struct probe *probe, const uint8_t *payload, FILE *out)
{
    static const char *const names[] = {[TABLE_INPUT] = "input registers",
                                        [TABLE_HOLDING] = "holding registers",
                                        [TABLE_COIL] = "coils",
                                        [TABLE_DISCRETE] = "discrete inputs"};
    static const struct shape by32[] = {{TYPE_U32, "u32"}, {TYPE_I32, "i32"}, {TYPE_F32, "f32"}, {TYPE_BCD32, "bcd32"}};
    static const struct shape by64[] = {{TYPE_U64, "u64"}, {TYPE_I64, "i64"}, {TYPE_F64, "f64"}};
    static const char *const orders32[ORDERS] = {"ABCD", "CDAB", "BADC", "DCBA"};
    static const char *const orders64[ORDERS] = {"ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"};
    const bool bits = probe->table == TABLE_COIL || probe->table == TABLE_DISCRETE;
    (void)fprintf(out, "%s port %u unit %u: %s %u to %u%s\n", probe->host, probe->port, probe->unit,
                  names[probe->table], probe->address, probe->address + probe->count - 1U,
                  bits ? "" : "; * looks like a measured value, - is no number");
    if (bits) {
        show_coils(probe, payload, out);
        return;
    }
    show_words(probe, payload, out);
    show_wide(probe, payload, 2, by32, sizeof by32 / sizeof *by32, orders32, out);
    show_wide(probe, payload, 4, by64, sizeof by64 / sizeof *by64, orders64, out);
}
