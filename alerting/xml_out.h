/*
 * xml_out: XML as Davy writes it: elements one a line, no attributes but those
 * of the root, UTF-8.
 *
 * Whatever the text is, what comes out is well-formed: characters that XML 1.0
 * does not have (control characters, halves of pairs, U+FFFE, bytes that are no
 * UTF-8) become U+FFFD.
 *
 * Pure.
 */
#ifndef DAVY_ALERTING_XML_OUT_H
#define DAVY_ALERTING_XML_OUT_H

#include "base/buf.h"

/* Adds text as the content of an element. */
void xml_text(struct buf *out, const char *text);
/* Adds <name>text</name> on a line of its own; nothing for NULL and "".  `depth` is how far it is set in. */
void xml_leaf(struct buf *out, int depth, const char *name, const char *text);
void xml_open(struct buf *out, int depth, const char *name);
void xml_close(struct buf *out, int depth, const char *name);

#endif
