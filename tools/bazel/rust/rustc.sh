#!/bin/sh
# rustc, told the same about a crate whoever calls it: the translation of
# wheelwright's src/toolchain/canonical.rs, which says why, for the same bytes.
set -eu
self={self} crates={crates}
root=${0%"$self"}
rustc=${root}{rustc}
# rules_rust names a file of arguments, and says more if a build script wants it.
# Anything else is a question.
case $1 in
@*) ;;
*) exec "$rustc" "$@" ;;
esac

work=$(mktemp -d "${TMPDIR:-/tmp}/rustc.XXXXXX")
trap 'rm -rf "$work"' EXIT
: >"$work/arguments"
: >"$work/externs"
name= target= cfg=
while IFS= read -r argument || [ -n "$argument" ]; do
  case $argument in
  --crate-name=*) name=${argument#*=} ;;
  --target=*) target=${argument#*=} ;;
  esac
  case $cfg$argument in
  --cfg) cfg=1 ;;
  # Features and opt-level are cargo's (below). crate_universe gives a crate the
  # features, too, that tools on this machine need of it.
  1feature=*) cfg= ;;
  1*) cfg= && printf '%s\n' --cfg "$argument" >>"$work/arguments" ;;
  --codegen=metadata=* | --codegen=opt-level=*) ;;
  --extern=*) printf '%s\n' "$argument" >>"$work/externs" ;;
  *) printf '%s\n' "$argument" >>"$work/arguments" ;;
  esac
done <"${1#@}"
shift
for argument; do
  printf '%s\n' "$argument" >>"$work/arguments"
done

package=$CARGO_PKG_NAME-$CARGO_PKG_VERSION
identity=$name-$CARGO_PKG_VERSION,$target
level=
while read -r crate its_level its_features; do
  [ "$crate" = "$package" ] || continue
  level=$its_level
  for feature in $its_features; do
    printf '%s\n' --cfg "feature=\"$feature\"" >>"$work/arguments"
    identity=$identity,$feature
  done
done <"$root$crates"
if [ -z "$level" ]; then
  echo >&2 "cargo does not compile $package for $target, so no wheel may hold it"
  exit 1
fi
{
  # The order in which crates get their numbers.
  LC_ALL=C sort "$work/externs"
  printf '%s\n' "-Copt-level=$level" "-Cmetadata=$identity"
  # The last pair that fits is the one that rustc uses.
  for pair in "$CARGO_MANIFEST_DIR=/crates/$package" ${OUT_DIR:+"$OUT_DIR=/out/$package"}; do
    case $pair in
    "$PWD"/*) printf '%s\n' "--remap-path-prefix=${pair#"$PWD"/}" ;;
    esac
    printf '%s\n' "--remap-path-prefix=$pair"
  done
} >>"$work/arguments"
"$rustc" "@$work/arguments"
