#!/bin/sh
# cargo for tests: the pinned one, on the crates of Cargo.lock, without network
# and without a setting of the machine.
set -eu
case $0 in
/*) own=$0 ;;
*) own=$PWD/$0 ;;
esac
root=${own%/{package}/*}
export CARGO_HOME="$TEST_TMPDIR/cargo" RUSTC="$root/{rustc}"
exec "$root/{cargo}" --offline \
  --config 'source.crates-io.replace-with="vendored"' \
  --config "source.vendored.directory='$root/{crates}'" \
  "$@"
