/*
 * mqtt_names: see mqtt_names.h.
 */
#include "ingest/mqtt_names.h"

struct mqtt_name *mqtt_names_new(size_t count, struct arena *arena)
{
    struct mqtt_name *names = ARENA_ARRAY(arena, struct mqtt_name, count + 1);
    for (size_t i = 0; i < count; i++) {
        names[i].after = (uint32_t)(i + 1); /* the last one expects names[count], which is never found */
    }
    names[count].after = 0;
    return names;
}

static bool is_written_plain(const char *key)
{
    for (; *key != '\0'; key++) {
        if ((unsigned char)*key < 0x20 || *key == '"' || *key == '\\') {
            return false;
        }
    }
    return true;
}

void mqtt_names_add(struct mqtt_name *names, uint32_t target, const char *key, struct arena *arena)
{
    const size_t len = strlen(key) + strlen("\"\":");
    if (!is_written_plain(key) || len > UINT32_MAX) {
        return;
    }
    char *text = ARENA_ARRAY(arena, char, len + sizeof(uint64_t)); /* to the next whole word */
    text[0] = '"';
    memcpy(text + 1, key, len - 3);
    memcpy(text + len - 2, "\":", 2);
    names[target].text = text;
    names[target].len = (uint32_t)len;
}
