/* Memory that the engine computes with: arenas, and the workspaces of plans. Training and
 * evaluation use it only through these functions, plans (plan/plan.h) and optimizers
 * (optim/optim.h). These are the places that another device would replace. */
#ifndef BYOL__ARENA_H
#define BYOL__ARENA_H

#include <stddef.h>

#include "byol/status.h"

/* `count` zeros, 64-byte aligned; `what` names them in the error. Owned: byol__arena_free. */
byol_status byol__arena_alloc(float **out, size_t count, const char *what, byol_error *error);
/* A plan's workspace. Owned: byol__arena_free. */
byol_status byol__workspace_alloc(void **out, size_t bytes, byol_error *error);
void byol__arena_free(void *arena); /* NULL is fine */

void byol__arena_clear(float *arena, size_t count);
void byol__arena_copy(float *dst, const float *src, size_t count);

#endif
