# raise.sh PHASE ROOT WORD…: one step in making the tree ROOT with the tools tree's dpkg. Where
# packages are concerned, the one WORD is a file that lists their names in /mnt/debs.
phase=$1
root=$2
shift 2
case $phase in
extract | first | unpack)
    cd /mnt/debs
    # Word splitting is meant: the names are digests.
    set -- $(cat "$1")
    ;;
esac

# A tree that is made anew after a power cut needs no fsync. Given to dpkg's loader, not to the
# environment: what dpkg starts may be of another architecture.
for library in /usr/lib/*/libeatmydata.so; do break; done
for loader in /lib64/ld-linux-*.so.* /lib/ld-linux-*.so.*; do
    [ ! -x "$loader" ] || break
done
dpkg() {
    "$loader" --preload "$library" /usr/bin/dpkg --root="$root" --force-unsafe-io --force-confnew "$@"
}

# The release of a kernel whose modules have no index yet, where nothing is still to come that
# decides what the index says.
unindexed() {
    [ "$1" = --pending ] || return 0
    for settings in "$root"/etc/depmod.d/*.dpkg-new; do
        [ ! -e "$settings" ] || return 0
    done
    for modules in "$root"/usr/lib/modules/*/kernel; do
        if [ -d "$modules" ] && [ ! -e "${modules%/kernel}/modules.dep" ]; then
            basename "${modules%/kernel}"
            return
        fi
    done
}

# Indexing a kernel's modules takes a third of the time of all scripts together, and none of them
# waits for the index: it is made beside them, and the kernel's own script finds a stand-in.
stand_in=$root/usr/local/sbin/depmod
index() {
    printf '#!/bin/sh\n[ "$*" = "%s" ] || exec /usr/sbin/depmod "$@"\n' "$1" >"$stand_in"
    chmod 755 "$stand_in"
    chroot "$root" /usr/sbin/depmod "$1" &
    indexing=$!
}

case $phase in
lay-out)
    # WORDs: options for dpkg that the tree keeps.
    mkdir -p "$root/etc/dpkg/dpkg.cfg.d" "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
    for option; do echo "$option"; done >"$root/etc/dpkg/dpkg.cfg.d/mazet"
    : >"$root/var/lib/dpkg/status"
    ;;
extract)
    # The files of packages whose scripts run before dpkg unpacks them: those scripts need each
    # other's files.
    for deb; do
        dpkg-deb --fsys-tarfile "$deb" |
            tar --extract --directory "$root" --keep-directory-symlink --numeric-owner --same-permissions
    done
    # What dpkg leaves out, it will not lay out again.
    rm -rf "$root/usr/share/man" "$root/usr/share/info" "$root/usr/share/lintian" "$root/usr/share/locale"
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    ;;
first)
    # No package may start a service in a tree.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    # The essential packages depend on each other in circles.
    dpkg --no-triggers --force-depends --unpack "$@"
    ;;
essential)
    dpkg --no-triggers --force-depends --configure --pending
    ;;
unpack)
    dpkg --no-triggers --unpack "$@"
    ;;
configure)
    release=$(unindexed "$1")
    [ -z "$release" ] || index "$release"
    failed=0
    dpkg --configure "$@" || failed=$?
    [ -z "$release" ] || wait "$indexing"
    rm -f "$stand_in"
    exit "$failed"
    ;;
early)
    # WORDs: file, path on the box, mode, three a file.
    while [ $# -ge 3 ]; do
        install -D -m "$3" "$1" "$root$2"
        shift 3
    done
    ;;
users)
    # WORDs: name, id, comment, three a system user.
    while [ $# -ge 3 ]; do
        chroot "$root" useradd --system --user-group --no-create-home --home-dir /nonexistent \
            --shell /usr/sbin/nologin --uid "$2" --comment "$3" "$1"
        shift 3
    done
    ;;
tidy)
    # WORDs: places of loans that the tree itself does not have.
    rm -f "$root/usr/sbin/policy-rc.d"
    for place; do
        if [ -d "$root$place" ] && [ ! -L "$root$place" ]; then
            rmdir "$root$place"
        else
            rm -f "$root$place"
        fi
    done
    ;;
esac
