#include "sound/sound_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sndfile.h>

#include "base/error.h"

enum {
    MARGIN = 256, /* samples that are read around a part, for the resampling filter's flanks */
    BLOCK = 4096, /* samples of each channel that are read at once */
    CHANNELS_MAX = 1024 /* libsndfile's own limit */
};

bool byol__is_sound_name(const char *name) {
    static const char *const endings[] = {".wav", ".flac", ".ogg",  ".oga",  ".opus", ".mp3",
                                          ".aif", ".aiff", ".aifc", ".au",   ".snd",  ".caf",
                                          ".w64", ".rf64", ".sph",  ".nist", ".voc"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

void byol__waveform_release(byol__waveform *waveform) {
    free(waveform->samples);
    free(waveform->blocks);
    *waveform = (byol__waveform){0};
}

/* ---- Bytes in memory as a file ---- */

typedef struct reader {
    const unsigned char *bytes;
    sf_count_t length, at;
} reader;

static sf_count_t length_of(void *context) { return ((reader *)context)->length; }

static sf_count_t tell(void *context) { return ((reader *)context)->at; }

static sf_count_t seek(sf_count_t offset, int whence, void *context) {
    reader *r = context;
    sf_count_t from = whence == SEEK_CUR ? r->at : whence == SEEK_END ? r->length : 0;
    if (offset < -from || offset > r->length - from) return -1;
    r->at = from + offset;
    return r->at;
}

static sf_count_t read_bytes(void *to, sf_count_t count, void *context) {
    reader *r = context;
    sf_count_t left = r->length - r->at;
    if (count > left) count = left;
    if (count > 0) memcpy(to, r->bytes + r->at, (size_t)count);
    r->at += count;
    return count;
}

static sf_count_t write_nothing(const void *from, sf_count_t count, void *context) {
    (void)from, (void)count, (void)context;
    return 0;
}

/* ---- Opening ---- */

typedef struct sound {
    SNDFILE *file;
    SF_INFO info;
    reader reader;
} sound;

static byol_status cannot_open(const byol__sound_place *place, byol_error *error) {
    FILE *file = place->path != NULL ? fopen(place->path, "rbe") : NULL;
    if (place->path != NULL && file == NULL)
        return byol__fail(error, errno == ENOENT ? BYOL_ERROR_NOT_FOUND : BYOL_ERROR_IO, "%s",
                          strerror(errno));
    if (file != NULL) fclose(file);
    return byol__fail(error, BYOL_ERROR_FORMAT, "no sound, or a damaged one (%s)",
                      sf_strerror(NULL));
}

static byol_status check(const SF_INFO *info, byol_error *error) {
    if (info->channels < 1 || info->channels > CHANNELS_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "a sound of %d channels", info->channels);
    if (info->samplerate < BYOL__RATE_MIN || info->samplerate > BYOL__RATE_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "a sound of %d samples a second; %d to %d are possible", info->samplerate,
                          BYOL__RATE_MIN, BYOL__RATE_MAX);
    if (info->frames <= 0) return byol__fail(error, BYOL_ERROR_FORMAT, "the sound has no samples");
    return BYOL_OK;
}

/* After success, call sf_close. */
static byol_status open_sound(sound *s, const byol__sound_place *place, byol_error *error) {
    static SF_VIRTUAL_IO calls = {length_of, seek, read_bytes, write_nothing, tell};
    *s = (sound){.reader = {place->bytes, (sf_count_t)place->length, 0}};
    s->file = place->path != NULL ? sf_open(place->path, SFM_READ, &s->info)
                                  : sf_open_virtual(&calls, SFM_READ, &s->info, &s->reader);
    if (s->file == NULL) return cannot_open(place, error);
    byol_status status = check(&s->info, error);
    if (status != BYOL_OK) sf_close(s->file);
    return status;
}

static const char *format_of(const SF_INFO *info) {
    switch (info->format & SF_FORMAT_TYPEMASK) {
    case SF_FORMAT_WAV:
    case SF_FORMAT_WAVEX: return "WAV";
    case SF_FORMAT_FLAC: return "FLAC";
    case SF_FORMAT_OGG: return "OGG";
    case SF_FORMAT_MPEG: return "MP3";
    case SF_FORMAT_AIFF: return "AIFF";
    case SF_FORMAT_AU: return "AU";
    default: return "sound";
    }
}

byol_status byol__sound_header_read(const byol__sound_place *place, byol__sound_header *header,
                                    byol_error *error) {
    sound s;
    BYOL__TRY(open_sound(&s, place, error));
    *header = (byol__sound_header){.rate = s.info.samplerate,
                                   .channels = s.info.channels,
                                   .samples = (uint64_t)s.info.frames,
                                   .format = format_of(&s.info)};
    sf_close(s.file);
    return BYOL_OK;
}

uint64_t byol__sound_length(const byol__sound_header *header, int rate) {
    return byol__resampled_count(header->samples, header->rate, rate);
}

/* ---- Reading ---- */

static byol_status grow(float **floats, size_t *capacity, size_t count, byol_error *error) {
    if (count <= *capacity) return BYOL_OK;
    float *grown = realloc(*floats, count * sizeof **floats);
    if (grown == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for a sound of %zu samples", count);
    *floats = grown;
    *capacity = count;
    return BYOL_OK;
}

/* The mean of the channels of `count` samples. */
static byol_status mix(const float *from, size_t count, size_t channels, float *to,
                       byol_error *error) {
    float share = 1 / (float)channels;
    for (size_t i = 0; i < count; i++) {
        float sum = 0;
        for (size_t c = 0; c < channels; c++) sum += from[i * channels + c];
        if (!isfinite(sum))
            return byol__fail(error, BYOL_ERROR_FORMAT, "a sample is not a finite number");
        to[i] = sum * share;
    }
    return BYOL_OK;
}

/* Reads `count` samples from where the file stands. An MP3's header may promise a few more than
 * there are. */
static byol_status read_mono(sound *s, size_t count, float *block, float *to, size_t *got,
                             byol_error *error) {
    size_t channels = (size_t)s->info.channels;
    *got = 0;
    while (*got < count) {
        size_t wanted = count - *got < BLOCK ? count - *got : BLOCK;
        sf_count_t read = sf_readf_float(s->file, block, (sf_count_t)wanted);
        if (read <= 0) break;
        BYOL__TRY(mix(block, (size_t)read, channels, to + *got, error));
        *got += (size_t)read;
    }
    bool is_estimate = (s->info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG && *got > 0;
    if (*got == count || (is_estimate && sf_error(s->file) == SF_ERR_NO_ERROR)) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "the sound ends early: %zu of %zu samples could be read (%s)", *got, count,
                      sf_error(s->file) != SF_ERR_NO_ERROR ? sf_strerror(s->file) : "truncated");
}

/* Which part of a file holds some samples at another rate. `skip`: so many too many at the front,
 * at that rate. */
typedef struct part {
    uint64_t begin, count; /* at the file's rate */
    uint64_t skip;
} part;

static uint64_t greatest_divisor(uint64_t a, uint64_t b) {
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* A part begins where a sample of one rate falls on one of the other. */
static part part_of(const SF_INFO *info, int rate, uint64_t begin, uint64_t count) {
    uint64_t all = (uint64_t)info->frames, own = (uint64_t)info->samplerate, to = (uint64_t)rate;
    uint64_t divisor = greatest_divisor(own, to), step = to / divisor, own_step = own / divisor;
    uint64_t margin = own == to ? 0 : MARGIN * (own > to ? 1 : to / own + 1);
    uint64_t from = begin > margin ? (begin - margin) / step : 0;
    part p = {.begin = from * own_step, .skip = begin - from * step};
    uint64_t end = (begin + count) * own / to + 1 + (own == to ? 0 : MARGIN * (own / to + 1));
    if (own == to) end = begin + count;
    if (p.begin > all) p.begin = all;
    p.count = (end < all ? end : all) - p.begin;
    return p;
}

static byol_status read_part(sound *s, const part *p, int rate, uint64_t count,
                             byol__waveform *waveform, byol_error *error) {
    size_t blocks = (size_t)BLOCK * (size_t)s->info.channels, got;
    size_t resampled = (size_t)byol__resampled_count(p->count, s->info.samplerate, rate);
    BYOL__TRY(grow(&waveform->blocks, &waveform->block_capacity, blocks + (size_t)p->count, error));
    BYOL__TRY(grow(&waveform->samples, &waveform->capacity, resampled, error));
    float *own = waveform->blocks + blocks;
    if (sf_seek(s->file, (sf_count_t)p->begin, SEEK_SET) < 0)
        return byol__fail(error, BYOL_ERROR_FORMAT, "cannot go to sample %llu of the sound: %s",
                          (unsigned long long)p->begin, sf_strerror(s->file));
    BYOL__TRY(read_mono(s, (size_t)p->count, waveform->blocks, own, &got, error));
    BYOL__TRY(byol__resample(own, got, s->info.samplerate, rate, waveform->samples, error));
    resampled = (size_t)byol__resampled_count(got, s->info.samplerate, rate);
    size_t skip = p->skip < resampled ? (size_t)p->skip : resampled, left = resampled - skip;
    memmove(waveform->samples, waveform->samples + skip, left * sizeof(float));
    waveform->count = left < count ? left : (size_t)count;
    return BYOL_OK;
}

byol_status byol__sound_read(const byol__sound_place *place, int rate, uint64_t begin,
                             uint64_t count, byol__waveform *waveform, byol_error *error) {
    sound s;
    waveform->count = 0;
    BYOL__TRY(open_sound(&s, place, error));
    uint64_t all = byol__resampled_count((uint64_t)s.info.frames, s.info.samplerate, rate);
    byol_status status = BYOL_OK;
    if (begin < all) {
        if (count > all - begin) count = all - begin;
        part p = part_of(&s.info, rate, begin, count);
        status = read_part(&s, &p, rate, count, waveform, error);
    }
    sf_close(s.file);
    return status;
}
