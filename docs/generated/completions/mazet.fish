# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_mazet_global_optspecs
    string join \n h/help V/version
end

function __fish_mazet_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_mazet_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_mazet_using_subcommand
    set -l cmd (__fish_mazet_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c mazet -n "__fish_mazet_needs_command" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_needs_command" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "build" -d 'Build an image from a recipe'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "boot" -d 'Boot an image in QEMU and say how far it came'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "flash" -d 'Write an image onto sticks and cards, and read everything back'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "test" -d 'Run every test: unit, integration, reproducibility, real boots'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "bench" -d 'Measure builds and boots on this machine and print the figures'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "recipe" -d 'Check or show recipes'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "why" -d 'Say which inputs changed since each cached layer was made'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "verify" -d 'Check signature, sums and block map of an image'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "inspect" -d 'Show what is in a finished image: partitions, layers, packages, sizes'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "cache" -d 'Show or clean the cache'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "doctor" -d 'Say what this host lacks, and the exact command that mends it'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "generate" -d 'Write man pages, shell completions and JSON Schemas'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "internal-open-device" -d 'Open a device with privileges: for Mazet itself'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "internal-sandbox" -d 'Enter a tree\'s sandbox: for Mazet itself'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "internal-users" -d 'Run a command in a user namespace of its own: for Mazet itself'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "internal-clock" -d 'Tell the clocks that trees see: for Mazet\'s own tests'
complete -c mazet -n "__fish_mazet_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mazet -n "__fish_mazet_using_subcommand build" -l locked -d 'Build exactly what this lock says' -r -F
complete -c mazet -n "__fish_mazet_using_subcommand build" -l mirror -d 'Debian mirror to build from' -r
complete -c mazet -n "__fish_mazet_using_subcommand build" -l output -d 'Folder for the image and what stands beside it' -r -F
complete -c mazet -n "__fish_mazet_using_subcommand build" -l key -d 'Secret key to sign with (minisign), instead of ~/.config/mazet/builder.key' -r -F
complete -c mazet -n "__fish_mazet_using_subcommand build" -l offline -d 'Use the cache alone, never the network'
complete -c mazet -n "__fish_mazet_using_subcommand build" -l refresh -d 'Ask the archive for its newest indexes, however fresh the known ones are'
complete -c mazet -n "__fish_mazet_using_subcommand build" -l timings -d 'Print a table of stages, and write it beside the image as JSON and HTML'
complete -c mazet -n "__fish_mazet_using_subcommand build" -l json -d 'Print what was built as JSON on standard output'
complete -c mazet -n "__fish_mazet_using_subcommand build" -l release -d 'Also write what a release needs: the image compressed, its block map, sums, provenance, and your signature'
complete -c mazet -n "__fish_mazet_using_subcommand build" -l new-key -d 'Make the builder\'s key without asking when there is none'
complete -c mazet -n "__fish_mazet_using_subcommand build" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand build" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand boot" -l firmware -d 'The firmware or board to boot with [default: bios; raspi3b for a Raspberry Pi\'s image]' -r -f -a "bios\t'Legacy BIOS (SeaBIOS)'
uefi\t'UEFI (OVMF) without Secure Boot'
secure-boot\t'UEFI with Secure Boot enforced and Microsoft\'s keys enrolled'
raspi3b\t'QEMU\'s Raspberry Pi 3B: kernel and device tree taken out of the card\'s FAT'
virt\t'QEMU\'s generic arm64 board with the Pi\'s kernel: what a Pi runs, faster'"
complete -c mazet -n "__fish_mazet_using_subcommand boot" -l until -d 'What to wait for' -r -f -a "wizard\t'The live system\'s claim page answers'
home\t'The installed box\'s home page answers'"
complete -c mazet -n "__fish_mazet_using_subcommand boot" -l timeout -d 'Give up after this many seconds' -r
complete -c mazet -n "__fish_mazet_using_subcommand boot" -l memory -d 'Memory of the machine, in MiB' -r
complete -c mazet -n "__fish_mazet_using_subcommand boot" -l disk -d 'Attach this disk as well (qcow2; made with 16 GiB when it is missing). May be given twice' -r -F
complete -c mazet -n "__fish_mazet_using_subcommand boot" -l accelerator -d 'What executes the guest' -r -f -a "auto\t'KVM where it runs the kernel, else emulation'
kvm\t'KVM, untested'
emulation\t'Emulation'"
complete -c mazet -n "__fish_mazet_using_subcommand boot" -l junit -d 'Write the verdict as JUnit XML' -r -F
complete -c mazet -n "__fish_mazet_using_subcommand boot" -l without-stick -d 'Leave the image out and boot from the disks alone'
complete -c mazet -n "__fish_mazet_using_subcommand boot" -l serial -d 'Show the serial line as it comes'
complete -c mazet -n "__fish_mazet_using_subcommand boot" -l stay -d 'Keep the machine running when the goal is reached, until it is switched off or Ctrl-C'
complete -c mazet -n "__fish_mazet_using_subcommand boot" -l json -d 'Print the verdict as JSON'
complete -c mazet -n "__fish_mazet_using_subcommand boot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mazet -n "__fish_mazet_using_subcommand boot" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand flash" -l device -d 'Device to erase and write: sdb, /dev/sdb, or the path of a file that stands for one. Again for each device' -r
complete -c mazet -n "__fish_mazet_using_subcommand flash" -l yes-erase -d 'Erase devices of this model (or serial number, where a device tells no model) without asking. Again for each model' -r
complete -c mazet -n "__fish_mazet_using_subcommand flash" -l config -d 'Answers in advance: language, names, network, Wi-Fi, claim code. Passwords in this file are written to the stick as hashes alone' -r -F
complete -c mazet -n "__fish_mazet_using_subcommand flash" -l public-key -d 'Write only what this builder signed (a key file, or the key itself). Again for each key' -r
complete -c mazet -n "__fish_mazet_using_subcommand flash" -l no-answers -d 'Write the image as it is: no answers and no claim code. The box shows a code of its own on its screen'
complete -c mazet -n "__fish_mazet_using_subcommand flash" -l list -d 'List the devices and write nothing'
complete -c mazet -n "__fish_mazet_using_subcommand flash" -l json -d 'Progress and results as one JSON object a line on standard output'
complete -c mazet -n "__fish_mazet_using_subcommand flash" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand flash" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand test" -l filter -d 'Only suites and scenarios whose name holds this. Again for more' -r
complete -c mazet -n "__fish_mazet_using_subcommand test" -l artefacts -d 'Folder for screenshots, serial logs and reports' -r -F
complete -c mazet -n "__fish_mazet_using_subcommand test" -l other-user -d 'Run as root: an ordinary user with sub-ids who makes the second build of the reproducibility test' -r
complete -c mazet -n "__fish_mazet_using_subcommand test" -l long -d 'Also the scenarios that do not fit into an hour of emulation'
complete -c mazet -n "__fish_mazet_using_subcommand test" -l keep -d 'Keep the disks of scenarios that passed, and begin with those that an earlier run kept'
complete -c mazet -n "__fish_mazet_using_subcommand test" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand test" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand bench" -l trees -d 'Only the root trees of the PC and of the Pi: Mazet\'s way beside mmdebstrap\'s, by the clock and in processor time, and whether both make the same tree'
complete -c mazet -n "__fish_mazet_using_subcommand bench" -l files -d 'Only the file cloud, beside Apache\'s mod_dav: large files and many small ones up and down, a large folder, syncs, memory'
complete -c mazet -n "__fish_mazet_using_subcommand bench" -l no-boot -d 'Only builds, no boots'
complete -c mazet -n "__fish_mazet_using_subcommand bench" -l json -d 'As JSON'
complete -c mazet -n "__fish_mazet_using_subcommand bench" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand bench" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and not __fish_seen_subcommand_from check show help" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and not __fish_seen_subcommand_from check show help" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and not __fish_seen_subcommand_from check show help" -f -a "check" -d 'Check a recipe with its services and templates; report all faults at once'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and not __fish_seen_subcommand_from check show help" -f -a "show" -d 'Show the resolved plan'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and not __fish_seen_subcommand_from check show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and __fish_seen_subcommand_from check" -l json -d 'The faults as JSON'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and __fish_seen_subcommand_from check" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and __fish_seen_subcommand_from show" -l json -d 'As JSON'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check a recipe with its services and templates; report all faults at once'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the resolved plan'
complete -c mazet -n "__fish_mazet_using_subcommand recipe; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mazet -n "__fish_mazet_using_subcommand why" -l json -d 'As JSON'
complete -c mazet -n "__fish_mazet_using_subcommand why" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand why" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand verify" -l public-key -d 'Trust this builder\'s key (a file, or the key itself) instead of those in ~/.config/mazet. Again for each key' -r
complete -c mazet -n "__fish_mazet_using_subcommand verify" -l json -d 'As JSON'
complete -c mazet -n "__fish_mazet_using_subcommand verify" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand verify" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand inspect" -l json -d 'As JSON'
complete -c mazet -n "__fish_mazet_using_subcommand inspect" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand inspect" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and not __fish_seen_subcommand_from size clean help" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and not __fish_seen_subcommand_from size clean help" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and not __fish_seen_subcommand_from size clean help" -f -a "size" -d 'Show what takes how much room'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and not __fish_seen_subcommand_from size clean help" -f -a "clean" -d 'Delete what newer results have replaced'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and not __fish_seen_subcommand_from size clean help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and __fish_seen_subcommand_from size" -l json -d 'As JSON'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and __fish_seen_subcommand_from size" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and __fish_seen_subcommand_from size" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and __fish_seen_subcommand_from clean" -l all -d 'Delete everything'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and __fish_seen_subcommand_from clean" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and __fish_seen_subcommand_from clean" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and __fish_seen_subcommand_from help" -f -a "size" -d 'Show what takes how much room'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and __fish_seen_subcommand_from help" -f -a "clean" -d 'Delete what newer results have replaced'
complete -c mazet -n "__fish_mazet_using_subcommand cache; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mazet -n "__fish_mazet_using_subcommand doctor" -l json -d 'As JSON'
complete -c mazet -n "__fish_mazet_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand generate" -l check -d 'Write nothing; exit with 3 where a file is not as the code would write it'
complete -c mazet -n "__fish_mazet_using_subcommand generate" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand generate" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand internal-open-device" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand internal-open-device" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand internal-sandbox" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand internal-sandbox" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand internal-users" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand internal-users" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand internal-clock" -s h -l help -d 'Print help'
complete -c mazet -n "__fish_mazet_using_subcommand internal-clock" -s V -l version -d 'Print version'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "build" -d 'Build an image from a recipe'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "boot" -d 'Boot an image in QEMU and say how far it came'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "flash" -d 'Write an image onto sticks and cards, and read everything back'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "test" -d 'Run every test: unit, integration, reproducibility, real boots'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "bench" -d 'Measure builds and boots on this machine and print the figures'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "recipe" -d 'Check or show recipes'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "why" -d 'Say which inputs changed since each cached layer was made'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "verify" -d 'Check signature, sums and block map of an image'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "inspect" -d 'Show what is in a finished image: partitions, layers, packages, sizes'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "cache" -d 'Show or clean the cache'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "doctor" -d 'Say what this host lacks, and the exact command that mends it'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "generate" -d 'Write man pages, shell completions and JSON Schemas'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "internal-open-device" -d 'Open a device with privileges: for Mazet itself'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "internal-sandbox" -d 'Enter a tree\'s sandbox: for Mazet itself'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "internal-users" -d 'Run a command in a user namespace of its own: for Mazet itself'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "internal-clock" -d 'Tell the clocks that trees see: for Mazet\'s own tests'
complete -c mazet -n "__fish_mazet_using_subcommand help; and not __fish_seen_subcommand_from build boot flash test bench recipe why verify inspect cache doctor generate internal-open-device internal-sandbox internal-users internal-clock help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mazet -n "__fish_mazet_using_subcommand help; and __fish_seen_subcommand_from recipe" -f -a "check" -d 'Check a recipe with its services and templates; report all faults at once'
complete -c mazet -n "__fish_mazet_using_subcommand help; and __fish_seen_subcommand_from recipe" -f -a "show" -d 'Show the resolved plan'
complete -c mazet -n "__fish_mazet_using_subcommand help; and __fish_seen_subcommand_from cache" -f -a "size" -d 'Show what takes how much room'
complete -c mazet -n "__fish_mazet_using_subcommand help; and __fish_seen_subcommand_from cache" -f -a "clean" -d 'Delete what newer results have replaced'
