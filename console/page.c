/* page: see page.h. */
#include "console/page.h"
#include <string.h>

const struct page_file *page_find(const char *name)
{
    name = name[0] != '\0' ? name : "index.html";
    for (size_t i = 0; i < page_file_count; i++) {
        if (strcmp(page_files[i].name, name) == 0) {
            return &page_files[i];
        }
    }
    return NULL;
}
