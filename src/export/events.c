#include "byol/events.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <tensorboard.pb-c.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "export/record_file.h"

enum { PATH_BYTES = 4096, BUCKETS_MAX = 1600 };
/* TensorBoard looks for "tfevents" in it. */
static const char file_name[] = "events.out.tfevents.byol";
static const char version[] = "brain.Event:2";

struct byol_events {
    FILE *stream;
    char path[PATH_BYTES];
    int bucket_count;
    double limit[BUCKETS_MAX]; /* for histograms: values below limit[i], not below limit[i - 1] */
};

/* ---- Writing one event ---- */

static Tensorboard__Event begin_event(uint64_t step) {
    Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
    struct timeval now;
    gettimeofday(&now, NULL);
    event.wall_time = (double)now.tv_sec + (double)now.tv_usec * 1e-6;
    event.step = (int64_t)step;
    return event;
}

static byol_status write_event(byol_events *events, const Tensorboard__Event *event,
                               byol_error *error) {
    size_t length = tensorboard__event__get_packed_size(event);
    uint8_t *bytes;
    BYOL__TRY(byol__alloc(&bytes, length, 1, "an event", error));
    tensorboard__event__pack(event, bytes);
    bool failed = !byol__record_write(events->stream, bytes, length);
    int why = errno;
    byol__free(bytes);
    return failed ? byol__fail(error, BYOL_ERROR_IO, "cannot write %s: %s", events->path,
                               strerror(why))
                  : BYOL_OK;
}

static byol_status write_values(byol_events *events, uint64_t step,
                                Tensorboard__Summary__Value **values, size_t count,
                                byol_error *error) {
    Tensorboard__Event event = begin_event(step);
    Tensorboard__Summary summary = TENSORBOARD__SUMMARY__INIT;
    summary.value = values;
    summary.n_value = count;
    event.what_case = TENSORBOARD__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    return write_event(events, &event, error);
}

/* ---- Opening ---- */

/* The step of a packed event; -1 if it is none. */
static int64_t step_of(const uint8_t *bytes, size_t length, int *is_version) {
    Tensorboard__Event *event = tensorboard__event__unpack(NULL, length, bytes);
    if (event == NULL) return -1;
    int64_t step = event->step;
    *is_version = event->what_case == TENSORBOARD__EVENT__WHAT_FILE_VERSION;
    tensorboard__event__free_unpacked(event, NULL);
    return step;
}

/* Where the history up to `step` ends: before the first later, damaged or half-written event. -1 if
 * the file does not begin like one of TensorBoard's. */
static long find_end(FILE *stream, uint64_t step) {
    uint8_t *bytes = NULL;
    size_t capacity = 0, length;
    long end = 0;
    int first = 1, is_version = 0;
    while (byol__record_read(stream, &bytes, &capacity, &length)) {
        int64_t of = step_of(bytes, length, &is_version);
        if (of < 0 || (uint64_t)of > step || (!is_version && (first || step == 0))) break;
        first = 0;
        end = ftell(stream);
    }
    free(bytes);
    return first ? -1 : end;
}

/* If a file is empty, or not even its beginning is whole, its process ended while creating it. */
static byol_status cut_off(byol_events *events, uint64_t step, long *end, byol_error *error) {
    enum { FIRST_RECORD = 64 };
    fseek(events->stream, 0, SEEK_END);
    long size = ftell(events->stream);
    rewind(events->stream);
    *end = find_end(events->stream, step);
    if (*end < 0 && size > FIRST_RECORD)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s is damaged from its first byte on; remove it", events->path);
    if (*end < 0) *end = 0;
    if (fflush(events->stream) != 0 || ftruncate(fileno(events->stream), *end) != 0 ||
        fseek(events->stream, 0, SEEK_END) != 0)
        return byol__fail(error, BYOL_ERROR_IO, "cannot write %s: %s", events->path,
                          strerror(errno));
    return BYOL_OK;
}

/* TensorBoard's own limits: powers of 1.1 from 1e-12 on, on both sides of zero. */
static void set_limits(byol_events *events) {
    double positive[BUCKETS_MAX / 2];
    int count = 0;
    for (double v = 1e-12; v < 1e20; v *= 1.1) positive[count++] = v;
    for (int i = count - 1; i >= 0; i--) events->limit[events->bucket_count++] = -positive[i];
    events->limit[events->bucket_count++] = 0;
    for (int i = 0; i < count; i++) events->limit[events->bucket_count++] = positive[i];
    events->limit[events->bucket_count++] = DBL_MAX;
}

static byol_status open_file(byol_events *events, uint64_t step, byol_error *error) {
    bool there = byol__is_file(events->path);
    events->stream = fopen(events->path, there ? "r+be" : "w+be");
    if (events->stream == NULL)
        return byol__fail(error, BYOL_ERROR_IO, "cannot write %s: %s", events->path,
                          strerror(errno));
    long end = 0;
    if (there) BYOL__TRY(cut_off(events, step, &end, error));
    if (end > 0) return BYOL_OK;
    Tensorboard__Event event = begin_event(0);
    event.what_case = TENSORBOARD__EVENT__WHAT_FILE_VERSION;
    event.file_version = (char *)version;
    return write_event(events, &event, error);
}

