#include "config/view_list.h"

void byol__view_list_make(byol__view_list *list, const byol_config *config) {
    *list = (byol__view_list){.length = config->data.length,
                              .frames = config->data.frames,
                              .sound_mean = config->data.sound_mean,
                              .sound_std = config->data.sound_std,
                              .batch_statistics = config->views.batch_statistics};
    for (int kind = 0; kind < BYOL_VIEW_KINDS; kind++) {
        int size =
            config->views.size[kind] > 0 ? config->views.size[kind] : config->data.image_size;
        for (int i = 0; i < config->views.count[kind] && list->count < BYOL_VIEWS_MAX; i++) {
            list->recipe[list->count] = config->views.view[kind];
            list->text[list->count] = config->views.text[kind];
            list->sound[list->count] = config->views.sound[kind];
            list->size[list->count++] = size;
        }
        if (kind < 2) list->large = list->count;
    }
}
