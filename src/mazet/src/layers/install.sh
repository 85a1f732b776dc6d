# install.sh ROOT REPO PACKAGE… -- [USER ID COMMENT]…: installs packages of a local archive into
# ROOT, starts nothing, and makes system users.
root=$1
repo=$2
shift 2
mkdir -p "$root/run/mazet-repo"
mount --bind "$repo" "$root/run/mazet-repo"
mount -t tmpfs tmpfs "$root/tmp"
# Scratch trees need no fsync: the same release's libeatmydata, lent for the time of the build.
library=$(find /usr/lib -name 'libeatmydata.so' | head -n 1)
touch "$root/run/libeatmydata.so"
mount --bind "$library" "$root/run/libeatmydata.so"
touch /run/libeatmydata.so
mount --bind "$library" /run/libeatmydata.so
# No package may start a service in a tree.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
state=/run/mazet-apt
mkdir -p "$root$state/lists/partial" "$root$state/archives/partial"
echo 'deb [trusted=yes] file:/run/mazet-repo ./' >"$root$state/sources.list"
in_root() {
    LD_PRELOAD=/run/libeatmydata.so chroot "$root" "$@"
}
apt() {
    in_root apt-get -qq -o Dir::State::lists=$state/lists -o Dir::Cache=$state \
        -o Dir::Cache::archives=$state/archives -o Dir::Etc::sourcelist=$state/sources.list \
        -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User=root -o APT::Install-Recommends=false \
        -o DPkg::Options::=--force-unsafe-io -o DPkg::Options::=--force-confnew "$@"
}
apt update
packages=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    packages="$packages $1"
    shift
done
shift
# Word splitting is meant: package names hold no spaces.
if [ -n "$packages" ]; then
    INITRD=No apt install --yes $packages
fi
while [ $# -ge 3 ]; do
    in_root useradd --system --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin --uid "$2" --comment "$3" "$1"
    shift 3
done
rm "$root/usr/sbin/policy-rc.d"
umount "$root/run/mazet-repo" "$root/run/libeatmydata.so" "$root/tmp"
rm -rf "$root/run/mazet-repo" "$root/run/mazet-apt" "$root/run/libeatmydata.so"
