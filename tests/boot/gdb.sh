# What the gdb tests share: a machine with its stub on a socket, and scripted sessions of gdb.

# The debugger (Debian: gdb).
command -v gdb >/dev/null 2>&1 || skip "needs gdb: 'make deps' installs it"

# gdb_machine ARGUMENTS: start the machine stopped, with its stub at $W/gdb.
gdb_machine()
{
    start -gdb "unix:$W/gdb,server=on,wait=off" -S "$@"
    end=$(($(date +%s) + 20 * slow))
    until [ -S "$W/gdb" ]; do
        alive || fail "the emulator ended before its stub was there"
        [ "$(date +%s)" -lt "$end" ] || fail "no stub"
        sleep 0.1
    done
}

# gdb_run SECONDS SCRIPT [FILE]: a session; what it says is in $W/session. Lines of the script come
# behind `target remote`.
gdb_run()
{
    {
        echo 'set pagination off'
        echo 'set confirm off'
        echo 'set width 0'
        echo "target remote $W/gdb"
        printf '%s\n' "$2"
    } >"$W/script"
    timeout $(($1 * slow)) gdb -nx -batch -x "$W/script" ${3:+"$3"} >"$W/session" 2>&1 </dev/null ||
        session_fails "gdb did not end well"
    ! grep -qiE 'too long|Remote failure|malformed|Ignoring packet error|unexpected|Error in sourced' "$W/session" ||
        session_fails "gdb complains of the stub"
}

session_fails()
{
    echo "--- the session"
    tail -n 30 "$W/session"
    fail "$*"
}

# said PATTERN: the session has a line like this.
said()
{
    grep -qE -- "$1" "$W/session" || session_fails "no '$1' in the session"
}
