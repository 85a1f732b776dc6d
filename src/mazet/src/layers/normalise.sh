# normalise.sh ROOT: takes out of ROOT what Debian's scripts leave that differs from build to
# build, or that every box must make for itself.
cd "$1"
# Device nodes, which root may make and an ordinary user may not: the kernel makes its own.
mountpoint --quiet dev || find dev -mindepth 1 -delete
# Where mmdebstrap saw the local archive.
[ ! -d mazet-archive ] || rmdir mazet-archive
# Made on the box: identities and keys.
: >etc/machine-id
chmod 444 etc/machine-id
rm -f var/lib/dbus/machine-id var/lib/systemd/random-seed var/lib/systemd/credential.secret
rm -f etc/ssh/ssh_host_*_key etc/ssh/ssh_host_*_key.pub
rm -f etc/ssl/certs/ssl-cert-snakeoil.pem etc/ssl/private/ssl-cert-snakeoil.key
rm -f etc/hostname etc/resolv.conf
# Caches and logs.
rm -rf var/cache/apt/* var/lib/apt/lists/* var/cache/debconf/*-old var/cache/ldconfig/aux-cache
rm -rf var/cache/man/* var/cache/fontconfig/* tmp/* var/tmp/* run/*
find var/log -type f -delete
# Backups that tools make before they change a file.
rm -f etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/subuid- etc/subgid- var/lib/dpkg/*-old
rm -f etc/.pwd.lock var/lib/dpkg/lock var/lib/dpkg/lock-frontend var/lib/dpkg/triggers/Lock
rm -f var/cache/apt/archives/lock var/lib/apt/daily_lock
rm -f var/lib/systemd/catalog/database var/lib/apt/extended_states
# Byte code is made from sources, with their time in it.
find usr -type d -name __pycache__ -prune -exec rm -rf {} +
# The day of the last password change is the day of the build.
if [ -f etc/shadow ]; then
    awk -F: -v day="$((SOURCE_DATE_EPOCH / 86400))" 'BEGIN { OFS = ":" } $3 != "" { $3 = day } { print }' \
        etc/shadow >etc/.shadow.new
    cat etc/.shadow.new >etc/shadow
    rm etc/.shadow.new
fi
# Sources of the builder's own archive.
rm -f etc/apt/sources.list etc/apt/sources.list.d/0000*.list
