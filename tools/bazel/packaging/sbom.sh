# sbom.sh WHEELWRIGHT FILES MANIFEST TARGET NAME OUT CARGO RUSTC CRATES LINKED:
# the bill of materials of an extension. LINKED says what Bazel compiled:
# `crate NAME@VERSION`, or `script NAME@VERSION FILE` with linker flags.
. "$(dirname "$0")/stage.sh"
wheelwright=$(absolute "$1") files=$2 manifest=$3 target=$4 name=$5 out=$(absolute "$6")
linked=$(absolute "${10}")
stage "$files"
offline_cargo "$7" "$8" "$9"

# What cargo would have said when it compiled the same, in cargo's own ids.
registry=$(sed -n 's/^source = "\(.*\)"$/\1/p' "$work/src/Cargo.lock" | sort -u)
[ "$(echo "$registry" | wc -l)" = 1 ]
id() {
  if [ -d "$work/src/crates/${1%@*}" ]; then
    echo "path+file://$work/src/crates/${1%@*}#${1#*@}"
  else
    echo "$registry#$1"
  fi
}
while read -r kind crate flags; do
  case $kind in
  crate)
    printf '{"reason":"compiler-artifact","package_id":"%s","manifest_path":"/","target":{"name":"x","kind":["lib"],"crate_types":["lib"],"src_path":"/","edition":"2021","doc":true,"doctest":true,"test":true},"profile":{"opt_level":"3","debuginfo":0,"debug_assertions":false,"overflow_checks":false,"test":false},"features":[],"filenames":[],"executable":null,"fresh":false}\n' "$(id "$crate")"
    ;;
  script)
    libraries=$(tr ' ' '\n' <"$flags" | sed -n 's/^-lstatic\(:[^=]*\)*=\(.*\)/"static=\2"/p' | paste -sd, -)
    printf '{"reason":"build-script-executed","package_id":"%s","linked_libs":[%s],"linked_paths":[],"cfgs":[],"env":[],"out_dir":"/"}\n' "$(id "$crate")" "$libraries"
    ;;
  esac
done <"$linked" >"$work/messages.json"
cd "$work/src"
"$wheelwright" sbom --manifest-path "$manifest" --target "$target" --name "$name" --messages "$work/messages.json" >"$out"
