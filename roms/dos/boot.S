/*
 * Boot sector of the DOS-like guest's floppy. The firmware loads it to 0x7C00 with the drive's
 * number in DL. As the boot sectors of old, it knows just enough of the FAT file system to read
 * one file: the first entry of the root directory must be KERNEL.SYS, stored in one piece.
 *
 * Memory: this sector moves itself to 0x90000, out of the way; the kernel goes to 0x00800. That
 * address makes every whole-sector read up to 0x10000 stay inside one 64 KiB page, which the
 * floppy's DMA channel cannot leave (Intel 8237A; the page register does not count).
 */
    .set    SELF_SEGMENT, 0x9000
    .set    KERNEL_SEGMENT, 0x0080
    .set    DIR_BUFFER, 0x0200          /* in the sector's own segment, behind it */
    .set    ROOT_START, 19              /* 1 boot sector, 2 x 9 FAT sectors */
    .set    DATA_START, 33              /* 14 sectors of root directory */

    .section .text, "ax"
    .code16
    .globl _start
_start:
    jmp     start
    nop
    /* BIOS parameter block of a 1.44 MB disk (Microsoft FAT specification, section 3.1). */
    .ascii  "DRAGOMAN"
    .word   512                         /* bytes per sector */
    .byte   1                           /* sectors per cluster */
    .word   1                           /* reserved sectors */
    .byte   2                           /* FATs */
    .word   224                         /* root directory entries */
    .word   2880                        /* sectors */
    .byte   0xf0                        /* media */
    .word   9                           /* sectors per FAT */
spt:.word   18                          /* sectors per track */
heads:
    .word   2
    .long   0                           /* hidden sectors */
    .long   0                           /* sectors, if more than 65535 */
drive:
    .byte   0, 0, 0x29
    .long   0x20200101                  /* serial number */
    .ascii  "DRAGOMANDOS"
    .ascii  "FAT12   "

start:
    cli
    cld
    xor     %ax, %ax
    mov     %ax, %ds
    mov     $SELF_SEGMENT, %ax
    mov     %ax, %es
    mov     %ax, %ss
    mov     $0xfff0, %sp
    mov     $0x7c00, %si
    xor     %di, %di
    mov     $256, %cx
    rep movsw
    ljmp    $SELF_SEGMENT, $moved
moved:
    mov     %ax, %ds
    sti
    mov     %dl, drive

    mov     $ROOT_START, %ax
    mov     $DIR_BUFFER, %bx
    call    read_sector
    mov     $DIR_BUFFER, %si
    mov     $kernel_name, %di
    mov     $11, %cx
    repe cmpsb
    jne     failed

    mov     DIR_BUFFER + 28, %cx        /* size in bytes, below 64 KiB */
    add     $511, %cx
    shr     $9, %cx
    mov     DIR_BUFFER + 26, %ax        /* first cluster; cluster 2 is the first of the data */
    add     $(DATA_START - 2), %ax
    mov     $KERNEL_SEGMENT, %di
    xor     %bx, %bx
next:
    mov     %di, %es
    call    read_sector
    inc     %ax
    add     $(512 / 16), %di
    loop    next
    mov     drive, %dl
    ljmp    $KERNEL_SEGMENT, $0

/* Read logical sector AX to ES:BX; changes only DX. The first tries may fail while the motor
 * comes up to speed. */
read_sector:
    push    %ax
    push    %cx
    push    %bp
    mov     $4, %bp
    xor     %dx, %dx
    divw    spt                         /* AX: track, DX: sector in it */
    mov     %dl, %cl
    inc     %cl                         /* sectors count from 1 */
    xor     %dx, %dx
    divw    heads                       /* AX: cylinder, DX: head */
    mov     %al, %ch
    mov     %dl, %dh
1:  mov     drive, %dl
    mov     $0x0201, %ax
    int     $0x13
    jnc     2f
    xor     %ax, %ax                    /* reset the controller and try again */
    int     $0x13
    dec     %bp
    jnz     1b
    jmp     failed
2:  pop     %bp
    pop     %cx
    pop     %ax
    ret

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

kernel_name:
    .ascii  "KERNEL  SYS"
message:
    .asciz  "No KERNEL.SYS"

    .org    510
    .byte   0x55, 0xaa
    .section .note.GNU-stack, "", @progbits
