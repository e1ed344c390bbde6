#!/bin/sh
# Builds the container image of the released wheels in dist/, twice, and prints the
# digest that both builds have: tools/release/image.sh PYTHON_IMAGE OUT.tar
set -eu

base=$1 out=$2
case $base in
*@sha256:*) ;;
*)
  echo >&2 "$base is no image with its digest; name one as NAME@sha256:DIGEST"
  exit 2
  ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One time for all files and all steps, and no label with buildah's own version.
for number in 1 2; do
  buildah build --quiet --no-cache --timestamp=0 --identity-label=false \
    --iidfile="$work/id.$number" --build-arg="PYTHON_IMAGE=$base" . >&2
  buildah push --quiet --digestfile="$work/digest.$number" \
    "$(cat "$work/id.$number")" "oci-archive:$work/image.$number.tar" >&2
done
if ! cmp -s "$work/digest.1" "$work/digest.2"; then
  echo >&2 "two builds of the image have two digests: $(cat "$work/digest.1") and $(cat "$work/digest.2")"
  exit 1
fi
mv "$work/image.1.tar" "$out"
cat "$work/digest.1"
