# Sourced: whether there is room for what an operation is about to write.
MARGIN=4000000 # bytes left over after whatever an operation writes

require_space() { # DIRECTORY, BYTES, for what
    df -Pk "$1" | {
        read -r _
        read -r _ _ _ free _
        [ $((free * 1024)) -ge $(($2 + MARGIN)) ] ||
            die 75 "not enough space in $1 for $3: $((free * 1024)) bytes free, $(($2 + MARGIN)) needed"
    }
}

size() { wc -c <"$1"; }
