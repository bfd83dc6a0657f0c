#!/bin/sh
# Makes the secrets that docker-compose.yml names and that are not there yet; says nothing of what is in them.
# The folder is its owner's alone. The files are readable, because each container reads its own as its own user.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
for name in owner loader analyst backup dagster grafana ui; do
    file=$folder/${name}_password
    [ -s "$file" ] && continue
    od -An -N 24 -t x1 /dev/urandom | tr -d ' \n' > "$file"
    chmod 444 "$file"
    echo "made $file"
done
if [ ! -s "$folder/alerts" ]; then
    echo '{}' > "$folder/alerts"
    chmod 444 "$folder/alerts"
    echo "made $folder/alerts, which tells nobody"
fi
# For the profile `proxy`; put a certificate of your own, with its chain, and its key in their place.
if [ ! -s "$folder/tls_key" ] && [ ! -s "$folder/tls_certificate" ]; then
    if command -v openssl > /dev/null; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=localhost \
            -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
            -keyout "$folder/tls_key" -out "$folder/tls_certificate" 2> /dev/null
        chmod 444 "$folder/tls_key" "$folder/tls_certificate"
        echo "made $folder/tls_certificate, signed by itself"
    else
        echo "there is no openssl: the profile proxy needs tls_certificate and tls_key in $folder"
    fi
fi
