/* JPEG by TurboJPEG: gray, YCbCr, RGB, CMYK and YCCK, baseline and progressive. Where 1/2, 1/4 or
 * 1/8 of the size is enough, the cosine transform decodes to that, in a fraction of the time. */
#include <stdbool.h>
#include <string.h>

#include <turbojpeg.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/decode.h"

static bool begins(const uint8_t *bytes, size_t length) {
    return length >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

/* ---- EXIF: which way up ---- */

enum {
    UPRIGHT = 1,
    TAG_ORIENTATION = 0x0112,
    TYPE_SHORT = 3,
    MARKER_APP1 = 0xe1,
    MARKER_SOS = 0xda
};

static unsigned read16(const uint8_t *at, int little) {
    return little ? at[0] | (unsigned)at[1] << 8 : (unsigned)at[0] << 8 | at[1];
}

static size_t read32(const uint8_t *at, int little) {
    return little ? read16(at, 1) | (size_t)read16(at + 2, 1) << 16
                  : (size_t)read16(at, 0) << 16 | read16(at + 2, 0);
}

/* The orientation in a TIFF block (what follows "Exif\0\0"), 1 .. 8. */
static int orientation_of_tiff(const uint8_t *tiff, size_t length) {
    if (length < 8 || (memcmp(tiff, "II", 2) != 0 && memcmp(tiff, "MM", 2) != 0)) return UPRIGHT;
    int little = tiff[0] == 'I';
    size_t at = read32(tiff + 4, little);
    if (at > length - 2) return UPRIGHT;
    size_t entries = read16(tiff + at, little);
    for (at += 2; entries > 0 && length >= 12 && at <= length - 12; entries--, at += 12) {
        if (read16(tiff + at, little) != TAG_ORIENTATION ||
            read16(tiff + at + 2, little) != TYPE_SHORT)
            continue;
        unsigned value = read16(tiff + at + 8, little);
        return value >= 1 && value <= 8 ? (int)value : UPRIGHT;
    }
    return UPRIGHT;
}

/* Walks the segments before the picture data. */
static int find_orientation(const uint8_t *bytes, size_t length) {
    static const uint8_t EXIF[6] = {'E', 'x', 'i', 'f', 0, 0};
    size_t at = 2;
    while (length >= 4 && at <= length - 4 && bytes[at] == 0xff) {
        uint8_t marker = bytes[at + 1];
        if (marker == 0xff) { /* padding */
            at++;
            continue;
        }
        size_t size = read16(bytes + at + 2, 0); /* counts itself, not the marker */
        if (marker == MARKER_SOS || size < 2 || size > length - at - 2) break;
        if (marker == MARKER_APP1 && size >= 2 + sizeof EXIF &&
            memcmp(bytes + at + 4, EXIF, sizeof EXIF) == 0)
            return orientation_of_tiff(bytes + at + 4 + sizeof EXIF, size - 2 - sizeof EXIF);
        at += 2 + size;
    }
    return UPRIGHT;
}

/* From an upright pixel to its stored place: rows and columns exchanged or not, then counted from
 * the far end or not (EXIF 2.32, table 6; number 0 is not used). */
static const struct {
    uint8_t transposed, rows_reversed, columns_reversed;
} orientations[] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 1}, {0, 1, 1}, {0, 1, 0},
                    {1, 0, 0}, {1, 1, 0}, {1, 1, 1}, {1, 0, 1}};

/* Copies the picture upright into a new block that replaces the stored one. */
static byol_status turn_upright(byol_picture *picture, int orientation, byol_error *error) {
    byol_image stored = picture->image;
    int transposed = orientations[orientation].transposed;
    ptrdiff_t channels = stored.channels, row = (ptrdiff_t)stored.row_stride, column = channels;
    const uint8_t *origin = stored.pixels;
    if (orientations[orientation].rows_reversed) {
        origin += (stored.height - 1) * row;
        row = -row;
    }
    if (orientations[orientation].columns_reversed) {
        origin += (stored.width - 1) * column;
        column = -column;
    }
    ptrdiff_t down = transposed ? column : row, right = transposed ? row : column;
    byol_picture upright = {0};
    BYOL__TRY(byol__picture_lay(&upright, stored.channels,
                                transposed ? stored.width : stored.height,
                                transposed ? stored.height : stored.width, error));
    uint8_t *dst = upright.bytes[1];
    for (int y = 0; y < upright.image.height; y++)
        for (int x = 0; x < upright.image.width; x++)
            for (ptrdiff_t c = 0; c < channels; c++) *dst++ = origin[y * down + x * right + c];
    byol__free(picture->bytes[1]);
    picture->bytes[1] = upright.bytes[1];
    picture->capacity[1] = upright.capacity[1];
    picture->image = upright.image;
    return BYOL_OK;
}

/* ---- decoding ---- */

typedef struct stored_picture {
    int height, width, colours; /* as stored in the file; colours: a TJCS */
    int orientation;
} stored_picture;

static byol_status damaged(tjhandle decoder, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_FORMAT, "damaged JPEG: %s", tjGetErrorStr2(decoder));
}

