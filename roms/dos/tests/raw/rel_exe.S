/* REL_EXE.EXE: three segments that find each other by relocated segment values. Exit code 0x42 when
 * the loader did everything; else the number of what went wrong. */
    .set    CODE, 0
    .set    DATA, 0x10              /* segments, in paragraphs from the image's start */
    .set    FAR, 0x20
    .set    STACK, 0x30
    .set    IMAGE, 64               /* bytes of header in front */
    .set    SIZE, IMAGE + STACK * 16

    .section .text, "ax"
    .code16
    .globl  _start
_start:
    .ascii  "MZ"
    .word   SIZE % 512              /* bytes in the last page */
    .word   (SIZE + 511) / 512
    .word   3                       /* relocations */
    .word   IMAGE / 16
    .word   0x40                    /* paragraphs behind the image: the stack */
    .word   0x80                    /* and no more than these */
    .word   STACK, 0x0400           /* SS:SP */
    .word   0
    .word   0, CODE                 /* CS:IP */
    .word   relocations - _start
    .word   0
relocations:
    .word   reloc1 - code, CODE
    .word   reloc2 - code, CODE
    .word   reloc3 - data, DATA

    .org    IMAGE
code:
    .byte   0xb8                    /* mov $DATA, %ax */
reloc1:
    .word   DATA
    movw    %ax, %ds
    movb    $1, %bl
    cmpw    $0x1234, value - data
    jne     bad
    movb    $2, %bl
    .byte   0x9a                    /* lcall $FAR, $0 */
    .word   0
reloc2:
    .word   FAR
    cmpw    $0x5678, %cx
    jne     bad
    movb    $3, %bl
    lcall   *(pointer - data)
    cmpw    $0x5678, %dx
    jne     bad
    movb    $4, %bl
    movw    %ss, %ax                /* the stack is where the header says */
    movw    %cs, %cx
    subw    %cx, %ax
    cmpw    $STACK, %ax
    jne     bad
    movb    $5, %bl
    movw    %es:2, %ax              /* and memory ends where it says (ES: the prefix) */
    subw    %cx, %ax
    cmpw    $(STACK + 0x80), %ax
    jne     bad
    movb    $0x42, %bl
bad:
    movb    %bl, %al
    movb    $0x4c, %ah
    int     $0x21

    .org    IMAGE + DATA * 16
data:
value:
    .word   0x1234
pointer:
    .word   0
reloc3:
    .word   FAR

    .org    IMAGE + FAR * 16
    movw    %cx, %dx
    movw    $0x5678, %cx
    lret
    .org    SIZE
    .section .note.GNU-stack, "", @progbits
