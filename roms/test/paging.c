/* Paging: error codes, accessed and dirty bits, write protection, large and global pages, PAE,
 * page-crossing accesses. */
#include "roms/test/lib/test.h"

enum {
    HOLE = 0x300000, /* an address whose page is changed at will */
    USER = 0x301000,
    CR4_PSE = 0x10,
    CR4_PAE = 0x20,
    CR4_PGE = 0x80,
    ERR_P = 1,
    ERR_W = 2,
    ERR_U = 4,
};

static volatile u32 *at(u32 a)
{
    return (volatile u32 *)a;
}

static void read_hole(void)
{
    (void)*at(HOLE + 0x10);
}

static void write_hole(void)
{
    *at(HOLE + 0x20) = 1;
}

static void modify_hole(void)
{
    __asm__ volatile("incl %0" : "+m"(*at(HOLE + 0x30)));
}

static void execute_hole(void)
{
    ((void (*)(void))(HOLE + 0x40))();
}

static void user_read(void)
{
    (void)*at(HOLE + 0x50);
    __asm__ volatile("int %0" : : "i"(VEC_USER));
}

static void user_write(void)
{
    *at(HOLE + 0x60) = 1;
    __asm__ volatile("int %0" : : "i"(VEC_USER));
}

static void set_page(u32 a, u32 entry)
{
    *pte(a) = entry;
    invlpg(at(a));
}

static void expect_fault(int line, void (*fn)(void), u32 address, u32 error)
{
    test_eq(line, trap_run(fn), VEC_PF);
    test_eq(line, last.cr2, address);
    test_eq(line, last.f.error, error);
}

static void error_codes(void)
{
    set_page(HOLE, 0);
    expect_fault(__LINE__, read_hole, HOLE + 0x10, 0);
    expect_fault(__LINE__, write_hole, HOLE + 0x20, ERR_W);
    /* Read-modify-write: processors differ in whether the read or the write is what fails. */
    CHECK_EQ(trap_run(modify_hole), VEC_PF);
    CHECK_EQ(last.cr2, HOLE + 0x30);
    CHECK_EQ(last.f.error & ~(u32)ERR_W, 0);
    expect_fault(__LINE__, execute_hole, HOLE + 0x40, 0);
    CHECK_EQ(last.f.eip, HOLE + 0x40);
    CHECK_EQ(user_run(user_read), VEC_PF);
    CHECK_EQ(last.f.error, ERR_U);
    CHECK_EQ(last.f.cs, SEL_CODE3);
    /* Supervisor pages, read-only pages. */
    set_page(HOLE, HOLE | PTE_P | PTE_W);
    CHECK_EQ(user_run(user_read), VEC_PF);
    CHECK_EQ(last.f.error, ERR_U | ERR_P);
    CHECK_EQ(user_run(user_write), VEC_PF);
    CHECK_EQ(last.f.error, ERR_U | ERR_P | ERR_W);
    set_page(HOLE, HOLE | PTE_P | PTE_U);
    CHECK_EQ(user_run(user_read), VEC_USER);
    CHECK_EQ(user_run(user_write), VEC_PF);
    CHECK_EQ(last.f.error, ERR_U | ERR_P | ERR_W);
    expect_fault(__LINE__, write_hole, HOLE + 0x20, ERR_P | ERR_W);
    /* Without WP ring 0 writes to read-only pages. */
    write_cr0(read_cr0() & ~0x10000u);
    CHECK_EQ(trap_run(write_hole), TRAP_NONE);
    write_cr0(read_cr0() | 0x10000u);
    expect_fault(__LINE__, write_hole, HOLE + 0x20, ERR_P | ERR_W);
    /* Both levels must allow. */
    set_page(HOLE, HOLE | PTE_P | PTE_W | PTE_U);
    page_directory[0] &= ~(u32)PTE_U;
    write_cr3(read_cr3());
    CHECK_EQ(user_run(user_read), VEC_PF);
    page_directory[0] |= PTE_U;
    write_cr3(read_cr3());
    CHECK_EQ(user_run(user_write), VEC_USER);
}

