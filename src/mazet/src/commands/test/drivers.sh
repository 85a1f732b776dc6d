# drivers.sh IMAGE OFFSET SCRATCH LIST: has the system of IMAGE, whose FAT is at OFFSET, a driver for each
# device of LIST (firmware/<hardware>/drivers)? A line for each that lacks one, then the counts.
card=$1@@$2
scratch=$3
list=$4
cd "$scratch"
mcopy -n -o -i "$card" "::live/*.dtb" "::live/initrd.img" "::live/base.squashfs" ::live/overlays .
unsquashfs -quiet -no-progress -dest system base.squashfs usr/lib/modules
ln -s usr/lib system/lib
unmkinitramfs initrd.img unpacked
initrd=unpacked
[ ! -d unpacked/main ] || initrd=unpacked/main
release=$(ls system/lib/modules)
config=system/lib/modules/$release/config
[ -e "$config" ] || config=system/boot/config-$release

# The "compatible" strings of the nodes of a device tree that are on, as is all that they are in.
devices() {
    dtc -q -I dtb -O dts "$1" | awk '
        /\{$/ { depth++; on[depth] = depth == 1 || on[depth - 1]; is[depth] = ""; next }
        $1 == "compatible" { is[depth] = $0 }
        $1 == "status" && !/"(okay|ok)"/ { on[depth] = 0 }
        $1 == "};" {
            # One string in quotes, or several: "a", "b" or, of an older dtc, "a\0b".
            for (i = on[depth] ? split(is[depth], part, "\"") : 0; i > 1; i--)
                if (i % 2 == 0) { gsub(/\\0/, "\n", part[i]); print part[i] }
            depth--
        }'
}
# Files of the modules that drive a modalias on a root tree, and "builtin" for what is in the kernel.
modules() {
    modprobe --dirname "$1" --set-version "$release" --show-depends "$2" 2>&1 | sed 's|.*/||; s|^builtin .*|builtin|'
}
# drives ROOT ALIAS: every module that the whole system would load is on ROOT too.
drives() {
    needs=$(modules system "$2")
    case $needs in
    "" | *FATAL*) return 1 ;;
    esac
    for module in $needs; do
        [ "$module" = builtin ] || find "$1/lib/modules/$release/" -name "$module" | grep -q . || return 1
    done
}
# A place: what is loaded from there.
check() {
    alias=$1
    case $2 in
    built-in) [ "$(modules system "$alias" | sort -u)" = builtin ] ;;
    initrd) drives "$initrd" "$alias" ;;
    system) drives system "$alias" ;;
    *) echo "$2 is no place of drivers" >&2 && exit 1 ;;
    esac
}
whole() {
    dtc -q -I dtb -O dts "$1" | dtc -q -I dts -O dtb -o again.dtb
}
makes() {
    fdtoverlay -i "$1" -o made.dtb "$2" &&
        dtc -q -s -I dtb -O dts made.dtb >made.dts &&
        dtc -q -s -I dtb -O dts "$3" >wanted.dts &&
        cmp made.dts wanted.dts
}
one() {
    [ "$1" = kernel ] || whole "$1" || return 1
    case $2 in
    CONFIG_*) grep -qx "$2=y" "$config" ;;
    overlays/*) makes "$1" "$2" "$3" ;;
    *)
        if [ "$1" = kernel ]; then
            check "$2" "$3"
        else
            devices "$1" | grep -qxF "$2" && check "of:NdeviceT(null)C$2" "$3"
        fi
        ;;
    esac
}
passed=0
failed=0
while read -r tree device where; do
    case $tree in
    "" | "#"*) continue ;;
    esac
    if (one "$tree" "$device" "$where"); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "no driver: $tree $device $where"
    fi
done <"$list"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
