#include "config/options.h"

#include <string.h>

#define FIELD(member)                                                                              \
    .offset = offsetof(byol_config, member), .size = sizeof(((byol_config *)0)->member)
#define RANGE(low, high) .min = low, .max = high, .range = #low " .. " #high
#define OR_ZERO(low, high)                                                                         \
    .or_zero = true, .min = low, .max = high, .range = "0 or " #low " .. " #high

#define RECIPE_ROW(view_, field, kind_, range_, help_)                                             \
    {.key = "views.view" #view_ "." #field,                                                        \
     .kind = kind_,                                                                                \
     FIELD(views.view[view_ - 1].field),                                                           \
     range_,                                                                                       \
     .help = help_},

#define TEXT_ROW(view_, field, default_, help_)                                                    \
    {.key = "views.view" #view_ "." #field,                                                        \
     .kind = BYOL__NUMBER,                                                                         \
     FIELD(views.text[view_ - 1].field),                                                           \
     .default_value = default_,                                                                    \
     RANGE(0, 1),                                                                                  \
     .help = help_},

#define SOUND_ROW(view_, field, default_, range_, help_)                                           \
    {.key = "views.view" #view_ "." #field,                                                        \
     .kind = BYOL__NUMBER,                                                                         \
     FIELD(views.sound[view_ - 1].field),                                                          \
     .default_value = default_,                                                                    \
     range_,                                                                                       \
     .help = help_},

/* The number of views of a kind, or their size. */
#define COUNT_ROW(view_, field, default_, range_, help_)                                           \
    {.key = "views.view" #view_ "." #field,                                                        \
     .kind = BYOL__INTEGER,                                                                        \
     FIELD(views.field[view_ - 1]),                                                                \
     .default_value = default_,                                                                    \
     range_,                                                                                       \
     .help = help_},

/* The recipe of one kind of view. The key "views.NAME" sets NAME for all kinds
 * (byol__option_of_views). */
