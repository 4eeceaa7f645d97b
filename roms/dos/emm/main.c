/* EMM.COM: expanded memory manager. Without arguments it puts the monitor into extended memory,
 * enters it, and goes on in V86 mode, as does everything after it. `EMM PLAIN`, `EMM VME` and `EMM
 * IOPL3` choose how the monitor treats interrupts; `EMM OFF` goes back to real mode. */
#include "roms/dos/emm/vendor.h"
#include "roms/dos/lib/dos.h"
#include "roms/dos/monitor/info.h"

enum { POOL_KIB = 1024, PAGE = 4096, ENTRIES = 1024 };

void enter_monitor(struct monitor_info *info, u32 page_directory);
extern u8 monitor_image[], monitor_image_end[], ems_header[], ems_handler[];
extern u8 active;
extern u16 leave_segment;
extern u32 self;

static u32 xms_entry;

static bool xms(u8 function, struct cpu_regs *r)
{
    r->ah = function;
    cpu_far_call(xms_entry, r);
    return r->ax == 1;
}

static bool find_xms(void)
{
    struct cpu_regs r = {.eax = 0x4300};

    cpu_int(0x2f, &r);
    if (r.al != 0x80)
        return false;
    r.eax = 0x4310;
    cpu_int(0x2f, &r);
    xms_entry = (u32)r.es << 16 | r.bx;
    return true;
}

/* Allocate and lock extended memory and copy the monitor there, to the first page boundary. */
static bool place_monitor(struct monitor_info *info)
{
    struct {
        u32 length;
        u16 source;
        u32 source_offset;
        u16 dest;
        u32 dest_offset;
    } PACKED m;
    struct cpu_regs r = {.edx = MONITOR_SIZE / 1024 + POOL_KIB + PAGE / 1024};
    u32 address;

    if (!xms(0x09, &r))
        return false;
    m.dest = r.dx;
    if (!xms(0x0c, &r))
        return false;
    address = (u32)r.dx << 16 | r.bx;
    info->phys = (address + PAGE - 1) & ~(PAGE - 1u);
    info->size = MONITOR_SIZE + POOL_KIB * 1024u;
    m.length = (u32)(monitor_image_end - monitor_image + 1) & ~1u;
    m.source = 0;
    m.source_offset = far_of(monitor_image);
    m.dest_offset = info->phys - address;
    r.esi = (u32)&m;
    return xms(0x0b, &r) && xms(0x03, &r);
}

/* Page tables just good enough to get there: the first 4 MiB as they are, and the monitor. Returns
 * the directory's physical address. */
static u32 boot_tables(u16 seg, const struct monitor_info *info)
{
    u32 base = (seg * 16u + PAGE - 1) & ~(PAGE - 1u), i;
    u16 directory = (u16)(base >> 4), low = (u16)(directory + 0x100),
        high = (u16)(directory + 0x200);

    for (i = 0; i < ENTRIES; i++) {
        poke32(directory, i * 4, 0);
        poke32(low, i * 4, i * PAGE | PTE_P | PTE_W);
        poke32(high, i * 4, i < MONITOR_SIZE / PAGE ? (info->phys + i * PAGE) | PTE_P | PTE_W : 0);
    }
    poke32(directory, 0, (u32)low << 4 | PTE_P | PTE_W);
    poke32(directory, (MONITOR_BASE >> 22) * 4, (u32)high << 4 | PTE_P | PTE_W);
    return base;
}

static bool present(void)
{
    u16 seg = (u16)(get_vector(0x67) >> 16);

    return peek32(seg, 10) == 0x584d4d45 && peek32(seg, 14) == 0x30585858; /* "EMMXXXX0" */
}

static int request(const char *what)
{
    static const char *const names[] = {"", "PLAIN", "VME", "IOPL3"};
    struct cpu_regs r = {.eax = EMM_VENDOR | VENDOR_SET_MODE};
    u32 i;

    if (!present()) {
        print("EMM: not installed\n");
        return 1;
    }
    if (same_text(what, "OFF")) {
        r.eax = EMM_VENDOR | VENDOR_LEAVE;
        cpu_int(0x67, &r);
        print("EMM: real mode\n");
        return r.ah;
    }
    for (i = 1; i < ARRAY_LEN(names); i++) {
        if (same_text(what, names[i])) {
            r.ebx = i;
            cpu_int(0x67, &r);
            print(r.ah == 0 ? "EMM: mode " : "EMM: no such mode here: ");
            print(names[i]);
            print("\n");
            return r.ah;
        }
    }
    print("EMM [PLAIN | VME | IOPL3 | OFF]\n");
    return 1;
}

int main(void);

int main(void)
{
    static struct monitor_info info;
    char arguments[128];
    u16 seg, msw;
    u32 n;

    dos_arguments(arguments);
    for (n = 0; arguments[n] != 0; n++) {
        if (arguments[n] >= 'a' && arguments[n] <= 'z')
            arguments[n] = (char)(arguments[n] - 32);
    }
    if (arguments[0] != 0)
        return request(arguments);
    __asm__ volatile("smsw %0" : "=r"(msw));
    if ((msw & 1) != 0 || present() || !find_xms()) {
        print("EMM: needs real mode and XMS.COM\n");
        return 1;
    }
    dos_shrink();
    seg = dos_alloc(4 * PAGE / 16, NULL);
    if (seg == 0 || !place_monitor(&info)) {
        print("EMM: not enough memory\n");
        return 1;
    }
    leave_segment = own_seg();
    self += own_seg() * 16u;
    enter_monitor(&info, boot_tables(seg, &info));
    dos_free(seg);
    active = 1;
    set_vector(0x67,
               (u32)(own_seg() + ((u32)ems_header >> 4)) << 16 | (u32)(ems_handler - ems_header));
    print("EMM: V86 mode, ");
    print_dec(POOL_KIB / 16);
    print(" pages\n");
    dos_keep(monitor_image, 0);
}
