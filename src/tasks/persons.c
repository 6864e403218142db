#include "tasks/persons.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"

enum { FOLDS = 10 };

/* ---- Who is who ---- */

/* The first of those that are one with `i` (disjoint sets with path halving). */
static uint32_t root_of(uint32_t *parent, uint32_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

static void unite(uint32_t *parent, uint32_t a, uint32_t b) {
    parent[root_of(parent, a)] = root_of(parent, b);
}

/* The length of the folder's part of a path. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? (size_t)(slash - path) : 0;
}

static bool share_folder(const char *a, const char *b) {
    size_t length = folder_length(a);
    return length == folder_length(b) && memcmp(a, b, length) == 0;
}

/* Is there no pair of different persons in one folder? */
static bool folders_are_persons(const byol_pairs *pairs) {
    for (size_t i = 0; i < pairs->count; i++)
        if (!pairs->pair[i].same &&
            share_folder(pairs->path[pairs->pair[i].a], pairs->path[pairs->pair[i].b]))
            return false;
    return true;
}

/* Paths are sorted: of one folder, the next in the list that shares it is at most a subfolder's
 * pictures away. Those in between begin with the folder's name. */
static void unite_folders(const byol_pairs *pairs, uint32_t *parent) {
    for (size_t i = 0; i < pairs->files; i++) {
        size_t length = folder_length(pairs->path[i]);
        for (size_t j = i + 1; j < pairs->files; j++) {
            if (strncmp(pairs->path[j], pairs->path[i], length) != 0) break;
            if (!share_folder(pairs->path[i], pairs->path[j])) continue;
            unite(parent, (uint32_t)i, (uint32_t)j);
            break;
        }
    }
}

byol_status byol__persons_find(byol_pairs *pairs, byol_error *error) {
    uint32_t *parent;
    BYOL__TRY(byol__alloc(&parent, pairs->files, sizeof *parent, "persons", error));
    byol_status status =
        byol__alloc(&pairs->person, pairs->files, sizeof *pairs->person, "persons", error);
    for (uint32_t i = 0; i < pairs->files; i++) parent[i] = i;
    for (size_t i = 0; i < pairs->count; i++)
        if (pairs->pair[i].same) unite(parent, pairs->pair[i].a, pairs->pair[i].b);
    if (folders_are_persons(pairs)) unite_folders(pairs, parent);
    pairs->persons = 0;
    for (uint32_t i = 0; i < pairs->files && status == BYOL_OK; i++)
        if (root_of(parent, i) == i) pairs->person[i] = pairs->persons++;
    for (uint32_t i = 0; i < pairs->files && status == BYOL_OK; i++)
        pairs->person[i] = pairs->person[root_of(parent, i)];
    byol__free(parent);
    return status;
}

/* ---- Thresholds on other persons ---- */

void byol_threshold_apply(byol_threshold *result, double threshold, const byol_pair *pair,
                          const double *scores, size_t count) {
    size_t seen[2] = {0}, accepted[2] = {0};
    for (size_t i = 0; i < count; i++) {
        seen[pair[i].same]++;
        accepted[pair[i].same] += scores[i] >= threshold;
    }
    *result = (byol_threshold){.threshold = threshold,
                               .far = (double)accepted[0] / (double)seen[0],
                               .tar = (double)accepted[1] / (double)seen[1],
                               .folds = 1};
}

/* The pairs of one fold: those to choose on come first, those to apply to behind them. */
typedef struct fold {
    byol_pair *pair; /* (count of all) */
    double *score;
    size_t choosing, applying;
} fold;

static void add(fold *f, size_t at, const byol_pairs *pairs, const double *scores, size_t i) {
    f->pair[at] = pairs->pair[i];
    f->score[at] = scores[i];
}

/* Pairs without a person of fold `number`, then those with one. */
static void divide(fold *f, const byol_pairs *pairs, const double *scores, const uint32_t *fold_of,
                   uint32_t number) {
    f->choosing = f->applying = 0;
    for (int with = 0; with < 2; with++)
        for (size_t i = 0; i < pairs->count; i++) {
            const byol_pair *pair = &pairs->pair[i];
            bool has_one = fold_of[pairs->person[pair->a]] == number ||
                           fold_of[pairs->person[pair->b]] == number;
            if (has_one != (with == 1)) continue;
            add(f, f->choosing + f->applying, pairs, scores, i);
            ++*(with ? &f->applying : &f->choosing);
        }
}

/* Sums over the folds. */
typedef struct sums {
    double threshold, seen[2], accepted[2];
    int folds;
} sums;

/* Folds without pairs of both kinds to choose on are passed over. */
static byol_status check_fold(const fold *f, double far, sums *total, byol_error *error) {
    byol_roc roc;
    size_t same = 0;
    for (size_t i = 0; i < f->choosing; i++) same += f->pair[i].same;
    if (same == 0 || same == f->choosing || f->applying == 0) return BYOL_OK;
    BYOL__TRY(byol_roc_init(&roc, f->pair, f->score, f->choosing, error));
    size_t at = byol_roc_at(&roc, far);
    double threshold = roc.threshold[at > 0 ? at : roc.count > 1];
    byol_roc_release(&roc);
    total->threshold += threshold;
    total->folds++;
    for (size_t i = f->choosing; i < f->choosing + f->applying; i++) {
        total->seen[f->pair[i].same]++;
        total->accepted[f->pair[i].same] += f->score[i] >= threshold;
    }
    return BYOL_OK;
}

static byol_status check_folds(fold *f, const byol_pairs *pairs, const double *scores, double far,
                               const uint32_t *fold_of, uint32_t folds, byol_threshold *result,
                               byol_error *error) {
    sums total = {0};
    for (uint32_t number = 0; number < folds; number++) {
        divide(f, pairs, scores, fold_of, number);
        BYOL__TRY(check_fold(f, far, &total, error));
    }
    *result = (byol_threshold){0};
    if (total.folds == 0 || total.seen[0] < 1 || total.seen[1] < 1) return BYOL_OK;
    *result = (byol_threshold){.threshold = total.threshold / total.folds,
                               .far = total.accepted[0] / total.seen[0],
                               .tar = total.accepted[1] / total.seen[1],
                               .folds = total.folds};
    return BYOL_OK;
}

byol_status byol_threshold_cross_check(byol_threshold *result, const byol_pairs *pairs,
                                       const double *scores, double far, uint64_t seed,
                                       byol_error *error) {
    uint32_t *order = NULL, folds = pairs->persons < FOLDS ? pairs->persons : FOLDS;
    fold f = {0};
    byol_status status =
        byol__alloc(&order, 2 * (size_t)pairs->persons, sizeof *order, "folds", error);
    if (status == BYOL_OK)
        status = byol__alloc(&f.pair, pairs->count, sizeof *f.pair, "folds", error);
    if (status == BYOL_OK)
        status = byol__alloc(&f.score, pairs->count, sizeof *f.score, "folds", error);
    if (status == BYOL_OK) {
        uint32_t *fold_of = order + pairs->persons;
        byol__random random = byol__random_stream(seed, BYOL__PURPOSE_PROBE, 0, 0, 0);
        for (uint32_t i = 0; i < pairs->persons; i++) order[i] = i;
        byol__random_shuffle(&random, order, pairs->persons);
        for (uint32_t i = 0; i < pairs->persons; i++) fold_of[order[i]] = i % folds;
        status = check_folds(&f, pairs, scores, far, fold_of, folds, result, error);
    }
    byol__free(order);
    byol__free(f.pair);
    byol__free(f.score);
    return status;
}
