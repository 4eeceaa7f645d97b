/*
 * The monitor's first code, the 256 interrupt entries, and the ways out.
 */
    .section .start, "ax"
    .code32
    .globl  _start
/* From EMM.COM, paging already on, EBX: linear address of struct monitor_info. */
_start:
    movl    $0x10, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %fs
    movl    %eax, %gs
    movl    %eax, %ss
    movl    $stack_top, %esp
    cld
    movl    $_bss_start, %edi
    movl    $_bss_end, %ecx
    subl    %edi, %ecx
    xorl    %eax, %eax
    shrl    $2, %ecx
    rep stosl
    pushl   %ebx
    call    monitor_main

    .section .text, "ax"
/*
 * One entry per vector: push its number. Vectors 8 to 15 are both exceptions and, because a PC's
 * interrupt controller is left as DOS knows it, IRQ 0 to 7. The two are told apart by the stack:
 * some exceptions push an error code. ESP was a multiple of 16 before the processor pushed 9
 * doublewords (from V86 mode), 5 (from ring 3) or 3 (from idle_wait), each of which is 1 modulo 4
 * or made so by idle_wait; with an error code there is one more.
 */
    .balign 16
    .globl  vectors
vectors:
    .set    n, 0
    .rept   256
    .byte   0x68                    /* push $n, always 5 bytes */
    .long   n
    jmp     common
    .balign 16
    .set    n, n + 1
    .endr

common:
    testl   $4, %esp
    jnz     1f
    pushl   (%esp)                  /* no error code: make room for one */
    movl    $-1, 4(%esp)
1:  pushal
    pushl   %ds
    pushl   %es
    pushl   %fs
    pushl   %gs
    movl    $0x10, %eax
    movl    %eax, %ds
    movl    %eax, %es
    cld
    pushl   %esp
    call    trap
    addl    $4, %esp
out:
    popl    %gs
    popl    %fs
    popl    %es
    popl    %ds
    popal
    addl    $8, %esp
    iret

/* void enter_v86(struct frame *f) */
    .globl  enter_v86
enter_v86:
    movl    4(%esp), %esp
    jmp     out

/* void load_tables(gdtr, idtr, tr) */
    .globl  load_tables
load_tables:
    movl    4(%esp), %eax
    lgdt    (%eax)
    movl    8(%esp), %eax
    lidt    (%eax)
    ltr     12(%esp)
    ljmp    $0x08, $1f
1:  ret

/* void idle_wait(void): the three doublewords of an interrupt in ring 0 must look like the nine of
 * one from V86 mode. */
    .globl  idle_wait
idle_wait:
    pushl   %ebp
    movl    %esp, %ebp
    andl    $-16, %esp
    sti
    hlt
    cli
    movl    %ebp, %esp
    popl    %ebp
    ret

/* void leave_protected(const struct frame *f, u32 ip): selector 0x28 is a 16-bit code segment at
 * the resident part of EMM.COM, 0x30 a data segment with real mode's limit. Its code finds the frame at
 * the linear address in EBX. */
    .globl  leave_protected
leave_protected:
    movl    4(%esp), %ebx
    movl    8(%esp), %eax
    pushl   $0x28
    pushl   %eax
    lret

    .section .bss, "aw", @nobits
    .balign 16
    .space  8192
    .globl  stack_top
stack_top:
    .section .note.GNU-stack, "", @progbits
