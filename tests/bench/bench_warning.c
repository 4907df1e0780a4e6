/*
 * bench_warning: how early the rules warn, on data sets with known ends; see
 * warning.py, which does it with the davy beside this program.
 *
 *     bench_warning [DATA]     the folder of the data sets; by default ../shared/data beside the sources
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char script[] = "tests/bench/warning.py"; /* ./bench runs at the root of the sources */

int main(int argc, char **argv)
{
    char davy[PATH_MAX];
    const ssize_t len = readlink("/proc/self/exe", davy, sizeof davy - sizeof "davy");
    char *const slash = len > 0 ? memrchr(davy, '/', (size_t)len) : NULL;
    if (slash == NULL) {
        perror("bench_warning: /proc/self/exe");
        return 3;
    }
    (void)strcpy(slash + 1, "davy");
    (void)execlp("python3", "python3", script, davy, argc > 1 ? argv[1] : (char *)NULL, (char *)NULL);
    perror("bench_warning: python3");
    return 3;
}
