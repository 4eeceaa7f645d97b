#!/bin/sh
# Types the commands of lab texts in the present folder, one block after the other, and compares what they print with what the
# text says: lab_walk.sh TEXT... The notation is that of docs/labs/README.md:
#
#   ```sh [status=N]   commands; the last one ends with status N (0)
#   ```output          lines that must be printed by the block in front, in this order; "..." and lines between them do not
#                      count, <n> is a number, <x> a hexadecimal one, <...> anything
#   <!-- walk: C -->   a command that stands for the student's own work, shown to nobody
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
trap 'exit 1' INT TERM
bad=0

# Numbered files of $T/text: N.sh, N.status, N.out.
split_text()
{
    awk -v out="$T/text/" '
        /^```sh/ && mode == "" {
            n++
            mode = "sh"
            status = $0 ~ /status=/ ? $0 : "0"
            sub(/.*status=/, "", status)
            print status >(out n ".status")
            next
        }
        /^```output/ && mode == "" { mode = "out"; next }
        /^```/ { mode = mode == "" ? "other" : ""; next }
        /^<!-- walk: / {
            n++
            sub(/^<!-- walk: /, "")
            sub(/ -->$/, "")
            print >(out n ".sh")
            print "0" >(out n ".status")
        }
        mode == "sh" || mode == "out" { print >(out n "." mode) }
        END { print n + 0 >(out "count") }' "$1"
}

# matches EXPECTED PRINTED: says the first expected line that is missing.
matches()
{
    awk '
        function regex(s,    r, c) {
            r = ""
            while (s != "") {
                if (s ~ /^<n>/) { r = r "[0-9][0-9.]*"; s = substr(s, 4) }
                else if (s ~ /^<x>/) { r = r "[0-9a-f]+"; s = substr(s, 4) }
                else if (s ~ /^<\.\.\.>/) { r = r ".*"; s = substr(s, 6) }
                else {
                    c = substr(s, 1, 1)
                    r = r (c == " " ? " +" : c == "^" ? "\\^" : c == "\\" ? "\\\\" : "[" c "]")
                    s = c == " " ? substr(s, match(s, /[^ ]|$/)) : substr(s, 2)
                }
            }
            return "^ *" r " *$"
        }
        FNR == NR { sub(/\r$/, ""); printed[++np] = $0; next }
        $0 == "..." { next }
        {
            sub(/^ +/, "")
            want = regex($0)
            while (++at <= np && printed[at] !~ want)
                continue
            if (at > np) { print "    not printed: " $0; exit 1 }
        }' "$2" "$1"
}

for text; do
    rm -rf "$T/text"
    mkdir "$T/text"
    split_text "$text"
    count=$(cat "$T/text/count") n=0
    while [ $n -lt "$count" ]; do
        n=$((n + 1))
        s=$T/text/$n
        sh "$s.sh" >"$s.printed" 2>&1 </dev/null
        got=$?
        [ -f "$s.out" ] || : >"$s.out"
        if [ $got != "$(cat "$s.status")" ] || ! matches "$s.out" "$s.printed" >"$s.why"; then
            bad=$((bad + 1))
            echo "lab_walk: $text, block $n (status $got, not $(cat "$s.status")):"
            sed 's/^/    $ /' "$s.sh"
            cat "$s.why" 2>/dev/null
            head -n 25 "$s.printed" | cut -c1-160 | sed 's/^/    | /'
        fi
    done
    echo "lab_walk: $text: $count blocks"
done
[ $bad = 0 ]
