#include "train/pacing.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/c_locale.h"

void byol__pacing_init(byol__pacing *pacing, const byol_config *config) {
    *pacing = (byol__pacing){.budget = (double)config->train.minutes * 60};
}

double byol__pacing_left(const byol__pacing *pacing) {
    return fmax(0, pacing->budget - pacing->spent);
}

static uint64_t steps_left(const byol__pacing *pacing) {
    double left = byol__pacing_left(pacing) / pacing->pace;
    return left < 1 ? 1 : (uint64_t)llround(left);
}

void byol__pacing_step(byol__pacing *pacing, byol__steps *steps, const byol_config *config,
                       uint64_t done, double seconds) {
    if (pacing->budget == 0) return;
    pacing->spent += seconds;
    pacing->pace = pacing->pace == 0 ? seconds : 0.95 * pacing->pace + 0.05 * seconds;
    if (steps->total != BYOL__STEPS_OPEN) return;
    double decay = (double)config->optimizer.decay * pacing->budget;
    if (pacing->budget - pacing->spent > fmax(decay, pacing->pace)) return;
    byol__steps_end_after(steps, done, steps_left(pacing));
}

uint64_t byol__pacing_total(const byol__pacing *pacing, const byol__steps *steps, uint64_t done) {
    return steps->total != BYOL__STEPS_OPEN ? steps->total : done + steps_left(pacing);
}

void byol__pacing_write(const byol__pacing *pacing, const byol__steps *steps, char *text,
                        size_t size) {
    text[0] = '\0';
    if (pacing->budget == 0) return;
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    snprintf(text, size, "%a %a %" PRIu64 " %" PRIu64, pacing->spent, pacing->pace, steps->total,
             steps->decay);
    byol__c_locale_leave(before, c_locale);
}

void byol__pacing_read(byol__pacing *pacing, byol__steps *steps, const char *text) {
    double spent, pace;
    uint64_t total, decay;
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    int read = sscanf(text, "%la %la %" SCNu64 " %" SCNu64, &spent, &pace, &total, &decay);
    byol__c_locale_leave(before, c_locale);
    if (read != 4 || pacing->budget == 0) return;
    pacing->spent = spent;
    pacing->pace = pace;
    if (total != BYOL__STEPS_OPEN && total >= decay)
        byol__steps_end_after(steps, total - decay, decay);
}
