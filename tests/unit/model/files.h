/*
 * files: a folder of small files for one test, in memory-backed /tmp or wherever TMPDIR says.
 */
#ifndef DAVY_TESTS_UNIT_MODEL_FILES_H
#define DAVY_TESTS_UNIT_MODEL_FILES_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct files {
    char folder[64];
    char names[16][32];
    size_t count;
};

static inline void files_init(struct files *files)
{
    files->count = 0;
    (void)snprintf(files->folder, sizeof files->folder, "/tmp/davy-model-XXXXXX");
    if (mkdtemp(files->folder) == NULL) {
        perror(files->folder);
        abort();
    }
}

/* Gives the path of a file of the folder, good until the next call. */
static inline const char *files_path(const struct files *files, const char *name)
{
    static char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", files->folder, name);
    return path;
}

static inline const char *files_put(struct files *files, const char *name, const void *bytes, size_t len)
{
    const char *path = files_path(files, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0) {
        perror(path);
        abort();
    }
    (void)snprintf(files->names[files->count++], sizeof files->names[0], "%s", name);
    return path;
}

static inline const char *files_text(struct files *files, const char *name, const char *text)
{
    return files_put(files, name, text, strlen(text));
}

static inline void files_done(struct files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        (void)unlink(files_path(files, files->names[i]));
    }
    (void)rmdir(files->folder);
}

#endif
