#!/usr/bin/env bash
# PostgreSQL by the official entrypoint, once every secret has something in it and the cluster is there and set up as
# deploy/postgres says, whatever an earlier version left or an interruption cut short; and with a log of JSON: PostgreSQL's
# own goes through descriptor 3 to where the container's output goes. It becomes process 1, without json-logs.sh before it:
# after a crash the process whose number the old postmaster.pid names has to be PostgreSQL itself, else it would refuse to
# start.
set -euo pipefail
for secret in /run/secrets/*_password; do
    if ! grep -q '[^[:space:]]' "$secret"; then
        printf '{"message":"%s is empty; remove it and make it anew with deploy/secrets.sh"}\n' "$secret" >&2
        exit 1
    fi
done
exec 3>&1 > >(LC_ALL=C exec sed -uEf /deploy/json-lines.sed) 2>&1

# A cluster is made aside and moved into its place, PG_VERSION last: what was interrupted is gone on with or begun anew.
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    partial=$PGDATA/.partial made=$PGDATA/.made
    if [ ! -d "$made" ]; then
        rm -rf "$partial"
        initdb -D "$partial" -U postgres --encoding=UTF8 --data-checksums --auth-host=scram-sha-256 --auth-local=peer \
            > /dev/null
        echo 'host all all all scram-sha-256' >> "$partial/pg_hba.conf"
        sync "$partial/pg_hba.conf"
        mv "$partial" "$made"
    fi
    find "$made" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
    mv "$made/PG_VERSION" "$PGDATA"
fi
rm -rf "$PGDATA/.made"
chmod 700 "$PGDATA"

# Before anybody can come in over the network. As a child of process 1's child this heeds no old postmaster.pid.
pg_ctl -D "$PGDATA" -s -w -t 600 -o "-c listen_addresses='' -c unix_socket_directories=/tmp" start
psql -qX -h /tmp -U postgres -d postgres -v secrets=/run/secrets \
    -f /deploy/postgres/cluster.sql -f /deploy/postgres/roles.sql
pg_ctl -D "$PGDATA" -s -w -t 600 -m fast stop

mkdir -p /tmp/log
ln -sf /proc/1/fd/3 /tmp/log/postgres.json
exec docker-entrypoint.sh postgres \
    -c logging_collector=on -c log_destination=jsonlog -c log_directory=/tmp/log -c log_filename=postgres.log \
    -c log_rotation_age=0 -c log_rotation_size=0
