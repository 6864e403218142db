/* Sounds for tests: tones in WAV files, and waveforms in memory; after cmocka.h and folder.h. */
#ifndef SOUNDS_H
#define SOUNDS_H

#include <math.h>
#include <sndfile.h>
#include <stddef.h>
#include <string.h>

/* Writes `count` samples of a tone of `hz` to a file, on all channels; level 0: silence. */
static inline void write_tone(const char *path, int format, int rate, int channels, size_t count,
                              double hz, double level) {
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *to = sf_open(path, SFM_WRITE, &info);
    if (to == NULL) fail_msg("cannot write %s: %s", path, sf_strerror(NULL));
    for (size_t i = 0; i < count; i++) {
        float frame[16];
        for (int c = 0; c < channels; c++)
            frame[c] = (float)(level * sin(2 * M_PI * hz * (double)i / rate));
        assert_int_equal(sf_writef_float(to, frame, 1), 1);
    }
    sf_close(to);
}

static inline void write_wav(const char *path, size_t count, double hz) {
    write_tone(path, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1, count, hz, 0.5);
}

#endif
