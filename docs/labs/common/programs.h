/* The guest programs of labs 3, 4 and 7, assembled with the test bench (tests/insn/machine.h). */
#ifndef DOCS_LABS_COMMON_PROGRAMS_H
#define DOCS_LABS_COMMON_PROGRAMS_H

#include "tests/insn/machine.h"

#if !GUEST_CODE
#error "the labs' guest programs need an x86 assembler: use an x86-64 host"
#endif

/* The sum of 1 to 1000, by a loop of one block. */
GUEST(p_loop, 32,
      "xor eax, eax\n mov ecx, 1000\n"
      "1: add eax, ecx\n dec ecx\n jnz 1b\n"
      "mov [0x40000], eax\n hlt");

/* Fibonacci numbers by calls of themselves: many blocks, calls and returns. */
GUEST(p_fib, 32,
      "mov eax, 15\n call 2f\n mov [0x40000], eax\n hlt\n"
      "2: cmp eax, 2\n jb 3f\n"
      "push eax\n dec eax\n call 2b\n"
      "xchg eax, [esp]\n sub eax, 2\n call 2b\n"
      "pop edx\n add eax, edx\n"
      "3: ret");

/* Sixteen functions, each 4 KiB behind the one in front, called in turn: their addresses share the
 * lowest bits. */
GUEST(p_far, 32,
      "mov edi, 0x50000\n mov ebp, 16\n"
      "1: mov byte ptr [edi], 0x05\n mov eax, ebp\n mov [edi+1], eax\n mov byte ptr [edi+5], 0xc3\n"
      "add edi, 4096\n dec ebp\n jnz 1b\n"
      "xor eax, eax\n mov esi, 50\n"
      "2: mov edi, 0x50000\n mov ebp, 16\n"
      "3: call edi\n add edi, 4096\n dec ebp\n jnz 3b\n"
      "dec esi\n jnz 2b\n"
      "mov [0x40000], eax\n hlt");

/* Copies 20,000 bytes over several pages with one instruction, then sums them. */
GUEST(p_copy, 32,
      "mov edi, 0x40000\n mov ecx, 20000\n"
      "1: mov eax, ecx\n mov [edi], al\n inc edi\n dec ecx\n jnz 1b\n"
      "mov esi, 0x40000\n mov edi, 0x48123\n mov ecx, 20000\n rep movsb\n"
      "mov esi, 0x48123\n mov ecx, 20000\n xor ebx, ebx\n"
      "2: movzx eax, byte ptr [esi]\n add ebx, eax\n inc esi\n dec ecx\n jnz 2b\n"
      "mov [0x60000], ebx\n hlt");

#endif