#define RECIPE(v)                                                                                  \
    COUNT_ROW(v, count, v < 3 ? "1" : "0", RANGE(0, 16),                                           \
              "how many such views are made of an image")                                          \
    COUNT_ROW(v, size, "0", OR_ZERO(8, 1024), "side of such a view in pixels; 0: data.image_size") \
    RECIPE_ROW(v, crop_area_min, BYOL__NUMBER, RANGE(0.001, 1),                                    \
               "smallest share of the image's area in a crop")                                     \
    RECIPE_ROW(v, crop_area_max, BYOL__NUMBER, RANGE(0.001, 1),                                    \
               "largest share of the image's area in a crop")                                      \
    RECIPE_ROW(v, crop_aspect_min, BYOL__NUMBER, RANGE(0.1, 10),                                   \
               "smallest width / height of a crop")                                                \
    RECIPE_ROW(v, crop_aspect_max, BYOL__NUMBER, RANGE(0.1, 10),                                   \
               "largest width / height of a crop")                                                 \
    RECIPE_ROW(v, flip, BYOL__NUMBER, RANGE(0, 1), "probability of a horizontal flip")             \
    RECIPE_ROW(v, jitter, BYOL__NUMBER, RANGE(0, 1), "probability of colour jitter as a whole")    \
    RECIPE_ROW(v, brightness, BYOL__NUMBER, RANGE(0, 10),                                          \
               "strength s: factor in [max(0, 1-s), 1+s]")                                         \
    RECIPE_ROW(v, contrast, BYOL__NUMBER, RANGE(0, 10), "strength, as brightness")                 \
    RECIPE_ROW(v, saturation, BYOL__NUMBER, RANGE(0, 10), "strength, as brightness")               \
    RECIPE_ROW(v, hue, BYOL__NUMBER, RANGE(0, 0.5), "shift in [-hue, hue] of the colour circle")   \
    RECIPE_ROW(v, grayscale, BYOL__NUMBER, RANGE(0, 1), "probability of dropping the colours")     \
    RECIPE_ROW(v, blur, BYOL__NUMBER, RANGE(0, 1), "probability of Gaussian blur")                 \
    RECIPE_ROW(v, blur_sigma_min, BYOL__NUMBER, RANGE(0.01, 100),                                  \
               "smallest sigma of the blur, pixels")                                               \
    RECIPE_ROW(v, blur_sigma_max, BYOL__NUMBER, RANGE(0.01, 100),                                  \
               "largest sigma of the blur, pixels")                                                \
    RECIPE_ROW(v, solarize, BYOL__NUMBER, RANGE(0, 1),                                             \
               "probability of solarize: x to 1-x from the threshold up")                          \
    RECIPE_ROW(v, solarize_threshold, BYOL__NUMBER, RANGE(0, 1),                                   \
               "pixel value from which solarize inverts")                                          \
    RECIPE_ROW(v, rotate, BYOL__NUMBER, RANGE(0, 180),                                             \
               "degrees: the angle is in [-rotate, rotate]")                                       \
    RECIPE_ROW(v, translate, BYOL__NUMBER, RANGE(0, 1),                                            \
               "share of the side by which the picture is shifted at most")                        \
    RECIPE_ROW(v, pad, BYOL__INTEGER, RANGE(0, 1024),                                              \
               "plain random crop: out of the picture with that many pixels around it")            \
    RECIPE_ROW(v, noise, BYOL__NUMBER, RANGE(0, 10),                                               \
               "standard deviation of Gaussian noise on pixels in [0, 1]")                         \
    RECIPE_ROW(v, cutout, BYOL__NUMBER, RANGE(0, 1), "probability of cutting a square out")        \
    RECIPE_ROW(v, cutout_size, BYOL__NUMBER, RANGE(0, 1),                                          \
               "side of that square, as a share of the picture's")                                 \
    TEXT_ROW(v, crop_min, "0.5", "of a text: least share that a random window keeps; 1: all")      \
    TEXT_ROW(v, span, "0", "of a text: at most this share is left out, in one piece")              \
    TEXT_ROW(v, drop, "0.1", "of a text: probability that a token is left out")                    \
    TEXT_ROW(v, swap, "0", "of a text: probability that a token and the next change places")       \
    TEXT_ROW(v, mask, "0.1", "of a text: about so many tokens become the mask token"){             \
        .key = "views.view" #v ".mask_span",                                                       \
        .kind = BYOL__INTEGER,                                                                     \
        FIELD(views.text[v - 1].mask_span),                                                        \
        .default_value = "1",                                                                      \
        RANGE(1, 64),                                                                              \
        .help = "of a text: tokens are masked in runs of so many"},                                \
        SOUND_ROW(v, mixup, "0.4", RANGE(0, 1),                                                    \
                  "of a sound: at most this share of another one is mixed in")                     \
            SOUND_ROW(v, stretch_min, "0.6", RANGE(0.1, 4),                                        \
                      "of a sound: least height and width of a crop, as shares of its own")        \
                SOUND_ROW(v, stretch_max, "1.5", RANGE(0.1, 4),                                    \
                          "of a sound: largest height and width of a crop; a height of at most 1") \
                    SOUND_ROW(v, canvas, "1.5", RANGE(1, 4),                                       \
                              "of a sound: width of the zeros around it that a crop may reach, "   \
                              "as a multiple of its own")                                          \
                        SOUND_ROW(v, fade, "1", RANGE(0, 10),                                      \
                                  "of a sound: a line is added whose ends are in [-fade, fade]")   \
                            SOUND_ROW(v, hiss, "0", RANGE(0, 10),                                  \
                                      "of a sound: deviation of noise on the normalised log-mels") \
                                RECIPE_ROW(v, mean, BYOL__TRIPLE, RANGE(-1000, 1000),              \
                                           "three numbers taken off the channels, the last step")  \
                                    RECIPE_ROW(                                                    \
                                        v, std, BYOL__TRIPLE, RANGE(0.0001, 1000),                 \
                                        "three numbers the channels are divided by after that")

/* In the order of the written YAML. The rows of a group are adjacent, and views.preset comes before
 * what it sets. */
