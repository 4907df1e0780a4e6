/*
 * post_head: the header lines Davy adds to what it posts.
 *
 *   X-Davy-Event: <site>/<seq>            which event; a receiver drops repeats by it
 *   X-Davy-Signature: sha256=<64 hex>     HMAC-SHA256 of the body's bytes under the sink's secret (contract 9)
 *
 * Pure; memory is the caller's.
 */
#ifndef DAVY_ALERTING_POST_HEAD_H
#define DAVY_ALERTING_POST_HEAD_H

#include "base/buf.h"
#include <stdint.h>

/* Writes the line that names the event.  A header is ASCII: other bytes of the site's id are percent-encoded. */
void post_head_event(struct buf *ret_line, const char *site_id, uint64_t seq);

/* Writes the line that signs the body. */
void post_head_signature(struct buf *ret_line, const char *secret, const void *body, size_t len);

/* Adds text with every byte percent-encoded but A-Z a-z 0-9 . _ - and those in `also`. */
void post_head_percent(struct buf *out, const char *text, const char *also);

#endif
