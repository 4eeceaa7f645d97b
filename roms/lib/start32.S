/*
 * First code of a flat 32-bit image: clear the zero-initialised data, then main() with the
 * caller's two arguments.
 */
    .section .start, "ax"
    .code32
    .globl _start
_start:
    cld
    mov     $_bss_start, %edi
    mov     $_bss_end, %ecx
    sub     %edi, %ecx
    shr     $2, %ecx
    xor     %eax, %eax
    rep stosl
    jmp     main            /* the arguments and a return address are on the stack already */

    .section .note.GNU-stack, "", @progbits
