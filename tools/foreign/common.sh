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

# arm64_packages FOLDER PACKAGE...: fetches packages of Debian's arm64 and
# unpacks them into FOLDER/root. Needs no root; apt's state is in FOLDER/apt.
arm64_packages() {
    arm64_folder=$1
    shift
    mkdir -p "$arm64_folder/apt/lists/partial" "$arm64_folder/apt/archives/partial" "$arm64_folder/root"
    : > "$arm64_folder/apt/status"
    arm64() {
        apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
            -o Dir::State="$arm64_folder/apt" -o Dir::State::status="$arm64_folder/apt/status" \
            -o Dir::Cache="$arm64_folder/apt" -o Debug::NoLocking=1 "$@"
    }
    arm64 update
    (cd "$arm64_folder/apt/archives" && arm64 download "$@")
    for package in "$arm64_folder"/apt/archives/*.deb; do
        dpkg-deb -x "$package" "$arm64_folder/root"
    done
}

# qemu_aarch64 FOLDER: sets `qemu` to a program that runs those of aarch64: the
# machine's, or Debian's, unpacked into FOLDER/qemu.
qemu_aarch64() {
    qemu=$(command -v qemu-aarch64-static || true)
    [ -z "$qemu" ] || return 0
    mkdir -p "$1/qemu"
    (cd "$1/qemu" && apt-get -qq download qemu-user-static && dpkg-deb -x ./*.deb . && rm ./*.deb)
    qemu=$1/qemu/usr/bin/qemu-aarch64-static
}
