/* rules_private: the inside of struct rules, for the files of this folder. */
#ifndef DAVY_RULES_RULES_PRIVATE_H
#define DAVY_RULES_RULES_PRIVATE_H

#include "base/arena.h"
#include "rules/program.h"
#include "rules/rules.h"

struct rules {
    struct arena arena;
    const struct site *site;  /* borrowed */
    struct rule_code *codes;  /* [rule] */
};

/* The one shard that judges an alarm, of `shards`. */
unsigned rules_alarm_shard(const struct rules *rules, uint32_t alarm, unsigned shards);

/* The home shard of a point. */
unsigned rules_point_home(uint32_t point, unsigned shards);

#endif
