# warm.sh ZIG TARGET FOLDER: fills FOLDER with what zig compiles before it can
# link for TARGET: the runtime libraries, from the sources in the zig wheel.
set -eu
zig=$1 target=$2 cache=$3
case $zig in
/*) ;;
*) zig=$PWD/$zig ;;
esac
work=$(mktemp -d "${TMPDIR:-/tmp}/warm.XXXXXX")
trap 'rm -rf "$work"' EXIT
export ZIG_LIB_DIR="${zig%/*}/lib" ZIG_GLOBAL_CACHE_DIR="$work/cache" ZIG_LOCAL_CACHE_DIR="$work/cache"
echo 'int main(void) { return 0; }' >"$work/program.c"
cd "$work"
# As rustc links: its libraries, and a program as well as a shared object.
case $target in
*-macos*) set -- ;;
*-windows*) set -- -lkernel32 -lntdll -luserenv -lws2_32 -ldbghelp -lunwind ;;
*) set -- -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc ;;
esac
"$zig" cc -target "$target" -g0 -c program.c -o program.o
"$zig" cc -target "$target" -g0 -shared program.o -o library "$@"
"$zig" cc -target "$target" -g0 program.o -o program "$@"
cd "$OLDPWD"
mkdir -p "$cache/h"
# A manifest names each file with its size, inode, time and digest. Without
# inode and time, zig goes by the digest, and the same sources always give
# this folder the same bytes.
for manifest in "$work"/cache/h/*.txt; do
  sed -E '2,$s/^([0-9]+) [0-9]+ [0-9]+ /\1 0 0 /' "$manifest" >"$cache/h/${manifest##*/}"
done
cp -R "$work/cache/o" "$cache/o"
