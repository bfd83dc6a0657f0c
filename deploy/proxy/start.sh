#!/usr/bin/env bash
# The user `spacex` with the password of the secret, then nginx.
set -euo pipefail
for secret in ui_password tls_certificate tls_key; do
    if [ ! -s /run/secrets/$secret ]; then
        echo "/run/secrets/$secret is empty; remove it and make it anew with deploy/secrets.sh" >&2
        exit 1
    fi
done
umask 077
printf 'spacex:%s\n' "$(openssl passwd -6 -stdin < /run/secrets/ui_password)" > /tmp/users
exec nginx -g 'daemon off;'
