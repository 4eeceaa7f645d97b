/* Mode setting by register for a standard VGA (IBM VGA technical reference) and the Bochs display
 * interface. */
#include "roms/lib/vga.h"
#include "roms/lib/font.h"
#include "roms/lib/io.h"
#include "roms/lib/mem.h"
#include "roms/lib/pci.h"

enum {
    ATTR_INDEX = 0x3c0,
    MISC_WRITE = 0x3c2,
    SEQ_INDEX = 0x3c4,
    DAC_WRITE_INDEX = 0x3c8,
    DAC_DATA = 0x3c9,
    GFX_INDEX = 0x3ce,
    CRTC_INDEX = 0x3d4,
    STATUS1 = 0x3da,

    DISPI_INDEX = 0x1ce,
    DISPI_DATA = 0x1cf,
    DISPI_ID = 0,
    DISPI_XRES = 1,
    DISPI_YRES = 2,
    DISPI_BPP = 3,
    DISPI_ENABLE = 4,
    DISPI_ENABLED = 0x01,
    DISPI_LFB = 0x40,
};

struct vga_mode {
    u8 misc;
    u8 seq[5];
    u8 crtc[25];
    u8 gfx[9];
    u8 attr[21];
};

/* Register values of the two standard modes, in index order. */
static const struct vga_mode mode_text = {
    0x67,
    {0x03, 0x00, 0x03, 0x00, 0x02},
    {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
     0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff},
    {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a,
     0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00},
};

static const struct vga_mode mode_13h = {
    0x63,
    {0x03, 0x01, 0x0f, 0x00, 0x0e},
    {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff},
    {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
     0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x41, 0x00, 0x0f, 0x00, 0x00},
};

static void indexed(u16 port, u8 index, u8 v)
{
    outw(port, (u16)(v << 8 | index));
}

static void set_registers(const struct vga_mode *m)
{
    outb(MISC_WRITE, m->misc);
    /* The sequencer stands still while its clocking changes. */
    indexed(SEQ_INDEX, 0, 0x01);
    for (u8 i = 1; i < sizeof(m->seq); i++)
        indexed(SEQ_INDEX, i, m->seq[i]);
    indexed(SEQ_INDEX, 0, m->seq[0]);
    /* CRTC registers 0..7 are write-protected by bit 7 of register 0x11. */
    indexed(CRTC_INDEX, 0x11, 0x0e);
    for (u8 i = 0; i < sizeof(m->crtc); i++)
        indexed(CRTC_INDEX, i, m->crtc[i]);
    for (u8 i = 0; i < sizeof(m->gfx); i++)
        indexed(GFX_INDEX, i, m->gfx[i]);
    /* Reading the status makes the attribute port expect an index; it then takes index and value in
     * turn. */
    inb(STATUS1);
    for (u8 i = 0; i < sizeof(m->attr); i++) {
        outb(ATTR_INDEX, i);
        outb(ATTR_INDEX, m->attr[i]);
    }
    outb(ATTR_INDEX, 0x20); /* give the palette back to the display */
}

static void dac(u8 index, u8 r, u8 g, u8 b)
{
    outb(DAC_WRITE_INDEX, index);
    outb(DAC_DATA, r);
    outb(DAC_DATA, g);
    outb(DAC_DATA, b);
}

/* The 64 colours of an EGA: two bits for each of red, green and blue, spread as rgbRGB. */
static void text_palette(void)
{
    for (u8 i = 0; i < 64; i++) {
        u8 r = (u8)((i >> 2 & 1) * 42 + (i >> 5 & 1) * 21);
        u8 g = (u8)((i >> 1 & 1) * 42 + (i >> 4 & 1) * 21);
        u8 b = (u8)((i & 1) * 42 + (i >> 3 & 1) * 21);

        dac(i, r, g, b);
    }
}

/* Black, then three ramps that run into one another. */
static void smooth_palette(void)
{
    dac(0, 0, 0, 0);
    for (int i = 1; i < 256; i++) {
        u8 up = (u8)((i * 3) & 63);
        u8 down = (u8)(63 - up);

        if (i < 85)
            dac((u8)i, up / 2, up, 63);
        else if (i < 170)
            dac((u8)i, up, 63, down);
        else
            dac((u8)i, 63, down, up / 2);
    }
}

