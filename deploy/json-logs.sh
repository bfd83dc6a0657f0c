#!/usr/bin/env bash
# Once every secret has something in it, runs the command, passes signals on to it, and makes JSON of every line that it says on the way to the container's log,
# to which descriptor 3 leads directly. It does not become the command: the last lines, which say why it ended, would be
# lost with it. Job control keeps the command from ignoring SIGINT, as background commands do, and Dagster then SIGTERM.
set -um
for secret in /run/secrets/*; do
    if [ -f "$secret" ] && ! grep -q '[^[:space:]]' "$secret"; then
        printf '{"message":"%s is empty; remove it and make it anew with deploy/secrets.sh"}\n' "$secret" >&2
        exit 1
    fi
done
exec 3>&1
exec 4> >(LC_ALL=C exec sed -uEf "$(dirname "$0")/json-lines.sed" >&3)
lines=$!
"$@" >&4 2>&1 4>&- &
command=$!
exec 4>&-
for signal in TERM INT QUIT; do
    trap "kill -s $signal $command" "$signal"
done
while kill -0 "$command" 2> /dev/null; do
    wait "$command"
    status=$?
done
for _ in {1..20}; do
    kill -0 "$lines" 2> /dev/null || break
    sleep 0.1
done
exit "$status"
