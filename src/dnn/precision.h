/* The precision that a configuration asks for, on this machine. */
#ifndef BYOL__PRECISION_H
#define BYOL__PRECISION_H

#include "base/dtype.h"
#include "byol/config.h"

/* fp32 or bf16: auto is bf16 where the CPU computes in it. */
byol_precision byol__precision_resolve(byol_precision asked);

/* The type of activations in a resolved precision. */
byol__dtype byol__precision_dtype(byol_precision resolved);

#endif
