/* CPU models and what CPUID says of them (SDM vol. 2 "CPUID"). */
#ifndef CPU_SYS_CPUID_H
#define CPU_SYS_CPUID_H

#include "cpu/cpu.h"

struct err;

struct cpu_model {
    const char *name, *vendor;
    u8 family, model, stepping, phys_bits;
    const char *brand; /* "": no brand string leaves */
    u64 feats;
};

/* Where the two makers differ in long mode: SYSCALL outside of 64-bit code, SYSENTER, SYSRET. */
static inline bool cpu_is_amd(const struct cpu *cpu)
{
    return cpu->model->vendor[0] == 'A';
}

#define CPU_DEFAULT_MODEL "qemu32"

/* Parse "name,+feature,-feature" (NULL: the default model) into the model and the feature mask;
 * NULL with a sentence in *err when something is unknown. */
const struct cpu_model *cpu_model_parse(const char *text, u64 *feats, struct err *err);
/* Model number i, or NULL behind the last: for listings. */
const struct cpu_model *cpu_model_at(unsigned i);
/* Name of a feature as -cpu takes it. */
const char *cpu_feat_name(enum feat f);
/* EAX of CPUID leaf 1; also EDX at reset. */
u32 cpuid_signature(const struct cpu_model *model);
/* CPUID: out is EAX, EBX, ECX, EDX. */
void cpuid_query(struct cpu *cpu, u32 leaf, u32 sub, u32 out[4]);

#endif
