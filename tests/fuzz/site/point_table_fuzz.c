/*
 * point_table_fuzz: any bytes as a point table.
 *
 * Loading ends; a site comes exactly when there was no mistake; and what came
 * as points can be found again.
 */
#include "model/site.h"
#include "tests/fuzz/site/memory_files.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char table_path[MEMORY_PATH_MAX];
    char path[MEMORY_PATH_MAX];
    char text[512];
    struct mistakes mistakes;
    struct site *site = NULL;
    int table = memory_file(data, size, table_path);
    int len = snprintf(text, sizeof text,
                       "{\"site\": {\"id\": \"x\"}, \"points_csv\": \"%s\", \"hazards\": [{\"id\": \"h\"}], \"sources\": "
                       "{\"s\": {\"type\": \"modbus-tcp\", \"host\": \"h\"},"
                       " \"m\": {\"type\": \"mqtt\", \"url\": \"mqtt://h\", \"topics\": \"t\"}}}",
                       table_path);
    int fd = memory_file(text, (size_t)len, path);
    mistakes_init(&mistakes);
    enum err_code code = site_load(path, &mistakes, &site, NULL);
    if ((code == ERR_NONE) != (site != NULL) || (code == ERR_NONE) != (mistakes.total == 0)) {
        abort();
    }
    for (size_t i = 0; site != NULL && i < site->point_count; i++) {
        if (site_point(site, site->points[i].id, strlen(site->points[i].id)) != i) {
            abort();
        }
    }
    site_free(site);
    mistakes_done(&mistakes);
    (void)close(fd);
    (void)close(table);
    return 0;
}
