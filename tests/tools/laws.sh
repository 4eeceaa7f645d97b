#!/bin/sh
# The laws of every device class, two classes at a time, each with many random operations: laws.sh TEST_LAWS. Prints each
# class with the operations done and the processor seconds they took. LAW_OPS: how many; LAW_JOBS: classes at a time.
t=$1
LAW_OPS=${LAW_OPS:-1000000}
CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-7200}
ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=1:detect_leaks=1}
UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export t LAW_OPS CK_DEFAULT_TIMEOUT ASAN_OPTIONS UBSAN_OPTIONS
classes=$("$t" -l) || exit 1
one='
out=$("$t" "$1" 2>&1)
rc=$?
if [ $rc = 0 ]; then echo "ok   $(printf %s "$out" | grep operations)"; else
    printf "FAIL %s\n%s\n" "$1" "$out"
fi
exit $rc'
if printf '%s\n' "$classes" | xargs -P "${LAW_JOBS:-2}" -I '{}' sh -c "$one" sh '{}'; then
    echo "$(printf '%s\n' "$classes" | wc -l) classes passed the laws and $LAW_OPS operations each"
else
    echo "some classes broke the laws"
    exit 1
fi
