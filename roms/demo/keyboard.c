/* PS/2 keyboard behind the 8042 controller, by interrupt, scan code set 1 (IBM PS/2 technical
 * reference). */
#include "roms/demo/keyboard.h"
#include "roms/demo/intr.h"
#include "roms/lib/io.h"

enum {
    KBC_DATA = 0x60,
    KBC_STATUS = 0x64,
    STATUS_OUTPUT_FULL = 0x01,
    STATUS_INPUT_FULL = 0x02,

    KBC_WRITE_CONFIG = 0x60,
    KBC_DISABLE_MOUSE = 0xa7,
    KBC_DISABLE_KEYBOARD = 0xad,
    KBC_ENABLE_KEYBOARD = 0xae,
    KBC_WRITE_OUTPUT = 0xd2,
    CONFIG_IRQ1_TRANSLATE = 0x65, /* IRQ 1 on, system flag, mouse off, set 2 to set 1 */
    KBD_ENABLE = 0xf4,

    SHIFT_LEFT = 0x2a,
    SHIFT_RIGHT = 0x36,
    RELEASED = 0x80,
    QUEUE = 32,
};

/* What each key of set 1 types, without and with shift; '\0' for keys that type nothing. */
static const char plain[] =
    "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static struct {
    bool shift;
    volatile u8 head, tail;
    volatile char queue[QUEUE];
} keyboard;

static void wait_writable(void)
{
    for (int i = 0; i < 100000; i++) {
        if ((inb(KBC_STATUS) & STATUS_INPUT_FULL) == 0)
            return;
    }
}

static void command(u8 c)
{
    wait_writable();
    outb(KBC_STATUS, c);
}

static void data(u8 v)
{
    wait_writable();
    outb(KBC_DATA, v);
}

static void drain(void)
{
    for (int i = 0; i < 64 && (inb(KBC_STATUS) & STATUS_OUTPUT_FULL) != 0; i++)
        inb(KBC_DATA);
}

static void key(u8 code)
{
    char c;

    if ((code & 0x7f) == SHIFT_LEFT || (code & 0x7f) == SHIFT_RIGHT) {
        keyboard.shift = (code & RELEASED) == 0;
        return;
    }
    if ((code & RELEASED) != 0 || code >= sizeof(plain) - 1)
        return;
    c = keyboard.shift ? shifted[code] : plain[code];
    if (c != 0 && (u8)(keyboard.head - keyboard.tail) < QUEUE) {
        keyboard.queue[keyboard.head % QUEUE] = c;
        keyboard.head++;
    }
}

static void irq(struct regs *r)
{
    (void)r;
    if ((inb(KBC_STATUS) & STATUS_OUTPUT_FULL) != 0)
        key(inb(KBC_DATA));
}

void keyboard_init(void)
{
    command(KBC_DISABLE_KEYBOARD);
    command(KBC_DISABLE_MOUSE);
    drain();
    command(KBC_WRITE_CONFIG);
    data(CONFIG_IRQ1_TRANSLATE);
    command(KBC_ENABLE_KEYBOARD);
    data(KBD_ENABLE);
    /* The keyboard acknowledges with a byte that is no key. */
    for (int i = 0; i < 100000 && (inb(KBC_STATUS) & STATUS_OUTPUT_FULL) == 0; i++)
        continue;
    drain();
    intr_handle(VEC_IRQ0 + 1, irq);
    intr_unmask(1);
}

int keyboard_get(void)
{
    char c;

    if (keyboard.head == keyboard.tail)
        return -1;
    c = keyboard.queue[keyboard.tail % QUEUE];
    keyboard.tail++;
    return (u8)c;
}

void keyboard_inject(u8 scancode)
{
    command(KBC_WRITE_OUTPUT);
    data(scancode);
}
