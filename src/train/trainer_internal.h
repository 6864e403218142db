/* What the bench asks of a trainer, beyond the public face. */
#ifndef BYOL__TRAINER_INTERNAL_H
#define BYOL__TRAINER_INTERNAL_H

#include "base/profile.h"
#include "byol/trainer.h"

/* From now on every step adds what it does to `profile` (borrowed). */
void byol__trainer_profile(byol_trainer *trainer, byol__profile *profile);

#endif
