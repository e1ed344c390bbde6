# Sourced by the scripts beside it: sets `zig` to the compiler that wheelwright
# installed, and finds what else a script needs, or ends the script with 3.

# skip REASON: says by name what is not tried, and why.
skip() {
    echo "$(basename "$0" .sh): skipped: $1" >&2
    exit 3
}

# need PROGRAM...: skips if the machine lacks one.
need() {
    for needed in "$@"; do
        command -v "$needed" > /dev/null || skip "there is no $needed on this machine"
    done
}

# end_if_made: prints $program and ends the script if an earlier run has made it.
end_if_made() {
    [ -x "$program" ] || return 0
    echo "$program"
    exit 0
}

need_linux_x86_64() {
    [ "$(uname -sm)" = "Linux x86_64" ] || skip "this machine runs no Linux x86_64 program"
}

# logged FUNCTION: calls it with its output in $folder/log. The first command of
# it that fails ends the script, which then shows the end of that log.
logged() {
    # Not `|| {`: a shell that is asked for a status in that way goes on after an error.
    set +e
    (
        set -e
        "$1"
    ) > "$folder/log" 2>&1
    logged_status=$?
    set -e
    [ "$logged_status" != 0 ] || return 0
    tail -n 20 "$folder/log" >&2
    echo "$(basename "$0" .sh): failed; all of it is in $folder/log" >&2
    exit 1
}

# find_zig REPOSITORY
find_zig() {
    for zig in "$1"/target/wheelwright/tools/zig-*/ziglang/zig; do
        [ -x "$zig" ] && return
    done
    skip "there is no zig yet; run \`cargo wheels\` first"
}

# debian_packages ARCHITECTURE FOLDER PACKAGE...: fetches packages of another architecture
# of Debian and unpacks them into FOLDER/root. Needs no root; apt's state is in FOLDER/apt.
# `debian_suite`, if it is set, names another release of Debian than this machine's.
debian_packages() {
    debian_architecture=$1
    debian_folder=$2
    shift 2
    mkdir -p "$debian_folder/apt/lists/partial" "$debian_folder/apt/archives/partial" \
        "$debian_folder/apt/sources" "$debian_folder/root"
    : > "$debian_folder/apt/status"
    own_suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    for debian_list in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
        [ -f "$debian_list" ] || continue
        sed "s/\b$own_suite\b/${debian_suite:-$own_suite}/g" "$debian_list" \
            > "$debian_folder/apt/sources/$(basename "$debian_list")"
    done
    debian() {
        apt-get -qq -o APT::Architecture="$debian_architecture" \
            -o APT::Architectures="$debian_architecture" \
            -o Dir::State="$debian_folder/apt" -o Dir::State::status="$debian_folder/apt/status" \
            -o Dir::Etc::sourcelist="$debian_folder/apt/sources/sources.list" \
            -o Dir::Etc::sourceparts="$debian_folder/apt/sources" \
            -o Dir::Cache="$debian_folder/apt" -o Debug::NoLocking=1 "$@"
    }
    # A mirror may be about to change one of its lists; a package that is missing for that
    # stops the download.
    debian update || true
    (cd "$debian_folder/apt/archives" && debian download "$@")
    for package in "$debian_folder"/apt/archives/*.deb; do
        dpkg-deb -x "$package" "$debian_folder/root"
    done
    # Since release 13 the packages have nothing in /lib, which base-files makes a link; and
    # a link to /lib/... would lead to this machine's.
    [ -e "$debian_folder/root/lib" ] || ln -s usr/lib "$debian_folder/root/lib"
    find "$debian_folder/root" -type l -lname '/*' | while read -r debian_link; do
        ln -sfn "$debian_folder/root$(readlink "$debian_link")" "$debian_link"
    done
}

# qemu_user MACHINE FOLDER: sets `qemu` to a program that runs those of MACHINE, as qemu
# writes it: this machine's own, or Debian's, unpacked into FOLDER/qemu for all machines.
qemu_user() {
    qemu=$(command -v "qemu-$1-static" || true)
    [ -z "$qemu" ] || return 0
    qemu=$2/qemu/usr/bin/qemu-$1-static
    [ ! -x "$qemu" ] || return 0
    mkdir -p "$2/qemu"
    (cd "$2/qemu" && apt-get -qq download qemu-user-static && dpkg-deb -x ./*.deb . && rm ./*.deb)
}
