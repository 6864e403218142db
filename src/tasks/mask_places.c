/* Where pictures and their masks are. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "tasks/mask_set.h"

static bool ends_with_png(const char *path) {
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".png") == 0;
}

static byol_status read_names(byol_masks *masked, const char *folder, byol_error *error) {
    char path[BYOL__PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/classes.txt", folder);
    return byol__is_file(path) ? byol__path_list_lines(&masked->names, path, error) : BYOL_OK;
}

/* FOLDER/images[/SPLIT]/NAME.jpg and FOLDER/labels[/SPLIT]/NAME.png. */
static byol_status find_in_two_folders(byol_masks *masked, byol__path_list *pictures,
                                       const char *folder, const char *split, byol_error *error) {
    char images[2 * BYOL__PATH_MAX], label[2 * BYOL__PATH_MAX], mask[BYOL__PATH_MAX];
    snprintf(images, sizeof images, "%s/images%s%s", folder, *split != '\0' ? "/" : "", split);
    if (!byol__is_folder(images))
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "there is no folder %.700s", images);
    size_t front = strlen(folder) + strlen("/images");
    BYOL__TRY(byol__path_list_pictures(pictures, images, error));
    for (size_t i = 0; i < pictures->count; i++) {
        snprintf(label, sizeof label, "%s/labels%s", folder, pictures->paths[i] + front);
        byol__path_with_ending(label, ".png", mask);
        if (!byol__is_file(mask))
            return byol__fail(error, BYOL_ERROR_NOT_FOUND, "%.450s has no mask: there is no %.450s",
                              pictures->paths[i], mask);
        BYOL__TRY(byol__path_list_add(&masked->files, mask, error));
    }
    return BYOL_OK;
}

/* FOLDER[/SPLIT]/NAME.jpg and NAME.png beside it. */
static byol_status find_side_by_side(byol_masks *masked, byol__path_list *pictures,
                                     const char *folder, const char *split, byol_error *error) {
    char where[2 * BYOL__PATH_MAX], mask[BYOL__PATH_MAX];
    byol__path_list all = {0};
    snprintf(where, sizeof where, "%s%s%s", folder, *split != '\0' ? "/" : "", split);
    if (!byol__is_folder(where))
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "there is no folder %.700s", where);
    byol_status status = byol__path_list_pictures(&all, where, error);
    for (size_t i = 0; i < all.count && status == BYOL_OK; i++) {
        if (ends_with_png(all.paths[i])) continue;
        byol__path_with_ending(all.paths[i], ".png", mask);
        if (!byol__is_file(mask))
            status = byol__fail(error, BYOL_ERROR_NOT_FOUND,
                                "%.450s has no mask: there is no %.450s (and no folder images/ "
                                "with labels/ beside it)",
                                all.paths[i], mask);
        if (status == BYOL_OK) status = byol__path_list_add(pictures, all.paths[i], error);
        if (status == BYOL_OK) status = byol__path_list_add(&masked->files, mask, error);
    }
    byol__path_list_release(&all);
    return status;
}

byol_status byol__masks_find(byol_masks *masked, byol__path_list *pictures, const char *spec,
                             byol_error *error) {
    char folder[BYOL__PATH_MAX], split[BYOL__SPLIT_MAX], images[BYOL__PATH_MAX + 16];
    BYOL__TRY(byol__path_split(spec, folder, split, error));
    if (!byol__is_folder(folder))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%.700s is a file; pictures with masks are a folder with images/ and "
                          "labels/, or with a.png beside each a.jpg",
                          folder);
    snprintf(images, sizeof images, "%s/images", folder);
    BYOL__TRY((byol__is_folder(images) ? find_in_two_folders : find_side_by_side)(
        masked, pictures, folder, split, error));
    if (pictures->count == 0)
        return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                          "%.700s: no picture with a mask was found (images/ with labels/, or "
                          "a.png beside a.jpg)",
                          spec);
    return read_names(masked, folder, error);
}
