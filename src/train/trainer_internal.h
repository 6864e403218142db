/* What the bench needs from a trainer, beyond the public API. */
#ifndef BYOL__TRAINER_INTERNAL_H
#define BYOL__TRAINER_INTERNAL_H

#include "base/profile.h"
#include "byol/trainer.h"

/* From now on every step adds its work to `profile` (borrowed). */
void byol__trainer_profile(byol_trainer *trainer, byol__profile *profile);

#endif
