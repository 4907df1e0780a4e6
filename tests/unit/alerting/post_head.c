/*
 * The header lines of a POST: the name of the event, and its signature after
 * the vectors of RFC 4231.
 */
#include "alerting/post_head.h"
#include "fixture.h"
#include <string.h>

static void signatures_are_those_of_rfc_4231(void **state)
{
    (void)state;
    char aa[132] = "", bytes[80] = "", cd[80] = "";
    memset(aa, 0xaa, 131);
    memset(bytes, 0xdd, 50);
    memset(cd, 0xcd, 50);
    char key_0b[21] = "";
    memset(key_0b, 0x0b, 20);
    char key_aa[21] = "";
    memset(key_aa, 0xaa, 20);
    static const char counting[] =
        "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15"
        "\x16\x17\x18\x19";
    static const char longer[] = "This is a test using a larger than block-size key and a larger than block-size data. "
                                 "The key needs to be hashed before being used by the HMAC algorithm.";
    const struct {
        const char *secret, *body, *hex;
    } cases[] = {
        {key_0b, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {key_aa, bytes, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {counting, cd, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {aa, "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {aa, longer, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };
    struct buf line = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        post_head_signature(&line, cases[i].secret, cases[i].body, strlen(cases[i].body));
        assert_memory_equal(line.data, "X-Davy-Signature: sha256=", 25);
        assert_string_equal(line.data + 25, cases[i].hex);
    }
    buf_done(&line);
}

static void an_event_is_named_in_ascii(void **state)
{
    (void)state;
    static const struct {
        const char *site;
        uint64_t seq;
        const char *line;
    } cases[] = {
        {"jx-mine", 42, "X-Davy-Event: jx-mine/42"},
        {"a/b.c_d", UINT64_MAX, "X-Davy-Event: a/b.c_d/18446744073709551615"},
        {"矿", 1, "X-Davy-Event: %E7%9F%BF/1"},
    };
    struct buf line = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        post_head_event(&line, cases[i].site, cases[i].seq);
        assert_string_equal(line.data, cases[i].line);
    }
    buf_done(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_those_of_rfc_4231),
        cmocka_unit_test(an_event_is_named_in_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
