/* Makes what the tests of segment and detect learn from: pictures of 48 x 32 pixels with bright
 * boxes of two colours on dark noise, a mask and a list of boxes of each. usage: make_scenes FOLDER
 * TRAIN TEST. Writes FOLDER/images/{train,test}, FOLDER/labels/.. and, in the manner of Pascal VOC,
 * FOLDER/voc. Class 0 is the ground, 1 red, 2 blue; the frame of a box is 255: ignored. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "byol/segment.h"

enum { HIGH = 32, WIDE = 48, BOXES = 3, PATH = 1024 };

typedef struct box {
    int x, y, width, height, label;
} box;

static uint32_t state;
static uint32_t draw(uint32_t bound) {
    state = (uint32_t)((uint64_t)state * 16807 % 2147483647);
    return state / 64 % bound;
}

static uint8_t pixels[HIGH * WIDE * 3], mask[HIGH * WIDE];

static void paint(const box *b) {
    for (int y = b->y; y < b->y + b->height; y++)
        for (int x = b->x; x < b->x + b->width; x++) {
            int edge =
                y == b->y || x == b->x || y == b->y + b->height - 1 || x == b->x + b->width - 1;
            pixels[(y * WIDE + x) * 3 + (b->label == 1 ? 0 : 2)] = (uint8_t)(200 + draw(55));
            mask[y * WIDE + x] = (uint8_t)(edge ? 255 : b->label);
        }
}

static FILE *create(const char *path) {
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

static void write_picture(const char *path) {
    FILE *file = create(path);
    fprintf(file, "P6\n%d %d\n255\n", WIDE, HIGH);
    fwrite(pixels, 1, sizeof pixels, file);
    fclose(file);
}

static void write_boxes(const char *path, const char *name, const box *boxes, int count) {
    FILE *file = create(path);
    fprintf(file,
            "<annotation>\n <filename>%s</filename>\n <size><width>%d</width><height>%d</height>"
            "<depth>3</depth></size>\n",
            name, WIDE, HIGH);
    for (int i = 0; i < count; i++)
        fprintf(file,
                " <object><name>%s</name><difficult>0</difficult><bndbox><xmin>%d</xmin>"
                "<ymin>%d</ymin><xmax>%d</xmax><ymax>%d</ymax></bndbox></object>\n",
                boxes[i].label == 1 ? "red" : "blue", boxes[i].x, boxes[i].y,
                boxes[i].x + boxes[i].width, boxes[i].y + boxes[i].height);
    fputs("</annotation>\n", file);
    fclose(file);
}

/* One box in each third of the picture, so that none hides another. */
static int make_scene(box boxes[BOXES]) {
    int count = 1 + (int)draw(BOXES);
    for (int i = 0; i < HIGH * WIDE * 3; i++) pixels[i] = (uint8_t)draw(80);
    memset(mask, 0, sizeof mask);
    for (int i = 0; i < count; i++) {
        box *b = &boxes[i];
        b->width = 8 + (int)draw(7);
        b->height = 8 + (int)draw(12);
        b->x = i * 16 + (int)draw((uint32_t)(17 - b->width));
        b->y = (int)draw((uint32_t)(HIGH + 1 - b->height));
        b->label = 1 + (int)draw(2);
        paint(b);
    }
    return count;
}

static void make_split(const char *folder, const char *split, int count) {
    char path[PATH], name[64];
    snprintf(path, sizeof path, "%s/voc/ImageSets/Main/%s.txt", folder, split);
    FILE *list = create(path);
    for (int i = 0; i < count; i++) {
        box boxes[BOXES];
        int found = make_scene(boxes);
        fprintf(list, "%s%02d\n", split, i);
        snprintf(path, sizeof path, "%s/images/%s/%02d.ppm", folder, split, i);
        write_picture(path);
        snprintf(path, sizeof path, "%s/labels/%s/%02d.png", folder, split, i);
        if (byol_mask_write(path, mask, HIGH, WIDE, NULL) != BYOL_OK) exit(1);
        snprintf(path, sizeof path, "%s/voc/JPEGImages/%s%02d.ppm", folder, split, i);
        write_picture(path);
        snprintf(name, sizeof name, "%s%02d.ppm", split, i);
        snprintf(path, sizeof path, "%s/voc/Annotations/%s%02d.xml", folder, split, i);
        write_boxes(path, name, boxes, found);
    }
    fclose(list);
}

int main(int argc, char **argv) {
    static const char *const folders[] = {"",
                                          "/images",
                                          "/images/train",
                                          "/images/test",
                                          "/labels",
                                          "/labels/train",
                                          "/labels/test",
                                          "/voc",
                                          "/voc/JPEGImages",
                                          "/voc/Annotations",
                                          "/voc/ImageSets",
                                          "/voc/ImageSets/Main"};
    char path[PATH];
    if (argc != 4) return 2;
    state = 7;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s%s", argv[1], folders[i]);
        mkdir(path, 0777);
    }
    make_split(argv[1], "train", atoi(argv[2]));
    make_split(argv[1], "test", atoi(argv[3]));
    return 0;
}