const byol__option byol__options[] = {
    {.key = "recipe",
     .kind = BYOL__TEXT,
     FIELD(recipe),
     .default_value = "short",
     .choices = "short, byol",
     .help = "what encoder, heads, loss, views, optimizer and target start from; short: learns "
             "most in minutes and "
             "hours; byol: as published, for hundreds of epochs"},
    {.key = "data.train",
     .kind = BYOL__TEXT,
     FIELD(data.train),
     .default_value = "",
     .help =
         "images, texts or sounds to learn from: a path or a known name, with an optional split "
         "(fashion-mnist:train)"},
    {.key = "data.image_size",
     .kind = BYOL__INTEGER,
     FIELD(data.image_size),
     .default_value = "0",
     OR_ZERO(8, 1024),
     .help = "side of the square views in pixels; 0: the images' own height; of picture files the "
             "typical shorter side, at "
             "most 224"},
    {.key = "data.statistics",
     .kind = BYOL__CHOICE,
     FIELD(data.statistics),
     .default_value = "auto",
     .choices = "auto, preset",
     .help = "mean and std to normalise by; auto: measured on pictures of your own, unless views.* "
             "set them"},
    {.key = "data.max_unreadable",
     .kind = BYOL__NUMBER,
     FIELD(data.max_unreadable),
     .default_value = "0.01",
     RANGE(0, 1),
     .help = "share of the images that may turn out unreadable (they are skipped) before the run "
             "stops; one may in any "
             "case, unless it is 0"},

    {.key = "data.length",
     .kind = BYOL__INTEGER,
     FIELD(data.length),
     .default_value = "64",
     RANGE(8, 4096),
     .help = "of texts: tokens that the network is given; longer texts are cut"},
    {.key = "data.vocabulary",
     .kind = BYOL__INTEGER,
     FIELD(data.vocabulary),
     .default_value = "8000",
     RANGE(8, 1000000),
     .help = "of texts: tokens to learn from data.train; with data.tokenizer, as many as it has"},
    {.key = "data.tokenizer",
     .kind = BYOL__TEXT,
     FIELD(data.tokenizer),
     .default_value = "",
     .help =
         "of texts: a tokenizer.json (Hugging Face's), whose padding is token 0; empty: learned"},
    {.key = "data.byte_level",
     .kind = BYOL__SWITCH,
     FIELD(data.byte_level),
     .default_value = "false",
     .help = "of texts: true learns byte-level BPE, false WordPiece in lower case"},

    {.key = "data.sample_rate",
     .kind = BYOL__INTEGER,
     FIELD(data.sample_rate),
     .default_value = "16000",
     RANGE(1000, 384000),
     .help = "of sounds: they are brought to so many samples a second"},
    {.key = "data.window",
     .kind = BYOL__INTEGER,
     FIELD(data.window),
     .default_value = "1024",
     RANGE(16, 65536),
     .help = "of sounds: samples in a frame of the spectrogram, an even number"},
    {.key = "data.hop",
     .kind = BYOL__INTEGER,
     FIELD(data.hop),
     .default_value = "160",
     RANGE(1, 65536),
     .help = "of sounds: samples from one frame to the next"},
    {.key = "data.mels",
     .kind = BYOL__INTEGER,
     FIELD(data.mels),
     .default_value = "64",
     RANGE(4, 512),
     .help = "of sounds: bands of a frame, evenly spaced on Slaney's mel scale"},
    {.key = "data.mel_low",
     .kind = BYOL__NUMBER,
     FIELD(data.mel_low),
     .default_value = "60",
     RANGE(0, 192000),
     .help = "of sounds: lower end of the lowest band, Hz"},
    {.key = "data.mel_high",
     .kind = BYOL__NUMBER,
     FIELD(data.mel_high),
     .default_value = "7800",
     RANGE(1, 192000),
     .help = "of sounds: upper end of the highest band, Hz; at most half of data.sample_rate"},
    {.key = "data.frames",
     .kind = BYOL__INTEGER,
     FIELD(data.frames),
     .default_value = "0",
     OR_ZERO(8, 4096),
     .help = "of sounds: frames that the network is given; longer sounds are cut, shorter ones "
             "stand in silence; 0: as many as a typical sound has, 16 to 96"},
    {.key = "data.sound_mean",
     .kind = BYOL__NUMBER,
     FIELD(data.sound_mean),
     .default_value = "0",
     RANGE(-1000, 1000),
     .help = "of sounds: taken off the log-mels"},
    {.key = "data.sound_std",
     .kind = BYOL__NUMBER,
     FIELD(data.sound_std),
     .default_value = "0",
     OR_ZERO(0.0001, 1000),
     .help = "of sounds: the log-mels are divided by it after that; 0: both are measured"},
    {.key = "data.cache",
     .kind = BYOL__INTEGER,
     FIELD(data.cache),
     .default_value = "1024",
     RANGE(0, 1048576),
     .help = "of sounds: MiB of spectrograms that a run keeps, so that they are not made again; it "
             "changes nothing but the time"},

    {.key = "encoder.name",
     .kind = BYOL__TEXT,
     FIELD(encoder.name),
     .default_value = "conv4",
     .choices = BYOL__ENCODERS,
     .help = "the network to train"},
    {.key = "encoder.width",
     .kind = BYOL__INTEGER,
     FIELD(encoder.width),
     .default_value = "32",
     RANGE(4, 4096),
     .help = "channels of the first stage, 64 is the standard; vit: channels of a token; audio: of "
             "each block"},
    {.key = "encoder.stem",
     .kind = BYOL__CHOICE,
     FIELD(encoder.stem),
     .default_value = "small",
     .choices = "small, imagenet",
     .help = "of a resnet; small: 3x3, stride 1, no pool; imagenet: 7x7, stride 2, 3x3 max pool"},
    {.key = "encoder.out",
     .kind = BYOL__INTEGER,
     FIELD(encoder.out),
     .default_value = "0",
     OR_ZERO(4, 65536),
     .help = "outputs of a last linear layer, fc; 0: none (conv1: 1024)"},
    {.key = "encoder.depth",
     .kind = BYOL__INTEGER,
     FIELD(encoder.depth),
     .default_value = "12",
     RANGE(0, 30),
     .help = "blocks of attention and MLP; 0: embeddings alone, of texts a bag of words; vit, "
             "transformer"},
    {.key = "encoder.heads",
     .kind = BYOL__INTEGER,
     FIELD(encoder.heads),
     .default_value = "0",
     RANGE(0, 64),
     .help = "heads of attention, which divide the width; 0: one for each 64 channels; vit, "
             "transformer"},
    {.key = "encoder.patch",
     .kind = BYOL__INTEGER,
     FIELD(encoder.patch),
     .default_value = "4",
     RANGE(1, 64),
     .help = "side of a patch in pixels, which divides data.image_size; vit"},
    {.key = "encoder.pool",
     .kind = BYOL__CHOICE,
     FIELD(encoder.pool),
     .default_value = "class",
     .choices = "class, mean, max",
     .help = "the representation: the class token, or the mean of all others, or each channel's "
             "maximum; vit, transformer"},
    {.key = "encoder.norm",
     .kind = BYOL__CHOICE,
     FIELD(encoder.norm),
     .default_value = "post",
     .choices = "post, pre",
     .help = "where layer norm stands; post: behind each sum, as in BERT; pre: before each branch; "
             "transformer"},
    {.key = "encoder.embedding_std",
     .kind = BYOL__NUMBER,
     FIELD(encoder.embedding_std),
     .default_value = "0.02",
     RANGE(0.0001, 10),
     .help = "deviation of the vectors of words and places before training; transformer"},
    {.key = "encoder.positions",
     .kind = BYOL__CHOICE,
     FIELD(encoder.positions),
     .default_value = "learned",
     .choices = "learned, sine",
     .help = "places of patches; sine: two-dimensional sines, never trained; vit"},
    {.key = "encoder.freeze_patches",
     .kind = BYOL__SWITCH,
     FIELD(encoder.freeze_patches),
     .default_value = "false",
     .help = "true: the projection of patches stays as it began (MoCo v3); vit"},
    {.key = "encoder.dropout",
     .kind = BYOL__NUMBER,
     FIELD(encoder.dropout),
     .default_value = "0",
     RANGE(0, 0.9),
     .help =
         "share of what each sublayer adds that becomes 0 while it trains; transformer; audio: of "
         "the first layer on frames"},
    {.key = "encoder.drop_path",
     .kind = BYOL__NUMBER,
     FIELD(encoder.drop_path),
     .default_value = "0",
     RANGE(0, 0.9),
     .help = "stochastic depth: share of samples that the last block leaves as they are while it "
             "trains, less in the blocks before; vit, transformer"},
    {.key = "encoder.attention",
     .kind = BYOL__CHOICE,
     FIELD(encoder.attention),
     .default_value = "full",
     .choices = "full, lowrank",
     .help = "lowrank: of all tokens to encoder.rank mixtures of them (Linformer); transformer"},
    {.key = "encoder.rank",
     .kind = BYOL__INTEGER,
     FIELD(encoder.rank),
     .default_value = "16",
     RANGE(1, 4096),
     .help = "mixtures of keys and of values, with encoder.attention lowrank"},
    {.key = "encoder.rank_shared",
     .kind = BYOL__CHOICE,
     FIELD(encoder.rank_shared),
     .default_value = "key_value",
     .choices = "none, heads, key_value",
     .help =
         "what mixes in a layer; none: a matrix for each head's keys and another for its values; "
         "heads: one for keys, one for values; key_value: one for both"},
    {.key = "encoder.attention_noise",
     .kind = BYOL__NUMBER,
     FIELD(encoder.attention_noise),
     .default_value = "0",
     RANGE(0, 10),
     .help = "deviation of normal noise on attention's weights while it trains; transformer"},
    {.key = "encoder.init",
     .kind = BYOL__TEXT,
     FIELD(encoder.init),
     .default_value = "random",
     .help = "random, or a run or weights file to begin with; heads it does not hold stay random"},

    {.key = "projector.kind",
     .kind = BYOL__CHOICE,
     FIELD(projector.kind),
     .default_value = "mlp",
     .choices = "mlp, linear, none",
     .help = "mlp: linear, batch norm, ReLU, linear; none: the representation itself is compared"},
    {.key = "projector.hidden",
     .kind = BYOL__INTEGER,
     FIELD(projector.hidden),
     .default_value = "1024",
     RANGE(4, 65536),
     .help = "width of the projector's hidden layer"},
    {.key = "projector.out",
     .kind = BYOL__INTEGER,
     FIELD(projector.out),
     .default_value = "256",
     RANGE(4, 65536),
     .help = "length of a projection"},
    {.key = "predictor.kind",
     .kind = BYOL__CHOICE,
     FIELD(predictor.kind),
     .default_value = "none",
     .choices = "mlp, linear, none",
     .help = "as projector.kind; its outputs are as many as the target's projection has"},
    {.key = "predictor.hidden",
     .kind = BYOL__INTEGER,
     FIELD(predictor.hidden),
     .default_value = "4096",
     RANGE(4, 65536),
     .help = "width of the predictor's hidden layer"},

    {.key = "loss.distance",
     .kind = BYOL__CHOICE,
     FIELD(loss.distance),
     .default_value = "infonce",
     .choices = "cosine, mse, smooth_l1, infonce, nce, triplet, softmax_pair, cross_correlation",
     .help = "between prediction and target projection; cosine is BYOL's 2 - 2 cos"},
    {.key = "loss.symmetric",
     .kind = BYOL__SWITCH,
     FIELD(loss.symmetric),
     .default_value = "true",
     .help = "view 1 predicts view 2 and view 2 predicts view 1, the two summed; false: the first "
             "alone"},
    {.key = "loss.mispaired",
     .kind = BYOL__SWITCH,
     FIELD(loss.mispaired),
     .default_value = "false",
     .help = "a known mistake, for study: each view predicts itself, not the other one; symmetric, "
             "a target of its own"},
    {.key = "loss.temperature",
     .kind = BYOL__NUMBER,
     FIELD(loss.temperature),
     .default_value = "0.1",
     RANGE(0.001, 1000),
     .help = "cosines are divided by it; infonce, nce"},
    {.key = "loss.margin",
     .kind = BYOL__NUMBER,
     FIELD(loss.margin),
     .default_value = "0.5",
     RANGE(0, 4),
     .help = "how much farther, in squared distance on the sphere, another image must be; triplet"},
    {.key = "loss.negatives",
     .kind = BYOL__CHOICE,
     FIELD(loss.negatives),
     .default_value = "hardest",
     .choices = "hardest, random",
     .help = "which other image of the batch a triplet takes"},
    {.key = "loss.own_negatives",
     .kind = BYOL__SWITCH,
     FIELD(loss.own_negatives),
     .default_value = "true",
     .help =
         "the other images' predictions of the same view push apart too, as in SimCLR; infonce"},
    {.key = "loss.candidates",
     .kind = BYOL__NUMBER,
     FIELD(loss.candidates),
     .default_value = "256",
     RANGE(1.001, 1e9),
     .help = "T of softmax_pair: as if T - 1 other images had a cosine of 0"},
    {.key = "loss.second_term",
     .kind = BYOL__NUMBER,
     FIELD(loss.second_term),
     .default_value = "0",
     RANGE(0, 1000),
     .help = "weight of the same distance once more, the prediction detached; mse, smooth_l1"},

    {.key = "loss.beta",
     .kind = BYOL__NUMBER,
     FIELD(loss.beta),
     .default_value = "1",
     RANGE(1e-6, 1e6),
     .help = "differences below it are squared, others grow linearly; smooth_l1"},
    {.key = "loss.redundancy",
     .kind = BYOL__NUMBER,
     FIELD(loss.redundancy),
     .default_value = "0.005",
     RANGE(0, 1000),
     .help = "weight of correlations between different dimensions; cross_correlation"},
    {.key = "loss.variance",
     .kind = BYOL__NUMBER,
     FIELD(loss.variance),
     .default_value = "0",
     RANGE(0, 1e6),
     .help = "weight of a regularizer: each dimension of the projections is to have a deviation of "
             "1 (VICReg); 0: none"},
    {.key = "loss.covariance",
     .kind = BYOL__NUMBER,
     FIELD(loss.covariance),
     .default_value = "0",
     RANGE(0, 1e6),
     .help = "weight of a regularizer: dimensions of the projections are to be uncorrelated "
             "(VICReg); 0: none"},
    {.key = "loss.coding_rate",
     .kind = BYOL__NUMBER,
     FIELD(loss.coding_rate),
     .default_value = "0",
     RANGE(0, 1e6),
     .help = "weight of a regularizer: projections are to fill their space (coding rate, EMP-SSL); "
             "0: none"},
    {.key = "loss.coding_precision",
     .kind = BYOL__NUMBER,
     FIELD(loss.coding_precision),
     .default_value = "0.2",
     RANGE(1e-6, 1000),
     .help = "epsilon squared of coding_rate: the coarser, the less small directions count"},

    {.key = "views.preset",
     .kind = BYOL__TEXT,
     FIELD(views.preset),
     .default_value = "small",
     .choices = "byol, simclr, small",
     .help = "recipe that the views start from; the keys beneath change it"},
    {.key = "views.batch_statistics",
     .kind = BYOL__SWITCH,
     FIELD(views.batch_statistics),
     .default_value = "true",
     .help = "of sounds: each batch of views is brought to mean 0 and deviation 1"},
    RECIPE(1) RECIPE(2) RECIPE(3)

        {.key = "optimizer.name",
         .kind = BYOL__CHOICE,
         FIELD(optimizer.name),
         .default_value = "muon",
         .choices = "sgd, lars, adam, adamw, muon",
         .help = "how parameters follow their gradients"},
    {.key = "optimizer.lr",
     .kind = BYOL__NUMBER,
     FIELD(optimizer.lr),
     .default_value = "0.01",
     RANGE(0, 1000),
     .help = "learning rate for batch 256; the run uses lr * batch_size * accumulate / 256"},
    {.key = "optimizer.momentum",
     .kind = BYOL__NUMBER,
     FIELD(optimizer.momentum),
     .default_value = "0.95",
     RANGE(0, 0.9999),
     .help = "of sgd, lars and muon"},
    {.key = "optimizer.nesterov",
     .kind = BYOL__SWITCH,
     FIELD(optimizer.nesterov),
     .default_value = "false",
     .help = "Nesterov's momentum; sgd only"},
    {.key = "optimizer.weight_decay",
     .kind = BYOL__NUMBER,
     FIELD(optimizer.weight_decay),
     .default_value = "0.01",
     RANGE(0, 10),
     .help = "on kernels and matrices only, never on biases or batch norm"},
    {.key = "optimizer.trust_coefficient",
     .kind = BYOL__NUMBER,
     FIELD(optimizer.trust_coefficient),
     .default_value = "0.001",
     RANGE(0, 1),
     .help = "eta of lars"},
    {.key = "optimizer.beta1",
     .kind = BYOL__NUMBER,
     FIELD(optimizer.beta1),
     .default_value = "0.9",
     RANGE(0, 0.99999),
     .help = "decay of the mean of gradients; adam, adamw"},
    {.key = "optimizer.beta2",
     .kind = BYOL__NUMBER,
     FIELD(optimizer.beta2),
     .default_value = "0.999",
     RANGE(0, 0.99999),
     .help = "decay of the mean of squared gradients; adam, adamw"},
    {.key = "optimizer.epsilon",
     .kind = BYOL__NUMBER,
     FIELD(optimizer.epsilon),
     .default_value = "1e-08",
     RANGE(1e-16, 1),
     .help = "added to the divisor; adam, adamw"},
    {.key = "optimizer.schedule",
     .kind = BYOL__CHOICE,
     FIELD(optimizer.schedule),
     .default_value = "trapezoid",
     .choices = "cosine, trapezoid",
     .help = "of the learning rate; cosine: half a cosine to 0; trapezoid: constant, at last "
             "linear to 0"},
    {.key = "optimizer.decay",
     .kind = BYOL__NUMBER,
     FIELD(optimizer.decay),
     .default_value = "0.4",
     RANGE(0, 1),
     .help = "share of the run, at its end, while the rate falls; trapezoid"},
    {.key = "optimizer.warmup_epochs",
     .kind = BYOL__NUMBER,
     FIELD(optimizer.warmup_epochs),
     .default_value = "0.5",
     RANGE(0, 100000),
     .help = "the learning rate rises linearly from 0 during these; may be a fraction"},
    {.key = "optimizer.clip_norm",
     .kind = BYOL__NUMBER,
     FIELD(optimizer.clip_norm),
     .default_value = "0",
     RANGE(0, 1e9),
     .help = "gradients of a larger norm are scaled down to it; 0: never"},

    {.key = "target.kind",
     .kind = BYOL__CHOICE,
     FIELD(target.kind),
     .default_value = "online",
     .choices = "ema, online, frozen, vectors",
     .help = "ema: an average of the online network; online: that network itself; frozen: it never "
             "moves; vectors: no "
             "network but what another model made of each image"},
    {.key = "target.stop_gradient",
     .kind = BYOL__SWITCH,
     FIELD(target.stop_gradient),
     .default_value = "false",
     .help = "false, with target.kind online only: the gradient goes through both views"},
    {.key = "target.init",
     .kind = BYOL__TEXT,
     FIELD(target.init),
     .default_value = "copy",
     .help = "copy: starts as the online network; random: as another one; or a run or weights file "
             "to load"},
    {.key = "target.encoder",
     .kind = BYOL__TEXT,
     FIELD(target.encoder),
     .default_value = "same",
     .choices = "same, " BYOL__ENCODERS,
     .help = "another network than the online one, with target.kind frozen only"},
    {.key = "target.width",
     .kind = BYOL__INTEGER,
     FIELD(target.width),
     .default_value = "0",
     OR_ZERO(4, 1024),
     .help = "encoder.width of target.encoder; 0: the same"},
    {.key = "target.attention",
     .kind = BYOL__CHOICE,
     FIELD(target.attention),
     .default_value = "same",
     .choices = "same, full",
     .help = "full: the target attends to all tokens, whatever encoder.attention says"},
    {.key = "target.attention_noise",
     .kind = BYOL__NUMBER,
     FIELD(target.attention_noise),
     .default_value = "0",
     RANGE(0, 10),
     .help = "as encoder.attention_noise, of the target"},
    {.key = "target.layers",
     .kind = BYOL__INTEGER,
     FIELD(target.layers),
     .default_value = "0",
     RANGE(0, 30),
     .help = "above 0: the target of each token that view 1 hides is the mean of so many of the "
             "target's last layers there (data2vec); transformer"},
    {.key = "target.vectors",
     .kind = BYOL__TEXT,
     FIELD(target.vectors),
     .default_value = "",
     .help =
         "a .npy file of float32, (images of data.train, numbers), with target.kind vectors only"},
    {.key = "target.dimension",
     .kind = BYOL__INTEGER,
     FIELD(target.dimension),
     .default_value = "0",
     OR_ZERO(1, 65536),
     .help = "length of a row of target.vectors; 0: the file's"},
    {.key = "target.tau",
     .kind = BYOL__NUMBER,
     FIELD(target.tau),
     .default_value = "0.99",
     RANGE(0, 1),
     .help = "how much the target keeps of itself in a step, at the start"},
    {.key = "target.schedule",
     .kind = BYOL__CHOICE,
     FIELD(target.schedule),
     .default_value = "constant",
     .choices = "constant, cosine",
     .help = "cosine: tau rises to 1 by the end of the run"},

    {.key = "train.epochs",
     .kind = BYOL__INTEGER,
     FIELD(train.epochs),
     .default_value = "30",
     RANGE(1, 100000),
     .help = "passes over the data"},
    {.key = "train.minutes",
     .kind = BYOL__NUMBER,
     FIELD(train.minutes),
     .default_value = "0",
     RANGE(0, 1e6),
     .help = "the run ends after this time, evaluation excluded, whatever train.epochs says; 0: by "
             "epochs"},
    {.key = "train.batch_size",
     .kind = BYOL__INTEGER,
     FIELD(train.batch_size),
     .default_value = "256",
     RANGE(2, 65536),
     .help = "images whose batch norm statistics are taken together"},
    {.key = "train.accumulate",
     .kind = BYOL__INTEGER,
     FIELD(train.accumulate),
     .default_value = "1",
     RANGE(1, 65536),
     .help = "batches whose gradients are averaged into one step"},
    {.key = "train.recompute",
     .kind = BYOL__SWITCH,
     FIELD(train.recompute),
     .default_value = "false",
     .help = "repeat forward passes to keep the activations of one view only: slower, less memory, "
             "the same "
             "numbers; target.kind online"},
    {.key = "train.precision",
     .kind = BYOL__CHOICE,
     FIELD(train.precision),
     .default_value = "auto",
     .choices = "auto, fp32, bf16",
     .help = "auto: bf16 where the processor computes in it"},
    {.key = "train.threads",
     .kind = BYOL__INTEGER,
     FIELD(train.threads),
     .default_value = "0",
     RANGE(0, 4096),
     .help = "0: every processor the process may use"},
    {.key = "train.seed",
     .kind = BYOL__SEED,
     FIELD(train.seed),
     .default_value = "1",
     .range = "0 .. 18446744073709551615",
     .help = "same seed, settings and machine: same weights"},
    {.key = "train.stop_on_collapse",
     .kind = BYOL__SWITCH,
     FIELD(train.stop_on_collapse),
     .default_value = "false",
     .help = "stop when all images get the same representation, not only warn"},
    {.key = "train.log_every",
     .kind = BYOL__INTEGER,
     FIELD(train.log_every),
     .default_value = "10",
     RANGE(1, 1000000),
     .help = "steps between lines of metrics.jsonl"},

    {.key = "eval.every_epochs",
     .kind = BYOL__INTEGER,
     FIELD(eval.every_epochs),
     .default_value = "0",
     RANGE(0, 100000),
     .help = "epochs between kNN evaluations during training; 0: none"},
    {.key = "eval.train",
     .kind = BYOL__TEXT,
     FIELD(eval.train),
     .default_value = "",
     .help = "labelled images, texts or sounds for that; empty: data.train"},
    {.key = "eval.test",
     .kind = BYOL__TEXT,
     FIELD(eval.test),
     .default_value = "",
     .help =
         "labelled images, texts or sounds to classify; empty: the test split of eval.train, or of "
         "data.train where that is empty"},

    {.key = "checkpoint.every_minutes",
     .kind = BYOL__NUMBER,
     FIELD(checkpoint.every_minutes),
     .default_value = "5",
     RANGE(0, 100000),
     .help = "0: not by time"},
    {.key = "checkpoint.every_steps",
     .kind = BYOL__INTEGER,
     FIELD(checkpoint.every_steps),
     .default_value = "0",
     RANGE(0, 1000000000),
     .help = "0: not by steps"},
    {.key = "checkpoint.keep",
     .kind = BYOL__INTEGER,
     FIELD(checkpoint.keep),
     .default_value = "2",
     RANGE(1, 1000000),
     .help = "how many checkpoints stay in the run folder"},
};

