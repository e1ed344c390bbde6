# sdist.sh WHEELWRIGHT FILES PROJECT OUT CARGO RUSTC CRATES: one sdist.
. "$(dirname "$0")/stage.sh"
wheelwright=$(absolute "$1") files=$2 project=$3 out=$(absolute "$4")
stage "$files"
offline_cargo "$5" "$6" "$7"
cd "$work/src"
"$wheelwright" sdist --project "$project" --out "$work/out" >/dev/null
cp "$work/out/${out##*/}" "$out"
