# Draws the CSV of buys.c as SVG bars: how many times as much is needed without a technique, host instructions (counted) and time,
# on a logarithmic scale. Called with tests/bench/svg.awk in front.

function x_of(v)
{
    if (v < lowest)
        v = lowest
    if (v > highest)
        v = highest
    return left + (log(v) - log(lowest)) * scale
}

BEGIN { FS = "," }

NR > 1 && $3 > 0 && $7 > 0 {
    n++
    name[n] = $1 " (" $2 ")"
    count[n] = $4 / $3
    time[n] = $8 / $7
}

END {
    lowest = 0.5
    highest = 50
    left = 150
    width = 860
    scale = (width - left - 60) / (log(highest) - log(lowest))
    row = 26
    top = 58
    height = top + n * row + 30
    svg_begin(width, height, "What is needed without a technique, in multiples of what is needed with all of them")
    key(12, 29, "#2a6fbb", "host instructions executed (counted)")
    key(412, 29, "#e08a2e", "time (of this run, on this machine)")
    split("0.5 1 2 5 10 20 50", ticks, " ")
    for (i = 1; i <= 7; i++)
        grid(ticks[i], top - 4, height - 24)
    y = top
    for (i = 1; i <= n; i++) {
        text(12, y + row / 2 + 3, "start", 11, "#333", name[i])
        bar(y + 2, 10, count[i], "#2a6fbb")
        bar(y + 13, 10, time[i], "#e08a2e")
        y += row
    }
    print "</svg>"
}
