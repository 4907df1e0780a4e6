/* Whom the console answers: hosts, pages of elsewhere, types of bodies. */
#include "console/guard.h"
#include "tests/unit/console/unit.h"

static void loopback_is_known(void **state)
{
    (void)state;
    const char *const those[] = {"127.0.0.1", "127.8.9.10", "::1", "localhost", "LOCALHOST"};
    const char *const others[] = {"10.0.0.1", "127.0.0.1.evil.example", "127", "::2", "localhost.evil.example", "",
                                  "0.0.0.0"};
    for (size_t i = 0; i < sizeof those / sizeof those[0]; i++) {
        assert_true(guard_is_loopback(those[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(guard_is_loopback(others[i]));
    }
}

static void guests_are_told_apart(void **state)
{
    (void)state;
    const char *const json = "application/json";
    const struct {
        struct guard_headers headers;
        const char *own;
        enum guard_wish wish;
        unsigned status;
    } cases[] = {
        /* names that point to loopback */
        {{.host = "127.0.0.1:8600"}, "127.0.0.1", GUARD_DATA, 0},
        {{.host = "localhost:8600"}, "127.0.0.1", GUARD_DATA, 0},
        {{.host = "[::1]:8600"}, "::1", GUARD_DATA, 0},
        {{.host = NULL}, "127.0.0.1", GUARD_DATA, 0}, /* HTTP/1.0 */
        {{.host = "evil.example"}, "127.0.0.1", GUARD_DATA, 421},
        {{.host = "evil.example:8600"}, "127.0.0.1", GUARD_ACT, 421},
        {{.host = "[::1"}, "127.0.0.1", GUARD_DATA, 421},
        {{.host = ""}, "127.0.0.1", GUARD_DATA, 421},
        {{.host = "mine.example"}, "10.0.0.7", GUARD_DATA, 0},
        {{.host = "mine.example"}, "0.0.0.0", GUARD_DATA, 0},
        /* pages of elsewhere */
        {{.host = "127.0.0.1:8600", .origin = "http://127.0.0.1:8600"}, "127.0.0.1", GUARD_DATA, 0},
        {{.host = "mine.example", .origin = "https://mine.example"}, "10.0.0.7", GUARD_DATA, 0},
        {{.host = "127.0.0.1:8600", .origin = "http://evil.example"}, "127.0.0.1", GUARD_DATA, 403},
        {{.host = "127.0.0.1:8600", .origin = "http://127.0.0.1:9"}, "127.0.0.1", GUARD_DATA, 403},
        {{.host = "127.0.0.1:8600", .origin = "null"}, "127.0.0.1", GUARD_DATA, 403},
        {{.host = "127.0.0.1:8600", .fetch_site = "cross-site"}, "127.0.0.1", GUARD_DATA, 403},
        {{.host = "127.0.0.1:8600", .fetch_site = "same-site"}, "127.0.0.1", GUARD_DATA, 403},
        {{.host = "127.0.0.1:8600", .fetch_site = "same-origin"}, "127.0.0.1", GUARD_DATA, 0},
        {{.host = "127.0.0.1:8600", .fetch_site = "none"}, "127.0.0.1", GUARD_DATA, 0},
        /* a link of elsewhere leads to the page, and to nothing else */
        {{.host = "127.0.0.1:8600", .fetch_site = "cross-site"}, "127.0.0.1", GUARD_PAGE, 0},
        {{.host = "evil.example", .fetch_site = "cross-site"}, "127.0.0.1", GUARD_PAGE, 421},
        /* acts */
        {{.host = "127.0.0.1:8600", .content_type = json}, "127.0.0.1", GUARD_ACT, 0},
        {{.host = "127.0.0.1:8600", .content_type = "Application/JSON; charset=utf-8"}, "127.0.0.1", GUARD_ACT, 0},
        {{.host = "127.0.0.1:8600", .content_type = "application/x-www-form-urlencoded"}, "127.0.0.1", GUARD_ACT, 0},
        {{.host = "127.0.0.1:8600"}, "127.0.0.1", GUARD_ACT, 0},
        {{.host = "127.0.0.1", .origin = "http://127.0.0.1", .content_type = json}, "127.0.0.1", GUARD_ACT, 0},
        {{.host = "127.0.0.1", .origin = "http://127.0.0.1", .content_type = "text/plain"}, "127.0.0.1", GUARD_ACT, 415},
        {{.host = "127.0.0.1", .fetch_site = "none", .content_type = "application/jsonp"}, "127.0.0.1", GUARD_ACT, 415},
        {{.host = "127.0.0.1", .fetch_site = "same-origin"}, "127.0.0.1", GUARD_ACT, 415},
        {{.host = "127.0.0.1:8600", .content_type = "text/plain"}, "127.0.0.1", GUARD_DATA, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        const unsigned status = guard_check(&cases[i].headers, cases[i].own, cases[i].wish, &err);
        if (status != cases[i].status || (status != 0) != (err.text[0] != '\0')) {
            fail_msg("case %zu: %u %s", i, status, err.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_is_known),
        cmocka_unit_test(guests_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
