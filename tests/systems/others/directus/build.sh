#!/bin/sh
# Both releases of Directus from the npm registry, each in a directory of its own, into built/. Their native modules are
# compiled with the headers of the Node.js that is here.
set -eu
cd "$(dirname "$0")"
node=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
[ -e "$node/include/node/node.h" ] || node=/usr
for release in 10.10.4 10.13.4; do
    [ ! -e "built/$release/node_modules" ] || continue
    rm -rf "built/$release.part"
    mkdir -p "built/$release.part"
    (
        cd "built/$release.part"
        npm init -y >/dev/null
        npm install --ignore-scripts --no-audit --no-fund --loglevel=error "directus@$release" sqlite3
        npm_config_nodedir=$node npm rebuild isolated-vm sqlite3 argon2
    )
    mv "built/$release.part" "built/$release"
done
