/* args: see args.h. */
#include "app/args.h"

#include "base/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct arg_option *option_find(const struct arg_option *options, size_t count, const char *name,
                                            size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static enum err_code unknown_option(const struct arg_option *options, size_t count, const char *name, struct err *err)
{
    const char *names[32];
    size_t n = 0;
    for (; n < count && n < sizeof names / sizeof *names; n++) {
        names[n] = options[n].name;
    }
    int nearest = text_nearest(name, names, n);
    if (nearest >= 0) {
        return err_set(err, ERR_INPUT, "option --%s is not known; did you mean --%s?", name, names[nearest]);
    }
    return err_set(err, ERR_INPUT, "option --%s is not known; --help lists them", name);
}

/* Reads the option at argv[*i]; moves *i on over its value. */
static enum err_code option_read(int argc, char **argv, int *i, const struct arg_option *options, size_t count,
                                 struct err *err)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct arg_option *option = option_find(options, count, name, len);
    if (option == NULL) {
        return unknown_option(options, count, name, err);
    }
    if (option->ret_flag != NULL) {
        if (equals != NULL) {
            return err_set(err, ERR_INPUT, "option --%s takes no value", option->name);
        }
        *option->ret_flag = true;
        return ERR_NONE;
    }
    if (equals != NULL) {
        *option->ret_value = equals + 1;
        return ERR_NONE;
    }
    if (*i + 1 >= argc) {
        return err_set(err, ERR_INPUT, "option --%s needs a value", option->name);
    }
    *option->ret_value = argv[++*i];
    return ERR_NONE;
}

enum err_code args_parse(int argc, char **argv, const struct arg_option *options, size_t option_count, size_t least,
                         size_t most, struct args *args, struct err *err)
{
    bool options_end = false; /* behind "--" all is taken as it is, an id that begins with a dash too */
    args->count = 0;
    for (int i = 0; i < argc; i++) {
        if (!options_end && strcmp(argv[i], "--") == 0) {
            options_end = true;
        } else if (!options_end && strncmp(argv[i], "--", 2) == 0) {
            if (option_read(argc, argv, &i, options, option_count, err) != ERR_NONE) {
                return ERR_INPUT;
            }
        } else if (!options_end && argv[i][0] == '-' && argv[i][1] != '\0') {
            return err_set(err, ERR_INPUT, "option %s is not known; options begin with two dashes, and -- ends them",
                           argv[i]);
        } else if (args->count == most) {
            return err_set(err, ERR_INPUT, "\"%s\" is one argument too many; --help shows the usage", argv[i]);
        } else {
            args->positional[args->count++] = argv[i];
        }
    }
    if (args->count < least) {
        return err_set(err, ERR_INPUT, "something is missing: %zu given, at least %zu needed; --help shows the usage",
                       args->count, least);
    }
    return ERR_NONE;
}

enum err_code args_look_for_files(const struct args *args, size_t first, struct err *err)
{
    for (size_t i = first; i < args->count; i++) {
        const char *file = args->positional[i];
        if (strcmp(file, "-") != 0 && access(file, R_OK) != 0) {
            return err_set(err, errno == EACCES ? ERR_ENV : ERR_INPUT, "%s: cannot be opened: %s", file,
                           strerror(errno));
        }
    }
    return ERR_NONE;
}

enum err_code args_time(const char *text, int64_t now_ns, int64_t *ret_ns, struct err *err)
{
    if (text_parse_moment(text, strlen(text), now_ns, ret_ns)) {
        return ERR_NONE;
    }
    return err_set(err, ERR_INPUT,
                   "\"%s\" is not a time; allowed are 2026-01-05T08:00:00+08:00, Unix milliseconds, now, now-2h", text);
}

enum err_code args_in_order(int64_t from_ns, int64_t to_ns, struct err *err)
{
    return from_ns <= to_ns ? ERR_NONE
                            : err_set(err, ERR_INPUT, "--from lies after --to, so there is nothing between them");
}

enum err_code args_duration(const char *text, int64_t *ret_ns, struct err *err)
{
    if (text_parse_duration(text, strlen(text), ret_ns)) {
        return ERR_NONE;
    }
    return err_set(err, ERR_INPUT, "\"%s\" is not a duration; allowed are whole numbers with ms s m h d y, like 30m",
                   text);
}

enum err_code args_whole(const char *text, const char *name, uint64_t least, uint64_t most, uint64_t *ret_value,
                         struct err *err)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] < '0' || text[0] > '9' || value < least || value > most) {
        return err_set(err, ERR_INPUT, "%s \"%s\" is not a whole number from %llu to %llu", name, text,
                       (unsigned long long)least, (unsigned long long)most);
    }
    *ret_value = value;
    return ERR_NONE;
}
