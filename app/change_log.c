/*
 * change_log: see change_log.h.
 *
 * Of what the chain holds only a hash of each newest text is kept in memory:
 * that is all it takes to see a difference, for a hundred thousand points too.
 */
#include "app/change_log.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/table.h"
#include "model/origin.h"
#include "store/changes.h"
#include <stdlib.h>
#include <string.h>

struct known {
    const char *name; /* kind and id */
    uint64_t hash;    /* of its newest text */
    bool gone;        /* that text is "null" */
    bool met;         /* the site has it */
};

struct before {
    struct arena arena; /* of the names */
    struct table by_name;
    struct known *known;
    size_t count, room;
    struct buf name; /* room for one */
};

static const char gone_text[] = "null";

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static struct known *find(struct before *before, const char *name, size_t len)
{
    const uint32_t at = table_find(&before->by_name, name, len);
    return at == TABLE_NONE ? NULL : &before->known[at];
}

static struct known *add(struct before *before, const char *name, size_t len)
{
    if (before->count == before->room) {
        before->room = before->room == 0 ? 256 : 2 * before->room;
        before->known = memory_resize(before->known, before->room, sizeof *before->known);
    }
    struct known *const known = &before->known[before->count];
    *known = (struct known){.name = arena_strndup(&before->arena, name, len)};
    (void)table_add(&before->by_name, known->name, (uint32_t)before->count++); /* known to be absent */
    return known;
}

static bool take(void *self, const struct store_change *change, const struct store_change_item *item)
{
    struct before *const before = self;
    (void)change;
    if (item != NULL) {
        struct buf *const name = &before->name;
        buf_clear(name);
        buf_add(name, &item->kind, 1);
        buf_add(name, item->id, item->id_len);
        struct known *known = find(before, name->data, name->len);
        known = known != NULL ? known : add(before, name->data, name->len);
        known->hash = hash_of(item->text, item->text_len);
        known->gone = item->text_len == strlen(gone_text) && memcmp(item->text, gone_text, item->text_len) == 0;
    }
    return true;
}

/* Adds an item when its text is not the one before. */
static void compare(struct before *before, struct store_changes *changes, char kind, const char *id,
                    const struct buf *text)
{
    struct buf *const name = &before->name;
    buf_clear(name);
    buf_add(name, &kind, 1);
    buf_text(name, id);
    struct known *const known = find(before, name->data, name->len);
    if (known != NULL) {
        known->met = true;
    }
    if (known == NULL || known->hash != hash_of(text->data, text->len)) {
        store_changes_add(changes, kind, id, strlen(id), text->data, text->len);
    }
}

static void add_all(struct before *before, const struct site *site, struct store_changes *changes)
{
    struct buf text = {0};
    for (size_t i = 0; i < site->point_count; i++) {
        buf_clear(&text);
        origin_format(&text, site, &site->points[i]);
        compare(before, changes, CHANGE_POINT, site->points[i].id, &text);
    }
    for (size_t i = 0; i < site->rule_count; i++) {
        buf_clear(&text);
        origin_format_rule(&text, &site->rules[i]);
        compare(before, changes, CHANGE_RULE, site->rules[i].id, &text);
    }
    for (size_t i = 0; i < before->count; i++) {
        const struct known *const known = &before->known[i];
        if (!known->met && !known->gone) {
            store_changes_add(changes, known->name[0], known->name + 1, strlen(known->name + 1), gone_text,
                              strlen(gone_text));
        }
    }
    buf_done(&text);
}

static void format_digest(const struct site *site, struct buf *out)
{
    buf_printf(out, "\"digest\":\"%016llx\"", (unsigned long long)site->digest);
}

static enum err_code is_recorded(struct store *store, const struct site *site, bool *ret_same, struct err *err)
{
    struct buf last = {0};
    struct buf digest = {0};
    const enum err_code code = store_changes_last(store, &last, err);
    format_digest(site, &digest);
    *ret_same = code == ERR_NONE && strstr(last.data, digest.data) != NULL;
    buf_done(&last);
    buf_done(&digest);
    return code == ERR_NO ? ERR_NONE : code;
}

static enum err_code commit(struct store_changes *changes, const struct site *site, int64_t time_ns, const char *why,
                            const char *by, struct err *err)
{
    struct buf text = {0};
    buf_text(&text, "{\"what\":");
    buf_json_string(&text, why);
    buf_text(&text, ",\"by\":");
    buf_json_string(&text, by);
    buf_text(&text, ",\"file\":");
    buf_json_string(&text, site->file);
    buf_text(&text, ",");
    format_digest(site, &text);
    buf_text(&text, "}");
    const enum err_code code = store_changes_commit(changes, time_ns, text.data, err);
    buf_done(&text);
    return code;
}

enum err_code change_log_record(struct store *store, const struct site *site, int64_t time_ns, const char *why,
                                const char *by, struct err *err)
{
    bool same = false;
    enum err_code code = is_recorded(store, site, &same, err);
    if (code != ERR_NONE || same) {
        return code;
    }
    struct before before = {0};
    struct store_changes *const changes = store_changes_new(store);
    arena_init(&before.arena);
    table_init(&before.by_name);
    code = store_changes_walk(store, take, &before, err);
    if (code == ERR_NONE) {
        add_all(&before, site, changes);
        code = commit(changes, site, time_ns, why, by, err);
    }
    store_changes_free(changes);
    table_done(&before.by_name);
    arena_done(&before.arena);
    buf_done(&before.name);
    free(before.known);
    return code;
}
