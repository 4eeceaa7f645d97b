/* Self-modifying and remapped code in every form: what runs is what memory holds at that moment
 * under the mapping of that moment (SDM vol. 3 sections 8.1.3 and 11.6; the processors since the
 * Pentium Pro see to it by themselves). */
#include "cpu/jit/jit.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum {
    INT32 = DA_P | SYS_INT32 << 8,
    ALIAS = 0x200000,
    OTHER = 0x60000,
    HANDLER = 0x12000,
    DMA_PORT = 0x500,
};

/* Four INC EAX, which the instruction in front makes four INC EDX: 40 becomes 42. */
#define WRITER(name, text) GUEST(name, 32, text "\n inc eax\n inc eax\n inc eax\n inc eax\n hlt")
WRITER(w_mov, "mov [ebx], ecx");
WRITER(w_moffs, "xchg eax, ecx\n .byte 0xa3\n .long 0x10000 + 7\n xchg eax, ecx");
WRITER(w_imm, "mov dword ptr [ebx], 0x42424242");
WRITER(w_add, "add dword ptr [ebx], 0x02020202");
WRITER(w_or, "or [ebx], edi");
WRITER(w_xor, "lock xor [ebx], edi");
WRITER(w_xchg, "xchg [ebx], ecx");
WRITER(w_push, "mov esp, ebp\n push ecx");
WRITER(w_stos, "xchg eax, ecx\n mov edi, ebx\n stosd\n xchg eax, ecx");
WRITER(w_rep_stos, "mov al, 0x42\n mov edi, ebx\n mov ecx, 4\n rep stosb\n mov al, 0");
WRITER(w_movs, "mov edi, ebx\n movsd");
WRITER(w_movs_b, "mov edi, ebx\n mov ecx, 4\n rep movsb");
WRITER(w_movd, "movd mm0, ecx\n movd [ebx], mm0\n emms");
WRITER(w_movd_x, "movd xmm0, ecx\n movd [ebx], xmm0");
WRITER(w_movss, "movss xmm0, [esi]\n movss [ebx], xmm0");
WRITER(w_movnti, "movnti [ebx], ecx");
WRITER(w_fist, "fild dword ptr [esi]\n fistp dword ptr [ebx]");
WRITER(w_fst, "fld dword ptr [esi]\n fstp dword ptr [ebx]");
WRITER(w_bts, "bts dword ptr [ebx], 1\n bts dword ptr [ebx], 9\n bts dword ptr [ebx], 17\n"
              "bts dword ptr [ebx], 25");
WRITER(w_bytes, "mov [ebx], cl\n mov [ebx+1], cl\n mov [ebx+2], cl\n mov [ebx+3], cl");
WRITER(w_mid, "mov [ebx], cx\n mov [ebx+2], cx");
WRITER(w_pop, "push ecx\n pop dword ptr [ebx]");
WRITER(w_bswap, "rol dword ptr [ebx], 8\n or [ebx], edi");
/* What is not aligned has the block made anew, but not before it has been left. */
WRITER(w_odd, "mov edi, [esi+1]\n mov [ebx], ecx");

static struct machine *m;

static void start(u32 at, const u8 *begin, const u8 *end)
{
    machine_protected(m, 0, at);
    machine_load(m, at, begin, (size_t)(end - begin));
    m->cpu->gpr[REG_DX] = 0; /* the signature, after reset */
    m->cpu->cr4 |= CR4_OSFXSR;
    m->cpu->fpu.cw = 0x37f;
    m->cpu->fpu.empty = 0xff;
    cpu_update_mode(m->cpu);
}
#define START(name)        start(AT_CODE, name##_begin, name##_end)
#define START_AT(at, name) start(at, name##_begin, name##_end)
#define REG(r)             ((u32)m->cpu->gpr[REG_##r])

