#!/bin/sh
# A C compiler for tests that make ELF files: zig, whatever the machine has. Its
# glibc is a new one, so that a file can ask for too new a symbol.
set -eu
case $0 in
/*) own=$0 ;;
*) own=$PWD/$0 ;;
esac
zig=${own%/{package}/*}/{zig}
export ZIG_LIB_DIR="${zig%/*}/lib" ZIG_GLOBAL_CACHE_DIR="$TEST_TMPDIR/zig" ZIG_LOCAL_CACHE_DIR="$TEST_TMPDIR/zig"
exec "$zig" cc -target "$(uname -m)-linux-gnu.2.38" "$@"
