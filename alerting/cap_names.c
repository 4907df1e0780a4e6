/*
 * cap_names: what a CAP document is called, who sends it, when, and how later
 * ones refer to it.  See cap_document.h.
 */
#include "alerting/cap_document.h"
#include "alerting/post_head.h"
#include "base/clock.h"
#include "base/text.h"
#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

enum {
    SITE_PART_MAX = 180, /* of an identifier; a file's name has 255 bytes */
    SITE_PART_CUT = 140,
    HASH_BYTES = 32,
    HASH_SHOWN = 8,
};

/* A long name is cut, and told apart by its hash; '~' is in no id. */
static void cut_name(struct buf *out, size_t begin, const char *whole)
{
    uint8_t hash[HASH_BYTES];
    const int hashed = EVP_Digest(whole, strlen(whole), hash, NULL, EVP_sha256(), NULL);
    assert(hashed == 1);
    (void)hashed; /* SHA-256 of bytes in memory does not fail */
    out->len = begin + SITE_PART_CUT;
    buf_text(out, "~");
    for (size_t i = 0; i < HASH_SHOWN; i++) {
        buf_printf(out, "%02x", hash[i]);
    }
}

void cap_identifier(struct buf *out, const struct cap_style *style, uint64_t seq)
{
    const size_t begin = out->len;
    post_head_percent(out, style->site->id, "");
    if (out->len - begin > SITE_PART_MAX) {
        cut_name(out, begin, style->site->id);
    }
    buf_printf(out, "-%llu", (unsigned long long)seq);
}

void cap_sender(struct buf *out, const struct cap_style *style)
{
    post_head_percent(out, style->site->org != NULL ? style->site->org : style->site->id, "/@:+");
}

void cap_time(struct buf *out, const struct cap_style *style, int64_t time_ns)
{
    char text[TEXT_TIME_MAX];
    const int64_t time_s = time_ns / NS_PER_S - (time_ns % NS_PER_S < 0 ? 1 : 0);
    const int32_t offset_s = zone_offset_s(style->zone, time_s) / 60 * 60;
    (void)text_format_time_offset(time_ns, offset_s, text); /* the length is not needed */
    if (offset_s == 0) {
        text[strlen("2026-01-05T00:00:30")] = '-'; /* CAP 1.2, 3.3.2: UTC MUST be represented as "-00:00" */
    }
    buf_text(out, text);
}

void cap_reference(struct buf *out, const struct cap_style *style, const struct cap_event *event)
{
    cap_sender(out, style);
    buf_text(out, ",");
    cap_identifier(out, style, event->seq);
    buf_text(out, ",");
    cap_time(out, style, event->time_ns);
}
