#!/bin/sh
# Which folder may include which: prints every #include that breaks a rule and fails. One rule a line:
# folder: prefixes that its files may include (its own folder is always allowed; <system> headers by the second table).
rules='
devices/core:
mmu: devices/core
cpu/isa: devices/core
cpu/fp: devices/core
cpu/sys: devices/core mmu cpu/cpu.h cpu/mem.h cpu/flags.h cpu/isa cpu/fp
cpu/exec: devices/core mmu cpu/cpu.h cpu/mem.h cpu/flags.h cpu/isa cpu/fp cpu/sys
cpu/ir: devices/core mmu cpu/cpu.h cpu/mem.h cpu/flags.h cpu/isa cpu/sys/debug.h cpu/exec
cpu/tr: devices/core mmu cpu/cpu.h cpu/isa cpu/ir
cpu/jit/x64: devices/core mmu cpu/cpu.h cpu/isa/isa.h cpu/isa/enc.h cpu/ir cpu/jit/backend.h cpu/jit/codebuf.h cpu/jit/plan.h cpu/jit/guess.h cpu/jit/shared.h cpu/jit/x87.h
cpu/jit/a64: devices/core mmu cpu/cpu.h cpu/isa/isa.h cpu/ir cpu/jit/backend.h cpu/jit/codebuf.h cpu/jit/plan.h cpu/jit/guess.h cpu/jit/shared.h cpu/jit/x87.h
cpu/jit/none: devices/core cpu/cpu.h cpu/ir cpu/jit/backend.h cpu/jit/codebuf.h
cpu/jit: devices/core mmu cpu/cpu.h cpu/mem.h cpu/isa cpu/ir cpu/tr cpu/sys/debug.h cpu/sys/ran.h cpu/sys/stop.h cpu/exec
cpu: devices/core mmu cpu
devices/irq: devices/core mmu/bus.h
devices/time: devices/core mmu/bus.h devices/irq
devices/char: devices/core mmu/bus.h
devices/input: devices/core mmu/bus.h
devices/bus: devices/core mmu/bus.h mmu/ram.h devices/irq
devices/disk: devices/core mmu/bus.h devices/bus devices/irq
devices/video: devices/core mmu/bus.h mmu/ram.h devices/bus
devices/audio: devices/core mmu/bus.h mmu/ram.h devices/bus devices/irq devices/time
devices/watchdog: devices/core mmu/bus.h devices/bus
devices/usb: devices/core mmu/bus.h devices/bus
devices/net: devices/core mmu/bus.h mmu/ram.h devices/bus devices/virtio
devices/virtio: devices/core mmu/bus.h mmu/ram.h devices/bus
devices/board: devices mmu cpu
frontend/image: devices/core
frontend/reverse: devices/core mmu cpu frontend
frontend: devices mmu cpu frontend config.h
'
bad=0
for f in $(git ls-files 'devices/*.[ch]' 'mmu/*.[ch]' 'cpu/*.[ch]' 'frontend/*.[ch]'); do
    dir=$(dirname "$f")
    d=$dir allowed=''
    while :; do
        allowed=$(printf '%s\n' "$rules" | sed -n "s|^$d: *||p;s|^$d:\$| |p" | head -1)
        [ -n "$allowed" ] || { printf '%s\n' "$rules" | grep -q "^$d:" && allowed=' '; }
        [ -n "$allowed" ] && break
        case $d in */*) d=${d%/*} ;; *) break ;; esac
    done
    [ -n "$allowed" ] || { echo "$f: no rule for folder $dir"; bad=1; continue; }
    for inc in $(sed -n 's/^ *# *include "\([^"]*\)".*/\1/p' "$f"); do
        case $inc in "$dir"/*|config.h) continue ;; esac
        ok=no
        for a in $allowed; do
            case $inc in "$a"|"$a"/*) ok=yes; break ;; esac
        done
        [ $ok = yes ] || { echo "$f: must not include \"$inc\""; bad=1; }
    done
    # Devices know nothing of the host.
    case $f in
    devices/core/*|devices/board/*) ;;
    devices/*)
        if grep -nE '# *include <(unistd|pthread|sys/|SDL|fcntl|time|signal)' "$f"; then
            echo "$f: a device must not use the host"
            bad=1
        fi ;;
    esac
done
[ $bad = 0 ] && echo "layers: ok"
exit $bad
