/*
 * The MQTT inbox with a real broker: what was published arrives, what was not
 * yet safe when the process died comes again out of the spool, and what the
 * spool cannot hold stays with the broker.
 *
 * Skipped (77) where no mosquitto is installed.
 */
#include "base/log.h"
#include "field.h"
#include "ingest/mqtt_spool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t patience_ns = 20 * NS_PER_S;
static const char topic[] = "davy/v1/test/telemetry";
static const char *const topics[] = {"davy/v1/test/#"};

struct broker {
    uint16_t port;
    pid_t pid;
    char folder[64];
    char url[64];
};

/* The far end: takes samples, and confirms marks while it is told to. */
struct far_end {
    struct field *field;
    struct safe_source safe[FIELD_SOURCES];
    pthread_t thread;
    struct cell confirm; /* 0: marks are not confirmed */
    struct cell taken;   /* samples so far */
    struct cell sum;     /* of their values */
    struct mqtt_inbox *inbox;
    struct doorbell *bell;
};

/* ---- broker ---- */

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static bool answers(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool yes = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    (void)close(fd);
    return yes;
}

static void nap(void)
{
    (void)usleep(2000);
}

static pid_t spawn(char *const argv[])
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    return pid;
}

static void broker_run(struct broker *broker)
{
    char file[128];
    (void)snprintf(file, sizeof file, "%s/mosquitto.conf", broker->folder);
    char *argv[] = {"mosquitto", "-c", file, NULL};
    broker->pid = spawn(argv);
    const int64_t until_ns = clock_mono_ns() + patience_ns;
    while (!answers(broker->port)) {
        assert_true(clock_mono_ns() < until_ns);
        nap();
    }
}

static void broker_start(struct broker *broker)
{
    char file[128];
    (void)snprintf(broker->folder, sizeof broker->folder, "/tmp/davy-inbox-XXXXXX");
    assert_non_null(mkdtemp(broker->folder));
    broker->port = free_port();
    (void)snprintf(broker->url, sizeof broker->url, "mqtt://127.0.0.1:%u", broker->port);
    (void)snprintf(file, sizeof file, "%s/mosquitto.conf", broker->folder);
    FILE *conf = fopen(file, "w");
    assert_non_null(conf);
    (void)fprintf(conf,
                  "listener %u 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nlog_dest none\n"
                  "persistence true\npersistence_location %s/\nautosave_interval 1\nautosave_on_changes true\n",
                  broker->port, broker->folder);
    assert_int_equal(fclose(conf), 0);
    assert_int_equal(chmod(broker->folder, 0777), 0); /* mosquitto gives up root */
    broker_run(broker);
}

