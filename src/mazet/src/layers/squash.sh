# squash.sh TREE OUTPUT OPTION…: TREE as a squashfs, the same bytes for the same tree.
tree=$1
output=$2
shift 2
# Definitions of mksquashfs, one line a folder that hides what lies below it.
pseudo=$(mktemp)
cd "$tree"
getfattr --recursive --physical --absolute-names --name=user.overlay.opaque . 2>/dev/null |
    sed -n 's|^# file: \./\(.*\)|"\1" x trusted.overlay.opaque=y|p' | LC_ALL=C sort >"$pseudo"
# Files alone: the size of a folder differs from one file system of a builder to another.
find . -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%d\n", sum }' >"$output.bytes"
# Packages that are unpacked side by side share folders: whose time such a folder has is chance.
find . -type d -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
exec mksquashfs . "$output" -noappend -no-progress -quiet \
    -xattrs-exclude '^user\.overlay\.' -pf "$pseudo" "$@"
