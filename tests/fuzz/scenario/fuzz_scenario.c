/*
 * fuzz_scenario: any text as a scenario of a small site; what is accepted is
 * played as a trace, so that a strange but valid script cannot crash the
 * devices either.
 */
#include "base/clock.h"
#include "simulators/sim_trace.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char SITE[] =
    "{\"site\":{\"id\":\"s\"},\"sources\":{\"plc\":{\"type\":\"modbus-tcp\",\"host\":\"127.0.0.1\",\"port\":1502},"
    "\"gw\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:1883\",\"topics\":[\"t\"],\"format\":\"davy\"}},\"points\":["
    "{\"id\":\"a\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"input\",\"address\":0,\"type\":\"i16\","
    "\"invalid\":[-1]}},"
    "{\"id\":\"b\",\"range\":[0,10],\"every\":\"3s\",\"from\":{\"source\":\"plc\",\"unit\":2,\"table\":\"coil\","
    "\"address\":7}},"
    "{\"id\":\"c\",\"every\":\"2s\",\"from\":{\"source\":\"gw\",\"key\":\"c\",\"scale\":0.1}},{\"id\":\"d\",\"kind\":"
    "\"ch4\"}]}";

/* The site is made once and kept for the life of the process. */
static struct site *make_site(void)
{
    char path[] = "/tmp/davy-fuzz-scenario-XXXXXX";
    struct mistakes mistakes;
    struct err err;
    struct site *site = NULL;
    const int fd = mkstemp(path);
    if (fd < 0 || write(fd, SITE, strlen(SITE)) != (ssize_t)strlen(SITE)) {
        abort();
    }
    (void)close(fd);
    mistakes_init(&mistakes);
    if (site_load(path, &mistakes, &site, &err) != ERR_NONE) {
        mistakes_print(&mistakes, stderr);
        abort();
    }
    mistakes_done(&mistakes);
    (void)unlink(path);
    return site;
}

static void play(const struct site *site, struct scenario *scenario)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL) {
        abort();
    }
    if (scenario->length_ns > 60 * NS_PER_S) {
        scenario->length_ns = 60 * NS_PER_S; /* a year is right, too, but slow */
    }
    if (sim_trace_write(site, scenario, out, NULL, NULL) != ERR_NONE) {
        abort();
    }
    (void)fclose(out);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct site *site;
    if (site == NULL) {
        site = make_site();
    }
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    struct mistakes mistakes;
    struct scenario *scenario = NULL;
    mistakes_init(&mistakes);
    if (scenario_parse(text, "fuzz", site, &mistakes, &scenario, NULL) == ERR_NONE) {
        play(site, scenario);
    }
    scenario_free(scenario);
    mistakes_done(&mistakes);
    free(text);
    return 0;
}
