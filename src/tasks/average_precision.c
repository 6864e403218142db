/* Average precision as pycocotools' COCOeval computes it: detections of a picture take, the surest
 * first, the truth they overlap most; precision is made to fall with recall and read at 101 places.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "byol/detect.h"

enum { OVERLAPS = 10, RECALLS = 101, FOUND_MAX = 100 };

/* A box in the order in which one class is judged. */
typedef struct entry {
    const byol_object *object;
    size_t index;           /* in the caller's order */
    bool taken[OVERLAPS];   /* truth: a detection has it */
    bool right[OVERLAPS];   /* detection: it has found one */
    bool ignored[OVERLAPS]; /* detection: it counts for nothing */
} entry;

/* The boxes of one class, by picture; detections in a picture the surest first. */
typedef struct judged {
    entry *truth, *found;
    size_t truth_count, found_count;
} judged;

/* ---- Order ---- */

/* By picture; the truth's crowds last; detections by score; else as they came. */
static int by_picture(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->object->picture != y->object->picture)
        return x->object->picture < y->object->picture ? -1 : 1;
    if (x->object->crowd != y->object->crowd) return x->object->crowd ? 1 : -1;
    if (x->object->score != y->object->score) return x->object->score > y->object->score ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int by_score(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->object->score != y->object->score) return x->object->score > y->object->score ? -1 : 1;
    return by_picture(a, b);
}

static size_t take_class(const byol_object *objects, size_t count, int label, entry *entries) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (objects[i].label == label) entries[kept++] = (entry){&objects[i], i, {0}, {0}, {0}};
    qsort(entries, kept, sizeof *entries, by_picture);
    return kept;
}

/* ---- One picture ---- */

/* Intersection over union; over the detection alone where the truth is a crowd. */
static double overlap_of(const byol_object *found, const byol_object *truth) {
    double right = fmin((double)found->x + (double)found->width,
                        (double)truth->x + (double)truth->width),
           low = fmin((double)found->y + (double)found->height,
                      (double)truth->y + (double)truth->height),
           across = right - fmax((double)found->x, (double)truth->x),
           down = low - fmax((double)found->y, (double)truth->y);
    if (across <= 0 || down <= 0) return 0;
    double both = across * down, area = (double)found->width * (double)found->height,
           other = (double)truth->width * (double)truth->height;
    return both / (truth->crowd ? area : area + other - both);
}

/* The truth that a detection takes, or NULL. A crowd is taken only where nothing else is, and by
 * any number. */
static entry *match(const entry *found, entry *truth, size_t count, int t) {
    double best = fmin(0.5 + 0.05 * t, 1 - 1e-10);
    entry *taken = NULL;
    for (size_t g = 0; g < count; g++) {
        const byol_object *object = truth[g].object;
        if (truth[g].taken[t] && !object->crowd) continue;
        if (taken != NULL && !taken->object->crowd && object->crowd) break;
        double overlap = overlap_of(found->object, object);
        if (overlap < best) continue;
        best = overlap;
        taken = &truth[g];
    }
    return taken;
}

static void judge_picture(entry *found, size_t found_count, entry *truth, size_t truth_count) {
    for (int t = 0; t < OVERLAPS; t++) {
        for (size_t d = 0; d < found_count; d++) {
            entry *taken = d < FOUND_MAX ? match(&found[d], truth, truth_count, t) : NULL;
            found[d].ignored[t] = d >= FOUND_MAX || (taken != NULL && taken->object->crowd);
            found[d].right[t] = taken != NULL;
            if (taken != NULL) taken->taken[t] = true;
        }
    }
}

static void judge_pictures(judged *j) {
    size_t g = 0;
    for (size_t d = 0; d < j->found_count;) {
        uint32_t picture = j->found[d].object->picture;
        size_t end = d, truth_end;
        while (end < j->found_count && j->found[end].object->picture == picture) end++;
        while (g < j->truth_count && j->truth[g].object->picture < picture) g++;
        truth_end = g;
        while (truth_end < j->truth_count && j->truth[truth_end].object->picture == picture)
            truth_end++;
        judge_picture(j->found + d, end - d, j->truth + g, truth_end - g);
        d = end;
    }
}