const size_t byol__options_count = sizeof byol__options / sizeof byol__options[0];

const byol__option *byol__option_find(const char *key) {
    for (size_t i = 0; i < byol__options_count; i++)
        if (strcmp(byol__options[i].key, key) == 0) return &byol__options[i];
    return NULL;
}

const byol__option *byol__option_of_views(const char *key, int number) {
    char long_key[64];
    if (strncmp(key, "views.", 6) != 0 || strcmp(key + 6, "count") == 0 ||
        strcmp(key + 6, "size") == 0)
        return NULL;
    if (number > 2 && strncmp(key + 6, "crop_area", 9) == 0) return NULL;
    snprintf(long_key, sizeof long_key, "views.view%d.%.40s", number, key + 6);
    return byol__option_find(long_key);
}

int byol__option_group(const char *path) {
    size_t length = strlen(path);
    for (size_t i = 0; i < byol__options_count; i++)
        if (strncmp(byol__options[i].key, path, length) == 0 && byol__options[i].key[length] == '.')
            return 1;
    return 0;
}

enum { KEY_MAX = 64 };

/* Levenshtein distance between two keys. Only the previous row is kept. */
static int edit_distance(const char *a, const char *b, size_t b_length) {
    int row[KEY_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) row[j] = (int)j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        int diagonal = row[0];
        row[0] = (int)i + 1;
        for (size_t j = 0; j < b_length; j++) {
            int replaced = diagonal + (a[i] != b[j]);
            int inserted = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = replaced < inserted ? replaced : inserted;
        }
    }
    return row[b_length];
}

