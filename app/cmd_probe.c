/* cmd_probe: `davy probe modbus://host:port`, a device's registers in every type and byte order. */
#include "app/args.h"
#include "app/command.h"
#include "app/probe.h"

#include "base/clock.h"
#include "ingest/mbus_plan.h"
#include <string.h>

/* The options as written. */
struct words {
    const char *unit, *table, *address, *count, *timeout;
};

static enum err_code read_table(const char *word, enum mbus_table *ret_table, struct err *err)
{
    static const char *const names[] = {
        [TABLE_INPUT] = "input", [TABLE_HOLDING] = "holding", [TABLE_COIL] = "coil", [TABLE_DISCRETE] = "discrete"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(word, names[i]) == 0) {
            *ret_table = (enum mbus_table)i;
            return ERR_NONE;
        }
    }
    return err_set(err, ERR_INPUT, "--table \"%s\" is not known; input, holding, coil or discrete", word);
}

static enum err_code read_call(const char *url, const struct words *words, struct probe *probe, struct err *err)
{
    enum err_code code = probe_url(url, probe, err);
    if (code == ERR_NONE) {
        code = read_table(words->table, &probe->table, err);
    }
    const bool bits = probe->table == TABLE_COIL || probe->table == TABLE_DISCRETE;
    uint64_t unit = 0;
    uint64_t address = 0;
    uint64_t count = 0;
    if (code == ERR_NONE) {
        code = args_whole(words->unit, "--unit", 0, 255, &unit, err);
    }
    if (code == ERR_NONE) {
        code = args_whole(words->address, "--address", 0, 65535, &address, err);
    }
    if (code == ERR_NONE) {
        code = args_whole(words->count, "--count", 1, bits ? MBUS_COILS_MAX : MBUS_REGISTERS_MAX, &count, err);
    }
    if (code == ERR_NONE && address + count > 65536) {
        code = err_set(err, ERR_INPUT, "--address and --count reach beyond 65535, the last address");
    }
    if (code == ERR_NONE) {
        code = args_duration(words->timeout, &probe->timeout_ns, err);
    }
    if (code == ERR_NONE && (probe->timeout_ns < NS_PER_MS || probe->timeout_ns > 3600 * NS_PER_S)) {
        code = err_set(err, ERR_INPUT, "--timeout %s is not within 1ms to 1h", words->timeout);
    }
    probe->unit = (uint8_t)unit;
    probe->address = (uint16_t)address;
    probe->count = (uint16_t)count;
    return code;
}

int cmd_probe(const struct command *self, int argc, char **argv)
{
    struct words words = {.unit = "1", .table = "input", .address = "0", .count = "4", .timeout = "2s"};
    const struct arg_option options[] = {{.name = "unit", .ret_value = &words.unit},
                                         {.name = "table", .ret_value = &words.table},
                                         {.name = "address", .ret_value = &words.address},
                                         {.name = "count", .ret_value = &words.count},
                                         {.name = "timeout", .ret_value = &words.timeout}};
    struct err err = {0};
    struct args args;
    struct probe probe = {0};
    uint8_t payload[MBUS_PDU_MAX];
    if (args_parse(argc, argv, options, sizeof options / sizeof *options, 1, 1, &args, &err) != ERR_NONE ||
        read_call(args.positional[0], &words, &probe, &err) != ERR_NONE ||
        probe_ask(&probe, payload, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    probe_show(&probe, payload, stdout);
    return ERR_NONE;
}
