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

# Runs of the set "core" are about counters only.
/^R / && set != "core" { sample($2, $3, $4, "hi") }
/^T / { sample($2, $3, "s", "lo") }
/^GUEST-UP / {
    if (set == "boot") {
        sample("init_guest", $3, "s", "lo")
        sample("init_wall", stamp, "s", "lo")
    }
}

# info jit: names of up to 19 characters, and a number. What is summed up below is left out here.
/^TLB / { counter("tlb_refills", $2, "refills"); counter("tlb_flushes", $4, "flushes"); counter("tlb_slow", $6, "accesses"); next }
/^[a-zA-Z][-a-zA-Z0-9 ().\/%]*  *[0-9.]+$/ && !/^(T|R|GUEST-UP|BENCH-DONE) / {
    name = tolower($1)
    for (i = 2; i < NF; i++)
        name = name "_" tolower($i)
    gsub(/[^a-z0-9]+/, "_", name)
    sub(/_$/, "", name)
    row[name] = $NF
    counter(name, $NF, name ~ /^exits/ ? "exits" : name ~ /_ms$/ ? "ms" : name ~ /_ns$/ ? "ns" : "count")
}

# benchrun, when the guest was done
/memory total=/ && match($0, /beyond=[0-9]+/) {
    sample("rss_beyond_ram", sprintf("%.1f", substr($0, RSTART + 7, RLENGTH - 7) / 1024), "MiB", "lo")
    if (match($0, /guest=[0-9]+/))
        sample("rss_guest_ram", sprintf("%.1f", substr($0, RSTART + 6, RLENGTH - 6) / 1024), "MiB", "-")
}

/wall=.* status=0/ {
    if (set == "boot" && match($0, /cpu=[0-9.]+/))
        sample("cpu", substr($0, RSTART + 4, RLENGTH - 4), "s", "lo")
    if (set == "boot" && match($0, /rss=[0-9]+/))
        sample("rss", sprintf("%.1f", substr($0, RSTART + 4, RLENGTH - 4) / 1024), "MiB", "lo")
}

END {
    if (row["guest_bytes"] > 0)
        counter("host_bytes_per_guest_byte", sprintf("%.2f", row["host_bytes"] / row["guest_bytes"]), "ratio")
    if (row["guest_instructions"] > 0) {
        counter("translate_ns_per_insn", sprintf("%.0f", row["translation_ms"] * 1e6 / row["guest_instructions"]), "ns")
        if ("host_instructions" in row)
            counter("host_insns_per_guest_insn", sprintf("%.2f", row["host_instructions"] / row["guest_instructions"]), "ratio")
    }
    # Exits and refills by what was run, where the monitor says how much that was.
    for (name in row)
        if (name ~ /executed/)
            run = row[name]
    if (run > 0) {
        for (name in row)
            if (name ~ /^exits/)
                counter(name "_per_1000", sprintf("%.3f", row[name] * 1000 / run), "exits")
    }
}