static void accessed_dirty(void)
{
    set_page(HOLE, HOLE | PTE_P | PTE_W | PTE_U);
    page_directory[0] &= ~(u32)PTE_A;
    write_cr3(read_cr3());
    CHECK_EQ(*pte(HOLE) & (PTE_A | PTE_D), 0);
    read_hole();
    CHECK_EQ(*pte(HOLE) & (PTE_A | PTE_D), PTE_A);
    CHECK_EQ(page_directory[0] & PTE_A, PTE_A);
    write_hole();
    CHECK_EQ(*pte(HOLE) & (PTE_A | PTE_D), PTE_A | PTE_D);
    /* A refused write leaves the dirty bit alone. */
    set_page(HOLE, HOLE | PTE_P | PTE_U);
    CHECK_EQ(trap_run(write_hole), VEC_PF);
    CHECK_EQ(*pte(HOLE) & PTE_D, 0);
}

/* A stale translation may be used until it is flushed; after INVLPG it must not be. */
static void flushing(void)
{
    set_page(HOLE, HOLE | PTE_P | PTE_W);
    set_page(USER, USER | PTE_P | PTE_W);
    *at(HOLE) = 1;
    *at(USER) = 2;
    *pte(HOLE) = USER | PTE_P | PTE_W;
    invlpg(at(HOLE));
    CHECK_EQ(*at(HOLE), 2);
    *pte(HOLE) = HOLE | PTE_P | PTE_W;
    write_cr3(read_cr3());
    CHECK_EQ(*at(HOLE), 1);
    /* The identity mapping is used by the code itself: two names of one page see each other's
     * writes. */
    set_page(0x302000, HOLE | PTE_P | PTE_W);
    *at(0x302000) = 77;
    CHECK_EQ(*at(HOLE), 77);
    set_page(0x302000, 0x302000 | PTE_P | PTE_W);
}

static void write_across(void)
{
    *at(HOLE + 0xffe) = 0x11223344;
}

static void push_across(void)
{
    __asm__ volatile("mov %%esp, %%ecx\n\t"
                     "mov %0, %%esp\n\t"
                     "push $0x55667788\n\t"
                     "mov %%ecx, %%esp"
                     :
                     : "r"(HOLE + 0x1002)
                     : "ecx", "memory");
}

/* No byte of an access that faults may be written. */
static void crossing(void)
{
    set_page(HOLE, HOLE | PTE_P | PTE_W | PTE_U);
    set_page(USER, USER | PTE_P | PTE_W);
    *at(HOLE + 0xffc) = 0xaaaaaaaa;
    *at(USER) = 0xbbbbbbbb;
    set_page(USER, 0);
    expect_fault(__LINE__, write_across, USER, ERR_W);
    CHECK_EQ(*at(HOLE + 0xffc), 0xaaaaaaaa);
    set_page(USER, USER | PTE_P);
    expect_fault(__LINE__, write_across, USER, ERR_W | ERR_P);
    CHECK_EQ(*at(HOLE + 0xffc), 0xaaaaaaaa);
    set_page(USER, USER | PTE_P | PTE_W);
    CHECK_EQ(trap_run(write_across), TRAP_NONE);
    CHECK_EQ(*at(HOLE + 0xffc), 0x3344aaaa);
    CHECK_EQ(*at(USER), 0xbbbb1122);
    CHECK_EQ(trap_run(push_across), TRAP_NONE);
    CHECK_EQ(*at(USER - 2), 0x55667788);
    /* Pages that are neighbours only in the linear space. */
    set_page(USER, 0x305000 | PTE_P | PTE_W);
    *at(HOLE + 0xffe) = 0xcafef00d;
    set_page(USER, USER | PTE_P | PTE_W);
    CHECK_EQ(*at(0x305000) & 0xffff, 0xcafe);
}

