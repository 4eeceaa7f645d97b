# Says which goals of goals.txt the CSV of compare.awk meets: "awk -F, -f goals.awk bench.csv goals.txt".

function trim(s)
{
    gsub(/^ +| +$/, "", s)
    return s
}

# One line of the answer; `met` is 1, 0, or "" when nothing of it was run.
function say(what, wanted, reached, met, why)
{
    printf "%-56s %-22s %-24s %-8s %s\n", what, wanted, reached, met == "" ? "not run" : met ? "met" : "NOT met", why
    total++
    count[met]++
}

function judge_ratio(what, goal, share, list, n,    i, key, r, worst, which, s, least, whose, sum, k, met)
{
    for (i = 1; i <= n; i++) {
        key = list[i]
        r = best[key]
        if (r != "") {
            sum += log(r)
            k++
            if (worst == "" || r + 0 < worst + 0) {
                worst = r
                which = key
            }
        }
        s = native[key]
        if (share != "-" && s != "" && (least == "" || s + 0 < least + 0)) {
            least = s
            whose = key
        }
    }
    if (worst == "") {
        say(what, sprintf(">= %gx QEMU", goal), "-", "", "")
        return
    }
    met = worst + 0 >= goal + 0
    r = sprintf("%.2fx", worst)
    if (k > 1)
        r = r sprintf(" (mean %.2fx)", exp(sum / k))
    s = sprintf(">= %gx QEMU", goal)
    if (share != "-") {
        s = s sprintf(", %d%%", share * 100)
        if (least != "") {
            r = r sprintf(", %.0f%%", least * 100)
            met = met && least + 0 >= share + 0
        }
    }
    say(what, s, r, met, (k > 1 ? which : "") (whose != "" && whose != which && n > 1 ? ", native " whose : ""))
}

function judge_most(what, goal, list, n, kind,    i, v, worst, which)
{
    for (i = 1; i <= n; i++) {
        v = value[list[i]]
        if (v == "" || (kind == "ns" && v + 0 == 0))
            continue
        if (kind == "ns")
            v = 1e9 / v
        if (worst == "" || v + 0 > worst + 0) {
            worst = v
            which = list[i]
        }
    }
    if (worst == "")
        say(what, sprintf("<= %g", goal), "-", "", "")
    else
        say(what, sprintf("<= %g", goal), sprintf("%.2f", worst), worst + 0 <= goal + 0, n > 1 ? which : "")
}

function judge_refill(what, goal, pages, list,    v)
{
    if (value[list[1]] + 0 == 0 || value[list[2]] + 0 == 0) {
        say(what, sprintf("<= %g", goal), "-", "", "")
        return
    }
    v = (1e9 / value[list[2]] - 1e9 / value[list[1]]) / pages
    say(what, sprintf("<= %g", goal), sprintf("%.1f", v), v <= goal + 0, "")
}

FNR == NR {
    if (FNR > 1) {
        key = $1 "/" $2
        value[key] = $5
        best[key] = $16
        native[key] = $15
    }
    next
}

FNR == 1 { printf "%-56s %-22s %-24s %-8s %s\n", "goal", "wanted", "reached", "", "worst line" }

/^[^#]/ {
    split($0, part, "|")
    split(trim(part[2]), rule, " ")
    n = split(trim(part[3]), list, " ")
    what = trim(part[1])
    # The names have commas, which -F took apart; $0 is whole.
    if (rule[1] == "ratio")
        judge_ratio(what, rule[2], rule[3], list, n)
    else if (rule[1] == "refill")
        judge_refill(what, rule[2], rule[3], list)
    else
        judge_most(what, rule[2], list, n, rule[1])
}

END { printf "%d of %d goals met, %d not run\n", count[1], total, count[""] }
