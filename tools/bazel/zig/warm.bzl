"""zig_cache: zig's own runtime libraries for one target, compiled once."""

def _zig_cache_impl(ctx):
    cache = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(
        command = "exec sh \"$@\"",
        arguments = [ctx.file._warm.path, ctx.file.zig.path, ctx.attr.zig_target, cache.path],
        inputs = depset([ctx.file._warm, ctx.file.zig], transitive = [ctx.attr.files[DefaultInfo].files]),
        outputs = [cache],
        use_default_shell_env = True,
        mnemonic = "ZigRuntime",
        progress_message = "Compiling the C runtime for %{label}",
    )
    return [DefaultInfo(files = depset([cache]))]

zig_cache = rule(
    implementation = _zig_cache_impl,
    doc = "Compiles what zig needs before it can link for a target.",
    attrs = {
        "files": attr.label(mandatory = True),
        "zig": attr.label(mandatory = True, allow_single_file = True),
        "zig_target": attr.string(mandatory = True),
        "_warm": attr.label(
            default = "//tools/bazel/zig:warm.sh",
            allow_single_file = True,
        ),
    },
)
