/* A multiboot kernel's header and first code: a stack, then main(magic, information). */
    .section .start, "ax"
    .code32
    .set    FLAGS, 3                /* modules on page boundaries; memory information, please */
    .balign 4
    .long   0x1badb002
    .long   FLAGS
    .long   -(0x1badb002 + FLAGS)
    .globl _start
_start:
    mov     $stack_top, %esp
    push    %ebx
    push    %eax
    call    main
1:  hlt
    jmp     1b

    .bss
    .balign 16
    .skip   4096
stack_top:

    .section .note.GNU-stack, "", @progbits
