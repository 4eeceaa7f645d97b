# Draws the CSV of compare.awk as SVG bars: the ratio to QEMU on a logarithmic scale, 1 in the middle of the page.
# Called with svg.awk in front. Variables: q and q2, the versions of the two programs compared with (q2 may be empty).

function log10(v)
{
    return log(v) / log(10)
}

function x_of(v)
{
    if (v < lowest)
        v = lowest
    if (v > highest)
        v = highest
    return left + (log10(v) - log10(lowest)) * scale
}

BEGIN { FS = "," }

NR > 1 && $4 != "" && $9 $12 != "" {
    n++
    set[n] = $1
    name[n] = $2
    r[n] = $9
    r2[n] = $12
    share[n] = $15
    if ($12 != "")
        two = 1
    if (set[n] != set[n - 1])
        groups++
}

END {
    lowest = 0.1
    highest = 10
    for (i = 1; i <= n; i++) {
        for (k = 1; k <= 2; k++) {
            v = k == 1 ? r[i] : r2[i]
            while (v != "" && v + 0 > highest && highest < 1e6)
                highest *= 10
            while (v != "" && v + 0 > 0 && v + 0 < lowest && lowest > 1e-6)
                lowest /= 10
        }
    }
    left = 150
    width = 860
    scale = (width - left - 130) / (log10(highest) - log10(lowest))
    row = two ? 24 : 16
    top = 58
    height = top + n * row + groups * 24 + 30
    svg_begin(width, height, "Speed relative to QEMU's TCG (above 1: Dragoman is faster)")
    sub(/QEMU emulator version /, "QEMU ", q)
    sub(/QEMU emulator version /, "QEMU ", q2)
    sub(/ \(.*/, "", q)
    sub(/ \(.*/, "", q2)
    key(12, 29, "#2a6fbb", "to " (q == "" ? "QEMU" : q))
    if (two)
        key(132, 29, "#e08a2e", "to " q2)
    text(width - 12, 38, "end", 10, "#777", "share of native")
    for (v = lowest; v <= highest * 1.001; v *= 10)
        grid(v, top - 4, height - 24)
    y = top
    for (i = 1; i <= n; i++) {
        if (set[i] != set[i - 1]) {
            y += 20
            text(12, y - 4, "start", 12, "#000", set[i] == "boot" ? "Linux boot" : set[i] == "sys" ? "Linux: system rates" : set[i] == "tools" ? "Linux: busybox tools" : \
                set[i] == "debian_i386" ? "Debian i386" : set[i] == "debian_amd64" ? "Debian amd64" : "Bare metal")
            y += 4
        }
        text(24, y + row / 2 + 3, "start", 11, "#333", name[i])
        if (share[i] != "")
            text(width - 12, y + row / 2 + 3, "end", 10, "#777", sprintf("%.0f %%", share[i] * 100))
        if (two) {
            bar(y + 2, 10, r[i], "#2a6fbb")
            bar(y + 12, 10, r2[i], "#e08a2e")
        } else {
            bar(y + 2, 12, r[i], "#2a6fbb")
        }
        y += row
    }
    print "</svg>"
}
