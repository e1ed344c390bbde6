#!/bin/sh
# Prints the path of a CPython that is linked against musl, for `wheelwright
# smoke --platform musllinux-MACHINE --runner PROGRAM`.
#
#     tools/foreign/musl-python.sh [x86_64|aarch64|armv7l|i686]
#
# Needs Debian or a child of it on x86_64, and no root: Debian's source of
# CPython is compiled with wheelwright's zig (two minutes on two cores) and runs
# on the musl of Debian's package, unpacked into target/foreign. For other processors it
# is compiled by a CPython 3.11 of this machine, and runs under qemu.
set -eu

machine=${1:-x86_64}
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
folder=$repository/target/foreign/musl-$machine
program=$folder/run
# shellcheck source=tools/foreign/common.sh
. "$here/common.sh"

end_if_made
need apt-get dpkg-deb make
need_linux_x86_64
# Debian's name of the processor, zig's, that of configure, and qemu's.
case $machine in
    x86_64) zig_target=x86_64-linux-musl ;;
    aarch64)
        architecture=arm64
        zig_target=aarch64-linux-musl
        host=$zig_target
        emulator=aarch64
        ;;
    armv7l)
        architecture=armhf
        zig_target=arm-linux-musleabihf
        host=$zig_target
        emulator=arm
        ;;
    i686)
        architecture=i386
        zig_target=x86-linux-musl
        host=i686-linux-musl
        emulator=i386
        ;;
    *) skip "no musl Python for $machine; say x86_64, aarch64, armv7l or i686" ;;
esac
[ "$machine" = x86_64 ] || need python3.11
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
    if [ "$machine" = x86_64 ]; then
        apt-get -qq download musl
        dpkg-deb -x musl_*.deb "$folder/apt/musl"
        musl=$folder/apt/musl
        qemu=
    else
        debian_packages "$architecture" "$folder/apt/$architecture" musl
        musl=$folder/apt/$architecture/root
        qemu_user "$emulator" "$(dirname "$folder")"
    fi
    cp "$musl"/lib/*-linux-musl*/libc.so "$folder/ld-musl"
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
exec "$zig" cc -target $zig_target -dynamic -g0 "\$@"
END
    chmod +x "$folder/cc"
    cd "$folder/build"
    export ZIG_GLOBAL_CACHE_DIR="$folder/zig-cache" ZIG_LOCAL_CACHE_DIR="$folder/zig-cache"
    if [ "$machine" != x86_64 ]; then
        # What configure would find out by running a program, and a readelf that it
        # wants to have and does not use.
        set -- --build=x86_64-linux-gnu --host="$host" \
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
