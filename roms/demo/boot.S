/*
 * Boot sector of the demo's floppy image. A PC's firmware loads this first sector to 0x7C00 and
 * jumps to it in real mode with the drive's number in DL. It reads the rest of the demo to
 * 0x20000 and enters it in 32-bit protected mode.
 */
    .set    KERNEL_SEGMENT, 0x2000
    .set    SECTORS_PER_TRACK, 18
    .section .text, "ax"
    .code16
    .globl _start
_start:
    cli
    cld
    xor     %ax, %ax
    mov     %ax, %ds
    mov     %ax, %ss
    mov     $0x7c00, %sp
    sti
    mov     %dl, drive

    mov     $KERNEL_SEGMENT, %ax
    mov     %ax, %es
    mov     $1, %si                 /* logical sector; 0 is this one */
    mov     $((KERNEL_SIZE + 511) / 512), %di

next:
    /* Sector number to cylinder, head, sector: the firmware's disk service wants geometry. */
    mov     %si, %ax
    xor     %dx, %dx
    mov     $SECTORS_PER_TRACK, %cx
    div     %cx                     /* AX: track, DX: sector within it */
    mov     %dl, %cl
    inc     %cl                     /* sectors count from 1 */
    mov     %al, %dh
    and     $1, %dh                 /* two heads */
    shr     $1, %ax
    mov     %al, %ch
    mov     drive, %dl
    mov     $0x0201, %ax            /* read one sector to ES:BX */
    xor     %bx, %bx
    int     $0x13
    jc      failed
    mov     %es, %ax
    add     $(512 / 16), %ax
    mov     %ax, %es
    inc     %si
    dec     %di
    jnz     next

    cli
    in      $0x92, %al              /* address line 20 on */
    or      $2, %al
    and     $0xfe, %al
    out     %al, $0x92
    lgdt    gdtr
    mov     %cr0, %eax
    or      $1, %al
    mov     %eax, %cr0
    ljmpl   $0x08, $protected

failed:
    mov     $message, %si
1:  lodsb
    test    %al, %al
    jz      2f
    mov     $0x0e, %ah
    mov     $7, %bx
    int     $0x10
    jmp     1b
2:  hlt
    jmp     2b

    .code32
protected:
    mov     $0x10, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %fs
    mov     %eax, %gs
    mov     %eax, %ss
    mov     $0x80000, %esp
    mov     $(KERNEL_SEGMENT * 16), %eax
    call    *%eax
3:  hlt
    jmp     3b

message:
    .asciz  "Dragoman demo: cannot read the disk"
    .balign 8
gdt:
    .quad   0
    .quad   0x00cf9b000000ffff
    .quad   0x00cf93000000ffff
gdt_end:
gdtr:
    .word   gdt_end - gdt - 1
    .long   gdt
drive:
    .byte   0

    .org    510
    .byte   0x55, 0xaa              /* what makes it a boot sector */
    .incbin KERNEL_FILE

    .section .note.GNU-stack, "", @progbits
