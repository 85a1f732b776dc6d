# inventory.sh TREE: every file of TREE, one a line: path, type, mode, owner, link or digest; then
# extended attributes, then what dpkg says of itself.
cd "$1"
export LC_ALL=C
find . -xdev -printf '%P\t%y %#m %U:%G %l\n' | sort
# The order of dpkg's triggers is that in which packages came.
sort var/lib/dpkg/triggers/File | sha256sum | sed 's/^\([0-9a-f]*\).*/var\/lib\/dpkg\/triggers\/File\tcontent \1/'
find . -xdev -type f ! -path ./var/lib/dpkg/triggers/File -print0 | sort -z | xargs -0 sha256sum |
    sed 's/^\([0-9a-f]*\)  \.\/\(.*\)$/\2\tcontent \1/'
getfattr --recursive --physical --dump --match=- --encoding=hex . 2>/dev/null |
    awk '/^# file: / { file = substr($0, 9) } /=/ { print file "\tattribute " $0 }' | sort
# What dpkg finds wrong with its own records, and files that are not as their package brought them
# (a diverted file lies elsewhere, a conffile may have been changed).
dpkg --root="$1" --audit | sed 's/^/dpkg --audit\t/'
cat var/lib/dpkg/info/*.md5sums | md5sum --check --quiet --ignore-missing 2>/dev/null |
    sed -n 's/^\(.*\): FAILED$/\1\tnot as its package brought it/p' | sort
