# hostcount.sh's table. Input: the kernels' lines "N NAME TICKS" of the interpreter, three each, in the order in which
# hostcount wrote its stretches: up to the begin, then those of each kernel; `ours` and `qemu` name those files. The third
# stretch less the second is what the rounds of one execute.

function stretches(file, all, made,    line, f, n) {
    n = 0
    while ((getline line <file) > 0) {
        split(line, f, " ")
        all[n] = f[1]
        made[n++] = f[2]
    }
    return n
}

function figure(n, i, list, insns) {
    return n > 3 * i + 3 ? sprintf("%.2f", (list[3 * i + 3] - list[3 * i + 2]) / insns) : "-"
}

$1 == "N" {
    ticks[NR_N++] = $3
    name[NR_N - 1] = $2
}

END {
    no = stretches(ours, oa, om)
    nq = stretches(qemu, qa, qm)
    print "| kernel | guest instructions | ours | in translated code | QEMU | in translated code | ratio |"
    print "|---|---|---|---|---|---|---|"
    for (i = 0; 3 * i + 2 < NR_N; i++) {
        insns = (ticks[3 * i + 2] - ticks[3 * i + 1]) * 1e9 / 3579545 / 8
        a = figure(no, i, oa, insns)
        b = figure(nq, i, qa, insns)
        printf "| %s | %d | %s | %s | %s | %s | %s |\n", name[3 * i], insns, a, figure(no, i, om, insns), b,
            figure(nq, i, qm, insns), a != "-" && b != "-" ? sprintf("%.3f", a / b) : "-"
    }
    if (no && no != NR_N + 1)
        print "hostcount: " no " stretches of ours, not " NR_N + 1 >"/dev/stderr"
    if (nq && nq != NR_N + 1)
        print "hostcount: " nq " stretches of QEMU, not " NR_N + 1 >"/dev/stderr"
}
