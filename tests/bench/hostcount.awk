# Reads the log of "-d out_asm" and prints, as samples (see collect.awk), host instructions for the guest
# instructions of the blocks between the addresses `from` and `to`: up to the first JMP of each block, which is the straight way through it,
# and all. Of a block that is made anew, because it runs often, the last version counts: that is what runs. The first
# ones have a line of their own.

function hex(s,    v, i)
{
    v = 0
    for (i = 1; i <= length(s); i++)
        v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
    return v
}

/^host code of / {
    at = hex(substr($4, 1, length($4) - 1))
    on = at >= from && at < to
    if (on) {
        first = !(at in guest)
        guest[at] = $(NF - 2)
        host[at] = all[at] = 0
        if (first)
            guests += guest[at]
    }
    straight = on
    next
}

on && /^ +[0-9a-f]+: / {
    all[at]++
    if (straight) {
        host[at]++
        hosts += first
    }
    if ($2 == "jmp")
        straight = 0
}

!/^ / { on = 0 }

END {
    for (at in guest) {
        g += guest[at]
        h += host[at]
        a += all[at]
    }
    if (g > 0) {
        printf "%s core dragoman jit.host_insns_per_guest_insn %.2f ratio -\n", round, h / g
        printf "%s core dragoman jit.host_insns_first_per_guest_insn %.2f ratio -\n", round, hosts / guests
        printf "%s core dragoman jit.host_insns_all_per_guest_insn %.2f ratio -\n", round, a / g
    }
}
