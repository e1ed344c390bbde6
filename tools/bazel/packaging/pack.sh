# pack.sh WHEELWRIGHT FILES PROJECT OUT [OPTION...]: one wheel by `wheelwright
# pack`. Options that start with = are paths.
. "$(dirname "$0")/stage.sh"
wheelwright=$(absolute "$1") files=$2 project=$3 out=$(absolute "$4")
shift 4
stage "$files"
for option; do
  shift
  case $option in
  =*) set -- "$@" "$(absolute "${option#=}")" ;;
  *) set -- "$@" "$option" ;;
  esac
done
"$wheelwright" pack --project "$work/src/$project" --out "$work/out" "$@" >/dev/null
if ! [ -f "$work/out/${out##*/}" ]; then
  echo >&2 "pyproject.toml makes $(ls "$work/out"), but the BUILD file says ${out##*/}"
  exit 1
fi
cp "$work/out/${out##*/}" "$out"
