/* PART_OVL.OVL: code that a running program loads into memory of its own (INT 21h AX=4B03h) and
 * calls at offset 0: returns CS in AX and AX + BX in DX. */
    .section .text, "ax"
    .code16
    .globl  _start
_start:
    movw    %ax, %dx
    addw    %bx, %dx
    movw    %cs, %ax
    lret
    .space  2000, 0x90              /* several sectors */
    .section .note.GNU-stack, "", @progbits
