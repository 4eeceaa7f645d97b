/* Lab 7, test bench: programs that write code, and one that writes data beside code. */
#include "docs/labs/07-self-modifying/smc.h"

#include "docs/labs/common/programs.h"
#include "docs/labs/common/score.h"

/* Patch the immediate of a function and call it, a hundred times. */
GUEST(p_patch, 32,
      "xor ebx, ebx\n mov ecx, 100\n mov edi, 0x10040\n"
      "1: mov [edi+1], ecx\n call edi\n add ebx, eax\n dec ecx\n jnz 1b\n"
      "mov [0x40000], ebx\n hlt\n"
      ".org p_patch_begin + 0x40\n mov eax, 0\n ret");

/* Patch the instruction behind the patching one, in the same block. */
GUEST(p_next, 32,
      "xor ebx, ebx\n mov ecx, 50\n"
      "1: mov [0x1000f], ecx\n"           /* at 0x10007, six bytes */
      "nop\n"
      "mov eax, 0x12345678\n"             /* at 0x1000e */
      "add ebx, eax\n dec ecx\n jnz 1b\n"
      "mov [0x40000], ebx\n hlt");

/* Patch by a string instruction, across two functions. */
GUEST(p_string, 32,
      "mov ebx, 0\n mov ebp, 20\n"
      "1: mov edi, 0x10080\n mov esi, 0x100c0\n test ebp, 1\n jz 2f\n mov esi, 0x100e0\n"
      "2: mov ecx, 6\n rep movsb\n"
      "mov edi, 0x10080\n call edi\n add ebx, eax\n"
      "dec ebp\n jnz 1b\n mov [0x40000], ebx\n hlt\n"
      ".org p_string_begin + 0x80\n mov eax, 0\n ret\n"
      ".org p_string_begin + 0xc0\n mov eax, 10\n ret\n"
      ".org p_string_begin + 0xe0\n mov eax, 1000\n ret");

/* A counter in the line of the loop that counts: nothing of the code changes. */
GUEST(p_beside, 32,
      "mov ecx, 5000\n"
      "1: inc dword ptr [0x10030]\n dec ecx\n jnz 1b\n"
      "mov eax, [0x10030]\n mov [0x40000], eax\n hlt\n"
      ".org p_beside_begin + 0x30\n .long 0");

static const struct program {
    const char *name, *what;
    const unsigned char *begin, *end;
    u32 decodes; /* at most */
} programs[] = {
    {"patch", "an immediate is patched between calls", p_patch_begin, p_patch_end, 3000},
    {"next", "the next instruction of the same block is patched", p_next_begin, p_next_end, 3000},
    {"string", "a string instruction writes a function", p_string_begin, p_string_end, 1000},
    {"beside", "data beside code drops no block", p_beside_begin, p_beside_end, 20},
};

static void run(void *arg)
{
    smc_run(arg);
}

static void wrote(void *arg, u32 addr, u32 len)
{
    smc_wrote(arg, addr, len);
}

static void try_program(struct score *sc, const struct program *p)
{
    struct tiny a, b;
    struct smc *smc;
    bool done;

    tiny_init(&a, p->begin, (size_t)(p->end - p->begin));
    tiny_init(&b, p->begin, (size_t)(p->end - p->begin));
    smc = smc_new(&a);
    a.wrote = wrote;
    a.arg = smc;
    done = smc && tiny_run(&a, run, smc);
    tiny_reference(&b);
    if (score(sc, done && tiny_equal(&a, &b), "%s: %s: %u, our interpreter says %u", p->name,
              p->what, tiny_ld32(&a, TINY_DATA), tiny_ld32(&b, TINY_DATA)))
        score(sc, a.decoded <= p->decodes, "%s: %llu instructions run, %llu decoded (at most %u)",
              p->name, (unsigned long long)a.executed, (unsigned long long)a.decoded, p->decodes);
    a.wrote = NULL;
    if (smc)
        smc_free(smc);
    tiny_free(&a);
    tiny_free(&b);
}

int main(void)
{
    struct score sc = {0, 0};

    for (unsigned i = 0; i < ARRAY_LEN(programs); i++)
        try_program(&sc, &programs[i]);
    return score_status(&sc);
}