static void end_process(pid_t pid, int with)
{
    int status;
    assert_int_equal(kill(pid, with), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void broker_stop(struct broker *broker)
{
    char file[128];
    end_process(broker->pid, SIGTERM);
    (void)snprintf(file, sizeof file, "%s/mosquitto.conf", broker->folder);
    (void)unlink(file);
    (void)snprintf(file, sizeof file, "%s/mosquitto.db", broker->folder);
    (void)unlink(file);
    (void)snprintf(file, sizeof file, "%s/mqtt.spool", broker->folder);
    (void)unlink(file);
    (void)rmdir(broker->folder);
}

static void publish(const struct broker *broker, const char *text)
{
    char port[8];
    (void)snprintf(port, sizeof port, "%u", broker->port);
    char copy[256];
    (void)snprintf(copy, sizeof copy, "%s", text);
    char name[sizeof topic];
    memcpy(name, topic, sizeof topic);
    char *argv[] = {"mosquitto_pub", "-p", port, "-q", "1", "-t", name, "-m", copy, NULL};
    int status;
    const pid_t pid = spawn(argv);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void publish_file(const struct broker *broker, char *file)
{
    char port[8];
    (void)snprintf(port, sizeof port, "%u", broker->port);
    char name[sizeof topic];
    memcpy(name, topic, sizeof topic);
    char *argv[] = {"mosquitto_pub", "-p", port, "-q", "1", "-t", name, "-f", file, NULL};
    int status;
    const pid_t pid = spawn(argv);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void publish_value(const struct broker *broker, int seq, int value)
{
    char text[128];
    (void)snprintf(text, sizeof text, "{\"time\":%lld,\"seq\":%d,\"values\":{\"k\":%d}}", 1767571230000LL + seq, seq,
                   value);
    publish(broker, text);
}

/* ---- far end ---- */

static void *far_end_run(void *arg)
{
    struct far_end *far = arg;
    struct sample sample;
    struct sample mark = {.time_ns = 0};
    while (!ring_ended(far->field->rings[0])) {
        if (cell_get(&far->confirm) != 0) {
            cell_set(&far->safe[mark.status].stored[0], (uint64_t)mark.time_ns);
            cell_set(&far->safe[mark.status].judged[0], (uint64_t)mark.time_ns);
        }
        if (!field_take(far->field, &sample)) {
            nap();
        } else if (sample.point == POINT_MARK) {
            mark = sample;
        } else {
            cell_set(&far->sum, cell_get(&far->sum) + (uint64_t)sample.value);
            cell_set(&far->taken, cell_get(&far->taken) + 1);
        }
    }
    return NULL;
}

static void far_end_start(struct far_end *far, const struct broker *broker, bool confirm)
{
    struct err err;
    char spool[96];
    (void)snprintf(spool, sizeof spool, "%s/mqtt.spool", broker->folder);
    memset(far, 0, sizeof *far);
    far->field = field_new(1024);
    (void)field_add_mqtt(far->field, broker->url, topics, 1);
    (void)field_add_key(far->field, "k");
    assert_int_equal(doorbell_open(&far->bell, &err), ERR_NONE);
    cell_set(&far->confirm, confirm);
    assert_int_equal(pthread_create(&far->thread, NULL, far_end_run, far), 0);
    const struct mqtt_config config = {.site = &far->field->site,
                                       .router = &far->field->router,
                                       .bell = far->bell,
                                       .safe = far->safe,
                                       .shard_count = 1,
                                       .sync_ns = NS_PER_S,
                                       .spool_path = spool,
                                       .counters = far->field->counters};
    assert_int_equal(mqtt_inbox_new(&config, &far->inbox, &err), ERR_NONE);
    assert_int_equal(mqtt_inbox_start(far->inbox, &err), ERR_NONE);
}

static void far_end_stop(struct far_end *far)
{
    mqtt_inbox_stop(far->inbox);
    (void)pthread_join(far->thread, NULL);
    mqtt_inbox_free(far->inbox);
    doorbell_free(far->bell);
    field_free(far->field);
}

static void await_count(const struct far_end *far, const char *what, uint64_t least)
{
    const int64_t until_ns = clock_mono_ns() + patience_ns;
    while (field_count(far->field, what) < least) {
        if (clock_mono_ns() > until_ns) {
            fail_msg("%s is %llu, not %llu", what, (unsigned long long)field_count(far->field, what),
                     (unsigned long long)least);
        }
        nap();
    }
}

/* What was taken comes out at the far end a moment later. */
static void await_sum(const struct far_end *far, uint64_t sum)
{
    const int64_t until_ns = clock_mono_ns() + patience_ns;
    while (cell_get(&far->sum) < sum && clock_mono_ns() < until_ns) {
        nap();
    }
    assert_int_equal(cell_get(&far->sum), sum);
}

/* ---- stories ---- */

static void messages_arrive_and_are_acknowledged(void **state)
{
    struct broker *broker = *state;
    struct far_end far;
    far_end_start(&far, broker, true);
    await_count(&far, "connected", 1);
    publish_value(broker, 1, 10); /* the subscription may not stand yet … */
    const int64_t until_ns = clock_mono_ns() + patience_ns;
    for (int i = 2; cell_get(&far.taken) == 0; i++) {
        assert_true(clock_mono_ns() < until_ns);
        publish_value(broker, i, 10); /* … so again */
    }
    const uint64_t before = field_count(far.field, "messages");
    publish_value(broker, 1000, 5);
    publish_value(broker, 1001, 6);
    await_count(&far, "messages", before + 2);
    assert_int_equal(field_count(far.field, "refused"), 0);
    far_end_stop(&far);
}

static void a_repeat_by_seq_and_time_is_dropped(void **state)
{
    struct broker *broker = *state;
    struct far_end far;
    far_end_start(&far, broker, true);
    await_count(&far, "connected", 1);
    publish_value(broker, 2000, 1);
    await_count(&far, "messages", 1);
    publish_value(broker, 2000, 1);
    publish(broker, "{\"time\":1767571299999,\"seq\":2000,\"values\":{\"k\":2}}"); /* same seq, other time */
    await_count(&far, "messages", 2);
    assert_int_equal(field_count(far.field, "repeats"), 1);
    await_sum(&far, 3);
    far_end_stop(&far);
}

static void what_was_published_while_we_were_away_arrives(void **state)
{
    struct broker *broker = *state;
    struct far_end far;
    publish_value(broker, 3000, 7);
    publish_value(broker, 3001, 8);
    far_end_start(&far, broker, true);
    await_count(&far, "messages", 2);
    await_sum(&far, 15);
    far_end_stop(&far);
}

/* Nobody confirms, so nothing is released: the spool fills with large messages, and what comes then is refused, and
 * comes again when there is room. */
static void what_the_spool_cannot_hold_stays_with_the_broker(void **state)
{
    enum { LARGE = 1 << 18, COUNT = SPOOL_BYTES / LARGE + 2 };
    struct broker *broker = *state;
    struct far_end far;
    char file[128];
    (void)snprintf(file, sizeof file, "%s/large.json", broker->folder);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    (void)fprintf(out, "{\"values\":{\"k\":1}}%*s", LARGE, "");
    assert_int_equal(fclose(out), 0);
    far_end_start(&far, broker, false);
    await_count(&far, "connected", 1);
    publish_value(broker, 4000, 1);
    await_count(&far, "messages", 1);
    for (int i = 0; i < COUNT; i++) {
        publish_file(broker, file);
    }
    await_count(&far, "refused", 1);
    await_count(&far, "reconnects", 1);
    assert_true(field_count(far.field, "messages") < COUNT + 1);
    cell_set(&far.confirm, 1);
    await_count(&far, "messages", COUNT + 1); /* all of them came, the refused ones again */
    far_end_stop(&far);
    (void)unlink(file);
}

static void a_restarted_broker_is_found_again(void **state)
{
    struct broker *broker = *state;
    struct far_end far;
    far_end_start(&far, broker, true);
    await_count(&far, "connected", 1);
    end_process(broker->pid, SIGKILL);
    broker_run(broker);
    await_count(&far, "reconnects", 1);
    /* Nobody says when a subscription stands; with a new session it is renewed. */
    const int64_t until_ns = clock_mono_ns() + patience_ns;
    for (int i = 5000; field_count(far.field, "messages") == 0; i++) {
        assert_true(clock_mono_ns() < until_ns);
        publish_value(broker, i, 1);
    }
    far_end_stop(&far);
}

/* The child: takes messages, never confirms, says on stdout when it has one. */
static _Noreturn void run_child(const char *port, const char *folder)
{
    struct broker broker = {0};
    struct far_end far;
    (void)snprintf(broker.folder, sizeof broker.folder, "%s", folder);
    (void)snprintf(broker.url, sizeof broker.url, "mqtt://127.0.0.1:%s", port);
    far_end_start(&far, &broker, false);
    while (cell_get(&far.taken) == 0) {
        nap();
    }
    (void)puts("taken");
    (void)fflush(stdout);
    for (;;) {
        (void)pause();
    }
}

static void what_was_taken_but_not_safe_survives_sigkill(void **state)
{
    struct broker *broker = *state;
    struct far_end far;
    char port[8];
    char line[16] = "";
    int out[2];
    (void)snprintf(port, sizeof port, "%u", broker->port);
    assert_int_equal(pipe(out), 0);
    publish_value(broker, 6000, 21);
    const pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {"/proc/self/exe", "child", port, broker->folder, NULL};
        (void)dup2(out[1], STDOUT_FILENO);
        (void)execv(argv[0], argv);
        _exit(127);
    }
    assert_true(read(out[0], line, sizeof line - 1) > 0);
    assert_string_equal(line, "taken\n");
    end_process(pid, SIGKILL); /* taken, acknowledged or not, but not confirmed */
    (void)close(out[0]);
    (void)close(out[1]);
    far_end_start(&far, broker, true);
    await_count(&far, "messages", 1);
    await_count(&far, "connected", 1);
    publish_value(broker, 6001, 1);
    await_count(&far, "messages", 2);
    await_sum(&far, 22); /* once, whether the broker had the acknowledgement or not */
    far_end_stop(&far);
}

static void sources_it_cannot_serve_are_refused(void **state)
{
    struct broker *broker = *state;
    struct field *field = field_new(64);
    struct safe_source safe[FIELD_SOURCES] = {0};
    struct mqtt_inbox *inbox = NULL;
    struct err err;
    char spool[96];
    (void)snprintf(spool, sizeof spool, "%s/mqtt.spool", broker->folder);
    struct site_source *source = field_add_mqtt(field, broker->url, topics, 1);
    const struct mqtt_config config = {
        .site = &field->site, .router = &field->router, .safe = safe, .shard_count = 1, .spool_path = spool,
        .counters = field->counters};
    static const char *const bad[] = {
        "http://x", "mqtt://", "mqtt://h:", "mqtt://h:0", "mqtt://h:70000", "mqtt://[::1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        source->url = bad[i];
        assert_int_equal(mqtt_inbox_new(&config, &inbox, &err), ERR_INPUT);
    }
    field_free(field);
    mqtt_inbox_free(NULL);
}

static int set_up(void **state)
{
    static struct broker broker;
    broker_start(&broker);
    *state = &broker;
    return 0;
}

static int tear_down(void **state)
{
    broker_stop(*state);
    return 0;
}

int main(int argc, char **argv)
{
    log_set_level(LOG_ERROR);
    if (argc == 4 && strcmp(argv[1], "child") == 0) {
        run_child(argv[2], argv[3]);
    }
    if (access("/usr/sbin/mosquitto", X_OK) != 0 || access("/usr/bin/mosquitto_pub", X_OK) != 0) {
        (void)puts("skipped: mosquitto is not installed");
        return 77;
    }
    (void)setenv("PATH", "/usr/sbin:/usr/bin:/bin", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_and_are_acknowledged),
        cmocka_unit_test(a_repeat_by_seq_and_time_is_dropped),
        cmocka_unit_test(what_was_published_while_we_were_away_arrives),
        cmocka_unit_test(what_the_spool_cannot_hold_stays_with_the_broker),
        cmocka_unit_test(what_was_taken_but_not_safe_survives_sigkill),
        cmocka_unit_test(a_restarted_broker_is_found_again),
        cmocka_unit_test(sources_it_cannot_serve_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
