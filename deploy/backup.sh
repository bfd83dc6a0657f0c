#!/usr/bin/env bash
# Dumps the warehouse of every world that has data, now and then every SPACEX_BACKUP_HOURS, and keeps the newest
# SPACEX_BACKUP_KEEP of each. A dump gets its name once it is complete and has been read back.
set -euo pipefail
trap 'exit 0' TERM INT
export PGHOST=postgres PGUSER=spacex_backup PGCONNECT_TIMEOUT=10 PGPASSFILE=/tmp/pgpass
umask 077
printf '*:*:*:*:%s\n' "$(sed 's/[\\:]/\\&/g' /run/secrets/backup_password)" > "$PGPASSFILE"

say() { printf '{"timestamp":"%s","message":"%s"}\n' "$(date -u +%FT%TZ)" "$1"; }

back_up() {
    local name partial
    name=spacex-$1-$(date -u +%Y%m%dT%H%M%SZ).dump
    partial=$BACKUPS/.$1.partial
    pg_dump --format=custom --no-password --file="$partial" \
        --schema=spacex --schema=history --schema=ops "spacex_$1" || return
    pg_restore --list "$partial" > /dev/null || return
    mv "$partial" "$BACKUPS/$name" || return
    find "$BACKUPS" -name "spacex-$1-*.dump" | sort | head -n "-$SPACEX_BACKUP_KEEP" | xargs -r rm -- || return
    say "wrote $name, $(stat -c %s "$BACKUPS/$name") bytes"
}

while true; do
    for world in simulated real; do
        there=$(psql -qAtwd "spacex_$world" -c "SELECT to_regclass('ops.world') IS NOT NULL") || there=failed
        if [ "$there" = t ]; then
            back_up "$world" || there=failed
        fi
        if [ "$there" = failed ]; then
            say "no backup of the $world world; trying again in a minute"
            sleep 60 & wait $!
            continue 2
        fi
    done
    touch /tmp/done
    sleep "$((SPACEX_BACKUP_HOURS * 3600))" & wait $!
done
