/*
 * Start, exception entries and the two assembly halves of the trap mechanism (test.h) that all
 * test ROMs share.
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
    mov     $0x90000, %esp
    call    test_main

    .text
    .globl intr_entries
    .balign 16
/*
 * 16 bytes for each vector; a zero takes the place of the error code where the processor pushes
 * none.
 */
intr_entries:
    .set    v, 0
    .rept   0x90
    .balign 16
    .if !((v == 8) || (v >= 10 && v <= 14) || (v == 17))
    pushl   $0
    .endif
    pushl   $v
    jmp     common
    .set    v, v + 1
    .endr

common:
    pusha
    /* A trap may come from anywhere: user segments, V86 mode, a test's odd segment. The saved ones are for the test. */
    pushl   %ds
    pushl   %es
    pushl   %fs
    pushl   %gs
    mov     $0x10, %eax
    mov     %eax, %ds
    mov     %eax, %es
    cld
    mov     %esp, %eax
    push    %eax
    call    trap_dispatch
    add     $4, %esp
    popl    %gs
    popl    %fs
    popl    %es
    popl    %ds
    popa
    add     $8, %esp
    iret

    .globl trap_run
/* u32 trap_run(void (*fn)(void)): -1 when fn returns, else the vector of the trap that ended it. */
trap_run:
    push    %ebp
    push    %ebx
    push    %esi
    push    %edi
    pushf
    pushl   trap_esp                /* trap_run may be nested */
    mov     %esp, trap_esp
    call    *28(%esp)
    mov     $-1, %eax
trap_return:
    popl    trap_esp
    popf
    pop     %edi
    pop     %esi
    pop     %ebx
    pop     %ebp
    ret

    .globl trap_unwind
/* void trap_unwind(u32 vector): leave the handler and make trap_run return. */
trap_unwind:
    mov     4(%esp), %eax
    /* FS and GS stay as the trap found them: tests look through them, the C code does not use them. */
    mov     $0x10, %ecx
    mov     %ecx, %ds
    mov     %ecx, %es
    mov     %ecx, %ss
    mov     trap_esp, %esp
    jmp     trap_return

    .globl enter_user
/* void enter_user(void (*fn)(void), u32 esp): run fn in ring 3; it ends with a trap. */
enter_user:
    mov     4(%esp), %eax
    mov     8(%esp), %edx
    mov     $0x23, %ecx
    mov     %ecx, %ds
    mov     %ecx, %es
    mov     %ecx, %fs
    mov     %ecx, %gs
    push    $0x23
    push    %edx
    pushf
    push    $0x1b
    push    %eax
    iret

    .bss
    .globl trap_esp
    .balign 4
trap_esp:
    .skip   4

    .section .note.GNU-stack, "", @progbits
