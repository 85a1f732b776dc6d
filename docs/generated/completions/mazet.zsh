#compdef mazet

autoload -U is-at-least

_mazet() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_mazet_commands" \
"*::: :->mazet" \
&& ret=0
    case $state in
    (mazet)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:mazet-command-$line[1]:"
        case $line[1] in
            (build)
_arguments "${_arguments_options[@]}" : \
'--locked=[Build exactly what this lock says]:FILE:_files' \
'--mirror=[Debian mirror to build from]:URL:_default' \
'--output=[Folder for the image and what stands beside it]:FOLDER:_files' \
'--key=[Secret key to sign with (minisign), instead of ~/.config/mazet/builder.key]:FILE:_files' \
'--offline[Use the cache alone, never the network]' \
'(--offline --locked)--refresh[Ask the archive for its newest indexes, however fresh the known ones are]' \
'--timings[Print a table of stages, and write it beside the image as JSON and HTML]' \
'--json[Print what was built as JSON on standard output]' \
'--release[Also write what a release needs\: the image compressed, its block map, sums, provenance, and your signature]' \
'(--key)--new-key[Make the builder'\''s key without asking when there is none]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'::recipe -- The recipe\: a name in recipes/:_default' \
&& ret=0
;;
(boot)
_arguments "${_arguments_options[@]}" : \
'--firmware=[The firmware or board to boot with \[default\: bios; raspi3b for a Raspberry Pi'\''s image\]]:FIRMWARE:((bios\:"Legacy BIOS (SeaBIOS)"
uefi\:"UEFI (OVMF) without Secure Boot"
secure-boot\:"UEFI with Secure Boot enforced and Microsoft'\''s keys enrolled"
raspi3b\:"QEMU'\''s Raspberry Pi 3B\: kernel and device tree taken out of the card'\''s FAT"
virt\:"QEMU'\''s generic arm64 board with the Pi'\''s kernel\: what a Pi runs, faster"))' \
'--until=[What to wait for]:UNTIL:((wizard\:"The live system'\''s claim page answers"
home\:"The installed box'\''s home page answers"))' \
'--timeout=[Give up after this many seconds]:SECONDS:_default' \
'--memory=[Memory of the machine, in MiB]:MIB:_default' \
'*--disk=[Attach this disk as well (qcow2; made with 16 GiB when it is missing). May be given twice]:FILE:_files' \
'--accelerator=[What executes the guest]:ACCELERATOR:((auto\:"KVM where it runs the kernel, else emulation"
kvm\:"KVM, untested"
emulation\:"Emulation"))' \
'--junit=[Write the verdict as JUnit XML]:FILE:_files' \
'--without-stick[Leave the image out and boot from the disks alone]' \
'--serial[Show the serial line as it comes]' \
'--stay[Keep the machine running when the goal is reached, until it is switched off or Ctrl-C]' \
'--json[Print the verdict as JSON]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
':target -- A recipe'\''s name (its last built image is booted) or an image file:_default' \
&& ret=0
;;
(flash)
_arguments "${_arguments_options[@]}" : \
'*--device=[Device to erase and write\: sdb, /dev/sdb, or the path of a file that stands for one. Again for each device]:NAME:_default' \
'*--yes-erase=[Erase devices of this model (or serial number, where a device tells no model) without asking. Again for each model]:MODEL:_default' \
'--config=[Answers in advance\: language, names, network, Wi-Fi, claim code. Passwords in this file are written to the stick as hashes alone]:FILE:_files' \
'*--public-key=[Write only what this builder signed (a key file, or the key itself). Again for each key]:KEY:_default' \
'(--config)--no-answers[Write the image as it is\: no answers and no claim code. The box shows a code of its own on its screen]' \
'--list[List the devices and write nothing]' \
'--json[Progress and results as one JSON object a line on standard output]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'::image -- An image file (.img or .img.zst), or the name of a recipe that was built:_default' \
&& ret=0
;;
(test)
_arguments "${_arguments_options[@]}" : \
'*--filter=[Only suites and scenarios whose name holds this. Again for more]:TEXT:_default' \
'--artefacts=[Folder for screenshots, serial logs and reports]:FOLDER:_files' \
'--other-user=[Run as root\: an ordinary user with sub-ids who makes the second build of the reproducibility test]:USER:_default' \
'--long[Also the scenarios that do not fit into an hour of emulation]' \
'--keep[Keep the disks of scenarios that passed, and begin with those that an earlier run kept]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(bench)
_arguments "${_arguments_options[@]}" : \
'(--no-boot)--trees[Only the root trees of the PC and of the Pi\: Mazet'\''s way beside mmdebstrap'\''s, by the clock and in processor time, and whether both make the same tree]' \
'(--trees --no-boot)--files[Only the file cloud, beside Apache'\''s mod_dav\: large files and many small ones up and down, a large folder, syncs, memory]' \
'--no-boot[Only builds, no boots]' \
'--json[As JSON]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'::recipe -- The recipe:_default' \
&& ret=0
;;
(recipe)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_mazet__subcmd__recipe_commands" \
"*::: :->recipe" \
&& ret=0

    case $state in
    (recipe)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:mazet-recipe-command-$line[1]:"
        case $line[1] in
            (check)
