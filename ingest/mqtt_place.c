/*
 * mqtt_place: see mqtt_place.h.
 */
#include "ingest/mqtt_place.h"

#include "ingest/mqtt_scan.h"
#include <string.h>

enum { KEY_ROOM = 1024 }; /* a longer one with escapes is not found */

/* Takes the key in front of a member's value; *ret_wanted: it is the place's. */
static bool take_key(struct scan *scan, const struct place *place, bool *ret_wanted)
{
    char scratch[KEY_ROOM];
    struct span key;
    if (!scan_string(scan, scratch, sizeof scratch, &key) || !scan_take(scan, ':')) {
        return false;
    }
    *ret_wanted = place->key != NULL && key.len == place->key_len && memcmp(key.text, place->key, key.len) == 0;
    return true;
}

/* Looks through what is in `place->up`, from where it was left. */
static bool look_on(struct scan *scan, struct place *place)
{
    struct place *up = place->up;
    const bool object = *up->at == '{';
    if (!object && *up->at != '[') {
        return false;
    }
    scan->at = up->next != NULL ? up->next : up->at + 1;
    size_t index = up->next != NULL ? up->next_index : 0;
    for (;; index++) {
        bool wanted = place->key == NULL && index == place->index;
        (void)scan_take(scan, ','); /* not before the first */
        if (object && !take_key(scan, place, &wanted)) {
            return false;
        }
        scan_space(scan);
        const char *at = scan->at;
        if (!scan_skip(scan)) {
            return false;
        }
        up->next = scan->at;
        up->next_index = index + 1;
        if (wanted) {
            place->at = at;
            return true;
        }
    }
}

static bool find(struct scan *scan, struct place *place)
{
    if (place->at != NULL) {
        return true;
    }
    struct place *up = place->up;
    if (up == NULL) {
        scan->at = scan->begin;
        place->at = scan_peek(scan) != '\0' ? scan->at : NULL;
        return place->at != NULL;
    }
    if (!find(scan, up)) {
        return false;
    }
    const bool whole = up->next == NULL;
    if (look_on(scan, place)) {
        return true;
    }
    up->next = NULL; /* once more, from the beginning */
    return !whole && look_on(scan, place);
}

size_t place_offset(const char *text, size_t len, struct place *place)
{
    struct scan scan = {.begin = text, .at = text, .end = text + len};
    while (place != NULL && !find(&scan, place)) {
        place = place->up;
    }
    return place != NULL ? (size_t)(place->at - text) : 0;
}
