/* Distances element by element: mean squared error and smooth L1, averaged over batch and
 * dimensions as PyTorch does (torch.nn.MSELoss, torch.nn.SmoothL1Loss). Both are
 * symmetric: for the gradient by the target, exchange the two sides. */
#ifndef BYOL__PAIRS_H
#define BYOL__PAIRS_H

/* (p - z)^2. Both are (batch, dim). `diff` (batch, dim) or NULL: the gradient by the prediction,
 * overwritten. */
double byol__mse_loss(const float *prediction, const float *target, int batch, int dim,
                      float *diff);

/* d = |p - z|: d^2 / (2 beta) below beta, d - beta / 2 from there on (Girshick, "Fast R-CNN", 2015,
 * eq. 3, where beta is 1). */
double byol__smooth_l1_loss(const float *prediction, const float *target, int batch, int dim,
                            float beta, float *diff);

#endif
