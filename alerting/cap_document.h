/*
 * cap_document: an event as a document of the Common Alerting Protocol 1.2
 * (OASIS, ITU-T X.1303), valid against its schema.
 *
 *   identifier  <site>-<seq>, the site's id percent-encoded: what (site, seq) names, and good as a file's name
 *   sender      the site's org, else its id, percent-encoded
 *   sent        the event's time with the offset of the site's zone, without fraction; UTC as -00:00
 *
 * Both hold no blank, comma, < or &, as CAP wants it.  The same event and site
 * give the same bytes.
 *
 * Pure; memory is the caller's.
 */
#ifndef DAVY_ALERTING_CAP_DOCUMENT_H
#define DAVY_ALERTING_CAP_DOCUMENT_H

#include "alerting/cap_event.h"
#include "alerting/cap_words.h"
#include "base/zone.h"
#include "model/site.h"

struct cap_style {
    const struct site *site;
    const struct zone *zone; /* NULL: UTC */
    enum cap_language language;
    const char *const *addresses; /* none: scope Public; else Private */
    size_t address_count;
};

/* These four (cap_names.c) add to the text. */
void cap_sender(struct buf *out, const struct cap_style *style);
void cap_time(struct buf *out, const struct cap_style *style, int64_t time_ns);
void cap_identifier(struct buf *out, const struct cap_style *style, uint64_t seq);
/* Writes "sender,identifier,sent", as later documents refer to this one. */
void cap_reference(struct buf *out, const struct cap_style *style, const struct cap_event *event);

/* Writes the whole document; `references` are those of earlier ones, NULL for an Alert. */
void cap_document(struct buf *out, const struct cap_style *style, const struct cap_event *event,
                  const char *references);

#endif
