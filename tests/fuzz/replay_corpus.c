/*
 * replay_corpus: runs a fuzz target over every file of the folders (or files)
 * named on the command line; so each input that ever broke a parser stays a
 * plain test.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    struct stat info;
    if (fstat(fileno(file), &info) != 0) {
        perror(path);
        (void)fclose(file);
        return -1;
    }
    size_t size = (size_t)info.st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    size_t got = data == NULL ? 0 : fread(data, 1, size, file);
    (void)fclose(file);
    if (got == size) {
        (void)LLVMFuzzerTestOneInput(data, size);
    }
    free(data);
    return got == size ? 0 : -1;
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (folder == NULL) {
            if (replay_file(argv[i]) != 0) {
                return 1;
            }
            files++;
            continue;
        }
        for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
            if (entry->d_name[0] == '.') {
                continue;
            }
            char path[PATH_MAX];
            (void)snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            if (replay_file(path) != 0) {
                (void)closedir(folder);
                return 1;
            }
            files++;
        }
        (void)closedir(folder);
    }
    printf("%d inputs\n", files);
    return files > 0 ? 0 : 1; /* an empty corpus proves nothing */
}