byol_status byol_events_open(byol_events **out, const char *folder, uint64_t step,
                             byol_error *error) {
    byol_events *events;
    BYOL__TRY(byol__alloc(&events, 1, sizeof *events, "an event file", error));
    byol_status status = BYOL_OK;
    if ((size_t)snprintf(events->path, sizeof events->path, "%s/%s", folder, file_name) >=
        sizeof events->path)
        status = byol__fail(error, BYOL_ERROR_INVALID, "path is too long: %.200s...", folder);
    set_limits(events);
    if (status == BYOL_OK) status = open_file(events, step, error);
    if (status != BYOL_OK) {
        byol_events_close(events);
        return status;
    }
    *out = events;
    return BYOL_OK;
}

void byol_events_close(byol_events *events) {
    if (events == NULL) return;
    if (events->stream != NULL) fclose(events->stream);
    byol__free(events);
}

/* ---- Kinds of events ---- */

byol_status byol_events_scalars(byol_events *events, uint64_t step, const byol_scalar *scalars,
                                size_t count, byol_error *error) {
    Tensorboard__Summary__Value *values = NULL, **list = NULL;
    byol_status status = byol__alloc(&values, count, sizeof *values, "events", error);
    if (status == BYOL_OK) status = byol__alloc(&list, count, sizeof *list, "events", error);
    size_t finite = 0;
    for (size_t i = 0; status == BYOL_OK && i < count; i++) {
        if (!isfinite(scalars[i].value)) continue;
        Tensorboard__Summary__Value *value = list[finite] = &values[finite];
        tensorboard__summary__value__init(value);
        value->tag = (char *)scalars[i].tag;
        value->value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_SIMPLE_VALUE;
        value->simple_value = (float)scalars[i].value;
        finite++;
    }
    if (status == BYOL_OK && finite > 0) status = write_values(events, step, list, finite, error);
    byol__free(values);
    byol__free(list);
    return status;
}

/* The first limit above `value`. */
static int bucket_of(const byol_events *events, double value) {
    int low = 0, high = events->bucket_count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (value < events->limit[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Counts into `bucket` (one for each limit), and sums up. */
static void count_values(const byol_events *events, const float *values, size_t count,
                         double *bucket, Tensorboard__HistogramProto *histogram) {
    histogram->min = INFINITY;
    histogram->max = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double value = (double)values[i];
        if (!isfinite(value)) continue;
        bucket[bucket_of(events, value)]++;
        histogram->min = fmin(histogram->min, value);
        histogram->max = fmax(histogram->max, value);
        histogram->num++;
        histogram->sum += value;
        histogram->sum_squares += value * value;
    }
}

/* Leaves out the buckets outside the values' range: keeps those from the last empty one before it
 * to the last used one. */
static void cut_buckets(const byol_events *events, double *bucket,
                        Tensorboard__HistogramProto *histogram) {
    int first = bucket_of(events, histogram->min), last = bucket_of(events, histogram->max);
    if (first > 0) first--;
    histogram->bucket_limit = (double *)events->limit + first;
    histogram->bucket = bucket + first;
    histogram->n_bucket_limit = histogram->n_bucket = (size_t)(last - first + 1);
}

byol_status byol_events_histogram(byol_events *events, uint64_t step, const char *tag,
                                  const float *values, size_t count, byol_error *error) {
    Tensorboard__HistogramProto histogram = TENSORBOARD__HISTOGRAM_PROTO__INIT;
    Tensorboard__Summary__Value value = TENSORBOARD__SUMMARY__VALUE__INIT, *list[] = {&value};
    double *bucket;
    BYOL__TRY(byol__alloc(&bucket, BUCKETS_MAX, sizeof *bucket, "a histogram", error));
    count_values(events, values, count, bucket, &histogram);
    byol_status status = BYOL_OK;
    if (histogram.num > 0) {
        cut_buckets(events, bucket, &histogram);
        value.tag = (char *)tag;
        value.value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_HISTO;
        value.histo = &histogram;
        status = write_values(events, step, list, 1, error);
    }
    byol__free(bucket);
    return status;
}

static int32_t big_endian(const uint8_t *bytes) {
    return (int32_t)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                     bytes[3]);
}

byol_status byol_events_png(byol_events *events, uint64_t step, const char *tag, const void *png,
                            size_t length, byol_error *error) {
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                        0,    0,   0,   13,  'I',  'H',  'D',  'R'};
    static const int32_t colorspaces[] = {1, 0, 3, 3, 2, 0, 4}; /* by PNG's colour type */
    const uint8_t *bytes = png; /* signature, width, height, depth, colour type */
    if (length < sizeof signature + 13 || memcmp(bytes, signature, sizeof signature) != 0 ||
        bytes[25] > 6)
        return byol__fail(error, BYOL_ERROR_FORMAT, "the picture for '%.100s' is not a PNG", tag);
    Tensorboard__Summary__Image image = TENSORBOARD__SUMMARY__IMAGE__INIT;
    Tensorboard__Summary__Value value = TENSORBOARD__SUMMARY__VALUE__INIT, *list[] = {&value};
    image.width = big_endian(bytes + sizeof signature);
    image.height = big_endian(bytes + sizeof signature + 4);
    image.colorspace = colorspaces[bytes[25]];
    image.encoded_image_string = (ProtobufCBinaryData){length, (uint8_t *)png};
    value.tag = (char *)tag;
    value.value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_IMAGE;
    value.image = &image;
    return write_values(events, step, list, 1, error);
}
