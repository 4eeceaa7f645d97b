# Flags made, kept and used.
.irp cc, z, nz, c, a, be, s, l, g, o, p
seq 32 cmp_set\cc
    cmp eax, ecx
    set\cc dl
    xor eax, eax
fin
.endr
.irp cc, z, c, l
seq 32 cmp_cmov\cc
    cmp eax, ecx
    cmov\cc edx, ebx
    xor eax, eax
fin
.endr
seq 32 carry_chain
    add eax, ecx
    adc edx, ebx
    adc esi, 0
fin
seq 32 borrow_chain
    sub eax, ecx
    sbb edx, ebx
fin
seq 32 sbb_self
    cmp eax, ecx
    sbb edx, edx
fin
seq 32 rotate_carry
    add eax, ecx
    rcl edx, 1
    rcr ebx, 1
fin
seq 32 inc_keeps_carry
    add eax, ecx
    inc edx
    adc ebx, 0
fin
seq 32 overwritten
    add eax, ecx
    add edx, ecx
    add ebx, ecx
fin
seq 32 over_load
    cmp eax, ecx
    mov edx, [esi]
    setl bl
    xor ecx, ecx
fin
seq 32 over_store
    add eax, ecx
    mov [edi], eax
    jc 1f
1:
fin
seq 32 shl_imm
    shl eax, 4
fin
seq 32 shr_cl
    shr eax, cl
fin
seq 32 shr_kept
    shr eax, 3
    mov ecx, [edx]
    add ecx, eax
fin
seq 32 cmp_kept
    cmp eax, ecx
    jb 1f
    mov eax, [edx]
    add ecx, eax
1:
fin
seq 32 add_kept
    add eax, ecx
    mov eax, [edx]
    xor ecx, ecx
fin
seq 32 sar_cl_dead
    sar eax, cl
    xor edx, edx
fin
seq 32 shld_imm
    shld eax, edx, 5
fin
seq 32 rol_imm
    rol eax, 7
fin
seq 32 ror_cl
    ror eax, cl
fin
seq 32 bt_jump
    bt eax, 3
    jc 1f
1:
fin
seq 32 lahf_sahf
    lahf
    sahf
fin
seq 32 pushf_popf
    pushf
    popf
fin
seq 32 stc_adc
    stc
    adc eax, edx
fin
seq 32 cld
    cld
    xor eax, eax
fin
seq 32 bsf_bsr
    bsf eax, ecx
    bsr edx, ebx
fin