static const struct {
    const u8 *begin, *end;
} writers[] = {
#define W(n)                                                                                       \
    {                                                                                              \
        n##_begin, n##_end                                                                         \
    }
    W(w_mov),    W(w_moffs), W(w_imm),  W(w_add), W(w_or),    W(w_xor),    W(w_xchg),     W(w_push),
    W(w_stos),   W(w_movs),  W(w_movd), W(w_bts), W(w_fst),   W(w_movss),  W(w_movnti),   W(w_fist),
    W(w_movd_x), W(w_bytes), W(w_mid),  W(w_pop), W(w_bswap), W(w_movs_b), W(w_rep_stos),
    W(w_odd),
#undef W
};

static void run_writer(size_t i, u32 at, u32 through)
{
    u32 n = (u32)(writers[i].end - writers[i].begin);
    start(at, writers[i].begin, writers[i].end);
    m->cpu->gpr[REG_BX] = through + n - 5;
    m->cpu->gpr[REG_BP] = through + n - 1;
    m->cpu->gpr[REG_CX] = 0x42424242;
    m->cpu->gpr[REG_DI] = 0x02020202;
    m->cpu->gpr[REG_SI] = AT_DATA;
    machine_st32(m, AT_DATA, 0x42424242);
}

/* The very next instruction, by every kind of store. */
START_TEST(next_instruction)
{
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(writers); i++)
        for (unsigned again = 0; again < 2; again++) {
            run_writer(i, AT_CODE, AT_CODE);
            if (writers[i].begin == w_moffs_begin) /* its address is in the code */
                ck_assert_uint_eq(REG(BX), AT_CODE + 7);
            machine_run(m, 60);
            ck_assert_msg(REG(DX) == 4 && (REG(AX) & 0xffffff) == 0, "writer %zu: eax %x edx %x", i,
                          REG(AX), REG(DX));
        }
    machine_free(m);
}
END_TEST

/* The same through another linear address, and with the code at the end of a page so that the
 * changed instructions lie on the next one. */
START_TEST(alias_and_page_end)
{
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
        u32 n = (u32)(writers[i].end - writers[i].begin), at = 0x11000 - n + 3;
        if (writers[i].begin == w_moffs_begin)
            continue;
        run_writer(i, AT_CODE, ALIAS);
        machine_paging(m);
        machine_page(m, ALIAS, AT_CODE | 7);
        machine_run(m, 60);
        ck_assert_msg(REG(DX) == 4, "alias, writer %zu: eax %x edx %x", i, REG(AX), REG(DX));
        run_writer(i, at, at);
        machine_run(m, 60);
        ck_assert_msg(REG(DX) == 4, "page end, writer %zu: eax %x edx %x", i, REG(AX), REG(DX));
    }
    machine_free(m);
}
END_TEST

GUEST(counter, 32, "1: inc dword ptr [ebx]\n loop 1b\n hlt\n .long 0");
GUEST(patch_loop, 32, "1: mov edx, 0x11111111\n add eax, edx\n inc byte ptr [ebx]\n loop 1b\n hlt");
GUEST(chain, 32,
      "1: inc byte ptr [ebx]\n jmp 2f\n nop\n nop\n 2: mov dl, 0\n add eax, edx\n loop 1b\n hlt");
GUEST(cross, 32, "mov eax, 0x11111111\n hlt");
GUEST(write_cross, 32, "mov [ebx], ecx\n mov eax, 0x11111111\n hlt");
GUEST(overlap, 32, "jmp 1f+1\n 1: .byte 0xb8\n inc ecx\n inc ecx\n inc ecx\n nop\n hlt");
GUEST(inc_edx, 32, "inc edx\n hlt");
GUEST(inc_eax, 32, "inc eax\n hlt");
GUEST(int_patch, 32, "mov byte ptr [ebx], 0x42\n iretd");
GUEST(wait_patch, 32, "sti\n 1: nop\n nop\n inc eax\n hlt");
GUEST(out_patch, 32, "mov edx, 0x500\n out dx, al\n inc eax\n hlt");
GUEST(self_movs, 32, "rep movsb\n hlt");
/* jumps to `cross_add` at the end of the page, whose second page changes every other time */
GUEST(remap_loop, 32,
      "1: dec ecx\n test cl, 1\n jz 2f\n mov [esi], edx\n xchg edx, edi\n invlpg [ebx]\n"
      "2: test ecx, ecx\n .byte 0x0f, 0x85\n .long 0x10ffd - 0x10215\n hlt");
