# initrd.sh ROOT CONFIGURATION OUTPUT KERNEL: the initial RAM disk of ROOT's kernel.
root=$1
configuration=$2
output=$3
kernel=$4
cp -r "$configuration/." "$root/etc/initramfs-tools/"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root/var/tmp"
mount -t tmpfs tmpfs "$root/var/tmp"
chroot "$root" update-initramfs -c -k "$kernel"
cp "$root/boot/initrd.img-$kernel" "$output/initrd.img"
chmod a+r "$output/initrd.img"
