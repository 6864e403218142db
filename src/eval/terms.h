/* Texts as counts of their words and pairs of neighbouring words, and these weighed (TF-IDF). The
 * same numbers as scikit-learn's TfidfVectorizer(ngram_range=(1, 2)); only a final capital sigma is
 * written differently in lower case. */
#ifndef BYOL__TERMS_H
#define BYOL__TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/source.h"
#include "eval/sparse.h"
#include "text/string_table.h"

/* Counts the terms of all texts of `source`: a row a text, a column a term. A word is two or more
 * letters, digits and '_' in a row, in lower case; a pair is two words with ' ' between them, which
 * were neighbours or had only what is no word between them. If `grow`, new terms are added to
 * `vocabulary`; else they are left out. Owned: byol__sparse_release. */
byol_status byol__terms_count(byol__sparse *counts, byol__string_table *vocabulary, bool grow,
                              const byol_source *source, byol_error *error);

/* Smoothed inverse document frequency, as if one more text had all terms: ln((1 + n) / (1 + n_t)) +
 * 1, where n_t of the n texts have term t (scikit-learn's smooth_idf). The texts are rows
 * indices[0 .. n-1], or the first n if that is NULL. 0 for a term that none of them has. `idf` is
 * (counts->columns). */
void byol__terms_idf(const byol__sparse *counts, const uint32_t *indices, size_t n, double *idf);

/* Weighs such rows: count times idf, scaled to length 1. `sublinear`: 1 + ln(count) in place of the
 * count. Terms with an idf of 0 are left out. Owned: byol__sparse_release. */
byol_status byol__terms_weigh(byol__sparse *out, const byol__sparse *counts,
                              const uint32_t *indices, size_t n, const double *idf, bool sublinear,
                              byol_error *error);

#endif
