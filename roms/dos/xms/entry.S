/*
 * XMS.COM's entry points: the driver's far-call interface, its hooks in INT 2Fh and INT 15h, and
 * the copy through unreal mode.
 */
#include "roms/dos/lib/handler.inc"

    .section .text, "ax"
    .code16

/* The specification wants a jump and room here, so that others can hook the entry. */
    .globl  xms_entry
xms_entry:
    jmp     1f
    nop
    nop
    nop
1:
    handler xms_body, xms_call, lretw

/* INT 2Fh AX=4300h: is there a driver? AX=4310h: where? */
    .globl  int2f
int2f:
    cmpw    $0x4300, %ax
    jne     1f
    movb    $0x80, %al
    iretw
1:  cmpw    $0x4310, %ax
    jne     2f
    movw    %cs, %bx
    movw    %bx, %es
    movw    $xms_entry, %bx
    iretw
2:  ljmpw   *%cs:old2f

/* INT 15h AH=88h: no extended memory is left for who asks the BIOS; all is ours. */
    .globl  int15
int15:
    cmpb    $0x88, %ah
    jne     1f
    xorw    %ax, %ax
    pushw   %bp
    movw    %sp, %bp
    andw    $0xfffe, 6(%bp)         /* carry clear */
    popw    %bp
    iretw
1:  ljmpw   *%cs:old15

/*
 * void unreal_copy(u32 dst, u32 src, u32 bytes): copy between any physical addresses, in words.
 * Protected mode is entered just long enough to load DS and ES with a 4 GiB descriptor; back in
 * real mode the processor keeps that limit until the next load in protected mode (SDM volume 3,
 * 21.1.1: a segment load in real mode changes the base alone). Interrupts stay off: a BIOS handler
 * that visits protected mode itself would bring the 64 KiB limit back.
 */
    .globl  unreal_copy
unreal_copy:
    pushl   %esi
    pushl   %edi
    pushl   %ebx
    movl    16(%esp), %edi
    movl    20(%esp), %esi
    movl    24(%esp), %ecx
    pushw   %ds
    pushw   %es
    pushfw
    cli
    sgdtl   old_gdtr
    lgdtl   flat_gdtr
    movl    %cr0, %eax
    orb     $1, %al
    movl    %eax, %cr0
    jmp     1f                      /* nothing fetched before is decoded for the old mode */
1:  movw    $8, %bx
    movw    %bx, %ds
    movw    %bx, %es
    andb    $0xfe, %al
    movl    %eax, %cr0
    jmp     2f
2:  lgdtl   %cs:old_gdtr
    xorw    %bx, %bx
    movw    %bx, %ds
    movw    %bx, %es
    cld
    shrl    $2, %ecx                /* doublewords; the carry is a word more */
    .byte 0x67; rep movsl                /* (leaves the flags alone) */
    jnc     3f
    .byte 0x67; movsw
3:
    popfw
    popw    %es
    popw    %ds
    popl    %ebx
    popl    %edi
    popl    %esi
    retl

    .section .data, "aw"
    .balign 8
flat_gdt:
    .quad   0
    .quad   0x00cf93000000ffff
flat_gdtr:
    .word   15
flat_base:
    .long   flat_gdt                /* plus the segment's base, added by main() */
old_gdtr:
    .word   0
    .long   0
    .globl  old2f, old15, flat_base
old2f:
    .long   0
old15:
    .long   0

    .section .bss, "aw"
    .balign 16
    .space  1024
    .globl  handler_stack_top
handler_stack_top:
    .section .note.GNU-stack, "", @progbits
