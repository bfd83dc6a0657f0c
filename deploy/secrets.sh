#!/bin/sh
# Makes the secrets that docker-compose.yml names and that are not there yet; says nothing of what is in them.
# The folder is its owner's alone. The files are readable, because each container reads its own as its own user.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
for name in postgres owner loader analyst dagster; do
    file=$folder/${name}_password
    [ -s "$file" ] && continue
    od -An -N 24 -t x1 /dev/urandom | tr -d ' \n' > "$file"
    chmod 444 "$file"
    echo "made $file"
done
