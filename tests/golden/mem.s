# Loads, stores, read-modify-write.
seq 32 load
    mov eax, [ecx]
fin
seq 32 load_disp
    mov eax, [ecx+0x40]
fin
seq 32 load_index
    mov eax, [ebx+esi*4]
fin
seq 32 load_abs
    mov eax, ds:0x41000
fin
seq 32 load_byte
    mov al, [ecx]
fin
seq 32 load_word
    mov ax, [ecx]
fin
seq 32 load_zx
    movzx eax, byte ptr [ecx]
    movsx edx, word ptr [ecx+2]
fin
seq 32 store
    mov [ecx], eax
fin
seq 32 store_byte
    mov [ecx], dl
fin
seq 32 store_imm
    mov dword ptr [ecx], 0
fin
seq 32 load_op
    add eax, [ecx]
fin
seq 32 rmw_add
    add [ecx], eax
fin
seq 32 rmw_inc
    inc dword ptr [ecx]
fin
seq 32 rmw_byte
    or byte ptr [ecx], 4
fin
seq 32 cmp_mem
    cmp byte ptr [ecx], 0
    je 1f
1:
fin
seq 32 test_mem
    test dword ptr [ecx], 0x10
    jne 1f
1:
fin
seq 32 same_base
    mov eax, [esi]
    mov edx, [esi+4]
    mov ebx, [esi+8]
    mov ecx, [esi+12]
fin
seq 32 store_group
    mov [edi], eax
    mov [edi+4], edx
    mov [edi+8], ebx
    mov [edi+12], ecx
fin
seq 32 copy_step
    mov eax, [esi]
    mov [edi], eax
    add esi, 4
    add edi, 4
fin
seq 32 struct_walk
    mov eax, [ebx+8]
    add eax, [ebx+12]
    mov [ebx+16], eax
fin
seq 32 count_up
    inc dword ptr [ecx]
    xor eax, eax
fin
seq 32 table_xor
    movzx esi, bh
    xor edx, [ebp+esi*8+3]
    xor ecx, [ebp+eax*8+3]
fin
seq 32 chase
    mov ecx, [ecx]
    mov ecx, [ecx]
fin
seq 32 xchg_mem
    xchg eax, [ecx]
fin
seq 32 cmpxchg
    lock cmpxchg [ecx], edx
fin
seq 32 lock_add
    lock add dword ptr [ecx], 1
fin
seq 32 xadd
    lock xadd [ecx], eax
fin
seq 32 fs_load
    mov eax, fs:[0]
fin
seq 32 gs_load
    mov eax, gs:[0x14]
fin
seq 32 bts_mem
    bts dword ptr [ecx], 5
fin
seq 32 xlat
    xlatb
fin
