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

# find_zig REPOSITORY
find_zig() {
    for zig in "$1"/target/wheelwright/tools/zig-*/ziglang/zig; do
        [ -x "$zig" ] && return
    done
    skip "there is no zig yet; run \`cargo wheels\` first"
}
