/* A folder for each test (cmocka's setup and teardown), removed with all that is in it. */
#ifndef TEST_FOLDER_H
#define TEST_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char folder[64];

static inline int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/byol_test_XXXXXX");
    return mkdtemp(folder) == NULL;
}

static inline int remove_one(const char *path, const struct stat *info, int type,
                             struct FTW *where) {
    (void)info, (void)type, (void)where;
    return remove(path);
}

static inline int remove_folder(void **state) {
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A path in the folder; 64 may be in use at a time. */
static inline const char *in_folder(const char *name) {
    static char paths[64][256];
    static int next;
    next = (next + 1) % 64;
    snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

#endif
