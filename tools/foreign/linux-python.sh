#!/bin/sh
# Prints the path of a program that runs a Linux CPython of another processor on this
# machine, for `wheelwright smoke --platform linux-MACHINE --runner PROGRAM`.
#
#     tools/foreign/linux-python.sh [aarch64|armv7l|i686|ppc64le|riscv64|s390x [3.15]]
#
# The Python is that of Debian 12 (of 13 on riscv64), or with 3.15 that of Debian's
# unstable release, for wheels that only a newer one loads.
#
# Needs Debian 12 or a child of it, and no root: packages of Debian's Python for that
# processor and of qemu's user emulation are fetched and unpacked into target/foreign. On
# ppc64le and riscv64 a lock is a plain one (qemu-shim.c), for which zig must be there.
set -eu

machine=${1:-aarch64}
newer=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$here/../.." && pwd)/target/foreign/linux-$machine${newer:+-$newer}
program=$folder/python
# shellcheck source=tools/foreign/common.sh
. "$here/common.sh"

end_if_made
need apt-get dpkg-deb
version=3.11
openssl=libssl3
emulator=$machine
shim_target=
case $machine in
    aarch64) architecture=arm64 ;;
    armv7l)
        architecture=armhf
        emulator=arm
        ;;
    i686)
        architecture=i386
        emulator=i386
        ;;
    ppc64le)
        architecture=ppc64el
        shim_target=powerpc64le-linux-gnu.2.28
        ;;
    s390x) architecture=s390x ;;
    riscv64)
        # Debian has it since release 13.
        architecture=riscv64
        debian_suite=trixie
        version=3.13
        openssl=libssl3t64
        shim_target=riscv64-linux-gnu.2.31
        ;;
    *) skip "no Linux Python for $machine; say aarch64, armv7l, i686, ppc64le, riscv64 or s390x" ;;
esac
case $newer in
    "") ;;
    3.15)
        debian_suite=sid
        version=$newer
        openssl="libssl3t64 libzstd1"
        ;;
    *) skip "no Python $newer; say 3.15, or no version for Debian's own" ;;
esac
[ -z "$shim_target" ] || find_zig "$(cd "$here/../.." && pwd)"

rm -rf "$folder"
mkdir -p "$folder"
make_python() {
    # shellcheck disable=SC2086 # there may be two
    debian_packages "$architecture" "$folder" "libpython$version-minimal" \
        "python$version-minimal" "libpython$version-stdlib" libc6 libexpat1 zlib1g libffi8 \
        $openssl libuuid1 libgcc-s1
    qemu_user "$emulator" "$(dirname "$folder")"
    preload=
    if [ -n "$shim_target" ]; then
        # glibc asks for robust locks there, as musl does.
        ZIG_GLOBAL_CACHE_DIR="$folder/zig-cache" "$zig" cc -target "$shim_target" -shared -fPIC \
            -o "$folder/shim.so" "$here/qemu-shim.c"
        preload="-E LD_PRELOAD=\"$folder/shim.so\""
    fi
    cat > "$folder/python.new" <<END
#!/bin/sh
exec "$qemu" $preload -L "$folder/root" "$folder/root/usr/bin/python$version" "\$@"
END
    chmod +x "$folder/python.new"
    "$folder/python.new" -c "import zlib, platform; print(platform.machine())"
    mv "$folder/python.new" "$program"
}
logged make_python
rm -rf "$folder/apt" "$folder/zig-cache"
echo "$program"
