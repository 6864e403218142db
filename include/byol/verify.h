/* Verification: do two pictures show the same person (or thing)? Pairs from a file, their scores,
 * and what a threshold on the scores is worth: ROC curve, AUC, EER, and how many pairs of the same
 * person are accepted (TAR) at a share of pairs of different ones accepted by mistake (FAR). */
#ifndef BYOL_VERIFY_H
#define BYOL_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/source.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Pairs ---- */

typedef struct byol_pair {
    uint32_t a, b; /* indices into byol_pairs.path */
    bool same;     /* of the same person */
    size_t line;   /* in the file, from 1 */
} byol_pair;

typedef struct byol_pairs {
    byol_pair *pair; /* (count), in the file's order */
    size_t count;
    size_t same; /* how many of them are of the same person; the others: count - same */
    /* Pairs of a picture with itself, (self_count). They say nothing and are not among `pair`. */
    byol_pair *self;
    size_t self_count;
    char **path;  /* (files) the pictures, each once, sorted by name */
    size_t files; /* may be more than the pairs use, by those in `self` */
    /* (files) a number below `persons` for each picture. Pictures are of one person where a chain
     * of pairs says so or, unless that contradicts a pair, where they are in one folder. */
    uint32_t *person;
    uint32_t persons;
} byol_pairs;

/* Reads a text file of lines "LABEL PATH PATH", between them tabs (a path may then have blanks) or
 * blanks; label 1: the same person, 0: different ones. Paths are relative to `root`; NULL: to the
 * file's folder. Empty lines and lines that begin with # are skipped.
 *
 * BYOL_ERROR_FORMAT names the line that is none, or whose label is another; BYOL_ERROR_NOT_FOUND
 * the line whose picture does not exist; BYOL_ERROR_INVALID where all pairs are of one kind, so
 * that nothing can be measured. Owned: byol_pairs_release. */
BYOL_API byol_status byol_pairs_read(byol_pairs *pairs, const char *path, const char *root,
                                     byol_error *error);
BYOL_API void byol_pairs_release(byol_pairs *pairs);

/* Scores of the pairs, (count), from vectors of the pictures, (files, dimension): the cosine (0
 * with a vector of zeros), or minus the Euclidean distance. Higher: more alike. */
BYOL_API void byol_pairs_cosines(const byol_pairs *pairs, const float *vectors, int dimension,
                                 double *scores);
BYOL_API void byol_pairs_distances(const byol_pairs *pairs, const float *vectors, int dimension,
                                   double *scores);

/* ---- The ROC curve ---- */

/* A pair is accepted where its score is at or above a threshold. Points 0 .. count-1 are of falling
 * thresholds: the first accepts nothing (its threshold is infinite), then one for each different
 * score. As scikit-learn's roc_curve without dropping points. */
typedef struct byol_roc {
    double *far, *tar, *threshold; /* (count); shares of 0 .. 1 */
    size_t count;
    size_t same, different; /* pairs */
    double auc;             /* area below the curve: 0.5 is chance, 1 perfect */
    /* The rate of errors of both kinds at the threshold where they are equal, by linear
     * interpolation between points. */
    double eer;
} byol_roc;

/* `pair` (count) and their scores. BYOL_ERROR_INVALID where there are not pairs of both kinds;
 * BYOL_ERROR_NUMERIC for a score that is not finite. Owned: byol_roc_release. */
BYOL_API byol_status byol_roc_init(byol_roc *roc, const byol_pair *pair, const double *scores,
                                   size_t count, byol_error *error);
BYOL_API void byol_roc_release(byol_roc *roc);

/* The point that accepts the most with a FAR of at most `far`. */
BYOL_API size_t byol_roc_at(const byol_roc *roc, double far);

/* Are there different pairs enough for a TAR at this FAR to mean anything: 5 and more that may be
 * accepted by mistake? 1 %: 500 pairs of different persons. */
BYOL_API bool byol_roc_supports(const byol_roc *roc, double far);

/* ---- Thresholds ---- */

/* What a threshold that was chosen on some pairs does on others. */
typedef struct byol_threshold {
    double threshold; /* the mean over folds */
    double far, tar;  /* shares of 0 .. 1, on the others */
    int folds;        /* 1: it was chosen on a set of its own */
} byol_threshold;

/* Applies a given threshold. */
BYOL_API void byol_threshold_apply(byol_threshold *result, double threshold, const byol_pair *pair,
                                   const double *scores, size_t count);

/* Divides the persons at random (by `seed`) into up to 10 folds. For each, the threshold of FAR
 * `far` is chosen on the pairs without these persons and applied to those with one of them at
 * least. `folds` is 0, and the rest not set, where persons or pairs are too few. */
BYOL_API byol_status byol_threshold_cross_check(byol_threshold *result, const byol_pairs *pairs,
                                                const double *scores, double far, uint64_t seed,
                                                byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
