"""artifact_folder: artifacts in one folder, with their SHA256SUMS."""

load(":tools.bzl", "WHEELWRIGHT")

def _artifact_folder_impl(ctx):
    folder = ctx.actions.declare_directory(ctx.label.name)
    args = ctx.actions.args()
    args.add_all(ctx.files.artifacts)
    ctx.actions.run_shell(
        # wheelwright prints the names as they are given, so it is run there.
        command = """set -eu
out=$1 wheelwright=$PWD/$2
shift 2
cp -L "$@" "$out"
chmod 644 "$out"/*
cd "$out"
"$wheelwright" checksums * >SHA256SUMS.part
mv SHA256SUMS.part SHA256SUMS
""",
        arguments = [folder.path, ctx.executable._wheelwright.path, args],
        inputs = ctx.files.artifacts,
        outputs = [folder],
        tools = [ctx.attr._wheelwright[DefaultInfo].files_to_run],
        mnemonic = "ArtifactFolder",
        progress_message = "Collecting %{label}",
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([folder]))]

artifact_folder = rule(
    implementation = _artifact_folder_impl,
    attrs = {
        "artifacts": attr.label_list(mandatory = True, allow_files = True),
    } | WHEELWRIGHT,
)
