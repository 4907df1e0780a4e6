/*
 * post_head: see post_head.h.  HMAC as in RFC 2104, by OpenSSL.
 */
#include "alerting/post_head.h"
#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <string.h>

enum { SHA256_BYTES = 32 };

static bool is_plain(unsigned char c, const char *also)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && (strchr("._-", c) != NULL || strchr(also, c) != NULL));
}

void post_head_percent(struct buf *out, const char *text, const char *also)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (is_plain((unsigned char)*c, also)) {
            buf_add(out, c, 1);
        } else {
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
        }
    }
}

void post_head_event(struct buf *ret_line, const char *site_id, uint64_t seq)
{
    buf_clear(ret_line);
    buf_text(ret_line, "X-Davy-Event: ");
    post_head_percent(ret_line, site_id, "/");
    buf_printf(ret_line, "/%llu", (unsigned long long)seq);
}

void post_head_signature(struct buf *ret_line, const char *secret, const void *body, size_t len)
{
    uint8_t mac[SHA256_BYTES];
    unsigned mac_len = 0;
    const uint8_t *made = HMAC(EVP_sha256(), secret, (int)strlen(secret), body, len, mac, &mac_len);
    assert(made != NULL && mac_len == sizeof mac);
    (void)made; /* SHA-256 of bytes in memory does not fail */
    buf_clear(ret_line);
    buf_text(ret_line, "X-Davy-Signature: sha256=");
    char hex[2 * SHA256_BYTES];
    for (size_t i = 0; i < sizeof mac; i++) {
        hex[2 * i] = "0123456789abcdef"[mac[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[mac[i] & 15];
    }
    buf_add(ret_line, hex, sizeof hex);
}
