#!/bin/sh
# Prints the path of a CPython that is linked against musl, for `wheelwright
# smoke --platform musllinux-MACHINE --runner PROGRAM`.
#
#     tools/foreign/musl-python.sh [x86_64|aarch64]
#
# Needs Debian or a child of it on x86_64, and no root: Debian's source of
# CPython is compiled with wheelwright's zig (two minutes on two cores) and runs
# on the musl of Debian's package, unpacked into target/foreign. For aarch64 it is
# compiled by a CPython 3.11 of this machine, and runs under qemu.
set -eu

machine=${1:-x86_64}
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
folder=$repository/target/foreign/musl-$machine
program=$folder/run
# shellcheck source=tools/foreign/common.sh
. "$here/common.sh"

if [ -x "$program" ]; then
    echo "$program"
    exit 0
fi
need apt-get dpkg-deb make
[ "$(uname -sm)" = "Linux x86_64" ] || skip "this machine runs no Linux x86_64 program"
case $machine in
    x86_64) ;;
    aarch64) need python3.11 ;;
    *) skip "no musl Python for $machine; say x86_64 or aarch64" ;;
esac
find_zig "$repository"

rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/sources" "$folder/build" "$folder/python"
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ -f "$list" ] || continue
    sed 's/^Types: deb$/Types: deb-src/; s/^deb /deb-src /' "$list" \
        > "$folder/apt/sources/$(basename "$list")"
done
make_python() {
    cd "$folder/apt"
    case $machine in
        x86_64)
            apt-get -qq download musl
            dpkg-deb -x musl_*.deb "$folder/apt/musl"
            musl=$folder/apt/musl
            qemu=
            ;;
        aarch64)
            debian_packages arm64 "$folder/apt/arm64" musl
            musl=$folder/apt/arm64/root
            qemu_user aarch64 "$(dirname "$folder")"
            ;;
    esac
    cp "$musl/lib/$machine-linux-musl/libc.so" "$folder/ld-musl"
    source_only() {
        apt-get -qq -o Dir::State::Lists="$folder/apt/lists" -o Dir::Etc::sourcelist=/dev/null \
            -o Dir::Etc::sourceparts="$folder/apt/sources" "$@"
    }
    source_only update
    source_only source --download-only --tar-only python3.11
    tar -xf python3.11_*.orig.tar.* --strip-components=1 --directory "$folder/build"

    # CPython asks `cc -E -v -` for the folders of headers, and zig then names this
    # machine's; it finds those of musl by itself.
    cat > "$folder/cc" <<END
#!/bin/sh
[ "\$*" != "-E -v -" ] || exit 1
exec "$zig" cc -target $machine-linux-musl -dynamic -g0 "\$@"
END
    chmod +x "$folder/cc"
    cd "$folder/build"
    export ZIG_GLOBAL_CACHE_DIR="$folder/zig-cache" ZIG_LOCAL_CACHE_DIR="$folder/zig-cache"
    if [ "$machine" = aarch64 ]; then
        # What configure would find out by running a program, and a readelf that it
        # wants to have and does not use.
        set -- --build=x86_64-linux-gnu --host=aarch64-linux-musl \
            --with-build-python="$(command -v python3.11)" \
            ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no ac_cv_buggy_getaddrinfo=no READELF=true
    else
        set --
    fi
    # zig's musl is newer than Debian's by two functions, and zig is strict
    # about the date that CPython compiles in. Libraries of this machine are for
    # another libc, so pkg-config is not asked for them.
    ./configure -q --prefix="$folder/python" --without-ensurepip --disable-test-modules \
        --without-doc-strings CC="$folder/cc" AR="$zig ar" RANLIB="$zig ranlib" \
        CFLAGS="-O1 -Wno-date-time -fno-sanitize=undefined" LDSHARED="$folder/cc -shared" \
        LDFLAGS="-Wl,-dynamic-linker,$folder/ld-musl" \
        PKG_CONFIG=false ac_cv_func_preadv2=no ac_cv_func_pwritev2=no "$@"
    make -s -j2
    make -s install
    if [ -n "$qemu" ]; then
        "$folder/cc" -shared -fPIC -o "$folder/shim.so" "$here/qemu-shim.c"
        qemu="\"$qemu\" -E LD_PRELOAD=\"$folder/shim.so\""
    fi
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$qemu" "$folder/python/bin/python3.11" > "$folder/run.new"
    chmod +x "$folder/run.new"
    "$folder/run.new" -c "import hashlib, json, subprocess"
    mv "$folder/run.new" "$program"
}
logged make_python
rm -rf "$folder/build" "$folder/apt" "$folder/zig-cache"
echo "$program"
