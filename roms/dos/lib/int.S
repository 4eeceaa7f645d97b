/*
 * Software interrupts and far calls from C (int.h). The interrupt's number is part of the
 * instruction, so it is written into the code just before: the simplest self-modifying code, and
 * what the run-time libraries of DOS compilers did.
 */
    .section .text, "ax"
    .code16

/* void cpu_int(u8 n, struct cpu_regs *r): the stack holds a 4-byte return address, n, r. */
    .globl  cpu_int
cpu_int:
    movb    4(%esp), %al
    movb    %al, number
    movb    $0, is_call
    jmp     load

    .globl  cpu_far_call
cpu_far_call:
    movl    4(%esp), %eax
    movl    %eax, target
    movb    $1, is_call

load:
    movl    8(%esp), %eax           /* r */
    pushal
    pushw   %ds
    pushw   %es
    pushw   %fs
    pushw   %gs
    movw    %sp, saved_sp
    movl    %eax, saved_r
    /* Put the block's registers on the stack and pop them from there. */
    subw    $36, %sp
    movw    %sp, %di
    movzwl  %di, %edi
    movl    %eax, %esi
    movl    $36, %ecx
    movw    %ds, %dx
    movw    %dx, %es
    cld
    .byte 0x67; rep movsb
    movzwl  %sp, %esp
    movw    %ds, %ax
    cmpw    $0, (%esp)
    jne     1f
    movw    %ax, (%esp)
1:  cmpw    $0, 2(%esp)
    jne     2f
    movw    %ax, 2(%esp)
2:  cmpb    $0, is_call
    popw    %ds
    popw    %es
    jne     3f
    popal
    .byte   0xcd                    /* int */
number:
    .byte   0
    jmp     4f
3:  popal
    pushw   %cs                     /* a frame that both RETF and a look at the stack understand */
    pushw   $4f
    ljmpw   *%cs:target
4:  /* Store everything below the saved stack pointer; SS is still ours. */
    pushfw
    pushal
    pushw   %es
    pushw   %ds
    movw    %sp, %bp
    movw    %ss, %ax
    movw    %ax, %ds
    movw    %ax, %es
    cld
    movzwl  %bp, %esi
    movl    saved_r, %edi
    movl    $38, %ecx
    .byte 0x67; rep movsb
    movw    saved_sp, %sp
    movzwl  %sp, %esp
    popw    %gs
    popw    %fs
    popw    %es
    popw    %ds
    popal
    retl

    .section .data, "aw"
    .globl  int_saved
int_saved:
saved_r:
    .long   0
target:
    .long   0
saved_sp:
    .word   0
is_call:
    .byte   0
    .section .note.GNU-stack, "", @progbits
