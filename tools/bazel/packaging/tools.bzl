"""What the packaging rules have in common: wheelwright, and cargo to ask."""

WHEELWRIGHT = {
    "_wheelwright": attr.label(
        default = "//tools/wheelwright:wheelwright_bin",
        cfg = "exec",
        executable = True,
    ),
}

CARGO = {
    "_crates": attr.label(
        default = "@cargo_vendor//:crates_folder",
        allow_single_file = True,
    ),
    # What cargo reads to know the workspace; sources too, as it looks for them.
    "_workspace": attr.label(default = "//:cargo_workspace"),
}

RUST_TOOLCHAIN = "@rules_rust//rust:toolchain_type"

def script(name):
    """The attributes of a rule that runs a script of this folder."""
    return {
        "_script": attr.label(
            default = "//tools/bazel/packaging:" + name,
            allow_single_file = True,
        ),
        "_stage": attr.label(
            default = "//tools/bazel/packaging:stage.sh",
            allow_single_file = True,
        ),
    }

def listing(ctx, name, files):
    """A file that names files, one a line.

    Args:
      ctx: of the rule
      name: to tell it from others of the same target
      files: a depset

    Returns:
      the file
    """
    file = ctx.actions.declare_file("{}.{}".format(ctx.label.name, name))
    args = ctx.actions.args()
    args.set_param_file_format("multiline")
    args.add_all(files)
    ctx.actions.write(file, args)
    return file

def run_script(ctx, arguments, inputs, outputs, mnemonic, message, tools = []):
    """Runs a rule's script with wheelwright as its first argument."""
    ctx.actions.run_shell(
        command = "exec sh \"$@\"",
        arguments = [ctx.file._script.path, ctx.executable._wheelwright.path] + arguments,
        inputs = depset([ctx.file._script, ctx.file._stage], transitive = inputs),
        outputs = outputs,
        tools = [ctx.attr._wheelwright[DefaultInfo].files_to_run] + tools,
        mnemonic = mnemonic,
        progress_message = message,
        use_default_shell_env = True,
    )

def cargo_inputs(ctx):
    """The files and paths that a script needs to ask cargo.

    Args:
      ctx: of a rule with the attributes CARGO

    Returns:
      a struct of a list of depsets and of three paths
    """
    rust = ctx.toolchains[RUST_TOOLCHAIN]
    return struct(
        inputs = [rust.all_files, depset([ctx.file._crates]), ctx.attr._workspace[DefaultInfo].files],
        paths = [rust.cargo.path, rust.rustc.path, ctx.file._crates.path],
    )
