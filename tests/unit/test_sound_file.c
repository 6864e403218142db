/* Sound files: every format, any rate and number of channels, parts of long ones, bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "floats.h"
#include "folder.h"
#include "sound/sound_file.h"

/* A tone of 440 Hz, louder in each channel than in the one before; the mean of all is `level`. */
static float tone(size_t i, int rate, int channel, int channels, float level) {
    double share = 2.0 * (channel + 1) / (channels + 1);
    return (float)(share * (double)level * sin(2 * M_PI * 440 * (double)i / rate));
}

static const char *write_sound(const char *name, int format, int rate, int channels, size_t count,
                               float level) {
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    const char *path = in_folder(name);
    SNDFILE *to = sf_open(path, SFM_WRITE, &info);
    if (to == NULL) fail_msg("cannot write %s: %s", name, sf_strerror(NULL));
    float *samples = floats(count * (size_t)channels);
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < channels; c++)
            samples[i * (size_t)channels + (size_t)c] = tone(i, rate, c, channels, level);
    assert_int_equal(sf_writef_float(to, samples, (sf_count_t)count), count);
    sf_close(to);
    byol__free(samples);
    return path;
}

static byol_status read_part(const byol__sound_place *place, int rate, uint64_t begin,
                             uint64_t count, byol_waveform *waveform) {
    byol__sound sound;
    BYOL__TRY(byol__sound_open(&sound, place, &error));
    byol_status status = byol__sound_read(&sound, rate, begin, count, waveform, &error);
    byol__sound_close(&sound);
    return status;
}

static byol_status read_whole(const char *path, int rate, byol_waveform *waveform) {
    const byol__sound_place place = {.path = path};
    return read_part(&place, rate, 0, UINT32_MAX, waveform);
}

/* Away from the ends, where a filter sees nothing. */
static void assert_tone(const byol_waveform *waveform, int rate, float level, double tolerance) {
    for (size_t i = 200; i + 200 < waveform->count; i++) {
        double wanted = (double)tone(i, rate, 0, 1, level), is = (double)waveform->samples[i];
        if (!(fabs(is - wanted) <= tolerance))
            fail_msg("sample %zu is %.5f, not %.5f", i, is, wanted);
    }
}

