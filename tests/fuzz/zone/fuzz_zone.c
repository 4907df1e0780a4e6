/*
 * fuzz: whatever bytes stand in a zone's file, they are refused or give an
 * offset at every moment; and a rule likewise.
 */
#include "base/zone.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t moments[] = {
    INT64_MIN / 4000000000, -3000000000, -1, 0, 951782400, 1767571230, 2147483648, 4102444800, INT64_MAX / 4000000000};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zone *zone = zone_parse(data, size);
    struct zone_rule rule;
    const bool is_rule = zone_rule_parse((const char *)data, size, &rule);
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        const int32_t offsets[] = {zone_offset_s(zone, moments[i]),
                                   is_rule ? zone_rule_offset_s(&rule, moments[i]) : 0};
        if (abs(offsets[0]) > 1000000 || abs(offsets[1]) > 1000000) {
            abort();
        }
    }
    zone_free(zone);
    return 0;
}
