# Sourced: versions of the application beside each other, and which one nginx sends the requests to.
FRONT=$STATE/front.sock # nginx sends all requests there: a link to the socket of the version in service

# app-VERSION-NUMBER is one running instance: its socket, its log, its process.
current() { link=$(readlink "$FRONT") && echo "${link##*/}"; }

version_of() {
    version=${1#app-}
    echo "${version%-*}"
}

launch() { # NAME
    rm -f "$RUN/$1"
    launch_app "$1" "$(version_of "$1")" "$RUN/$1"
}

answers() { curl -fsS --max-time 2 --unix-socket "$RUN/$1" "http://app$2"; } # NAME, PATH

serves() { # VERSION: through nginx
    case $(curl -fsS --max-time 2 "http://127.0.0.1:$PORT/version") in *"\"$1\""*) ;; *) return 1 ;; esac
}

point_front_at() { # NAME: nginx connects by this name for each request, so none is lost and no worker is replaced
    rm -f "$STATE/front.new"
    ln -s "$RUN/$1" "$STATE/front.new"
    mv -fT "$STATE/front.new" "$FRONT"
    sync "$STATE"
}

retire() { # NAME: nobody is sent to it any more; it finishes what it has
    sleep 0.2
    end_app "$1"
    rm -f "$RUN/$1"
}

back_to() { # OLD NEW
    [ "$(current)" = "$1" ] || point_front_at "$1"
    app_is_gone "$2" || retire "$2"
}

bring_in() { # VERSION: beside the old one, tried, then the traffic, and only then the old one goes
    old=$(current)
    number=${old##*-}
    new=app-$1-$((number + 1))
    undo="back_to $old $new"
    launch "$new"
    wait_for 150 answers "$new" /ready || die 1 "version $1 did not get ready"
    answers "$new" "/notes?from=1" >/dev/null || die 1 "version $1 cannot read the notes"
    point_front_at "$new"
    wait_for 50 serves "$1" || die 1 "version $1 does not answer through nginx"
    undo=:
    retire "$old"
    echo "kit: version $1 is in service"
}

retire_all_but_current() { # what a deployment that died left running
    for file in "$RUN"/app-*.pid; do
        name=${file##*/}
        [ "$name" = "app-*.pid" ] || [ "$name" = "$(current).pid" ] || end_app "${name%.pid}"
    done
}
