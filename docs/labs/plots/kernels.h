/* The guest programs of `make plots`: small loops, each of which one technique of the translator
 * was made for. ECX is the number of rounds, ESI and EDI point to data, HLT ends them. */
#ifndef DOCS_LABS_PLOTS_KERNELS_H
#define DOCS_LABS_PLOTS_KERNELS_H

#include "tests/insn/long.h"

enum { AT_FUNCTIONS = 0x180000, FUNCTIONS = 16, FUNCTION_SIZE = 64, ALIASES = 64 };
enum { AT_SHARED = 0x150000, AT_ALIASES = 0x200000, AT_LIST = 0x50000, LIST = 512 };
enum { AT_PATCHED = 0x48000 };

GUEST(k_sum, 32, "1: add eax, ecx\n xor ebx, eax\n add edx, ebx\n dec ecx\n jnz 1b\n hlt");
GUEST(k_reads, 32,
      "1: mov eax, [esi+edx]\n add ebx, eax\n add edx, 68\n and edx, 0xfffc\n dec ecx\n jnz 1b\n"
      "hlt");
GUEST(k_fields, 32,
      "1: mov eax, [esi]\n mov ebx, [esi+4]\n add eax, ebx\n mov [esi+8], eax\n mov [esi+12], ebx\n"
      "mov edx, [esi+16]\n mov [esi+20], edx\n dec ecx\n jnz 1b\n hlt");
GUEST(k_update, 32,
      "1: add [esi], ecx\n inc dword ptr [esi+64]\n and eax, [esi+128]\n dec ecx\n jnz 1b\n hlt");
GUEST(k_list, 32, "1: mov esi, [esi]\n mov eax, [esi+4]\n add ebx, eax\n dec ecx\n jnz 1b\n hlt");
GUEST(k_flags, 32,
      "1: add eax, ecx\n mov [esi], eax\n sub ebx, eax\n mov [edi], ebx\n xor edx, ebx\n"
      "mov [esi+4], edx\n dec ecx\n jnz 1b\n hlt");
GUEST(k_shifts, 32,
      "1: shl eax, 3\n mov [esi], eax\n shr ebx, 1\n mov [edi], ebx\n"
      "sar edx, 2\n mov [esi+4], edx\n"
      "lea eax, [eax+ecx]\n lea ebx, [ebx+ecx]\n lea edx, [edx+ecx]\n dec ecx\n jnz 1b\n hlt");
GUEST(k_jumps, 32,
      "1: test cl, 1\n jnz 2f\n add eax, 1\n jmp 3f\n"
      ".balign 64\n 2: test cl, 2\n jnz 3f\n add ebx, 1\n jmp 4f\n"
      ".balign 64\n 3: test cl, 4\n jnz 4f\n add edx, 1\n"
      "4: dec ecx\n jnz 1b\n hlt");
GUEST(k_leaf, 32,
      "1: call 2f\n call 3f\n dec ecx\n jnz 1b\n hlt\n"
      ".balign 64\n 2: add eax, ecx\n ret\n .balign 64\n 3: xor ebx, eax\n ret");
/* Fibonacci numbers by recursion: returns whose target is not the one of the last time. */
GUEST(k_calls, 32,
      "1: mov eax, 12\n call 2f\n dec ecx\n jnz 1b\n hlt\n"
      ".balign 64\n 2: cmp eax, 2\n jb 3f\n push eax\n dec eax\n call 2b\n"
      "xchg eax, [esp]\n sub eax, 2\n call 2b\n pop edx\n add eax, edx\n 3: ret");
/* Code is written, then called so often that it is worth a translation. */
GUEST(k_patch, 32,
      "1: mov [edi+1], ecx\n mov edx, 60\n 2: call edi\n add ebx, eax\n dec edx\n jnz 2b\n"
      "dec ecx\n jnz 1b\n hlt");
GUEST(k_versions, 32,
      "1: mov edx, ecx\n and edx, 1\n mov edx, [esi+edx*4]\n mov [edi], edx\n mov edx, 8\n"
      "2: call edi\n dec edx\n jnz 2b\n dec ecx\n jnz 1b\n hlt");
GUEST(k_rewrite, 32,
      "1: mov edx, ecx\n and edx, 15\n mov edx, [esi+edx*4]\n mov [edi], edx\n mov edx, 8\n"
      "2: call edi\n dec edx\n jnz 2b\n dec ecx\n jnz 1b\n hlt");
GUEST(k_system, 32, "1: mov fs, dx\n mov gs, dx\n add eax, 1\n dec ecx\n jnz 1b\n hlt");
GUEST(k_upper, 64,
      "1: add r8, r9\n xor r10, r8\n add r11, r10\n lea r9, [r11+r8]\n dec ecx\n jnz 1b\n hlt");
/* Calls many functions, ECX times in all. */
GUEST(k_once, 32,
      "1: mov edi, 0x180000\n mov ebp, 16\n"
      "2: call edi\n add edi, 64\n dec ebp\n jnz 2b\n dec ecx\n jnz 1b\n hlt");
GUEST(k_aliases, 32,
      "1: mov edi, 0x200000\n mov ebp, 64\n"
      "2: call edi\n add edi, 4096\n dec ebp\n jnz 2b\n dec ecx\n jnz 1b\n hlt");
/* What those call: short loops and branches of which few are taken. */
GUEST(f_once, 32,
      "mov edx, 2\n 1: add eax, edx\n dec edx\n jnz 1b\n"
      "cmp eax, 1\n je 2f\n cmp eax, 2\n je 2f\n cmp eax, 3\n je 2f\n cmp eax, 4\n je 2f\n"
      "add ebx, 1\n 2: ret");

#endif
