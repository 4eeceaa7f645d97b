# 16-bit code in real mode.
seq 16 add_rr
    add ax, cx
fin
seq 16 add_32
    add eax, ecx
fin
seq 16 load
    mov ax, [bx+si]
fin
seq 16 load_bp
    mov ax, [bp-2]
fin
seq 16 store
    mov [di], al
fin
seq 16 load_es
    mov ax, es:[di]
fin
seq 16 push_pop
    push ax
    pop dx
fin
seq 16 mov_seg
    mov ds, ax
fin
seq 16 load_far
    les di, [bx]
fin
seq 16 call_near
    call 1f
1:
fin
seq 16 ret
    ret
fin
seq 16 retf
    retf
fin
seq 16 int21
    int 0x21
fin
seq 16 cmp_jump
    cmp ax, cx
    jb 1f
    nop
1:
fin
seq 16 loop_insn
1:  stosw
    loop 1b
fin
seq 16 rep_movsw
    rep movsw
fin
seq 16 in_out
    in al, dx
    out dx, al
fin
seq 16 cli_sti
    cli
    sti
fin
