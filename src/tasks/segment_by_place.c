/* The most frequent class of each position: what a mask is worth that has not seen the picture. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "byol/segment.h"
#include "tasks/mask_set.h"
#include "tasks/pixel_loss.h"
#include "tasks/task_run.h"

/* How often each class is at each place of a grid. */
typedef struct votes {
    int classes, rows, columns;
    uint32_t *counts;  /* (rows, columns, classes) */
    uint64_t *overall; /* (classes) */
    uint8_t *winner;   /* (rows, columns) */
} votes;

static void add(votes *v, const uint8_t *mask, int height, int width, int ignore) {
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int label = mask[y * width + x];
            if (label == ignore) continue;
            int place = y * v->rows / height * v->columns + x * v->columns / width;
            v->counts[(size_t)place * (size_t)v->classes + (size_t)label]++;
            v->overall[label]++;
        }
}

/* Where nothing was seen, the class that is seen most. */
static void decide(votes *v) {
    int most = 0;
    for (int k = 1; k < v->classes; k++)
        if (v->overall[k] > v->overall[most]) most = k;
    for (int place = 0; place < v->rows * v->columns; place++) {
        const uint32_t *counts = v->counts + (size_t)place * (size_t)v->classes;
        int best = most;
        for (int k = 0; k < v->classes; k++)
            if (counts[k] > counts[best]) best = k;
        v->winner[place] = (uint8_t)best;
    }
}

/* Masks indices[0 .. count-1] (NULL: all of the set): without `confusion` they vote. */
static byol_status read_masks(votes *v, const byol_masks *set, const uint32_t *indices,
                              size_t count, uint64_t *confusion, byol__task_progress *progress,
                              byol_error *error) {
    for (size_t i = 0; i < count; i++) {
        uint8_t *mask;
        int height, width;
        BYOL__TRY(
            byol_masks_mask(set, indices != NULL ? indices[i] : i, &mask, &height, &width, error));
        if (confusion == NULL) add(v, mask, height, width, set->info.ignore);
        for (int p = 0; confusion != NULL && p < height * width; p++) {
            int place = p / width * v->rows / height * v->columns + p % width * v->columns / width;
            byol__confusion_add(confusion, v->classes, mask + p, v->winner + place, 1,
                                set->info.ignore);
        }
        byol_mask_free(mask);
        BYOL__TRY(byol__task_advance(progress, 1, error));
    }
    return BYOL_OK;
}

static byol_status vote(votes *v, const byol_masks *train, const byol_masks *test,
                        const uint32_t *drawn, size_t learned, uint64_t *confusion,
                        byol__task_progress *progress, byol_error *error) {
    size_t places = (size_t)v->rows * (size_t)v->columns, classes = (size_t)v->classes;
    BYOL__TRY(byol__alloc(&v->counts, places * classes, sizeof *v->counts, "votes", error));
    BYOL__TRY(byol__alloc(&v->overall, classes, sizeof *v->overall, "votes", error));
    BYOL__TRY(byol__alloc(&v->winner, places, 1, "votes", error));
    memset(confusion, 0, classes * classes * sizeof *confusion);
    BYOL__TRY(read_masks(v, train, drawn, learned, NULL, progress, error));
    decide(v);
    return read_masks(v, test, NULL, test->info.count, confusion, progress, error);
}

byol_status byol_segment_by_place(const byol_masks *train, const byol_masks *test,
                                  const byol_task_options *options, uint64_t *confusion,
                                  byol_progress progress, void *context, byol_error *error) {
    byol_task_options o = *options;
    size_t learned, total = train->info.count;
    uint32_t *drawn;
    BYOL__TRY(byol__task_settle(&o, total, train->info.height, train->info.width, &learned, error));
    BYOL__TRY(byol__alloc(&drawn, total, sizeof *drawn, "pictures", error));
    byol__task_draw(&o, total, drawn);
    votes v = {.classes = train->info.classes, .rows = o.height, .columns = o.width};
    byol__task_progress through = {progress, context, 0, learned + test->info.count};
    byol_status status = vote(&v, train, test, drawn, learned, confusion, &through, error);
    byol__free(v.counts);
    byol__free(v.overall);
    byol__free(v.winner);
    byol__free(drawn);
    return status;
}
