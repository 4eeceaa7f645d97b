# Reads the log of "-d out_asm" and prints, as samples (see collect.awk), host instructions for the guest
# instructions of the blocks between the addresses `from` and `to`: up to the first JMP of each block, which is the straight way through it,
# and all. Blocks that are made anew count once.

function hex(s,    v, i)
{
    v = 0
    for (i = 1; i <= length(s); i++)
        v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
    return v
}

/^host code of / {
    at = hex(substr($4, 1, length($4) - 1))
    on = at >= from && at < to && !(at in seen)
    if (on) {
        seen[at] = 1
        guest += $(NF - 2)
    }
    straight = on
    next
}

on && /^ +[0-9a-f]+: / {
    all++
    if (straight)
        host++
    if ($2 == "jmp")
        straight = 0
}

!/^ / { on = 0 }

END {
    if (guest > 0)
        printf "%s core dragoman jit.host_insns_per_guest_insn %.2f ratio -\n" \
            "%s core dragoman jit.host_insns_all_per_guest_insn %.2f ratio -\n", round, host / guest, round, all / guest
}
