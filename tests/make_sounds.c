/* Writes small sounds for the tests of the command line. usage: make_sounds FOLDER [COUNT]
 *
 * FOLDER/{train,test}/{low,high,noise}/NN.wav: COUNT (default 12) of each class for training, a
 * third for testing; .2 to .5 s at 8 kHz, 16 bits. Always the same. */
#include <math.h>
#include <sndfile.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { RATE = 8000, LONGEST = RATE / 2 };

static double noise(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / (1 << 23) - 1;
}

static int write_sound(const char *path, int kind, uint32_t number) {
    static float samples[LONGEST];
    SF_INFO info = {.samplerate = RATE, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
    uint32_t state = number * 2654435761u + (uint32_t)kind;
    double hz = (kind == 0 ? 250 : 1400) * (1 + 0.3 * noise(&state)), level = 0.5;
    sf_count_t count = LONGEST * 2 / 5 + (sf_count_t)(number * 331 % (LONGEST * 3 / 5));
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    if (file == NULL) return 1;
    for (sf_count_t i = 0; i < count; i++) {
        double t = (double)i / RATE, swell = sin(M_PI * (double)i / (double)count);
        double tone = sin(2 * M_PI * hz * t) + 0.3 * sin(4 * M_PI * hz * t);
        samples[i] = (float)(level * swell * (kind == 2 ? noise(&state) : 0.7 * tone) +
                             0.01 * noise(&state));
    }
    int failed = sf_writef_float(file, samples, count) != count;
    return sf_close(file) != 0 || failed;
}

int main(int argc, char **argv) {
    static const char *const splits[] = {"train", "test"}, *const kinds[] = {"low", "high",
                                                                             "noise"};
    int count = argc > 2 ? atoi(argv[2]) : 12;
    char path[1024];
    if (argc < 2) return 2;
    mkdir(argv[1], 0777);
    for (int s = 0; s < 2; s++)
        for (int k = 0; k < 3; k++) {
            snprintf(path, sizeof path, "%s/%s", argv[1], splits[s]);
            mkdir(path, 0777);
            snprintf(path, sizeof path, "%s/%s/%s", argv[1], splits[s], kinds[k]);
            mkdir(path, 0777);
            for (int i = 0; i < (s == 0 ? count : count / 3); i++) {
                snprintf(path, sizeof path, "%s/%s/%s/%02d.wav", argv[1], splits[s], kinds[k], i);
                if (write_sound(path, k, (uint32_t)(1000 * s + i))) return 1;
            }
        }
    return 0;
}