GUEST(remap_loop_cr3, 32,
      "1: dec ecx\n test cl, 1\n jz 2f\n mov [esi], edx\n xchg edx, edi\n mov eax, cr3\n"
      "mov cr3, eax\n 2: test ecx, ecx\n .byte 0x0f, 0x85\n .long 0x10ffd - 0x10218\n hlt");
GUEST(cross_add, 32, "mov eax, 0x11111111\n add ebp, eax\n .byte 0xe9\n .long 0x10200 - 0x11009");
GUEST(both_modes, 32, "mov eax, 0x90909090\n hlt");

GUEST(data_between, 32, "2: inc eax\n hlt\n .long 0, 0, 0, 0\n mov [ebx], ecx\n jmp 2b");

/* Code that changes itself while it loops, with its data beside it. */
START_TEST(loops)
{
    m = machine_new("max", _i);
    START(counter); /* data on the line of the code: slow, but right and finite */
    m->cpu->gpr[REG_BX] = AT_CODE + (u32)(counter_end - counter_begin) - 4;
    m->cpu->gpr[REG_CX] = 3000;
    machine_run(m, 10000);
    ck_assert_uint_eq(machine_ld32(m, REG(BX)), 3000);
    START(patch_loop);
    m->cpu->gpr[REG_BX] = AT_CODE + 1;
    m->cpu->gpr[REG_CX] = 200;
    machine_run(m, 2000);
    {
        u32 sum = 0;
        for (u32 i = 0; i < 200; i++)
            sum += 0x11111100 + ((0x11 + i) & 0xff);
        ck_assert_uint_eq(REG(AX), sum);
    }
    START(chain); /* the block behind a linked jump */
    m->cpu->gpr[REG_BX] = AT_CODE + 7;
    m->cpu->gpr[REG_CX] = 100;
    machine_run(m, 1000);
    ck_assert_uint_eq(REG(AX), 5050);
    /* Bytes that are two instructions, depending on where one enters: changed under both. */
    START(overlap);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(CX), 3);
    m->cpu->halted = false;
    m->cpu->rip = AT_CODE + 2;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 0x90414141);
    m->cpu->halted = false;
    m->cpu->rip = AT_CODE + 2;
    machine_load(m, AT_CODE + 3, "\x42", 1);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 0x90414142);
    m->cpu->halted = false;
    m->cpu->rip = AT_CODE;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(CX), 5);
    ck_assert_uint_eq(REG(DX), 1);
    machine_free(m);
}
END_TEST

static void again(u32 at);

/* Data between a block's start and what it jumps back to is none of its bytes: stores there leave
 * it alone. */
START_TEST(between)
{
    const u32 at = AT_CODE + 18;
    u64 before = 0;
    m = machine_new("max", _i);
    START_AT(AT_CODE, data_between);
    m->cpu->gpr[REG_BX] = AT_CODE + 6;
    for (u32 i = 0; i < 40; i++) {
        m->cpu->gpr[REG_CX] = i;
        again(at);
        ck_assert_uint_eq(REG(AX), 1);
        ck_assert_uint_eq(machine_ld32(m, AT_CODE + 6), i);
        if (i == 20 && jit_stats(m->cpu))
            before = jit_stats(m->cpu)->invalidated;
    }
    if (jit_stats(m->cpu))
        ck_assert_uint_eq(jit_stats(m->cpu)->invalidated, before);
    machine_free(m);
}
END_TEST

static void again(u32 at)
{
    m->cpu->halted = false;
    m->cpu->rip = at;
    m->cpu->gpr[REG_AX] = 0;
    m->cpu->gpr[REG_DX] = 0;
    machine_run(m, 20);
}