typedef struct nearest_key {
    char key[KEY_MAX + 1]; /* empty: none yet */
    int distance;
} nearest_key;

/* `compared`: the part of the key that a user is likely to write. */
static void consider(nearest_key *best, const char *wanted, const char *key, size_t length,
                     const char *compared, int penalty) {
    int distance = edit_distance(wanted, compared, length - (size_t)(compared - key)) + penalty;
    if (best->key[0] != '\0' && distance >= best->distance) return;
    snprintf(best->key, sizeof best->key, "%.*s", (int)length, key);
    best->distance = distance;
}

void byol__option_nearest(const char *key, int groups, char nearest[64]) {
    nearest_key best = {0};
    for (size_t i = 0; i < byol__options_count; i++) {
        const char *known = byol__options[i].key;
        for (const char *dot = strchr(known, '.'); dot != NULL && groups;
             dot = strchr(dot + 1, '.'))
            consider(&best, key, known, (size_t)(dot - known), known, 0);
        if (groups) continue;
        consider(&best, key, known, strlen(known), known, 0);
        /* "width" is a likely way to ask for encoder.width */
        const char *dot = strrchr(known, '.');
        if (dot != NULL) consider(&best, key, known, strlen(known), dot + 1, 1);
        char both[KEY_MAX + 1]; /* views.flip sets it for every view */
        if (strncmp(known, "views.view1.", 12) != 0) continue;
        snprintf(both, sizeof both, "views.%s", known + 12);
        if (byol__option_of_views(both, 1) == NULL) continue;
        consider(&best, key, both, strlen(both), both, 0);
    }
    snprintf(nearest, 64, "%.63s", best.key);
}

size_t byol_option_count(void) { return byol__options_count; }

void byol_option_describe(size_t index, byol_option_info *info) {
    static const char *const types[] = {"integer", "integer", "number", "three numbers",
                                        "switch",  "choice",  "text"};
    const byol__option *option = &byol__options[index];
    *info = (byol_option_info){
        .key = option->key,
        .type = option->choices != NULL ? "choice" : types[option->kind],
        .choices = option->choices != NULL ? option->choices : "",
        .default_value = option->default_value != NULL ? option->default_value : "by views.preset",
        .range = option->range != NULL ? option->range : "",
        .help = option->help,
    };
}

bool byol__takes_sounds(const byol_config *config) { return config->data.frames > 0; }

bool byol__encoder_takes_texts(const char *name) { return strcmp(name, "transformer") == 0; }
