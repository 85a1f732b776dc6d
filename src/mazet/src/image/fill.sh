# fill.sh IMAGE OFFSET SECTOR KIBIBYTES ID [FILE TARGET]…: a FAT32 file system at OFFSET of IMAGE,
# holding each FILE as TARGET. Same files, same bytes.
image=$1
offset=$2
sector=$3
size=$4
id=$5
shift 5
mkfs.vfat -F 32 --invariant -i "$id" -n MAZET --offset "$sector" "$image" "$size" >&2
export MTOOLS_SKIP_CHECK=1
made=/
while [ $# -ge 2 ]; do
    folder=$(dirname "$2")
    path=
    for part in $(echo "$folder" | tr / ' '); do
        path=$path/$part
        case " $made " in
        *" $path "*) ;;
        *)
            mmd -i "$image@@$offset" "::$path"
            made="$made $path"
            ;;
        esac
    done
    mcopy -i "$image@@$offset" "$1" "::$2"
    shift 2
done
