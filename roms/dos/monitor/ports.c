/* Virtual ports. Address line 20 stays on for good; what DOS programs do to it at port 0x92 and at
 * the keyboard controller becomes a change of page tables. The floppy's DMA channel is given the
 * physical address of what the program believes is memory at a linear one. */
#include "roms/dos/monitor/monitor.h"
#include "roms/lib/io.h"

enum {
    HMA = 0x100000,
    HMA_PAGES = 16,
    KBC_DATA = 0x60,
    KBC_COMMAND = 0x64,
    PORT92 = 0x92,
    KBC_READ_OUTPUT = 0xd0,
    KBC_WRITE_OUTPUT = 0xd1,
    KBC_A20_OFF = 0xdd,
    KBC_A20_ON = 0xdf,
    DMA_ADDRESS2 = 0x04,
    DMA_MASK = 0x0a,
    DMA_CLEAR_FLIPFLOP = 0x0c,
    DMA_RESET = 0x0d,
    DMA_PAGE2 = 0x81,
};

static struct {
    bool a20;
    bool kbc_write; /* the next byte for port 0x60 is the output port */
    bool kbc_read;  /* the next byte from it is */
    bool flipflop;  /* the next byte is the upper half */
    u8 page;
    u16 address;
} v;

void a20_virtual(bool on)
{
    u32 i;

    v.a20 = on;
    for (i = 0; i < HMA_PAGES; i++)
        page_map(HMA + i * 4096, (on ? HMA : 0u) + i * 4096, PTE_P | PTE_W | PTE_U);
}

static void trap_port(u16 port)
{
    tss.bitmap[port / 8] |= (u8)(1 << port % 8);
}

void ports_init(void)
{
    u16 p;

    trap_port(KBC_DATA);
    trap_port(KBC_COMMAND);
    trap_port(PORT92);
    for (p = 0; p < 16; p++)
        trap_port(p); /* any access to an address or count moves the flip-flop */
    trap_port(DMA_PAGE2);
    a20_virtual((inb(PORT92) & 2) != 0);
    outb(PORT92, (inb(PORT92) & 0xfe) | 2);
    outb(DMA_CLEAR_FLIPFLOP, 0);
}

u8 port_in(u16 port)
{
    u8 r = inb(port);

    mon.port_traps++;
    if (port == PORT92)
        r = (u8)((r & ~2) | (v.a20 ? 2 : 0));
    if (port == KBC_DATA && v.kbc_read) {
        v.kbc_read = false;
        r = (u8)((r & ~2) | (v.a20 ? 2 : 0));
    }
    if (port < 8)
        v.flipflop = !v.flipflop;
    return r;
}

/* The channel starts: now its real address must be right. One page frame window is 16 KiB, and a
 * transfer in it is in one piece; conventional memory is mapped to itself. */
static void dma_start(void)
{
    u32 phys = page_phys((u32)v.page << 16 | v.address);

    outb(DMA_CLEAR_FLIPFLOP, 0);
    outb(DMA_ADDRESS2, (u8)phys);
    outb(DMA_ADDRESS2, (u8)(phys >> 8));
    outb(DMA_PAGE2, (u8)(phys >> 16));
    v.flipflop = false;
}

static void dma_out(u16 port, u8 b)
{
    if (port == DMA_ADDRESS2) {
        if (v.flipflop)
            v.address = (u16)((v.address & 0xff) | b << 8);
        else
            v.address = (u16)((v.address & 0xff00) | b);
    }
    if (port == DMA_PAGE2)
        v.page = b;
    if (port < 8)
        v.flipflop = !v.flipflop;
    if (port == DMA_CLEAR_FLIPFLOP || port == DMA_RESET)
        v.flipflop = false;
    if (port == DMA_MASK && b == 2) /* unmask channel 2 */
        dma_start();
    outb(port, b);
}

static void kbc_command(u8 b)
{
    v.kbc_write = b == KBC_WRITE_OUTPUT;
    v.kbc_read = b == KBC_READ_OUTPUT;
    if (b == KBC_A20_OFF || b == KBC_A20_ON)
        a20_virtual(b == KBC_A20_ON);
    else if (!v.kbc_write)
        outb(KBC_COMMAND, b);
}

static void kbc_data(u8 b)
{
    if (!v.kbc_write) {
        outb(KBC_DATA, b);
        return;
    }
    v.kbc_write = false;
    a20_virtual((b & 2) != 0);
    outb(KBC_COMMAND, KBC_WRITE_OUTPUT);
    while ((inb(KBC_COMMAND) & 2) != 0)
        ;
    outb(KBC_DATA, b | 2); /* bit 0 clear would reset the machine, as it should */
}

void port_out(u16 port, u8 b)
{
    mon.port_traps++;
    if (port == KBC_COMMAND)
        kbc_command(b);
    else if (port == KBC_DATA)
        kbc_data(b);
    else if (port < 16 || port == DMA_PAGE2)
        dma_out(port, b);
    else if (port == PORT92) {
        a20_virtual((b & 2) != 0);
        outb(PORT92, b | 2);
    } else {
        outb(port, b);
    }
}
