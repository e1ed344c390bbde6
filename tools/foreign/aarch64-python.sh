#!/bin/sh
# Prints the path of a program that runs a Linux aarch64 CPython on this
# machine, for `wheelwright smoke --platform linux-aarch64 --runner PROGRAM`.
#
# Needs Debian or a child of it, and no root: packages of Debian's arm64 Python
# and of qemu's user emulation are fetched and unpacked into target/foreign.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$here/../.." && pwd)/target/foreign/aarch64
program=$folder/python
# shellcheck source=tools/foreign/common.sh
. "$here/common.sh"

if [ -x "$program" ]; then
    echo "$program"
    exit 0
fi
need apt-get dpkg-deb
{
    arm64_packages "$folder" libpython3.11-minimal python3.11-minimal libpython3.11-stdlib libc6 \
        libexpat1 zlib1g libffi8 libssl3 libuuid1
    qemu_aarch64 "$folder"
} >&2

cat > "$program" <<END
#!/bin/sh
exec "$qemu" -L "$folder/root" "$folder/root/usr/bin/python3.11" "\$@"
END
chmod +x "$program"
"$program" -c "import zlib" >&2
echo "$program"
