#!/bin/sh
# Is everything there that the texts of the course name? In docs/labs/*.md and docs/labs/*/README.md:
#
#   `path/to/file`     a file or folder of the tree (labs/ and build/ come into being)
#   `name()`           a function or macro that some source file has; in a reading list ("1. `file`: `name()` ...") one that the
#                      file named last has
#   `struct name`      the same for structs
#   -jit-off A,B       techniques of cpu/jit/technique.def
bad=0
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
git ls-files >"$T/files" 2>/dev/null || find . -type f | sed 's|^\./||' | grep -v '^build/' >"$T/files"
sources=$(grep -E '\.(c|h|def|S)$' "$T/files")

complain()
{
    echo "$1: $2"
    bad=1
}

is_file()
{
    [ -e "$1" ] || [ -e "$(dirname "$text")/$1" ]
}

# has NAME FILES...: the name as a word, with "(" behind it or after "struct".
has()
{
    name=$1
    shift
    case $name in
    'struct '*) grep -qE "^$name( \\{|;)|(^|[^a-z_])$name \\{" "$@" ;;
    *) grep -qE "(^|[^A-Za-z0-9_])$name *\\(" "$@" || in_table "$name" "$@" ;;
    esac
}

# Handlers are made by tables: exec_ADD by the row ADD.
in_table()
{
    case $1 in
    exec_*) grep -qE "exec_##id|\\b$1\\b" "${2}" ;;
    *) return 1 ;;
    esac
}

for text in docs/labs/*.md docs/labs/*/README.md; do
    # One token in back quotes a line, a mark where a reading list's item begins; fenced blocks are walked, not read.
    awk '
        /^```/ { fenced = !fenced; next }
        fenced { next }
        {
            if ($0 ~ /^ ?[0-9]+\. `/)
                print "ITEM"
            else if ($0 !~ /^   /)
                print "END"
            n = split($0, part, "`")
            for (i = 2; i <= n; i += 2)
                print part[i]
        }' "$text" >"$T/tokens"
    item='' file=''
    while IFS= read -r token; do
        case $token in
        ITEM) item=yes file='' ;;
        END) item='' file='' ;;
        labs/* | build/* | *' '*/* | *'*'*) ;;
        *-name/* | template/ | solution/ | plots/ | common/) ;;
        *' '* | *'('?*')')
            case $token in
            'struct '[a-z]*)
                # shellcheck disable=SC2086
                has "$token" ${file:-$sources} || complain "$text" "no '$token'${file:+ in $file}"
                ;;
            esac
            ;;
        */* | *.c | *.h | *.sh | *.def | *.md | *.S | *.csv | *.svg)
            if is_file "$token"; then
                [ -n "$item" ] && [ -f "$token" ] && file=$token
            else
                case $token in
                */*) complain "$text" "no file '$token'" ;;
                *) grep -qE "(^|/)$(echo "$token" | sed 's/\./[.]/g')\$" "$T/files" || complain "$text" "no file '$token'" ;;
                esac
            fi
            ;;
        *'()')
            # shellcheck disable=SC2086
            has "${token%??}" ${file:-$sources} || complain "$text" "no function '$token'${file:+ in $file}"
            ;;
        esac
    done <"$T/tokens"
    for name in $(grep -ohE -- '-jit-off [a-z,]+' "$text" | sed 's/-jit-off //' | tr , ' '); do
        [ "$name" = all ] || grep -q "\"$name\"" cpu/jit/technique.def || complain "$text" "no technique '$name'"
    done
done
[ $bad = 0 ] && echo "labs: what the texts name is there"
exit $bad