static byol_status look(tjhandle decoder, const uint8_t *bytes, size_t length,
                        stored_picture *stored, byol_error *error) {
    int sampling;
    if (tjDecompressHeader3(decoder, bytes, length, &stored->width, &stored->height, &sampling,
                            &stored->colours) != 0 &&
        tjGetErrorCode(decoder) != TJERR_WARNING)
        return damaged(decoder, error);
    stored->orientation = find_orientation(bytes, length);
    return byol__check_size("JPEG", (uint64_t)(stored->height > 0 ? stored->height : 0),
                            (uint64_t)(stored->width > 0 ? stored->width : 0), error);
}

static byol__picture_info describe(const stored_picture *stored) {
    int on_its_side = orientations[stored->orientation].transposed;
    return (byol__picture_info){
        .format = "JPEG",
        .channels = stored->colours == TJCS_GRAY ? 1 : 3,
        .height = on_its_side ? stored->width : stored->height,
        .width = on_its_side ? stored->height : stored->width,
    };
}

/* Mistakes of cameras and old programs that do no harm to the picture. Every other complaint means
 * that some of it is missing. */
static int is_harmless(const char *complaint) {
    static const char *const harmless[] = {
        "extraneous bytes before marker", "Invalid SOS parameters", "Unknown Adobe color transform",
        "Inconsistent progression sequence"};
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (strstr(complaint, harmless[i]) != NULL) return 1;
    return 0;
}

static byol_status run(tjhandle decoder, const uint8_t *bytes, size_t length, uint8_t *dst,
                       int height, int width, int format, byol_error *error) {
    if (tjDecompress2(decoder, bytes, length, dst, width, 0, height, format, TJFLAG_LIMITSCANS) ==
        0)
        return BYOL_OK;
    if (tjGetErrorCode(decoder) == TJERR_WARNING && is_harmless(tjGetErrorStr2(decoder)))
        return BYOL_OK;
    return damaged(decoder, error);
}

/* Adobe stores inverted inks (255 is white), so a channel of light is ink times black. */
static unsigned light(unsigned ink, unsigned black) { return (ink * black + 127) / 255; }

static byol_status decode_cmyk(tjhandle decoder, const uint8_t *bytes, size_t length, int channels,
                               int height, int width, byol_picture *picture, byol_error *error) {
    uint8_t *inks;
    size_t pixels = (size_t)height * (size_t)width;
    BYOL__TRY(byol__alloc(&inks, pixels, 4, "a CMYK picture", error));
    byol_status status = run(decoder, bytes, length, inks, height, width, TJPF_CMYK, error);
    for (size_t i = 0; i < pixels && status == BYOL_OK; i++) {
        uint8_t *ink = inks + 4 * i;
        for (int c = 0; c < 3; c++) ink[c] = (uint8_t)light(ink[c], ink[3]);
        ink[3] = 255;
    }
    if (status == BYOL_OK)
        status = byol__picture_from_rgba(picture, inks, channels, height, width, error);
    byol__free(inks);
    return status;
}

static byol_status decode_with(tjhandle decoder, const uint8_t *bytes, size_t length,
                               const byol__decode_request *request, byol_picture *picture,
                               byol_error *error) {
    stored_picture stored;
    BYOL__TRY(look(decoder, bytes, length, &stored, error));
    byol__picture_info info = describe(&stored);
    int channels = request->channels > 0 ? request->channels : info.channels;
    int reduction = request->reduction == NULL
                        ? 1
                        : request->reduction(request->context, info.height, info.width);
    tjscalingfactor factor = {1, reduction};
    int height = TJSCALED(stored.height, factor), width = TJSCALED(stored.width, factor);
    if (stored.colours == TJCS_CMYK || stored.colours == TJCS_YCCK) {
        BYOL__TRY(decode_cmyk(decoder, bytes, length, channels, height, width, picture, error));
    } else {
        BYOL__TRY(byol__picture_lay(picture, channels, height, width, error));
        BYOL__TRY(run(decoder, bytes, length, picture->bytes[1], height, width,
                      channels == 1 ? TJPF_GRAY : TJPF_RGB, error));
    }
    return stored.orientation == UPRIGHT ? BYOL_OK
                                         : turn_upright(picture, stored.orientation, error);
}

static byol_status header(const uint8_t *bytes, size_t length, byol__picture_info *info,
                          byol_error *error) {
    stored_picture stored;
    tjhandle decoder = tjInitDecompress();
    if (decoder == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for a JPEG decoder");
    byol_status status = look(decoder, bytes, length, &stored, error);
    if (status == BYOL_OK) *info = describe(&stored);
    tjDestroy(decoder);
    return status;
}

static byol_status decode(const uint8_t *bytes, size_t length, const byol__decode_request *request,
                          byol_picture *picture, byol_error *error) {
    tjhandle decoder = tjInitDecompress();
    if (decoder == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for a JPEG decoder");
    byol_status status = decode_with(decoder, bytes, length, request, picture, error);
    tjDestroy(decoder);
    return status;
}

const byol__format byol__jpeg = {begins, header, decode};
