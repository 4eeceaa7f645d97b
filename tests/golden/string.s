# String instructions.
.irp op, movsb, movsd, stosb, stosd, lodsb, lodsd, scasb, cmpsb
seq 32 \op
    \op
fin
.endr
.irp op, movsb, movsd, stosb, stosd
seq 32 rep_\op
    rep \op
fin
.endr
seq 32 repne_scasb
    repne scasb
fin
seq 32 repe_cmpsb
    repe cmpsb
fin
seq 32 memcpy
    mov edx, ecx
    shr ecx, 2
    rep movsd
    mov ecx, edx
    and ecx, 3
    rep movsb
fin
