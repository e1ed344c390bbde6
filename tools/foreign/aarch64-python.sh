#!/bin/sh
# Prints the path of a program that runs a Linux aarch64 CPython on this
# machine, for `wheelwright smoke --platform linux-aarch64 --runner PROGRAM`.
#
# Needs Debian or a child of it, and no root: packages of Debian's arm64 Python
# and of qemu's user emulation are fetched and unpacked into target/foreign.
set -eu

repository=$(cd "$(dirname "$0")/../.." && pwd)
folder=$repository/target/foreign/aarch64
program=$folder/python
packages="libpython3.11-minimal python3.11-minimal libpython3.11-stdlib libc6
    libexpat1 zlib1g libffi8 libssl3 libuuid1"

if [ -x "$program" ]; then
    echo "$program"
    exit 0
fi

mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/root" "$folder/qemu"
: > "$folder/apt/status"
arm64() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o Dir::State="$folder/apt" -o Dir::State::status="$folder/apt/status" \
        -o Dir::Cache="$folder/apt" -o Debug::NoLocking=1 "$@"
}
{
    arm64 update
    cd "$folder/apt/archives"
    # shellcheck disable=SC2086 # a list of packages
    arm64 download $packages
    for package in ./*.deb; do
        dpkg-deb -x "$package" "$folder/root"
    done
    mkdir -p "$folder/apt/host"
    cd "$folder/apt/host"
    apt-get -qq download qemu-user-static
    dpkg-deb -x ./*.deb "$folder/qemu"
} >&2

cat > "$program" <<END
#!/bin/sh
exec "$folder/qemu/usr/bin/qemu-aarch64-static" -L "$folder/root" "$folder/root/usr/bin/python3.11" "\$@"
END
chmod +x "$program"
"$program" -c "import zlib" >&2
echo "$program"
