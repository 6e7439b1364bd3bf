#!/bin/sh
# Builds etcd-RELEASE, both releases, into built/. Usage: build.sh
set -eu
cd "$(dirname "$0")"
mkdir -p built
for release in 3.6.16 3.7.3; do
    [ ! -x "built/etcd-$release" ] || continue
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cp main.go "$work"
    cd "$work"
    go mod init drill/etcd >/dev/null 2>&1
    go get "go.etcd.io/etcd/server/v3@v$release" "go.etcd.io/etcd/client/v3@v$release" \
        "go.etcd.io/etcd/etcdctl/v3@v$release" "go.etcd.io/etcd/etcdutl/v3@v$release"
    go mod tidy
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o etcd .
    cd - >/dev/null
    mv "$work/etcd" "built/etcd-$release"
done
