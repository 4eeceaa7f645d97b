#!/bin/sh
# Does all of the machine compile for macOS? macos.sh [CLANG]: syntax only, with this system's headers where they are the
# same on any Unix and those of tests/tools/macos where macOS has its own. It cannot be linked or run here.
cd "$(dirname "$0")/../.." || exit 1
clang=${1:-clang}
command -v "$clang" >/dev/null 2>&1 || { echo "macos.sh: skipped, needs $clang"; exit 0; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0 n=0
for target in arm64-apple-macos11:a64:A64 x86_64-apple-macos11:x64:X64; do
    triple=${target%%:*} jit=${target#*:}
    dir=${jit%:*}
    printf '#define CONFIG_JIT 1\n#define CONFIG_JIT_%s 1\n#define CONFIG_PREFIX ""\n#define CONFIG_FIRMWARE_DIR ""\n' \
        "${jit#*:}" >"$tmp/config.h"
    for f in $(git ls-files --cached --others --exclude-standard 'devices/*.c' 'mmu/*.c' 'cpu/*.c'); do
        case $f in
        cpu/jit/a64/*|cpu/jit/x64/*|cpu/jit/none/*) case $f in cpu/jit/$dir/*) ;; *) continue ;; esac ;;
        esac
        n=$((n + 1))
        "$clang" --target="$triple" -fsyntax-only -std=gnu11 -O1 -Wall -Wextra -Wshadow -Wstrict-prototypes \
            -Wmissing-prototypes -Wno-unused-parameter -Wno-missing-field-initializers -Werror \
            -I. -isystem tests/tools/macos -idirafter /usr/include -idirafter "/usr/include/$(uname -m)-linux-gnu" \
            -U__nonnull -include "$tmp/config.h" "$f" >"$tmp/log" 2>&1 || { bad=$((bad + 1)); echo "FAIL $f for $triple"; head -8 "$tmp/log"; }
    done
done
echo "macOS: $n files compiled, $bad failed"
[ "$bad" = 0 ]
