# Reads the samples of collect.awk, writes the CSV named by `csv`, and prints the table with medians and ratios.
# A ratio above 1 says that Dragoman is that many times faster (or smaller, for memory).

function median(list,    v, n, i, j, t)
{
    n = split(list, v, " ")
    if (n == 0)
        return ""
    for (i = 2; i <= n; i++) {
        t = v[i] + 0
        for (j = i - 1; j >= 1 && v[j] + 0 > t; j--)
            v[j + 1] = v[j]
        v[j + 1] = t
    }
    return n % 2 ? v[(n + 1) / 2] + 0 : (v[n / 2] + v[n / 2 + 1]) / 2
}

function ratio(a, b, better)
{
    if (a == "" || b == "" || a + 0 == 0 || b + 0 == 0)
        return ""
    return better == "lo" ? b / a : a / b
}

# The smaller of two ratios, either of which may be missing: the one to the better QEMU.
function least(a, b)
{
    return a == "" ? b : b == "" || a + 0 < b + 0 ? a : b
}

# Five significant digits are more than any of this has.
function short(v)
{
    if (v == "")
        return "-"
    if (v >= 1e6)
        return sprintf("%.4g M", v / 1e6)
    if (v >= 1e4)
        return sprintf("%.4g k", v / 1e3)
    return sprintf("%.4g", v)
}

function times(v)
{
    return v == "" ? "-" : sprintf("%.2f", v)
}

function number(v)
{
    return v == "" ? "" : sprintf("%.6g", v)
}

{
    key = $2 " " $4
    if (!(key in unit)) {
        order[++count] = key
        unit[key] = $6
        better[key] = $7
    }
    all[key, $3] = all[key, $3] (all[key, $3] == "" ? "" : " ") $5
    have[$3] = 1
}

END {
    print "set,line,unit,better,dragoman,dragoman_samples,qemu,qemu_samples,ratio_qemu,qemu2,qemu2_samples,ratio_qemu2," \
        "native,native_samples,ratio_native,ratio_best_qemu" >csv
    head = sprintf("%-22s %-9s %10s %10s %7s", "line", "unit", "dragoman", "qemu", "ratio")
    if (have["qemu2"])
        head = head sprintf(" %10s %7s %7s", "qemu2", "ratio", "least")
    if (have["native"])
        head = head sprintf(" %10s %7s", "native", "ratio")
    print head
    for (i = 1; i <= count; i++) {
        key = order[i]
        split(key, part, " ")
        d = median(all[key, "dragoman"])
        q = median(all[key, "qemu"])
        p = median(all[key, "qemu2"])
        n = median(all[key, "native"])
        b = better[key]
        printf "%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s\n", part[1], part[2], unit[key], \
            b == "hi" ? "higher" : b == "lo" ? "lower" : "", number(d), all[key, "dragoman"], number(q), all[key, "qemu"], \
            b == "-" ? "" : number(ratio(d, q, b)), number(p), all[key, "qemu2"], \
            b == "-" ? "" : number(ratio(d, p, b)), number(n), all[key, "native"], \
            b == "-" ? "" : number(ratio(d, n, b)), b == "-" ? "" : number(least(ratio(d, q, b), ratio(d, p, b))) >csv
        if (b == "-")
            continue
        line = sprintf("%-22s %-9s %10s %10s %7s", part[1] "/" part[2], unit[key], short(d), short(q), times(ratio(d, q, b)))
        if (have["qemu2"])
            line = line sprintf(" %10s %7s %7s", short(p), times(ratio(d, p, b)), times(least(ratio(d, q, b), ratio(d, p, b))))
        if (have["native"])
            line = line sprintf(" %10s %7s", short(n), times(ratio(d, n, b)))
        print line
    }
}