/* Text characters live in plane 2, 32 bytes apart, which the CPU reaches only with the odd/even
 * addressing switched off. */
static void load_font(void)
{
    indexed(SEQ_INDEX, 2, 0x04);
    indexed(SEQ_INDEX, 4, 0x07);
    indexed(GFX_INDEX, 4, 0x02);
    indexed(GFX_INDEX, 5, 0x00);
    indexed(GFX_INDEX, 6, 0x04);
    for (u32 c = 0; c < 256; c++)
        font_glyph((u8)c, (u8 *)0xa0000 + c * 32);
    indexed(SEQ_INDEX, 2, mode_text.seq[2]);
    indexed(SEQ_INDEX, 4, mode_text.seq[4]);
    indexed(GFX_INDEX, 4, mode_text.gfx[4]);
    indexed(GFX_INDEX, 5, mode_text.gfx[5]);
    indexed(GFX_INDEX, 6, mode_text.gfx[6]);
}

static volatile u16 *text_screen(void)
{
    return (volatile u16 *)0xb8000;
}

static u16 get_cursor(void)
{
    u16 pos;

    outb(CRTC_INDEX, 0x0e);
    pos = (u16)(inb(CRTC_INDEX + 1) << 8);
    outb(CRTC_INDEX, 0x0f);
    pos |= inb(CRTC_INDEX + 1);
    return pos < VGA_COLS * VGA_ROWS ? pos : 0;
}

static void set_cursor(u16 pos)
{
    indexed(CRTC_INDEX, 0x0e, (u8)(pos >> 8));
    indexed(CRTC_INDEX, 0x0f, (u8)pos);
}

void vga_text_mode(void)
{
    set_registers(&mode_text);
    text_palette();
    load_font();
    for (int i = 0; i < VGA_COLS * VGA_ROWS; i++)
        text_screen()[i] = 0x0720;
    set_cursor(0);
}

void vga_mode13(void)
{
    set_registers(&mode_13h);
    smooth_palette();
    memset((void *)0xa0000, 0, 320 * 200);
}

static u16 dispi_read(u16 index)
{
    outw(DISPI_INDEX, index);
    return inw(DISPI_DATA);
}

static void dispi_write(u16 index, u16 v)
{
    outw(DISPI_INDEX, index);
    outw(DISPI_DATA, v);
}

volatile u32 *vga_linear_mode(u16 width, u16 height)
{
    u16 id = dispi_read(DISPI_ID);
    u32 dev, bar;

    if (id < 0xb0c0 || id > 0xb0cf || !pci_find_class(0x0300, &dev))
        return NULL;
    bar = pci_bar(dev, 0);
    if (bar == 0)
        return NULL;
    dispi_write(DISPI_ENABLE, 0);
    dispi_write(DISPI_XRES, width);
    dispi_write(DISPI_YRES, height);
    dispi_write(DISPI_BPP, 32);
    dispi_write(DISPI_ENABLE, DISPI_ENABLED | DISPI_LFB);
    return (volatile u32 *)bar;
}

void vga_linear_off(void)
{
    dispi_write(DISPI_ENABLE, 0);
}

void vga_putc(char c, u8 attr)
{
    volatile u16 *s = text_screen();
    u16 pos = get_cursor();

    if (c == '\n') {
        pos = (u16)(pos - pos % VGA_COLS + VGA_COLS);
    } else if (c == '\b') {
        if (pos > 0)
            s[--pos] = (u16)(attr << 8 | ' ');
    } else if (c != '\r') {
        s[pos++] = (u16)(attr << 8 | (u8)c);
    }
    if (pos >= VGA_COLS * VGA_ROWS) {
        for (int i = 0; i < VGA_COLS * (VGA_ROWS - 1); i++)
            s[i] = s[i + VGA_COLS];
        for (int i = VGA_COLS * (VGA_ROWS - 1); i < VGA_COLS * VGA_ROWS; i++)
            s[i] = (u16)(attr << 8 | ' ');
        pos = (u16)(pos - VGA_COLS);
    }
    set_cursor(pos);
}

void vga_at(int row, int col, const char *s, u8 attr)
{
    for (int i = row * VGA_COLS + col; *s != 0 && i < VGA_COLS * VGA_ROWS; i++)
        text_screen()[i] = (u16)(attr << 8 | (u8)*s++);
}
