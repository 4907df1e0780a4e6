/*
 * mqtt_place: where in a JSON text a value stands, which a tree made of it does
 * not know.
 *
 * A place is a breadcrumb below another, by key or index; the outermost is the
 * text's one value.  It remembers where it was found, and how far what is in it
 * was looked through: what is asked for in the order of the text costs one
 * pass.  Pure; breadcrumbs are the caller's, on the stack.
 */
#ifndef DAVY_INGEST_MQTT_PLACE_H
#define DAVY_INGEST_MQTT_PLACE_H

#include <stddef.h>

struct place {
    struct place *up; /* NULL: the whole text */
    const char *key;  /* NULL: by index */
    size_t key_len;
    size_t index;
    const char *at;    /* where it begins; NULL: not found yet */
    const char *next;  /* behind the last value in it that was passed; NULL: none was */
    size_t next_index; /* values up to there */
};

#define PLACE_KEY(above, name, len) ((struct place){.up = (above), .key = (name), .key_len = (len)})
#define PLACE_INDEX(above, i)       ((struct place){.up = (above), .index = (i)})

/* Gives the byte offset of the place in the text; of the nearest one around it when there is no such place. */
size_t place_offset(const char *text, size_t len, struct place *place);

#endif
