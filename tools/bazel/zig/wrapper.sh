#!/bin/sh
# zig {tool} for {target}: the same translation of arguments as wheelwright's
# src/toolchain/zig.rs, for the same bytes. It finds zig beside itself, so it
# works wherever an action is run.
set -eu
root=${0%/bin/*}
work=$(mktemp -d "${TMPDIR:-/tmp}/zig.XXXXXX")
trap 'rm -rf "$work"' EXIT
# zig compiles its own runtime libraries when it first links for a target; this
# cache holds them (see warm.bzl). It is read-only here, so zig writes beside it.
if [ -n "${ZIG_WARM_CACHE:-}" ] && [ -d "$ZIG_WARM_CACHE/h" ]; then
  mkdir "$work/h" "$work/o"
  cp "$ZIG_WARM_CACHE"/h/*.txt "$work/h"
  chmod u+w "$work"/h/*
  for built in "$ZIG_WARM_CACHE"/o/*; do
    case $built in
    /*) ln -s "$built" "$work/o" ;;
    *) ln -s "$PWD/$built" "$work/o" ;;
    esac
  done
fi
# As wheelwright says them; PE files and archives hold a time.
export SOURCE_DATE_EPOCH=315532800 ZERO_AR_DATE=1
export ZIG_LIB_DIR="$root/ziglang/lib" ZIG_GLOBAL_CACHE_DIR="$work" ZIG_LOCAL_CACHE_DIR="$work"

if [ "{tool}" = ar ]; then
  "$root/ziglang/zig" ar "$@"
  exit
fi

compiles= links=1 library= skip= output= implib= previous=
for argument; do
  shift
  [ "$previous" != -o ] || output=$argument
  previous=$argument
  if [ -n "$skip" ]; then
    skip=
    continue
  fi
  case $argument in
  -c) compiles=1 links= ;;
  -E | -S) links= ;;
  -dynamiclib) library=1 ;;
  -m64 | --target=*) continue ;; # -target says it, in zig's own words
  esac
  case {target} in
  *-macos*)
    case $argument in
    -liconv | -mmacosx-version-min=* | -Wl,-oso_prefix,*) continue ;;
    # Not known to zig's linker; C is compiled hidden, and so is Rust after LTO.
    -Wl,-exported_symbols_list) skip=1 && continue ;;
    esac
    ;;
  *-windows*)
    case $argument in
    -lmsvcrt | -nolibc | --unwindlib=none | -Wl,-soname=*) continue ;;
    -Wl,*.def) argument=${argument#-Wl,} ;;
    -Wl,--out-implib=*) implib=${argument#*=} ;;
    -Wl,--out-implib,*) implib=${argument##*,} ;;
    esac
    ;;
  esac
  set -- "$@" "$argument"
done
if [ -n "$compiles" ]; then
  # cargo tells build scripts how rustc is called, and so the crate `cc` keeps the frame
  # pointers that release.bzl asks for; Bazel tells them nothing.
  set -- "$@" -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer
  # The folder that the action runs in has no place in the object file.
  set -- "$@" -fvisibility=hidden "-ffile-prefix-map=${root%/external/*}=/src" "-ffile-prefix-map=$PWD=/src"
  # What a package's folders are called in any build; the last pair that fits is used.
  if [ -n "${CARGO_PKG_NAME:-}" ]; then
    package=$CARGO_PKG_NAME-$CARGO_PKG_VERSION
    for pair in "$CARGO_MANIFEST_DIR=/crates/$package" ${OUT_DIR:+"$OUT_DIR=/out/$package"}; do
      set -- "$@" "-ffile-prefix-map=$pair"
    done
  fi
fi
case {target} in
*-macos*)
  export SDKROOT="$root/ziglang/lib/libc/darwin"
  # Python's symbols are found when the interpreter loads the extension.
  [ -z "$library" ] || set -- "$@" -undefined dynamic_lookup
  ;;
esac
if [ -n "${SECTION_ORDER:-}" ] && [ -n "$links" ]; then
  # Similar functions beside each other, which wheelwright does before it links. It goes
  # by the name that it is started by. Its path is relative to where Bazel starts actions; a
  # build script is elsewhere when it starts this, and has an absolute path to this.
  case $SECTION_ORDER:$root in
  /*) order=$SECTION_ORDER ;;
  *:/*) order=${root%/external/*}/$SECTION_ORDER ;;
  *) order=$PWD/$SECTION_ORDER ;;
  esac
  ln -s "$order" "$work/wheelwright-section-order"
  "$work/wheelwright-section-order" "$@"
fi
"$root/ziglang/zig" {tool} -target {target} -g0 "$@"
# rules_rust expects an import library by the name that MSVC's rustc gives it.
case {target}:$output in
*-windows*:*.dll)
  if [ -f "$implib" ]; then cp "$implib" "$output.lib"; else : >"$output.lib"; fi
  ;;
esac
