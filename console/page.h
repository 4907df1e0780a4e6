/*
 * page: the files of the operators' page, carried inside the program.
 *
 * The files are those of console/page/, as they are; cmake/embed.cmake turns
 * them into the table below when Davy is built.
 *
 * Threads: any.  Memory: constant.
 */
#ifndef DAVY_CONSOLE_PAGE_H
#define DAVY_CONSOLE_PAGE_H

#include <stddef.h>

struct page_file {
    const char *name; /* "main.js" */
    const char *type; /* as the header Content-Type has it */
    const unsigned char *bytes;
    size_t len;
};

extern const struct page_file page_files[];
extern const size_t page_file_count;

/* The file of that name, "" being index.html; NULL when there is none. */
const struct page_file *page_find(const char *name);

#endif
