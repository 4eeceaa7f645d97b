# Reads one run's stamped output and prints samples: "ROUND SET EMULATOR LINE VALUE UNIT BETTER" with BETTER hi, lo or -.
# Variables: round, set, emu. Prints each line's first value only.

function sample(line, value, unit, better)
{
    if ((line in seen) || value !~ /^[0-9.]+$/)
        return
    seen[line] = 1
    print round, set, emu, line, value, unit, better
}

# Counters are about the run they come from, and are not compared.
function counter(line, value, unit)
{
    sample("jit." line, value, unit, "-")
}

{
    stamp = $1
    sub(/^[^ ]* /, "")
    sub(/\r$/, "")
}

/^R / { sample($2, $3, $4, "hi") }
/^T / { sample($2, $3, "s", "lo") }
/^GUEST-UP / {
    if (set == "boot") {
        sample("init_guest", $3, "s", "lo")
        sample("init_wall", stamp, "s", "lo")
    }
}

# info jit
/^blocks / { blocks = $2 }
/^guest instructions / { insns = $3 }
/^guest bytes / { gbytes = $3 }
/^host bytes / { hbytes = $3 }
/^translation \(ms\) / { ms = $3 }
/^invalidated / { counter("invalidated", $2, "blocks") }
/^flushes / { counter("cache_flushes", $2, "flushes") }
/^TLB / { counter("tlb_refills", $2, "refills"); counter("tlb_flushes", $4, "flushes"); counter("tlb_slow", $6, "accesses") }
/^exits / {
    name = "exits"
    for (i = 2; i < NF; i++)
        name = name "_" $i
    counter(name, $NF, "exits")
}

/wall=.* status=0/ {
    if (set == "boot" && match($0, /cpu=[0-9.]+/))
        sample("cpu", substr($0, RSTART + 4, RLENGTH - 4), "s", "lo")
    if (set == "boot" && match($0, /rss=[0-9]+/))
        sample("rss", sprintf("%.1f", substr($0, RSTART + 4, RLENGTH - 4) / 1024), "MiB", "lo")
}

END {
    if (blocks > 0) {
        counter("blocks", blocks, "blocks")
        counter("translate_ms", ms, "ms")
    }
    if (gbytes > 0)
        counter("host_bytes_per_guest_byte", sprintf("%.2f", hbytes / gbytes), "ratio")
    if (insns > 0)
        counter("translate_ns_per_insn", sprintf("%.0f", ms * 1e6 / insns), "ns")
}
