/* The views that a configuration makes of every image or text, one by one. */
#ifndef BYOL__VIEW_LIST_H
#define BYOL__VIEW_LIST_H

#include "byol/config.h"
#include "byol/tokenizer.h"

typedef struct byol__mel byol__mel;                 /* sound/mel.h */
typedef struct byol__sound_cache byol__sound_cache; /* input/sound_cache.h */

typedef struct byol__view_list {
    int count;
    int large; /* the first `large` are of views.view1 and views.view2; the others predict them,
                  never the reverse */
    byol_view_recipe recipe[BYOL_VIEWS_MAX];
    int size[BYOL_VIEWS_MAX]; /* side in pixels */
    /* Of texts. */
    byol_text_recipe text[BYOL_VIEWS_MAX];
    const byol_tokenizer *tokenizer; /* borrowed; NULL: images, or not known yet */
    int length;                      /* tokens */
    /* Of sounds. */
    byol_sound_recipe sound[BYOL_VIEWS_MAX];
    const byol__mel *mel;     /* borrowed; NULL: no sounds, or not known yet */
    byol__sound_cache *cache; /* borrowed; NULL: none */
    int frames;
    float sound_mean, sound_std;
    bool batch_statistics;
} byol__view_list;

/* views.view1.count times view1, then view2, then view3. `config` must be checked. A size of 0
 * becomes data.image_size. */
void byol__view_list_make(byol__view_list *list, const byol_config *config);

#endif
