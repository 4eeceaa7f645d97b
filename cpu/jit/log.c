/* -d out_asm: host code of a block, disassembled by Capstone where it was found, else as bytes. */
#include "cpu/jit/block.h"

#ifdef CONFIG_CAPSTONE
#include <capstone/capstone.h>
#ifdef CONFIG_JIT_A64
#define HOST_ARCH CS_ARCH_ARM64
#define HOST_MODE CS_MODE_LITTLE_ENDIAN
#else
#define HOST_ARCH CS_ARCH_X86
#define HOST_MODE CS_MODE_64
#endif
#endif

void block_show_made(struct jit *jit, const struct block *b)
{
    const struct probe_hooks *probe = jit->cpu->log->probe;
    struct probe_block p = {.id = b->id,
                            .page = b->page0,
                            .off = b->off,
                            .la = jit_la(jit->cpu, b->rip),
                            .nbytes = b->nbytes,
                            .ninsns = b->nguest,
                            .host = b->code,
                            .host_size = b->host_size};
    if (probe->block_made)
        probe->block_made(probe->arg, &p);
}

void jit_log_host(struct jit *jit, const struct block *b)
{
    const u8 *p = b->host;
    log_line(jit->cpu->log, LOGA_OUT_ASM, "host code of %08llx: %u bytes for %u guest instructions",
             (unsigned long long)b->rip, b->host_size, b->nguest);
#ifdef CONFIG_CAPSTONE
    csh cs;
    cs_insn *insn;
    if (cs_open(HOST_ARCH, HOST_MODE, &cs) == CS_ERR_OK) {
        size_t n;
        cs_option(cs, CS_OPT_SKIPDATA, CS_OPT_ON);
        n = cs_disasm(cs, p, b->host_size, (uintptr_t)p, 0, &insn);
        for (size_t i = 0; i < n; i++)
            log_line(jit->cpu->log, LOGA_OUT_ASM, "  %llx: %s %s",
                     (unsigned long long)insn[i].address, insn[i].mnemonic, insn[i].op_str);
        cs_free(insn, n);
        cs_close(&cs);
    }
#else
    for (u32 i = 0; i < b->host_size; i += 16) {
        char hex[64];
        u32 at = 0;
        for (u32 k = i; k < b->host_size && k < i + 16; k++)
            at += (u32)snprintf(hex + at, sizeof(hex) - at, " %02x", p[k]);
        log_line(jit->cpu->log, LOGA_OUT_ASM, " %s", hex);
    }
#endif
}
