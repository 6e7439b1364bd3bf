#!/bin/sh
# Both releases of Wagtail with the site that `wagtail start` makes, each in an environment of its own, into built/.
set -eu
cd "$(dirname "$0")"
for release in 6.3.8 7.4.4; do
    [ ! -e "built/$release/site" ] || continue
    [ -x "built/$release/bin/pip" ] || python3 -m venv "built/$release"
    "built/$release/bin/pip" -q --disable-pip-version-check install "wagtail==$release" 'psycopg[binary]' gunicorn
    rm -rf "built/$release/making"
    mkdir "built/$release/making"
    "built/$release/bin/wagtail" start shop "built/$release/making"
    cp settings.py "built/$release/making/shop/settings/drill.py"
    mv "built/$release/making" "built/$release/site"
done
