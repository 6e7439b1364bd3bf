# Sourced: one operation at a time, and what a failed one began is taken back. The lock is the kernel's and goes with its
# holder. A holder renews a lease beside it; one that stands still is killed before it is followed, so that it can do no
# more.
LEASE_S=4
WAIT_S=3

lock() {
    exec 9>>"$STATE/lock"
    flock -n 9 || await_lock
    : >"$STATE/lease"
    echo "$$ $command" >"$STATE/holder"
    trap 'exit 130' INT TERM
    trap end EXIT
    while kill -0 $$ 2>/dev/null; do
        : >"$STATE/lease"
        sleep 0.5
    done 9>&- &
    renewing=$!
    clean_up
}

await_lock() {
    tenths=0 still=0 lease=
    until flock -n 9; do
        now=$(stat -c %y "$STATE/lease" 2>/dev/null || true)
        if [ "$now" = "$lease" ]; then still=$((still + 1)); else still=0 lease=$now; fi
        if [ $still -ge $((LEASE_S * 10)) ]; then
            end_holder
            still=0
        elif [ $tenths -ge $((WAIT_S * 10)) ] && [ $still -lt 15 ]; then
            die 75 "locked by $(cat "$STATE/holder")"
        elif [ $tenths -ge $((WAIT_S * 40)) ]; then
            die 75 "locked by $(cat "$STATE/holder"), which cannot be ended"
        fi
        tenths=$((tenths + 1))
        sleep 0.1
    done
}

end_holder() { # the whole process group of the one that stands still; services are in sessions of their own
    read -r holder what <"$STATE/holder"
    grep -aqs kit.sh "/proc/$holder/cmdline" || return 0
    group=$(ps -o pgid= -p "$holder" | tr -d ' ')
    echo "kit: $what ($holder) has stood still for $LEASE_S s and is ended"
    kill -KILL "-$group" || true
}

undo=: # what takes back a step that has not led to its end
end() {
    code=$?
    set +e
    trap - EXIT
    trap '' INT TERM
    kill "$renewing" 2>/dev/null || true
    [ $code -eq 0 ] || echo "kit: $command failed; taking back what it began" >&2
    $undo
    clean_up
    exit $code
}