_arguments "${_arguments_options[@]}" : \
'--json[The faults as JSON]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'::recipe -- The recipe:_default' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'--json[As JSON]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'::recipe -- The recipe:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_mazet__subcmd__recipe__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:mazet-recipe-help-command-$line[1]:"
        case $line[1] in
            (check)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(why)
_arguments "${_arguments_options[@]}" : \
'--json[As JSON]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'::recipe -- The recipe:_default' \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
'*--public-key=[Trust this builder'\''s key (a file, or the key itself) instead of those in ~/.config/mazet. Again for each key]:KEY:_default' \
'--json[As JSON]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':image -- The image file\: NAME.img or NAME.img.zst:_files' \
&& ret=0
;;
(inspect)
_arguments "${_arguments_options[@]}" : \
'--json[As JSON]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':image -- The image file:_files' \
&& ret=0
;;
(cache)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_mazet__subcmd__cache_commands" \
"*::: :->cache" \
&& ret=0

    case $state in
    (cache)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:mazet-cache-command-$line[1]:"
        case $line[1] in
            (size)
_arguments "${_arguments_options[@]}" : \
'--json[As JSON]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(clean)
_arguments "${_arguments_options[@]}" : \
'--all[Delete everything]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_mazet__subcmd__cache__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:mazet-cache-help-command-$line[1]:"
        case $line[1] in
            (size)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(clean)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(doctor)
_arguments "${_arguments_options[@]}" : \
'--json[As JSON]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(generate)
_arguments "${_arguments_options[@]}" : \
'--check[Write nothing; exit with 3 where a file is not as the code would write it]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'::folder -- Where to:_files' \
&& ret=0
;;
(internal-open-device)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':name -- Kernel name:_default' \
':serial -- Its serial number, as it was chosen by:_default' \
&& ret=0
;;
(internal-sandbox)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':description -- The sandbox'\''s description:_default' \
'*::words -- The command:_default' \
&& ret=0
;;
(internal-users)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'*::words -- The command:_default' \
&& ret=0
;;
(internal-clock)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':tools -- A tools tree:_files' \
'::base -- A base layer'\''s tree:_files' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_mazet__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:mazet-help-command-$line[1]:"
        case $line[1] in
            (build)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(boot)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(flash)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(test)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(bench)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(recipe)
_arguments "${_arguments_options[@]}" : \
":: :_mazet__subcmd__help__subcmd__recipe_commands" \
"*::: :->recipe" \
&& ret=0

    case $state in
    (recipe)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:mazet-help-recipe-command-$line[1]:"
        case $line[1] in
            (check)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(why)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(inspect)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(cache)
