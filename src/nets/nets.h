/* Networks: functions that append to a graph. */
#ifndef BYOL__NETS_H
#define BYOL__NETS_H

#include "byol/config.h"
#include "graph/graph.h"

/* The outputs and sections of the networks here: indices into the graph's lists. */
enum { BYOL__REPRESENTATION, BYOL__PROJECTION, BYOL__PREDICTION, BYOL__LOGITS = BYOL__PROJECTION };
enum { BYOL__BACKBONE, BYOL__PROJECTOR, BYOL__PREDICTOR, BYOL__CLASSIFIER = BYOL__PROJECTOR };

/* ResNet v1 (He et al., 2015; bottleneck stride in the 3x3 as torchvision), torchvision's names.
 * `depth` 18, 34 or 50; `width` channels in the first stage (64: standard). Returns the pooled
 * representation (8 width, or 32 width for 50).
 */
byol__value_id byol__resnet(byol__graph *graph, byol__value_id images, int depth, int width,
                            byol_stem stem);

/* Vision transformer: encoder.width, .depth, .heads, .patch, .pool, .positions and .freeze_patches
 * of `config`. Returns width channels: the class token's, or the mean of all. */
byol__value_id byol__vit(byol__graph *graph, byol__value_id images, const byol_config *config);

/* What a transformer makes of (length) tokens. */
typedef struct byol__token_values {
    byol__value_id pooled; /* (width): the first token's, or the mean of all */
    byol__value_id last;   /* (width, length): the last layer's */
    /* (width, length): the sum over the last `layers` layers of what each one's MLP gives,
     * normalised without weights (data2vec, arXiv 2202.03555, section 3.3); 0: none wanted. */
    byol__value_id top;
} byol__token_values;

/* BERT's encoder, post-norm, of i32 `tokens` below data.vocabulary (arXiv 1810.04805), with Hugging
 * Face's names and shapes: the options of `config` in encoder. Tokens of 0 at the end are padding.
 * `layers`: of how many to make `top`. */
byol__token_values byol__transformer(byol__graph *graph, byol__value_id tokens,
                                     const byol_config *config, int layers);

/* Stochastic depth of block `number`: it grows linearly, from 0 in the first to encoder.drop_path
 * in the last (arXiv 1603.09382, section 3). */
float byol__drop_path_of(const byol_config *config, int number);

/* One convolution of 3x3 (bias), ReLU, flattened. */
byol__value_id byol__conv1(byol__graph *graph, byol__value_id images, int width);

/* Four blocks of convolution 3x3 (no bias), batch norm, ReLU, with 2x2 max pools between them and
 * width times 1, 2, 4, 8 channels. The rest of the picture (32 pixels: 4 x 4) is averaged. Returns
 * 8 width. */
byol__value_id byol__conv4(byol__graph *graph, byol__value_id images, int width);

/* Five blocks of convolution 3x3 (no bias), batch norm, ReLU, 2x2 max pool, with width times 1, 2,
 * 4, 8, 8 channels. The rest of the picture (32 pixels: one) is averaged. Returns 8 width. */
byol__value_id byol__conv5(byol__graph *graph, byol__value_id images, int width);

/* BYOL-A's encoder of spectrograms (1, bands, frames), both at least 8: encoder.width (64 is the
 * paper's) and .dropout of `config`. Three blocks of convolution 3x3 (no bias), batch norm, ReLU,
 * 2x2 max pool, called features.0 to features.9 as in torch.nn.Sequential; then on each of frames /
 * 8 columns linear, ReLU, dropout, linear, ReLU (fc.0, fc.3); then mean + maximum over time.
 * Returns 32 width. */
byol__value_id byol__audio(byol__graph *graph, byol__value_id images, const byol_config *config);

/* MLP: Linear(hidden, bias) - BN - ReLU - Linear(out, no bias), named prefix.0, prefix.1, prefix.3;
 * LINEAR: Linear(out, bias), named prefix.0; NONE: `src` itself. */
byol__value_id byol__head(byol__graph *graph, const char *prefix, byol_head_kind kind,
                          byol__value_id src, int hidden, int out);

/* The name of the classifier's layer: "fc" as in torchvision, a vit's "head" as in timm,
 * "classifier" if the encoder has an fc of its own. */
const char *byol__classifier_name(const byol_config *config);

/* A table of NAME.weight (classes, dimension) and NAME.bias (classes), in `rows`; without classes
 * it has no rows. An arena of it holds the weight, then the bias. */
void byol__class_layer_table(byol__table *table, byol__param rows[2], const byol_config *config,
                             int classes, int dimension);

/* The backbone with a linear classifier on its representation, weight (classes, dimension) and
 * bias. The classifier is the section BYOL__CLASSIFIER; the logits are the output BYOL__LOGITS. The
 * backbone's rows lie as in the online network. Finished. */
byol_status byol__classifier_network(byol__graph *graph, const byol_config *config, int channels,
                                     int image_size, int classes, byol_error *error);

/* The backbone of images (channels, height, width) with the ends of its stages, without a last
 * linear layer of its own. It is not finished: what reads the stages may follow. The parameters of
 * convolutions are those of the online network; a vit has a place for each of its patches. */
byol_status byol__stages(byol__graph *graph, const byol_config *config, int channels, int height,
                         int width, byol_error *error);

/* What stage `stage` (from 0) of byol__stages gives at every place: (c, h, w). */
byol__value_id byol__stage_map(byol__graph *graph, const byol_config *config, int stage);

/* The number that the first stage is called by: 0 of a ResNet (its stem) and of a vit (its
 * patches), so that the others are layer1 .. layer4 and the blocks; 1 of the small networks. */
int byol__first_stage(const byol_config *config);

/* The networks below read (channels, image_size, image_size) images, or what the configuration says
 * of texts and sounds. */

/* The whole online network of a configuration: backbone, projector, predictor, with its three
 * outputs marked. The predictor has as many outputs as the target's projection. Finished. */
byol_status byol__online_network(byol__graph *graph, const byol_config *config, int channels,
                                 int image_size, byol_error *error);

/* The target network: backbone and projector, with target.encoder or like the online one. In the
 * second case every parameter lies where it lies in the online network. Finished. */
byol_status byol__target_network(byol__graph *graph, const byol_config *config, int channels,
                                 int image_size, byol_error *error);

#endif
