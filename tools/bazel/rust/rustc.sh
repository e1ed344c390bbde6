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
: >"$work/folders"
name= target= cfg= type= extra= out= emit=link
while IFS= read -r argument || [ -n "$argument" ]; do
  case $argument in
  --crate-name=*) name=${argument#*=} ;;
  --crate-type=*) type=${argument#*=} ;;
  --target=*) target=${argument#*=} ;;
  --out-dir=*) out=${argument#*=} ;;
  esac
  case $cfg$argument in
  --cfg) cfg=1 ;;
  # Features and opt-level are cargo's (below). crate_universe gives a crate the
  # features, too, that tools on this machine need of it.
  1feature=*) cfg= ;;
  1*) cfg= && printf '%s\n' --cfg "$argument" >>"$work/arguments" ;;
  --codegen=metadata=* | --codegen=opt-level=*) ;;
  --codegen=extra-filename=-*) extra=${argument#*=*=-} ;;
  --emit=*) emit=${argument#*=} ;;
  -Ldependency=*) printf '%s\n' "${argument#*=}" >>"$work/folders" ;;
  --extern=*) printf '%s\n' "$argument" >>"$work/externs" ;;
  *) printf '%s\n' "$argument" >>"$work/arguments" ;;
  esac
done <"${1#@}"
shift
for argument; do
  printf '%s\n' "$argument" >>"$work/arguments"
done

# Objects are named by a filename of their own kind; libraries stay where Bazel expects
# them. When they are linked, each has the name that rustc knows its objects by.
case $type:$extra in
rlib:?*)
  printf '%s\n' "--codegen=extra-filename=-z$extra" --emit=dep-info "--emit=link=$out/lib$name-$extra.rlib"
  sed 's/^/-Ldependency=/' "$work/folders"
  ;;
cdylib:)
  printf '%s\n' "--emit=$emit" "-Ldependency=$work/libraries"
  mkdir "$work/libraries"
  while IFS= read -r folder; do
    found=
    for library in "$folder"/lib*-*.rlib; do
      [ -f "$library" ] || continue
      found=${library##*/}
      cp "$library" "$work/libraries/${found%-*}-z${found##*-}"
    done
    [ -n "$found" ] || printf '%s\n' "-Ldependency=$folder"
  done <"$work/folders"
  sed "s|=[^=]*/\([^/]*\)-\([^/-]*[.]rlib\)\$|=$work/libraries/\1-z\2|" "$work/externs" >"$work/renamed"
  mv "$work/renamed" "$work/externs"
  ;;
*)
  echo >&2 "no wheel is made of a $type"
  exit 1
  ;;
esac >>"$work/arguments"

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