/* An instruction in two pages: either part rewritten, remapped or taken away. */
START_TEST(two_pages)
{
    const u32 at = 0x11000 - 3;
    m = machine_new("max", _i);
    for (unsigned part = 0; part < 5; part++) {
        START_AT(at, cross);
        machine_run(m, 10);
        machine_load(m, at + part, "\x22", part != 0);
        again(at);
        ck_assert_uint_eq(REG(AX), part ? 0x11111111 + (0x11u << (8 * (part - 1))) : 0x11111111);
    }
    /* The program writes into the other page just before. */
    START_AT(0x11000 - 5, write_cross);
    m->cpu->gpr[REG_BX] = 0x11000;
    m->cpu->gpr[REG_CX] = 0xf4f44455;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 0x44551111);
    START_AT(at, cross);
    machine_load(m, OTHER, "\x77\x77\x77\xf4", 4);
    machine_paging(m);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 0x11111111);
    machine_page(m, 0x11000, OTHER | 7); /* flushes */
    again(at);
    ck_assert_uint_eq(REG(AX), 0x77771111);
    machine_page(m, 0x11000, 0);
    again(at);
    expect_error(m, EXC_PF, 0u);
    ck_assert_uint_eq(m->cpu->cr2, 0x11000);
    ck_assert_uint_eq(machine_frame(m, 1), at);
    START_AT(at, cross);
    machine_paging(m);
    machine_run(m, 10);
    machine_page(m, 0x10000, 0);
    again(at);
    ck_assert_uint_eq(m->cpu->cr2, at);
    machine_free(m);
}
END_TEST

/* The page itself: remapped by INVLPG, by CR3, taken away, or reached twice. */
START_TEST(remapped)
{
    m = machine_new("max", _i);
    START_AT(ALIAS, inc_eax);
    machine_paging(m);
    machine_code(m, OTHER, inc_edx);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 1);
    machine_st32(m, AT_PAGES + 0x1000 + (ALIAS >> 12) * 4, OTHER | 7);
    mmu_invlpg(&m->cpu->mmu, ALIAS);
    again(ALIAS);
    ck_assert_uint_eq(REG(AX), 0);
    ck_assert_uint_eq(REG(DX), 1);
    /* Another address space has other code there. */
    memcpy(machine_mem(m, AT_PAGES + 0x3000), machine_mem(m, AT_PAGES + 0x1000), 0x1000);
    machine_st32(m, AT_PAGES + 0x3000 + (ALIAS >> 12) * 4, ALIAS | 7);
    machine_st32(m, AT_PAGES + 0x2000, (AT_PAGES + 0x3000) | 7);
    for (unsigned i = 0; i < 6; i++) {
        struct mmu_mode mode = m->cpu->mmu.mode;
        mode.cr3 = m->cpu->cr3 = i & 1 ? AT_PAGES : AT_PAGES + 0x2000;
        ck_assert(mmu_set_mode(&m->cpu->mmu, &mode, true));
        again(ALIAS);
        ck_assert_uint_eq(REG(AX), !(i & 1));
        ck_assert_uint_eq(REG(DX), i & 1);
    }
    /* Two addresses of one page: a change is seen through both. */
    machine_page(m, ALIAS, OTHER | 7);
    machine_page(m, ALIAS + 0x1000, OTHER | 7);
    again(ALIAS);
    again(ALIAS + 0x1000);
    ck_assert_uint_eq(REG(DX), 1);
    machine_load(m, OTHER, "\x40", 1);
    again(ALIAS);
    ck_assert_uint_eq(REG(AX), 1);
    again(ALIAS + 0x1000);
    ck_assert_uint_eq(REG(AX), 1);
    machine_page(m, ALIAS, 0);
    again(ALIAS);
    expect_error(m, EXC_PF, 0u);
    ck_assert_uint_eq(m->cpu->cr2, ALIAS);
    machine_free(m);
}
END_TEST

/* A jump that was taken a thousand times to code on two pages, the second of which lies elsewhere
 * each time. */
