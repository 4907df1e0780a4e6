/*
 * Nagle's algorithm is switched off on sockets found by their peer, and only
 * on those.  One listener on a port of the kernel's choice; no thread.
 */
#include "base/nodelay.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
    int listener, client;
    uint16_t port;
};

static struct pair pair_open(void)
{
    struct pair pair = {.listener = socket(AF_INET, SOCK_STREAM, 0), .client = socket(AF_INET, SOCK_STREAM, 0)};
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    assert_int_equal(bind(pair.listener, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(pair.listener, 1), 0);
    assert_int_equal(getsockname(pair.listener, (struct sockaddr *)&name, &len), 0);
    assert_int_equal(connect(pair.client, (struct sockaddr *)&name, sizeof name), 0);
    pair.port = ntohs(name.sin_port);
    return pair;
}

static void pair_close(const struct pair *pair)
{
    (void)close(pair->client);
    (void)close(pair->listener);
}

static int nodelay_of(int fd)
{
    int on = -1;
    socklen_t len = sizeof on;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    return on != 0;
}

static void sets_it_on_the_socket_to_that_peer_only(void **state)
{
    (void)state;
    const struct pair wanted = pair_open(), other = pair_open();
    assert_int_equal(nodelay_peer("127.0.0.1", wanted.port), 1);
    assert_int_equal(nodelay_of(wanted.client), 1);
    assert_int_equal(nodelay_of(other.client), 0);
    pair_close(&wanted);
    pair_close(&other);
}

static void a_name_goes_by_the_port_alone(void **state)
{
    (void)state;
    const struct pair pair = pair_open();
    assert_int_equal(nodelay_peer("localhost", pair.port), 1);
    assert_int_equal(nodelay_of(pair.client), 1);
    pair_close(&pair);
}

static void another_address_or_port_is_left_alone(void **state)
{
    (void)state;
    const struct pair pair = pair_open();
    assert_int_equal(nodelay_peer("127.0.0.2", pair.port), 0);
    assert_int_equal(nodelay_peer("::1", pair.port), 0);
    assert_int_equal(nodelay_of(pair.client), 0);
    pair_close(&pair);
    assert_int_equal(nodelay_peer("127.0.0.1", pair.port), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_it_on_the_socket_to_that_peer_only),
        cmocka_unit_test(a_name_goes_by_the_port_alone),
        cmocka_unit_test(another_address_or_port_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