_arguments "${_arguments_options[@]}" : \
":: :_mazet__subcmd__help__subcmd__cache_commands" \
"*::: :->cache" \
&& ret=0

    case $state in
    (cache)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:mazet-help-cache-command-$line[1]:"
        case $line[1] in
            (size)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(clean)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(doctor)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(generate)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(internal-open-device)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(internal-sandbox)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(internal-users)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(internal-clock)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
}

(( $+functions[_mazet_commands] )) ||
_mazet_commands() {
    local commands; commands=(
'build:Build an image from a recipe' \
'boot:Boot an image in QEMU and say how far it came' \
'flash:Write an image onto sticks and cards, and read everything back' \
'test:Run every test\: unit, integration, reproducibility, real boots' \
'bench:Measure builds and boots on this machine and print the figures' \
'recipe:Check or show recipes' \
'why:Say which inputs changed since each cached layer was made' \
'verify:Check signature, sums and block map of an image' \
'inspect:Show what is in a finished image\: partitions, layers, packages, sizes' \
'cache:Show or clean the cache' \
'doctor:Say what this host lacks, and the exact command that mends it' \
'generate:Write man pages, shell completions and JSON Schemas' \
'internal-open-device:Open a device with privileges\: for Mazet itself' \
'internal-sandbox:Enter a tree'\''s sandbox\: for Mazet itself' \
'internal-users:Run a command in a user namespace of its own\: for Mazet itself' \
'internal-clock:Tell the clocks that trees see\: for Mazet'\''s own tests' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'mazet commands' commands "$@"
}
(( $+functions[_mazet__subcmd__bench_commands] )) ||
_mazet__subcmd__bench_commands() {
    local commands; commands=()
    _describe -t commands 'mazet bench commands' commands "$@"
}
(( $+functions[_mazet__subcmd__boot_commands] )) ||
_mazet__subcmd__boot_commands() {
    local commands; commands=()
    _describe -t commands 'mazet boot commands' commands "$@"
}
(( $+functions[_mazet__subcmd__build_commands] )) ||
_mazet__subcmd__build_commands() {
    local commands; commands=()
    _describe -t commands 'mazet build commands' commands "$@"
}
(( $+functions[_mazet__subcmd__cache_commands] )) ||
_mazet__subcmd__cache_commands() {
    local commands; commands=(
'size:Show what takes how much room' \
'clean:Delete what newer results have replaced' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'mazet cache commands' commands "$@"
}
(( $+functions[_mazet__subcmd__cache__subcmd__clean_commands] )) ||
_mazet__subcmd__cache__subcmd__clean_commands() {
    local commands; commands=()
    _describe -t commands 'mazet cache clean commands' commands "$@"
}
(( $+functions[_mazet__subcmd__cache__subcmd__help_commands] )) ||
_mazet__subcmd__cache__subcmd__help_commands() {
    local commands; commands=(
'size:Show what takes how much room' \
'clean:Delete what newer results have replaced' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'mazet cache help commands' commands "$@"
}
(( $+functions[_mazet__subcmd__cache__subcmd__help__subcmd__clean_commands] )) ||
_mazet__subcmd__cache__subcmd__help__subcmd__clean_commands() {
    local commands; commands=()
    _describe -t commands 'mazet cache help clean commands' commands "$@"
}
(( $+functions[_mazet__subcmd__cache__subcmd__help__subcmd__help_commands] )) ||
_mazet__subcmd__cache__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'mazet cache help help commands' commands "$@"
}
(( $+functions[_mazet__subcmd__cache__subcmd__help__subcmd__size_commands] )) ||
_mazet__subcmd__cache__subcmd__help__subcmd__size_commands() {
    local commands; commands=()
    _describe -t commands 'mazet cache help size commands' commands "$@"
}
(( $+functions[_mazet__subcmd__cache__subcmd__size_commands] )) ||
_mazet__subcmd__cache__subcmd__size_commands() {
    local commands; commands=()
    _describe -t commands 'mazet cache size commands' commands "$@"
}
(( $+functions[_mazet__subcmd__doctor_commands] )) ||
_mazet__subcmd__doctor_commands() {
    local commands; commands=()
    _describe -t commands 'mazet doctor commands' commands "$@"
}
(( $+functions[_mazet__subcmd__flash_commands] )) ||
_mazet__subcmd__flash_commands() {
    local commands; commands=()
    _describe -t commands 'mazet flash commands' commands "$@"
}
(( $+functions[_mazet__subcmd__generate_commands] )) ||
_mazet__subcmd__generate_commands() {
    local commands; commands=()
    _describe -t commands 'mazet generate commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help_commands] )) ||
_mazet__subcmd__help_commands() {
    local commands; commands=(
'build:Build an image from a recipe' \
'boot:Boot an image in QEMU and say how far it came' \
'flash:Write an image onto sticks and cards, and read everything back' \
'test:Run every test\: unit, integration, reproducibility, real boots' \
'bench:Measure builds and boots on this machine and print the figures' \
'recipe:Check or show recipes' \
'why:Say which inputs changed since each cached layer was made' \
'verify:Check signature, sums and block map of an image' \
'inspect:Show what is in a finished image\: partitions, layers, packages, sizes' \
'cache:Show or clean the cache' \
'doctor:Say what this host lacks, and the exact command that mends it' \
'generate:Write man pages, shell completions and JSON Schemas' \
'internal-open-device:Open a device with privileges\: for Mazet itself' \
'internal-sandbox:Enter a tree'\''s sandbox\: for Mazet itself' \
'internal-users:Run a command in a user namespace of its own\: for Mazet itself' \
'internal-clock:Tell the clocks that trees see\: for Mazet'\''s own tests' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'mazet help commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__bench_commands] )) ||
_mazet__subcmd__help__subcmd__bench_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help bench commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__boot_commands] )) ||
_mazet__subcmd__help__subcmd__boot_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help boot commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__build_commands] )) ||
_mazet__subcmd__help__subcmd__build_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help build commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__cache_commands] )) ||
_mazet__subcmd__help__subcmd__cache_commands() {
    local commands; commands=(
'size:Show what takes how much room' \
'clean:Delete what newer results have replaced' \
    )
    _describe -t commands 'mazet help cache commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__cache__subcmd__clean_commands] )) ||
_mazet__subcmd__help__subcmd__cache__subcmd__clean_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help cache clean commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__cache__subcmd__size_commands] )) ||
_mazet__subcmd__help__subcmd__cache__subcmd__size_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help cache size commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__doctor_commands] )) ||
_mazet__subcmd__help__subcmd__doctor_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help doctor commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__flash_commands] )) ||
_mazet__subcmd__help__subcmd__flash_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help flash commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__generate_commands] )) ||
_mazet__subcmd__help__subcmd__generate_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help generate commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__help_commands] )) ||
_mazet__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help help commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__inspect_commands] )) ||
_mazet__subcmd__help__subcmd__inspect_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help inspect commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__internal-clock_commands] )) ||
_mazet__subcmd__help__subcmd__internal-clock_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help internal-clock commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__internal-open-device_commands] )) ||
_mazet__subcmd__help__subcmd__internal-open-device_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help internal-open-device commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__internal-sandbox_commands] )) ||
_mazet__subcmd__help__subcmd__internal-sandbox_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help internal-sandbox commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__internal-users_commands] )) ||
_mazet__subcmd__help__subcmd__internal-users_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help internal-users commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__recipe_commands] )) ||
_mazet__subcmd__help__subcmd__recipe_commands() {
    local commands; commands=(
'check:Check a recipe with its services and templates; report all faults at once' \
'show:Show the resolved plan' \
    )
    _describe -t commands 'mazet help recipe commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__recipe__subcmd__check_commands] )) ||
_mazet__subcmd__help__subcmd__recipe__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help recipe check commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__recipe__subcmd__show_commands] )) ||
_mazet__subcmd__help__subcmd__recipe__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help recipe show commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__test_commands] )) ||
_mazet__subcmd__help__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help test commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__verify_commands] )) ||
_mazet__subcmd__help__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help verify commands' commands "$@"
}
(( $+functions[_mazet__subcmd__help__subcmd__why_commands] )) ||
_mazet__subcmd__help__subcmd__why_commands() {
    local commands; commands=()
    _describe -t commands 'mazet help why commands' commands "$@"
}
(( $+functions[_mazet__subcmd__inspect_commands] )) ||
_mazet__subcmd__inspect_commands() {
    local commands; commands=()
    _describe -t commands 'mazet inspect commands' commands "$@"
}
(( $+functions[_mazet__subcmd__internal-clock_commands] )) ||
_mazet__subcmd__internal-clock_commands() {
    local commands; commands=()
    _describe -t commands 'mazet internal-clock commands' commands "$@"
}
(( $+functions[_mazet__subcmd__internal-open-device_commands] )) ||
_mazet__subcmd__internal-open-device_commands() {
    local commands; commands=()
    _describe -t commands 'mazet internal-open-device commands' commands "$@"
}
(( $+functions[_mazet__subcmd__internal-sandbox_commands] )) ||
_mazet__subcmd__internal-sandbox_commands() {
    local commands; commands=()
    _describe -t commands 'mazet internal-sandbox commands' commands "$@"
}
(( $+functions[_mazet__subcmd__internal-users_commands] )) ||
_mazet__subcmd__internal-users_commands() {
    local commands; commands=()
    _describe -t commands 'mazet internal-users commands' commands "$@"
}
(( $+functions[_mazet__subcmd__recipe_commands] )) ||
_mazet__subcmd__recipe_commands() {
    local commands; commands=(
'check:Check a recipe with its services and templates; report all faults at once' \
'show:Show the resolved plan' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'mazet recipe commands' commands "$@"
}
(( $+functions[_mazet__subcmd__recipe__subcmd__check_commands] )) ||
_mazet__subcmd__recipe__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'mazet recipe check commands' commands "$@"
}
(( $+functions[_mazet__subcmd__recipe__subcmd__help_commands] )) ||
_mazet__subcmd__recipe__subcmd__help_commands() {
    local commands; commands=(
'check:Check a recipe with its services and templates; report all faults at once' \
'show:Show the resolved plan' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'mazet recipe help commands' commands "$@"
}
(( $+functions[_mazet__subcmd__recipe__subcmd__help__subcmd__check_commands] )) ||
_mazet__subcmd__recipe__subcmd__help__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'mazet recipe help check commands' commands "$@"
}
(( $+functions[_mazet__subcmd__recipe__subcmd__help__subcmd__help_commands] )) ||
_mazet__subcmd__recipe__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'mazet recipe help help commands' commands "$@"
}
(( $+functions[_mazet__subcmd__recipe__subcmd__help__subcmd__show_commands] )) ||
_mazet__subcmd__recipe__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'mazet recipe help show commands' commands "$@"
}
(( $+functions[_mazet__subcmd__recipe__subcmd__show_commands] )) ||
_mazet__subcmd__recipe__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'mazet recipe show commands' commands "$@"
}
(( $+functions[_mazet__subcmd__test_commands] )) ||
_mazet__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'mazet test commands' commands "$@"
}
(( $+functions[_mazet__subcmd__verify_commands] )) ||
_mazet__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'mazet verify commands' commands "$@"
}
(( $+functions[_mazet__subcmd__why_commands] )) ||
_mazet__subcmd__why_commands() {
    local commands; commands=()
    _describe -t commands 'mazet why commands' commands "$@"
}

if [ "$funcstack[1]" = "_mazet" ]; then
    _mazet "$@"
else
    compdef _mazet mazet
fi
