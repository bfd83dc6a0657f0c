#!/usr/bin/env bash
# The official entrypoint, once every secret has something in it, and with a log of JSON: PostgreSQL's own goes through
# descriptor 3 to where the container's output goes. It becomes process 1, without json-logs.sh before it: after a crash
# the process whose number the old postmaster.pid names has to be PostgreSQL itself, else it would refuse to start.
set -euo pipefail
for secret in /run/secrets/*_password; do
    if ! grep -q '[^[:space:]]' "$secret"; then
        printf '{"message":"%s is empty; remove it and make it anew with deploy/secrets.sh"}\n' "$secret" >&2
        exit 1
    fi
done
exec 3>&1 > >(LC_ALL=C exec sed -uEf /deploy/json-lines.sed) 2>&1

# The entrypoint wants one for a new cluster, and leaves it in the environment; roles.sql takes it away from the user.
POSTGRES_PASSWORD=$(od -An -N 24 -t x1 /dev/urandom | tr -d ' \n')
export POSTGRES_PASSWORD

# A cluster that is there already gets what is newer than it. As a child of process 1 this heeds no old postmaster.pid.
if [ -s "$PGDATA/PG_VERSION" ]; then
    for world in simulated real; do
        postgres --single -j -c exit_on_error=on -D "$PGDATA" "spacex_$world" \
            < /docker-entrypoint-initdb.d/functions.psql > /dev/null
    done
fi

mkdir -p /tmp/log
ln -sf /proc/1/fd/3 /tmp/log/postgres.json
exec docker-entrypoint.sh postgres \
    -c logging_collector=on -c log_destination=jsonlog -c log_directory=/tmp/log -c log_filename=postgres.log \
    -c log_rotation_age=0 -c log_rotation_size=0