START_TEST(linked_two_pages)
{
    m = machine_new("max", _i);
    for (unsigned cr3 = 0; cr3 < 2; cr3++) {
        if (cr3)
            START_AT(0x10200, remap_loop_cr3);
        else
            START_AT(0x10200, remap_loop);
        machine_code(m, 0x10ffd, cross_add);
        machine_load(m, OTHER, machine_mem(m, 0x11000), 16);
        machine_load(m, OTHER, "\x77\x77", 2);
        machine_paging(m);
        m->cpu->gpr[REG_BX] = 0x11000;
        m->cpu->gpr[REG_SI] = AT_PAGES + 0x1000 + 0x11 * 4;
        m->cpu->gpr[REG_DX] = OTHER | 7;
        m->cpu->gpr[REG_DI] = 0x11000 | 7;
        m->cpu->gpr[REG_CX] = 1001;
        m->cpu->gpr[REG_BP] = 0;
        machine_run(m, 20000);
        ck_assert_uint_eq(REG(CX), 0);
        ck_assert_uint_eq(REG(BP), (u32)(500u * 0x77771111u + 500u * 0x11111111u));
        ck_assert_uint_eq((u32)m->cpu->rip, cr3 ? 0x10219 : 0x10216);
    }
    machine_free(m);
}
END_TEST

static void dma(void *dev, u64 off, u64 v, unsigned size)
{
    machine_load(m, AT_CODE + 6, "\x42", 1);
}

/* Writes that are not the program's: an interrupt handler, a device, the processor's own. */
START_TEST(from_elsewhere)
{
    static const struct region_ops ops = {.write = dma, .min = 1, .max = 4};
    struct region port = {.name = "dma", .size = 1, .ops = &ops, .base = DMA_PORT, .prio = 1};
    m = machine_new("max", _i);
    START(wait_patch);
    machine_run(m, 10);
    START(wait_patch);
    machine_idt_gate(m, 0x40, SEL_CODE0, HANDLER, INT32);
    machine_code(m, HANDLER, int_patch);
    m->cpu->gpr[REG_BX] = AT_CODE + 3;
    m->vector = 0x40;
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0);
    ck_assert_uint_eq(REG(DX), 1);
    /* A device that answers a port write with a write to memory. */
    bus_map(&m->io, &port);
    for (unsigned i = 0; i < 3; i++) {
        START(out_patch);
        machine_run(m, 20);
        ck_assert_uint_eq(REG(AX), 0);
        ck_assert_uint_eq(REG(DX), DMA_PORT + 1);
    }
    bus_unmap(&m->io, &port);
    /* A string instruction that overwrites itself and what follows it. */
    START(self_movs);
    machine_load(m, AT_DATA, "\x90\x90\x42\xf4", 4);
    m->cpu->gpr[REG_SI] = AT_DATA;
    m->cpu->gpr[REG_DI] = AT_CODE;
    m->cpu->gpr[REG_CX] = 4;
    machine_run(m, 20);
    ck_assert_uint_eq(REG(DX), 1);
    ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 4);
    /* The accessed bit that a segment load sets in its descriptor: 92 becomes 93. XCHG EAX, EDX
     * becomes XCHG EAX, EBX. */
    machine_protected(m, 0, AT_CODE);
    machine_desc(m, SEL_FREE, 0, 0xffff, DA_P | DA_S | DA_WRITE);
    machine_load(m, AT_CODE, "\x8e\xd8\xe9", 3);
    machine_st32(m, AT_CODE + 3, AT_GDT + SEL_FREE + 5 - (AT_CODE + 7));
    machine_load(m, AT_GDT + SEL_FREE + 6, "\xf4", 1);
    m->cpu->gpr[REG_AX] = SEL_FREE;
    m->cpu->gpr[REG_DX] = 0xd;
    m->cpu->gpr[REG_BX] = 0xb;
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0xb);
    machine_free(m);
}
END_TEST

/* The same bytes under two code sizes. */
START_TEST(two_modes)
{
    m = machine_new("max", _i);
    for (unsigned i = 0; i < 4; i++) {
        START_AT(0x9000, both_modes);
        machine_run(m, 10);
        ck_assert_uint_eq(REG(AX), 0x90909090);
        machine_real(m, 0x9000);
        machine_run(m, 10);
        ck_assert_uint_eq(REG(AX), 0x9090);
        ck_assert_uint_eq((u32)m->cpu->rip, 0x9006);
    }
    machine_free(m);
}
END_TEST

SUITE_MAIN("smc", next_instruction, alias_and_page_end, loops, two_pages, remapped,
           linked_two_pages, from_elsewhere, two_modes, between)

#else
int main(void)
{
    puts("smc: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
