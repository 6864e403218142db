#include "sound/sound_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <sndfile.h>

#include "base/error.h"

enum {
    MARGIN = 256, /* samples that are read around a part, for the resampling filter's flanks */
    BLOCK = 4096, /* samples of each channel that are read at once */
    CHANNELS_MAX = 1024 /* libsndfile's own limit */
};

/* Longer ones are damaged headers: at 44.1 kHz it would be more than a month. */
static const sf_count_t SAMPLES_MAX = (sf_count_t)1 << 37;

static const char MP3[] = "MP3";

bool byol__is_sound_name(const char *name) {
    static const char *const endings[] = {".wav", ".flac", ".ogg",  ".oga",  ".opus", ".mp3",
                                          ".aif", ".aiff", ".aifc", ".au",   ".snd",  ".caf",
                                          ".w64", ".rf64", ".sph",  ".nist", ".voc"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

/* ---- Bytes in memory as a file ---- */

static sf_count_t length_of(void *context) {
    return (sf_count_t)((byol__sound *)context)->place.length;
}

static sf_count_t tell(void *context) { return (sf_count_t)((byol__sound *)context)->at; }

static sf_count_t seek(sf_count_t offset, int whence, void *context) {
    byol__sound *sound = context;
    sf_count_t from = whence == SEEK_CUR   ? (sf_count_t)sound->at
                      : whence == SEEK_END ? (sf_count_t)sound->place.length
                                           : 0;
    if (offset < -from || offset > (sf_count_t)sound->place.length - from) return -1;
    sound->at = (size_t)(from + offset);
    return from + offset;
}

static sf_count_t read_bytes(void *to, sf_count_t count, void *context) {
    byol__sound *sound = context;
    sf_count_t left = (sf_count_t)(sound->place.length - sound->at);
    if (count > left) count = left;
    if (count > 0) memcpy(to, (const char *)sound->place.bytes + sound->at, (size_t)count);
    sound->at += (size_t)count;
    return count;
}

static sf_count_t write_nothing(const void *from, sf_count_t count, void *context) {
    (void)from, (void)count, (void)context;
    return 0;
}

/* ---- Opening ---- */

/* The decoder of MP3, libmpg123, writes notes to standard error about what is none. So that is
 * found out before it is asked. */
static byol_status check_mp3(const char *path, byol_error *error) {
    const char *dot = strrchr(path, '.');
    unsigned char front[3] = {0};
    if (dot == NULL || strcasecmp(dot, ".mp3") != 0) return BYOL_OK;
    FILE *file = fopen(path, "rbe");
    if (file == NULL) return byol__fail(error, BYOL_ERROR_IO, "%s", strerror(errno));
    size_t length = fread(front, 1, sizeof front, file);
    fclose(file);
    bool has_tag = memcmp(front, "ID3", 3) == 0;
    bool has_frame = front[0] == 0xff && (front[1] & 0xe0) == 0xe0;
    if (length == sizeof front && (has_tag || has_frame)) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "no MP3: it begins with neither a tag (ID3) nor a frame");
}

/* A pipe would make us wait. */
static byol_status check_file(const char *path, byol_error *error) {
    struct stat info;
    if (stat(path, &info) != 0)
        return byol__fail(error, errno == ENOENT ? BYOL_ERROR_NOT_FOUND : BYOL_ERROR_IO, "%s",
                          strerror(errno));
    if (!S_ISREG(info.st_mode)) return byol__fail(error, BYOL_ERROR_IO, "not a regular file");
    return check_mp3(path, error);
}

static byol_status check(const SF_INFO *info, byol_error *error) {
    if (info->channels < 1 || info->channels > CHANNELS_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "a sound of %d channels", info->channels);
    if (info->samplerate < BYOL__RATE_MIN || info->samplerate > BYOL__RATE_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "a sound of %d samples a second; %d to %d are possible", info->samplerate,
                          BYOL__RATE_MIN, BYOL__RATE_MAX);
    if (info->frames > SAMPLES_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "a sound of more than %lld samples",
                          (long long)SAMPLES_MAX);
    if (info->frames <= 0) return byol__fail(error, BYOL_ERROR_FORMAT, "the sound has no samples");
    return BYOL_OK;
}

static const char *format_of(const SF_INFO *info) {
    switch (info->format & SF_FORMAT_TYPEMASK) {
    case SF_FORMAT_WAV:
    case SF_FORMAT_WAVEX: return "WAV";
    case SF_FORMAT_FLAC: return "FLAC";
    case SF_FORMAT_OGG: return "OGG";
    case SF_FORMAT_MPEG: return MP3;
    case SF_FORMAT_AIFF: return "AIFF";
    case SF_FORMAT_AU: return "AU";
    default: return "sound";
    }
}

static byol_status open_samples(byol__sound *sound, byol_error *error) {
    const SF_INFO info = {
        .frames = (sf_count_t)sound->place.count, .samplerate = sound->place.rate, .channels = 1};
    sound->format = "samples";
    sound->rate = info.samplerate;
    sound->channels = 1;
    sound->samples = (uint64_t)info.frames;
    return check(&info, error);
}

byol_status byol__sound_open(byol__sound *sound, const byol__sound_place *place,
                             byol_error *error) {
    static SF_VIRTUAL_IO calls = {length_of, seek, read_bytes, write_nothing, tell};
    SF_INFO info = {0};
    *sound = (byol__sound){.place = *place};
    if (place->path == NULL && place->bytes == NULL) return open_samples(sound, error);
    if (place->path != NULL) BYOL__TRY(check_file(place->path, error));
    sound->file = place->path != NULL ? sf_open(place->path, SFM_READ, &info)
                                      : sf_open_virtual(&calls, SFM_READ, &info, sound);
    if (sound->file == NULL)
        return byol__fail(error, BYOL_ERROR_FORMAT, "no sound, or a damaged one: %s",
                          sf_strerror(NULL));
    sound->rate = info.samplerate;
    sound->channels = info.channels;
    sound->samples = (uint64_t)info.frames;
    sound->format = format_of(&info);
    byol_status status = check(&info, error);
    if (status != BYOL_OK) byol__sound_close(sound);
    return status;
}

void byol__sound_close(byol__sound *sound) {
    if (sound->file != NULL) sf_close(sound->file);
    sound->file = NULL;
}

uint64_t byol__sound_length(const byol__sound *sound, int rate) {
    return byol__resampled_count(sound->samples, sound->rate, rate);
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

static byol_status ends_early(SNDFILE *file, size_t got, size_t count, byol_error *error) {
    const char *why = sf_error(file) != SF_ERR_NO_ERROR ? sf_strerror(file) : "truncated";
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "the sound ends early: %zu of %zu samples could be read (%s)", got, count,
                      why);
}

/* Reads `count` samples from where the file stands. An MP3's header may promise a few more than
 * there are. */
static byol_status read_mono(byol__sound *sound, size_t count, float *block, float *to, size_t *got,
                             byol_error *error) {
    *got = 0;
    while (*got < count) {
        size_t wanted = count - *got < BLOCK ? count - *got : BLOCK;
        sf_count_t read = sf_readf_float(sound->file, block, (sf_count_t)wanted);
        if (read <= 0) break;
        BYOL__TRY(mix(block, (size_t)read, (size_t)sound->channels, to + *got, error));
        *got += (size_t)read;
    }
    bool is_estimate = sound->format == MP3 && *got > 0;
    if (*got == count || (is_estimate && sf_error(sound->file) == SF_ERR_NO_ERROR)) return BYOL_OK;
    return ends_early(sound->file, *got, count, error);
}

static byol_status read_samples(byol__sound *sound, uint64_t begin, size_t count, float *block,
                                float *to, size_t *got, byol_error *error) {
    *got = count;
    if (sound->file == NULL) return mix(sound->place.samples + begin, count, 1, to, error);
    if (sf_seek(sound->file, (sf_count_t)begin, SEEK_SET) < 0)
        return byol__fail(error, BYOL_ERROR_FORMAT, "cannot go to sample %llu of the sound: %s",
                          (unsigned long long)begin, sf_strerror(sound->file));
    return read_mono(sound, count, block, to, got, error);
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
static part part_of(const byol__sound *sound, int rate, uint64_t begin, uint64_t count) {
    uint64_t all = sound->samples, own = (uint64_t)sound->rate, to = (uint64_t)rate;
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

static byol_status read_part(byol__sound *sound, const part *p, int rate, uint64_t count,
                             byol_waveform *waveform, byol_error *error) {
    size_t blocks = (size_t)BLOCK * (size_t)sound->channels, got;
    size_t resampled = (size_t)byol__resampled_count(p->count, sound->rate, rate);
    BYOL__TRY(grow(&waveform->blocks, &waveform->block_capacity, blocks + (size_t)p->count, error));
    BYOL__TRY(grow(&waveform->samples, &waveform->capacity, resampled, error));
    float *own = waveform->blocks + blocks;
    BYOL__TRY(read_samples(sound, p->begin, (size_t)p->count, waveform->blocks, own, &got, error));
    BYOL__TRY(byol__resample(own, got, sound->rate, rate, waveform->samples, error));
    resampled = (size_t)byol__resampled_count(got, sound->rate, rate);
    size_t skip = p->skip < resampled ? (size_t)p->skip : resampled, left = resampled - skip;
    memmove(waveform->samples, waveform->samples + skip, left * sizeof(float));
    waveform->count = left < count ? left : (size_t)count;
    return BYOL_OK;
}

byol_status byol__sound_read(byol__sound *sound, int rate, uint64_t begin, uint64_t count,
                             byol_waveform *waveform, byol_error *error) {
    uint64_t all = byol__sound_length(sound, rate);
    waveform->count = 0;
    waveform->file_rate = sound->rate;
    waveform->file_channels = sound->channels;
    if (begin >= all) return BYOL_OK;
    if (count > all - begin) count = all - begin;
    part p = part_of(sound, rate, begin, count);
    return read_part(sound, &p, rate, count, waveform, error);
}
