/* The display's description (VESA E-EDID Standard release A, revision 2: EDID 1.4, section 3). */
#include "devices/video/edid.h"

#include "devices/core/bits.h"

/* Sides of a picture as standard timings name them. */
enum { R16_10 = 0, R4_3 = 1, R5_4 = 2, R16_9 = 3 };
#define LETTER(c)      ((c) - 'A' + 1)
#define VENDOR(a, b, c) (LETTER(a) << 10 | LETTER(b) << 5 | LETTER(c))
#define BE16(v)        (u8)((v) >> 8), (u8)(v)
#define LE16(v)        (u8)(v), (u8)((v) >> 8)
/* Hz is 60 and up. */
#define STANDARD(w, ratio, hz) (w) / 8 - 31, (ratio) << 6 | ((hz) - 60)
/* Both halves' upper bits in one byte. */
#define UPPER(a, b) (u8)((a) >> 8 << 4 | (b) >> 8)

/* 1024x768 at 60 Hz (VESA DMT 1.0, id 10h), in points and lines. */
enum {
    CLOCK = 6500, /* in 10 kHz */
    H_SHOWN = 1024,
    H_BLANK = 320,
    H_FRONT = 24,
    H_SYNC = 136,
    V_SHOWN = 768,
    V_BLANK = 38,
    V_FRONT = 3,
    V_SYNC = 6,
    H_MM = 271, /* at 96 points an inch */
    V_MM = 203,
};

const u8 edid_block[EDID_SIZE] = {
    0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,
    BE16(VENDOR('D', 'R', 'G')), LE16(0x1111), 0, 0, 0, 0, /* product, no serial number */
    0xff, 2026 - 1990,                                     /* the year of the model */
    1, 4,
    0xa0,                                                  /* digital, 8 bits a colour */
    H_MM / 10, V_MM / 10, 220 - 100,                       /* cm, gamma 2.2 */
    0x07,                                                  /* sRGB, native preference, any rate */
    0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54, /* colours of sRGB */
    0x21, 0x08, 0x00,                                      /* 640x480, 800x600, 1024x768 at 60 Hz */
    STANDARD(1280, R16_10, 60), STANDARD(1280, R5_4, 60), STANDARD(1400, R4_3, 60),
    STANDARD(1440, R16_10, 60), STANDARD(1600, R4_3, 60), STANDARD(1680, R16_10, 60),
    STANDARD(1920, R16_9, 60), STANDARD(1920, R16_10, 60),
    /* the preferred timing */
    LE16(CLOCK), (u8)H_SHOWN, (u8)H_BLANK, UPPER(H_SHOWN, H_BLANK),
    (u8)V_SHOWN, (u8)V_BLANK, UPPER(V_SHOWN, V_BLANK),
    H_FRONT, H_SYNC, V_FRONT << 4 | V_SYNC, 0,
    (u8)H_MM, V_MM, UPPER(H_MM, V_MM), 0, 0, 0x18,         /* separate syncs, both negative */
    /* its limits: 50 to 125 Hz, 30 to 160 kHz, 300 MHz, no formula */
    0, 0, 0, 0xfd, 0, 50, 125, 30, 160, 30, 1, '\n', ' ', ' ', ' ', ' ', ' ', ' ',
    0, 0, 0, 0xfc, 0, 'D', 'r', 'a', 'g', 'o', 'm', 'a', 'n', '\n', ' ', ' ', ' ', ' ',
    0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* unused */
    0,                                                     /* no extensions */
    0x95,                                                  /* makes the sum of all zero */
};