/* ---- A class ---- */

/* The mean of the precision at 101 recalls, at overlap number `t`. `precision` and `recall`
 * (found_count) are scratch. */
static double area_under(const judged *j, int t, size_t objects, double *precision,
                         double *recall) {
    size_t right = 0, wrong = 0, count = 0;
    for (size_t d = 0; d < j->found_count; d++) {
        if (j->found[d].ignored[t]) continue;
        right += j->found[d].right[t];
        wrong += !j->found[d].right[t];
        recall[count] = (double)right / (double)objects;
        precision[count++] = (double)right / ((double)(right + wrong) + 0x1p-52);
    }
    for (size_t i = count; i-- > 1;)
        if (precision[i] > precision[i - 1]) precision[i - 1] = precision[i];
    double sum = 0;
    size_t at = 0;
    for (int r = 0; r < RECALLS; r++) {
        /* numpy's linspace(0, 1, 101) */
        double wanted = r == RECALLS - 1 ? 1 : (double)r * 0.01;
        while (at < count && recall[at] < wanted) at++;
        if (at < count) sum += precision[at];
    }
    return 100 * sum / RECALLS;
}

static byol_status judge_class(judged *j, byol_precision_scores *scores, byol_error *error) {
    double *scratch, *each = (double[OVERLAPS]){0}, sum = 0;
    size_t objects = 0;
    for (size_t g = 0; g < j->truth_count; g++) objects += !j->truth[g].object->crowd;
    *scores = (byol_precision_scores){NAN, NAN, NAN};
    if (objects == 0) return BYOL_OK;
    judge_pictures(j);
    qsort(j->found, j->found_count, sizeof *j->found, by_score);
    BYOL__TRY(byol__alloc(&scratch, 2 * j->found_count + 1, sizeof *scratch, "precision", error));
    for (int t = 0; t < OVERLAPS; t++)
        sum += each[t] = area_under(j, t, objects, scratch, scratch + j->found_count);
    byol__free(scratch);
    *scores = (byol_precision_scores){sum / OVERLAPS, each[0], each[5]};
    return BYOL_OK;
}

/* ---- All ---- */

static byol_status check(const byol_object *objects, size_t count, int classes, byol_error *error) {
    for (size_t i = 0; i < count; i++)
        if (objects[i].label < 0 || objects[i].label >= classes)
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "object %zu is of class %d; there are %d, from 0", i,
                              objects[i].label, classes);
    return BYOL_OK;
}

static void add(byol_precision_scores *sum, byol_precision_scores one, int *count) {
    if (isnan(one.ap)) return;
    sum->ap += one.ap;
    sum->ap50 += one.ap50;
    sum->ap75 += one.ap75;
    ++*count;
}

byol_status byol_average_precision(const byol_object *truth, size_t truth_count,
                                   const byol_object *found, size_t found_count, int classes,
                                   byol_precision_scores *scores, byol_precision_scores *by_class,
                                   byol_error *error) {
    judged j = {0};
    byol_precision_scores sum = {0, 0, 0}, one = {0, 0, 0};
    int counted = 0;
    BYOL__TRY(check(truth, truth_count, classes, error));
    BYOL__TRY(check(found, found_count, classes, error));
    byol_status status = byol__alloc(&j.truth, truth_count + 1, sizeof *j.truth, "boxes", error);
    if (status == BYOL_OK)
        status = byol__alloc(&j.found, found_count + 1, sizeof *j.found, "boxes", error);
    for (int label = 0; label < classes && status == BYOL_OK; label++) {
        j.truth_count = take_class(truth, truth_count, label, j.truth);
        j.found_count = take_class(found, found_count, label, j.found);
        status = judge_class(&j, &one, error);
        if (by_class != NULL) by_class[label] = one;
        add(&sum, one, &counted);
    }
    byol__free(j.truth);
    byol__free(j.found);
    if (status != BYOL_OK) return status;
    double share = counted > 0 ? 1.0 / counted : NAN;
    *scores = (byol_precision_scores){sum.ap * share, sum.ap50 * share, sum.ap75 * share};
    return BYOL_OK;
}
