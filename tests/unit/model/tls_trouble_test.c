/* What a TLS library says, told by table. */
#include "model/tls_trouble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void each_cause_has_its_trouble(void **state)
{
    static const struct {
        const char *line;
        enum tls_trouble trouble;
    } table[] = {
        {"40C7:error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed:x.c:1889:\n",
         TLS_UNTRUSTED},
        {"error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:SSL alert number 116",
         TLS_WANTED},
        {"error:0A000415:SSL routines:ssl3_read_bytes:sslv3 alert certificate expired:SSL alert number 45",
         TLS_EXPIRED},
        {"error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:SSL alert number 48", TLS_REFUSED},
        {"error:0A00010B:SSL routines:ssl3_get_record:wrong version number:", TLS_NOT_THERE},
        {"error:80000002:system library:file_open:No such file or directory", TLS_FILES},
        {"error:0B080074:x509 certificate routines:X509_check_private_key:key values mismatch", TLS_FILES},
        {"error:0A000126:SSL routines:ssl3_read_n:unexpected eof while reading", TLS_NONE},
        {"error:0A000000:something new", TLS_OTHER},
        {"", TLS_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(tls_trouble_of(table[i].line, strlen(table[i].line)), table[i].trouble);
    }
}

static void each_trouble_has_words_that_fit_into_a_log_line(void **state)
{
    (void)state;
    assert_null(tls_trouble_text(TLS_NONE));
    for (int i = TLS_NONE + 1; i < TLS_COUNT; i++) {
        assert_non_null(tls_trouble_text((enum tls_trouble)i));
        assert_null(strchr(tls_trouble_text((enum tls_trouble)i), '"'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cause_has_its_trouble),
        cmocka_unit_test(each_trouble_has_words_that_fit_into_a_log_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
