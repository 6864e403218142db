/* Vectors on disk: NumPy's .npy, and a .csv beside it that says what each row is of. */
#ifndef CLI_VECTORS_H
#define CLI_VECTORS_H

#include "byol/source.h"
#include "cli.h"

/* byol_source_open; "-" reads paths of pictures from standard input, one a line. */
byol_status cli_source_open(byol_source **out, const char *spec, byol_error *error);

/* A matrix of floats, aligned as the library's are. Owned: free. NULL: no memory. */
float *cli_matrix(size_t rows, size_t columns);

/* A (count, dimension) matrix and what each row is of. Zero-initialise, then release in any case.
 */
typedef struct cli_vectors {
    float *values;
    size_t count;
    int dimension;
    char **names; /* (count) of pictures or texts; NULL: not known */
    char **texts; /* (count) beginnings of texts, a line each; NULL: pictures, or not known */
} cli_vectors;

enum { CLI_TEXT_BYTES = 200 }; /* of a text's beginning, with the NUL */

void cli_vectors_release(cli_vectors *vectors);

/* Embeds a source with a progress bar that begins with `what`. Fills in names and texts.
 * BYOL_ERROR_INVALID if the encoder, which came from `model`, has no such layer. */
byol_status cli_vectors_embed(cli_vectors *vectors, byol_encoder *encoder, const char *model,
                              const byol_source *source, byol_layer layer, const char *what,
                              byol_error *error);

enum { CLI_NPY_HEADER_MAX = 192 };

/* The header of a .npy of floats with 2 to 4 extents. Returns its length. */
size_t cli_npy_header(unsigned char header[CLI_NPY_HEADER_MAX], const size_t *shape, int dims);

/* Writes (rows, columns) floats as NumPy's .npy, format 1.0. The file appears under its name only
 * when complete. */
byol_status cli_npy_write(const char *path, const float *values, size_t rows, size_t columns,
                          byol_error *error);

/* Reads a .npy of float32 in two dimensions. Names and texts come from the .csv beside it, if it
 * has as many rows. */
byol_status cli_vectors_read(cli_vectors *vectors, const char *path, byol_error *error);

/* "dir/test.npy" -> "dir/test.csv"; BYOL_PATH_MAX bytes. */
void cli_csv_path(const char *npy, char *path);

/* Writes "index,path,label", a line for each image (RFC 4180), and for texts
 * "index,path,label,text"; the file appears under its name only when complete. The path is empty
 * for images that are no files; of a text it is its file and line. The label is the class's name or
 * number, and empty where there are no labels. The text is its beginning, on one line. */
byol_status cli_csv_write(const char *path, const byol_source *source, byol_error *error);

/* ---- cli_maps.c ---- */

/* The size of pictures that a network is given: `size`, or where that is 0 the first picture's. */
byol_status cli_settle_size(const byol_source *source, int size[2], byol_error *error);

/* Embeds a source as maps of `stage` ("stage3"), (count, channels, height, width), and writes them
 * as NumPy's .npy, batch by batch. `shape` (4) is what was written. */
byol_status cli_maps_write(const char *path, const byol_encoder *encoder, const byol_source *source,
                           const char *stage, const int size[2], int threads, size_t shape[4],
                           byol_error *error);

#endif
