#!/bin/sh
# Prints the path of a CPython that is linked against musl, for `wheelwright
# smoke --platform musllinux-x86_64 --runner PROGRAM`.
#
# Needs Debian or a child of it on x86_64, and no root: Debian's source of
# CPython is compiled with wheelwright's zig (two minutes on two cores) and runs
# on the musl of Debian's package, unpacked into target/foreign.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
folder=$repository/target/foreign/musl
program=$folder/python/bin/python3.11
# shellcheck source=tools/foreign/common.sh
. "$here/common.sh"

if [ -x "$program" ]; then
    echo "$program"
    exit 0
fi
need apt-get dpkg-deb make
[ "$(uname -sm)" = "Linux x86_64" ] || skip "this machine runs no Linux x86_64 program"
find_zig "$repository"

rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/sources" "$folder/build" "$folder/python"
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ -f "$list" ] || continue
    sed 's/^Types: deb$/Types: deb-src/; s/^deb /deb-src /' "$list" \
        > "$folder/apt/sources/$(basename "$list")"
done
{
    cd "$folder/apt"
    apt-get -qq download musl
    dpkg-deb -x musl_*.deb "$folder/apt/musl"
    cp "$folder/apt/musl/lib/x86_64-linux-musl/libc.so" "$folder/ld-musl"
    source_only() {
        apt-get -qq -o Dir::State::Lists="$folder/apt/lists" -o Dir::Etc::sourcelist=/dev/null \
            -o Dir::Etc::sourceparts="$folder/apt/sources" "$@"
    }
    source_only update
    source_only source --download-only --tar-only python3.11
    tar -xf python3.11_*.orig.tar.* --strip-components=1 --directory "$folder/build"

    printf '#!/bin/sh\nexec "%s" cc -target x86_64-linux-musl -dynamic -g0 "$@"\n' "$zig" \
        > "$folder/cc"
    chmod +x "$folder/cc"
    cd "$folder/build"
    export ZIG_GLOBAL_CACHE_DIR="$folder/zig-cache" ZIG_LOCAL_CACHE_DIR="$folder/zig-cache"
    # zig's musl is newer than Debian's by two functions, and zig is strict
    # about the date that CPython compiles in. Libraries of this machine are for
    # another libc, so pkg-config is not asked for them.
    ./configure -q --prefix="$folder/python" --without-ensurepip --disable-test-modules \
        --without-doc-strings CC="$folder/cc" AR="$zig ar" RANLIB="$zig ranlib" \
        CFLAGS="-O1 -Wno-date-time -fno-sanitize=undefined" LDSHARED="$folder/cc -shared" \
        LDFLAGS="-Wl,-dynamic-linker,$folder/ld-musl" \
        PKG_CONFIG=false ac_cv_func_preadv2=no ac_cv_func_pwritev2=no
    make -s -j2
    make -s install
} > "$folder/log" 2>&1 || {
    tail -n 20 "$folder/log" >&2
    echo "musl-python: failed; all of it is in $folder/log" >&2
    exit 1
}
rm -rf "$folder/build" "$folder/apt" "$folder/zig-cache"
echo "$program"