static void every_format_is_read(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int format;
        double tolerance;
    } kinds[] = {
        {"a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1e-4},
        {"b.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 1e-6},
        {"c.FLAC", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 1e-5},
        {"d.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 0.03},
        {"e.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 0.03},
        {"f.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 1e-4},
    };
    byol_waveform waveform = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *path = write_sound(kinds[i].name, kinds[i].format, 16000, 1, 8000, 0.5f);
        assert_true(byol__is_sound_name(path));
        check(read_whole(path, 16000, &waveform));
        if (strstr(path, "mp3") == NULL) {
            assert_int_equal(waveform.count, 8000);
            assert_tone(&waveform, 16000, 0.5f, kinds[i].tolerance);
        } else {
            assert_true(waveform.count >= 7000); /* an encoder's delay is not always told */
        }
    }
    byol_waveform_release(&waveform);
}

static void many_channels_and_high_rates_become_one_channel_of_the_wanted_rate(void **state) {
    (void)state;
    static const struct {
        int rate, channels;
    } kinds[] = {{192000, 1}, {16000, 8}, {44100, 2}, {8000, 1}, {11025, 8}};
    byol_waveform waveform = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int rate = kinds[i].rate, channels = kinds[i].channels;
        const char *path = write_sound("x.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, rate, channels,
                                       (size_t)rate / 2, 0.4f);
        byol__sound sound;
        const byol__sound_place place = {.path = path};
        check(byol__sound_open(&sound, &place, &error));
        assert_int_equal(sound.rate, rate);
        assert_int_equal(sound.channels, channels);
        assert_int_equal(sound.samples, rate / 2);
        byol__sound_close(&sound);
        check(read_whole(path, 16000, &waveform));
        assert_int_equal(waveform.count, byol__sound_length(&sound, 16000));
        assert_tone(&waveform, 16000, 0.4f, 2e-4);
    }
    byol_waveform_release(&waveform);
}

/* A part that is read alone is what stands there in the whole. */
static void a_part_is_that_part_of_the_whole(void **state) {
    (void)state;
    static const int rates[] = {16000, 8000, 44100};
    byol_waveform whole = {0}, part = {0};
    for (int i = 0; i < 3; i++) {
        const byol__sound_place place = {
            .path = write_sound("y.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, rates[i], 2,
                                (size_t)rates[i] * 2, 0.4f)};
        check(read_part(&place, 16000, 0, UINT64_MAX / 4, &whole));
        for (size_t begin = 100; begin < 30000; begin += 7907) {
            check(read_part(&place, 16000, begin, 1500, &part));
            assert_int_equal(part.count, 1500);
            for (size_t k = 0; k < part.count; k++)
                assert_true(fabsf(part.samples[k] - whole.samples[begin + k]) < 1e-4f);
        }
        check(read_part(&place, 16000, 31000, 5000, &part));
        assert_int_equal(part.count, 1000);
        check(read_part(&place, 16000, 40000, 5000, &part));
        assert_int_equal(part.count, 0);
    }
    byol_waveform_release(&whole);
    byol_waveform_release(&part);
}

static void a_sound_in_memory_is_read(void **state) {
    (void)state;
    byol_waveform waveform = {0};
    char *bytes;
    size_t length;
    const char *path = write_sound("z.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 16000, 1, 4000, 0.5f);
    check(byol__read_file(path, &bytes, &length, &error));
    const byol__sound_place place = {.bytes = bytes, .length = length};
    check(read_part(&place, 16000, 0, 4000, &waveform));
    assert_int_equal(waveform.count, 4000);
    assert_tone(&waveform, 16000, 0.5f, 0.03);
    byol_waveform_release(&waveform);
    byol__free(bytes);
}

static void assert_refused(const char *path, byol_status status, const char *words) {
    byol_waveform waveform = {0};
    assert_int_equal(read_whole(path, 16000, &waveform), status);
    if (strstr(error.text, words) == NULL) fail_msg("'%s' does not say '%s'", error.text, words);
    byol_waveform_release(&waveform);
}

static void bad_sounds_are_refused_with_words(void **state) {
    (void)state;
    const char *flac = write_sound("t.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16000, 1, 30000, 1);
    char *bytes;
    size_t length;
    check(byol__read_file(flac, &bytes, &length, &error));
    byol__free(bytes);
    assert_int_equal(truncate(flac, (off_t)length / 2), 0);
    assert_refused(flac, BYOL_ERROR_FORMAT, "ends early");
    assert_refused(write_sound("n.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1, 0, 1),
                   BYOL_ERROR_FORMAT, "no samples");
    assert_refused(write_sound("i.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 1, 50, NAN),
                   BYOL_ERROR_FORMAT, "finite");
    assert_refused(write_sound("r.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 500, 1, 50, 1),
                   BYOL_ERROR_UNSUPPORTED, "500 samples a second");
    assert_refused(in_folder("nowhere.wav"), BYOL_ERROR_NOT_FOUND, "No such file");
    FILE *file = fopen(in_folder("words.wav"), "w");
    fputs("these are words, not a sound", file);
    fclose(file);
    assert_refused(in_folder("words.wav"), BYOL_ERROR_FORMAT, "no sound");
    assert_int_equal(rename(in_folder("words.wav"), in_folder("words.mp3")), 0);
    assert_refused(in_folder("words.mp3"), BYOL_ERROR_FORMAT, "no MP3");
    assert_int_equal(mkfifo(in_folder("pipe.wav"), 0600), 0);
    assert_refused(in_folder("pipe.wav"), BYOL_ERROR_IO, "not a regular file");
}

static void silence_is_read(void **state) {
    (void)state;
    byol_waveform waveform = {0};
    check(read_whole(write_sound("s.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1, 800, 0), 16000,
                     &waveform));
    assert_int_equal(waveform.count, 1600);
    for (size_t i = 0; i < waveform.count; i++) assert_true(waveform.samples[i] == 0);
    byol_waveform_release(&waveform);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_read),
        cmocka_unit_test(many_channels_and_high_rates_become_one_channel_of_the_wanted_rate),
        cmocka_unit_test(a_part_is_that_part_of_the_whole),
        cmocka_unit_test(a_sound_in_memory_is_read),
        cmocka_unit_test(bad_sounds_are_refused_with_words),
        cmocka_unit_test(silence_is_read),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
