# initrd.sh ROOT CONFIGURATION OUTPUT KERNEL [DEPMOD]: the initial RAM disk of ROOT's kernel.
# DEPMOD: a program that does depmod's work in the tree, where its own would be emulated.
root=$1
configuration=$2
output=$3
kernel=$4
cp -r "$configuration/." "$root/etc/initramfs-tools/"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root/var/tmp"
mount -t tmpfs tmpfs "$root/var/tmp"
if [ -n "${5:-}" ]; then
    # A link to a program that the RAM disk holds too: it gives way, the program stays.
    rm "$root/usr/sbin/depmod"
    cp "$5" "$root/usr/sbin/depmod"
    chroot "$root" mkinitramfs -o "/boot/initrd.img-$kernel" "$kernel"
    mkdir "$output/check"
    unmkinitramfs "$root/boot/initrd.img-$kernel" "$output/check"
else
    chroot "$root" update-initramfs -c -k "$kernel"
fi
cp "$root/boot/initrd.img-$kernel" "$output/initrd.img"
chmod a+r "$output/initrd.img"
