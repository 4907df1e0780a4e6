/* What `davy probe` takes for an address, and what it makes of an answer. */
#include "app/probe.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void addresses_of_devices(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port; /* 0: refused */
    } rows[] = {
        {"modbus://127.0.0.1:1502", "127.0.0.1", 1502},
        {"modbus://plc", "plc", 502},
        {"modbus://[::1]:7", "::1", 7},
        {"http://plc:502", NULL, 0},
        {"modbus://", NULL, 0},
        {"modbus://plc:0", NULL, 0},
        {"modbus://plc:70000", NULL, 0},
        {"plc:502", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct probe probe = {0};
        struct err err = {0};
        const enum err_code code = probe_url(rows[i].text, &probe, &err);
        assert_int_equal(code, rows[i].port != 0 ? ERR_NONE : ERR_INPUT);
        if (code == ERR_NONE) {
            assert_string_equal(probe.host, rows[i].host);
            assert_int_equal(probe.port, rows[i].port);
        }
    }
}

static void only_sane_numbers_are_marked(void **state)
{
    (void)state;
    static const struct {
        enum mbus_type type;
        double value;
        bool plausible;
    } rows[] = {
        {TYPE_F32, 1.06, true},      {TYPE_F32, -0.001, true}, {TYPE_F32, 0, false},       {TYPE_F32, -0.0, false},
        {TYPE_F32, 1e6, false},      {TYPE_F32, 1e-9, false},  {TYPE_F64, 999999.9, true}, {TYPE_F64, NAN, false},
        {TYPE_F64, INFINITY, false}, {TYPE_U16, 9999, true},   {TYPE_U16, 10000, false},   {TYPE_U16, 0, false},
        {TYPE_I16, 20, false},       {TYPE_I16, -20, true},    {TYPE_I16, -32768, false},  {TYPE_U32, 999999, true},
        {TYPE_U32, 1000000, false},  {TYPE_I32, -5, true},     {TYPE_I32, 5, false},       {TYPE_U64, 12, true},
        {TYPE_I64, -1000000, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(probe_is_plausible(rows[i].type, rows[i].value), rows[i].plausible);
    }
}

static void show(const struct probe *probe, const uint8_t *payload, char **ret_text)
{
    size_t size = 0;
    FILE *out = open_memstream(ret_text, &size);
    probe_show(probe, payload, out);
    (void)fclose(out);
}

static void a_float_shows_in_its_order(void **state)
{
    (void)state;
    const struct probe probe = {
        .host = "plc", .port = 502, .unit = 3, .table = TABLE_HOLDING, .address = 40, .count = 2};
    static const uint8_t payload[MBUS_PDU_MAX] = {0x00, 0x00, 0x42, 0x4A}; /* 50.5 with its words swapped */
    char *text = NULL;
    show(&probe, payload, &text);
    assert_string_equal(
        text, "plc port 502 unit 3: holding registers 40 to 41; * looks like a measured value, - is no number\n"
              "\n"
              "address   hex  bits 15 to 0              u16       i16     bcd16    u16 BA    i16 BA\n"
              "     40  0000  0000 0000 0000 0000         0         0         0         0         0\n"
              "     41  424A  0100 0010 0100 1010     16970     16970         -     19010     19010\n"
              "\n"
              "address  type                       ABCD                      CDAB"
              "                      BADC                      DCBA\n"
              "     40  u32                      *16970                1112145920"
              "                    *19010                1245839360\n"
              "     40  i32                       16970                1112145920"
              "                     19010                1245839360\n"
              "     40  f32      2.3780034939592146e-41                     *50.5"
              "     2.663868380681477e-41                   3178496\n"
              "     40  bcd32                         -                         -                         -            "
              "             -\n");
    free(text);
}

static void what_is_no_number_is_a_dash(void **state)
{
    (void)state;
    const struct probe probe = {.host = "plc", .table = TABLE_INPUT, .count = 4};
    static const uint8_t payload[MBUS_PDU_MAX] = {0x7F, 0xC0, 0, 0, 0, 0, 0, 0};
    char *text = NULL;
    show(&probe, payload, &text);
    const char *row = strstr(text, "      0  f32");
    assert_non_null(row);
    assert_int_equal(strcspn(row + 12, "-"), strspn(row + 12, " ")); /* the first cell */
    assert_non_null(strstr(text, "      0  f64"));
    assert_null(strstr(text, "      1  f64")); /* four registers are needed */
    free(text);
}

static void bits_are_bits(void **state)
{
    (void)state;
    const struct probe probe = {.host = "plc", .table = TABLE_COIL, .address = 7, .count = 10};
    static const uint8_t payload[MBUS_PDU_MAX] = {0x81, 0x02};
    char *text = NULL;
    show(&probe, payload, &text);
    assert_non_null(strstr(text, "coils 7 to 16\n"));
    assert_non_null(strstr(text, "      7  1\n      8  0\n"));
    assert_non_null(strstr(text, "     14  1\n     15  0\n     16  1\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_devices),
        cmocka_unit_test(only_sane_numbers_are_marked),
        cmocka_unit_test(a_float_shows_in_its_order),
        cmocka_unit_test(what_is_no_number_is_a_dash),
        cmocka_unit_test(bits_are_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
