/* Compares two binary PPM pictures in the upper bits of each colour: ppmcmp BITS A B. Exit 0: the
 * same; 1: not, and says where; 2: not pictures. */
#include <stdio.h>
#include <stdlib.h>

struct picture {
    unsigned w, h;
    unsigned char *rgb;
};

static int read_picture(const char *path, struct picture *p)
{
    FILE *f = fopen(path, "rb");
    unsigned max;
    size_t n;
    int ok;

    ok = f && fscanf(f, "P6 %u %u %u", &p->w, &p->h, &max) == 3 && max == 255 && fgetc(f) != EOF &&
         p->w && p->h && p->w < 10000 && p->h < 10000;
    n = ok ? (size_t)p->w * p->h * 3 : 0;
    ok = ok && (p->rgb = malloc(n)) && fread(p->rgb, 1, n, f) == n;
    if (f)
        fclose(f);
    if (!ok)
        fprintf(stderr, "%s: not a binary PPM\n", path);
    return ok;
}

int main(int argc, char **argv)
{
    struct picture a = {0}, b = {0};
    int shift = argc == 4 ? 8 - atoi(argv[1]) : 8;
    size_t n, differ = 0, first = 0;

    if (shift < 0 || shift > 7) {
        fprintf(stderr, "usage: ppmcmp BITS A B\n");
        return 2;
    }
    if (!read_picture(argv[2], &a) || !read_picture(argv[3], &b))
        return 2;
    if (a.w != b.w || a.h != b.h) {
        printf("%ux%u and %ux%u points\n", a.w, a.h, b.w, b.h);
        return 1;
    }
    n = (size_t)a.w * a.h;
    for (size_t i = 0; i < 3 * n; i++) {
        if (a.rgb[i] >> shift != b.rgb[i] >> shift && !differ++)
            first = i;
    }
    if (differ) {
        const unsigned char *x = a.rgb + first / 3 * 3, *y = b.rgb + first / 3 * 3;

        printf("%zu values differ, first at %zu,%zu: %02x%02x%02x and %02x%02x%02x\n", differ,
               first / 3 % a.w, first / 3 / a.w, x[0], x[1], x[2], y[0], y[1], y[2]);
    }
    free(a.rgb);
    free(b.rgb);
    return differ != 0;
}
