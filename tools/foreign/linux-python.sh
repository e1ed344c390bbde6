#!/bin/sh
# Prints the path of a program that runs a Linux CPython of another processor on this
# machine, for `wheelwright smoke --platform linux-MACHINE --runner PROGRAM`.
#
#     tools/foreign/linux-python.sh [aarch64|armv7l|i686|ppc64le|riscv64|s390x]
#
# Needs Debian 12 or a child of it, and no root: packages of Debian's Python for that
# processor and of qemu's user emulation are fetched and unpacked into target/foreign.
set -eu

machine=${1:-aarch64}
here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$here/../.." && pwd)/target/foreign/linux-$machine
program=$folder/python
# shellcheck source=tools/foreign/common.sh
. "$here/common.sh"

if [ -x "$program" ]; then
    echo "$program"
    exit 0
fi
need apt-get dpkg-deb
version=3.11
openssl=libssl3
emulator=$machine
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
    ppc64le) architecture=ppc64el ;;
    s390x) architecture=s390x ;;
    riscv64)
        # Debian has it since release 13.
        architecture=riscv64
        debian_suite=trixie
        version=3.13
        openssl=libssl3t64
        ;;
    *) skip "no Linux Python for $machine; say aarch64, armv7l, i686, ppc64le, riscv64 or s390x" ;;
esac

rm -rf "$folder"
mkdir -p "$folder"
make_python() {
    debian_packages "$architecture" "$folder" "libpython$version-minimal" \
        "python$version-minimal" "libpython$version-stdlib" libc6 libexpat1 zlib1g libffi8 \
        "$openssl" libuuid1 libgcc-s1
    qemu_user "$emulator" "$(dirname "$folder")"
    cat > "$folder/python.new" <<END
#!/bin/sh
exec "$qemu" -L "$folder/root" "$folder/root/usr/bin/python$version" "\$@"
END
    chmod +x "$folder/python.new"
    "$folder/python.new" -c "import zlib, platform; print(platform.machine())"
    mv "$folder/python.new" "$program"
}
logged make_python
rm -rf "$folder/apt"
echo "$program"
