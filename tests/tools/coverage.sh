#!/bin/sh
# The lines of each device file that its tests ran, after a build with ./configure --enable-coverage (gcov's counts):
# coverage.sh BUILD PERCENT. Prints file, lines and percent, least covered first, and fails where a file is below PERCENT.
b=$1 least=$2
gcov=${GCOV:-gcov}
find devices -name '*.c' | sort | while read -r f; do
    $gcov -n -o "$b/obj/${f%/*}" "$f" 2>/dev/null | awk -v f="$f" '
        /^File / { mine = index($0, "\047" f "\047") != 0; any = 1 }
        mine && /^Lines executed:/ { sub("Lines executed:", ""); sub("%", ""); print f, $3, $1; found = 1; exit }
        (mine || !any) && /^No executable lines/ { print f, 0, 100; found = 1; exit }
        END { if (!found) print f, "?", 0 }'
done | sort -k3n -k1 | awk -v least="$least" '
    { printf "%-40s %5s %7.2f %%\n", $1, $2, $3; n++; lines += $2; run += $2 * $3 / 100 }
    $3 < least { bad++ }
    END {
        printf "%-40s %5d %7.2f %%\n", "all " n " files", lines, lines ? run * 100 / lines : 0
        if (bad) { printf "%d of %d files below %s %%\n", bad, n, least; exit 1 }
        printf "every file at %s %% or more\n", least
    }'
