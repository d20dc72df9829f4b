#!/usr/bin/env bash
# progress.sh LABEL COMMAND…: runs a command that takes long. A terminal shows one line that says how long it has run and
# what it says last; anything else gets a line every 20 seconds. What it said is shown whole where it fails.
set -uo pipefail
label=$1; shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM HUP
"$@" >"$log" 2>&1 &
pid=$!
echo "$label" >&2
while kill -0 "$pid" 2>/dev/null; do
    sleep 0.5
    if [ -t 2 ]; then
        width=$(tput cols 2>/dev/null || echo 80)
        line="  ${SECONDS} s: $(tail -n 1 "$log" | tr -d '\r' | tr -cd '[:print:]')"
        printf '\r\033[K%s' "${line:0:width-1}" >&2
    elif [ $((SECONDS % 20)) -eq 0 ] && [ "$SECONDS" -ne "${said:-0}" ]; then
        said=$SECONDS
        echo "  $SECONDS s" >&2
    fi
done
wait "$pid"
code=$?
[ -t 2 ] && printf '\r\033[K' >&2
[ "$code" -eq 0 ] || cat "$log" >&2
exit "$code"
