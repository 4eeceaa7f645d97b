/*
 * First code of KERNEL.SYS, loaded by the boot sector at 0x0080:0 with the drive in DL, and the
 * kernel's interrupt entry points. CS = DS = SS is the kernel's segment whenever C code runs.
 */
#include "roms/dos/lib/handler.inc"

    .section .start, "ax"
    .code16
    .globl  _start
_start:
    cli
    cld
    movw    %cs, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %ss
    movl    $handler_stack_top, %esp
    movw    $_bss_start, %di
    movw    $_bss_end, %cx
    subw    %di, %cx
    xorb    %al, %al
    rep stosb
    movb    %dl, boot_drive
    sti
    calll   kernel_main
1:  hlt
    jmp     1b

    .section .text, "ax"

/* INT 20h: end the program, the oldest way. */
    .globl  int20
int20:
    movw    $0x4c00, %ax
    jmp     int21

/* INT 27h: end, but keep DX bytes. */
    .globl  int27
int27:
    addw    $15, %dx
    rcrw    $1, %dx                 /* the carry is bit 16 of the sum */
    shrw    $3, %dx
    movw    $0x3100, %ax
    jmp     int21

/* INT 21h. */
    handler int21, dos_call, iretw

/* Leave to the program whose frame is at caller_ss:caller_sp. */
    .globl  proc_enter
proc_enter:
    cli
    movw    caller_ss, %ss
    movzwl  caller_sp, %esp
    popw    %gs
    popw    %fs
    popw    %es
    popw    %ds
    popal
    iretw

/* INT 29h: the character in AL, fast. */
    .globl  int29
int29:
    pushw   %ax
    pushw   %dx
    movb    %al, %dl
    movb    $2, %ah
    int     $0x21
    popw    %dx
    popw    %ax
    iretw

/* INT 24h, a critical error: let the call fail. */
    .globl  int24
int24:
    movb    $3, %al
    .globl  int_nothing
int_nothing:
    iretw

    .section .bss, "aw"
    .balign 16
    .space  3072
    .globl  handler_stack_top
handler_stack_top:
    .globl  boot_drive
boot_drive:
    .byte   0
    .section .note.GNU-stack, "", @progbits