static void large_pages(void)
{
    u32 saved = page_directory[1];

    if ((read_cr4() & CR4_PSE) == 0)
        write_cr4(read_cr4() | CR4_PSE);
    /* 4 MiB at 4 MiB show the first 4 MiB. */
    page_directory[1] = PTE_P | PTE_W | PTE_U | PTE_PS;
    write_cr3(read_cr3());
    *at(HOLE) = 0x12344321;
    CHECK_EQ(*at(0x400000 + HOLE), 0x12344321);
    CHECK_EQ(page_directory[1] & (PTE_A | PTE_D), PTE_A);
    *at(0x400000 + HOLE) = 5;
    CHECK_EQ(page_directory[1] & PTE_D, PTE_D);
    CHECK_EQ(*at(HOLE), 5);
    page_directory[1] = saved;
    write_cr4(read_cr4() & ~(u32)CR4_PSE);
    write_cr3(read_cr3());
}

/* A global page may survive a reload of CR3, but not a change of CR4.PGE nor INVLPG. */
static void global_pages(void)
{
    write_cr4(read_cr4() | CR4_PGE);
    *at(HOLE) = 1;
    *at(USER) = 2;
    set_page(0x303000, HOLE | PTE_P | PTE_W | PTE_G);
    CHECK_EQ(*at(0x303000), 1);
    *pte(0x303000) = USER | PTE_P | PTE_W | PTE_G;
    invlpg(at(0x303000));
    CHECK_EQ(*at(0x303000), 2);
    *pte(0x303000) = HOLE | PTE_P | PTE_W | PTE_G;
    write_cr4(read_cr4() & ~(u32)CR4_PGE);
    CHECK_EQ(*at(0x303000), 1);
    set_page(0x303000, 0x303000 | PTE_P | PTE_W);
}

static volatile u64 pdpt[4] __attribute__((aligned(32)));
static volatile u64 pae_directory[512] __attribute__((aligned(4096)));
static volatile u64 pae_table[512] __attribute__((aligned(4096)));

static void read_pae_hole(void)
{
    (void)*at(0x201008);
}

static void load_bad_pdpt(void)
{
    pdpt[2] = 1 | 1u << 6; /* a reserved bit */
    write_cr3((u32)pdpt);
}

static void pae(void)
{
    paging_off();
    write_cr4(read_cr4() | CR4_PAE);
    for (u32 i = 0; i < 512; i++) {
        pae_directory[i] = (u64)i << 21 | PTE_P | PTE_W | PTE_PS;
        pae_table[i] = 0x200000 + ((u64)i << 12) + (PTE_P | PTE_W);
    }
    pae_directory[1] = (u32)pae_table | PTE_P | PTE_W;
    pae_table[1] = 0;
    pdpt[0] = (u32)pae_directory | PTE_P;
    pdpt[1] = 0;
    write_cr3((u32)pdpt);
    write_cr0(read_cr0() | 0x80010000u);
    *at(0x200000) = 0x0badcafe;
    CHECK_EQ(pae_table[0] & (PTE_A | PTE_D), PTE_A | PTE_D);
    expect_fault(__LINE__, read_pae_hole, 0x201008, 0);
    pae_table[1] = 0x200000 | PTE_P | PTE_W;
    invlpg(at(0x201000));
    CHECK_EQ(*at(0x201000), 0x0badcafe);
    /* A 2 MiB page marks itself. */
    *at(0x600000) = 1;
    CHECK_EQ(pae_directory[3] & (PTE_A | PTE_D), PTE_A | PTE_D);
    /* Page directory pointers are checked when CR3 is loaded. */
    CHECK_EQ(trap_run(load_bad_pdpt), VEC_GP);
    pdpt[2] = 0;
    paging_off();
    write_cr4(read_cr4() & ~(u32)CR4_PAE);
}

void run_test(void)
{
    paging_on();
    error_codes();
    accessed_dirty();
    flushing();
    crossing();
    large_pages();
    global_pages();
    pae();
}
