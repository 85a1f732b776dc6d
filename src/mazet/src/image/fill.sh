# fill.sh IMAGE OFFSET SECTOR KIBIBYTES ID FOLDER TARGET…: a FAT32 file system at OFFSET of IMAGE,
# holding each TARGET, a file below FOLDER, in this order. Same files, same bytes.
image=$1
offset=$2
sector=$3
size=$4
id=$5
from=$6
shift 6
mkfs.vfat -F 32 --invariant -i "$id" -n MAZET --offset "$sector" "$image" "$size" >&2
export MTOOLS_SKIP_CHECK=1
made=/
make_folder() {
    path=
    for part in $(echo "$1" | tr / ' '); do
        path=$path/$part
        case " $made " in
        *" $path "*) ;;
        *)
            mmd -i "$image@@$offset" "::$path"
            made="$made $path"
            ;;
        esac
    done
}
# Files of one folder that follow each other go together.
batch=
into=.
flush() {
    [ -z "$batch" ] || mcopy -i "$image@@$offset" $batch "::$into"
    batch=
}
for target; do
    folder=$(dirname "$target")
    if [ "$folder" != "$into" ]; then
        flush
        into=$folder
        [ "$into" = . ] || make_folder "$into"
    fi
    batch="$batch $from/$target"
done
flush
