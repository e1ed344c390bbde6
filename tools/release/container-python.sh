#!/bin/sh
# Prints the path of a program that runs the Python of a container image, for
# `wheelwright smoke --platform PLATFORM --runner PROGRAM`:
#
#   tools/release/container-python.sh IMAGE@sha256:DIGEST
set -eu

image=${1:?name an image with its digest, such as python:3.13-alpine@sha256:...}
case $image in
*@sha256:*) ;;
*)
    echo "error: $image has no digest" >&2
    exit 2
    ;;
esac
engine=$(command -v docker || command -v podman) || {
    echo "error: neither docker nor podman is installed" >&2
    exit 2
}
folder=$(cd "$(dirname "$0")/../.." && pwd)/target/foreign/container
mkdir -p "$folder"
# The folders that wheelwright installs into are temporary ones; no network.
cat > "$folder/python" <<RUNNER
#!/bin/sh
exec "$engine" run --rm --interactive --network none --user "\$(id -u):\$(id -g)" \\
    --volume "\${TMPDIR:-/tmp}:\${TMPDIR:-/tmp}" --workdir "\$PWD" \\
    --env PYTHONPATH --env PYTHONUTF8 --env HOME "$image" python "\$@"
RUNNER
chmod +x "$folder/python"
echo "$folder/python"
