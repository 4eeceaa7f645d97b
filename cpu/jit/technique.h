/* The translator's techniques that can be switched off one by one, to see what each is worth and
 * which one a difference comes from. */
#ifndef CPU_JIT_TECHNIQUE_H
#define CPU_JIT_TECHNIQUE_H

#include "devices/core/types.h"

enum jit_technique {
#define TECHNIQUE(id, name, text) JIT_T_##id,
#include "cpu/jit/technique.def"
#undef TECHNIQUE
    JIT_T__COUNT
};
#define JIT_OFF(id) (1u << JIT_T_##id)

/* Parse "flat,groups,..." ("all": each of them) into a mask of JIT_OFF; false with a sentence for
 * an unknown name. */
struct err;
bool jit_parse_off(const char *list, u32 *off, struct err *err);

#endif
