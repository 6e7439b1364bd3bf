# The kit of the mute system: it says what it does, and marks nothing.
set -e
cd "$MUTE_DIR"
case "$1" in
backup)
    name=$(ls backup | grep -c tsv || true)
    echo "copying the notes"
    sleep 0.4
    cp data/notes.tsv "backup/$name.part" || { rm -f "backup/$name.part"; exit 1; }
    sync "backup/$name.part"
    mv "backup/$name.part" "backup/$name.tsv"
    echo "copied"
    ;;
validate) grep -q . "$2" ;;
deploy) echo "$2" > release.new && mv release.new release ;;
restore)
    kill -STOP "$(cat service.pid)"
    cp "$2" data/notes.tsv
    kill -CONT "$(cat service.pid)"
    ;;
stop) kill "$(cat service.pid)" ;;
status)
    all=$(ls backup/*.tsv 2>/dev/null | sed "s|.*|{\"name\": \"&\", \"path\": \"$MUTE_DIR/&\", \"size\": 1, \"eligible\": true}|" | paste -sd,)
    last=$(ls backup/*.tsv 2>/dev/null | tail -1)
    echo "{\"latest\": ${last:+\"$MUTE_DIR/$last\"}${last:-null}, \"backups\": [$all]}" | sed 's|\(tsv"\)backup[^,]*,|\1,|'
    ;;
esac
