/*
 * A guest to look at in several labs: adds the numbers from 1000 down to 1 by calling a function, which
 * keeps the sum in memory.
 */
    .code32
    .globl run_test
run_test:
    mov     $1000, %ecx
    xor     %eax, %eax
again:
    call    add
    dec     %ecx
    jnz     again
    ret

    .balign 64
add:
    add     %ecx, %eax
    mov     %eax, total
    ret

    .bss
total:
    .long   0
    .section .note.GNU-stack, "", @progbits
