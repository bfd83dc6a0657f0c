#!/usr/bin/env bash
# The user `spacex` with the password of the secret, then nginx.
set -euo pipefail
umask 077
printf 'spacex:%s\n' "$(openssl passwd -6 -stdin < /run/secrets/ui_password)" > /tmp/users
exec nginx -g 'daemon off;'
