# Sourced by the other scripts here: a copy of the inputs to work in.
#
# Bazel gives actions symbolic links, which wheelwright does not pack, and a
# folder that must not change. stage LIST copies the files that LIST names.
set -eu
root=$PWD
work=$(mktemp -d "${TMPDIR:-/tmp}/packaging.XXXXXX")
trap 'rm -rf "$work"' EXIT

absolute() {
  case $1 in
  /*) echo "$1" ;;
  *) echo "$root/$1" ;;
  esac
}

stage() {
  while IFS= read -r file; do
    mkdir -p "$(dirname "$work/src/$file")"
    cp -L "$file" "$work/src/$file"
  done <"$1"
  chmod -R u+w "$work/src"
}

# cargo without network: its crates are those of @cargo_vendor.
offline_cargo() {
  CARGO=$(absolute "$1") RUSTC=$(absolute "$2") CARGO_HOME=$work/cargo
  export CARGO RUSTC CARGO_HOME
  mkdir "$CARGO_HOME"
  cat >"$CARGO_HOME/config.toml" <<EOF
[net]
offline = true
[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "$(absolute "$3")"
EOF
}
