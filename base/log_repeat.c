/* log_repeat: see log_repeat.h. */
#include "base/log_repeat.h"
#include "base/clock.h"
#include <stddef.h>

#define WINDOW_FIRST_NS   (10 * NS_PER_S)
#define WINDOW_LONGEST_NS (3600 * NS_PER_S)

/* FNV-1a over both texts and the NUL between them. */
uint64_t repeat_key(const char *id, const char *subject)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const char *const texts[] = {id, subject};
    for (int i = 0; i < 2; i++) {
        const char *at = texts[i];
        do {
            hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
        } while (*at++ != '\0');
    }
    return hash;
}

void repeats_tick(struct repeats *repeats, int64_t now_ns, repeat_say *say, void *to)
{
    for (int i = 0; i < REPEATS_MAX; i++) {
        struct repeat *repeat = &repeats->slots[i];
        if (repeat->window_ns == 0 || now_ns < repeat->end_ns) {
            continue;
        }
        if (repeat->count == 0) {
            repeat->window_ns = 0;
            continue;
        }
        say(to, repeat);
        const int64_t twice_ns = repeat->window_ns * 2;
        repeat->window_ns = twice_ns < WINDOW_LONGEST_NS ? twice_ns : WINDOW_LONGEST_NS;
        repeat->end_ns = now_ns + repeat->window_ns;
        repeat->count = 0;
    }
}

/* Gives the slot of the key; else a free one; else the one whose window ends first. */
static struct repeat *slot_for(struct repeats *repeats, uint64_t key)
{
    struct repeat *best = &repeats->slots[0];
    for (int i = 0; i < REPEATS_MAX; i++) {
        struct repeat *repeat = &repeats->slots[i];
        if (repeat->window_ns != 0 && repeat->key == key) {
            return repeat;
        }
        const bool better = repeat->window_ns == 0 || repeat->end_ns < best->end_ns;
        if (best->window_ns != 0 && better) {
            best = repeat;
        }
    }
    return best;
}

bool repeats_take(struct repeats *repeats, int64_t now_ns, uint64_t key, const struct repeat_line *line,
                  repeat_say *say, void *to)
{
    struct repeat *repeat = slot_for(repeats, key);
    if (repeat->window_ns != 0 && repeat->key == key) {
        repeat->count++;
        repeat->line = *line;
        return false;
    }
    if (repeat->window_ns != 0 && repeat->count > 0) {
        say(to, repeat);
    }
    *repeat = (struct repeat){
        .key = key, .window_ns = WINDOW_FIRST_NS, .end_ns = now_ns + WINDOW_FIRST_NS, .count = 0, .line = *line};
    return true;
}
