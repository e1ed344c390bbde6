"""Programs for tests to start, as scripts that find the real ones in runfiles."""

_RUST = "@rules_rust//rust:toolchain_type"

def _script(ctx, paths, files):
    """A script of this folder with its paths filled in."""
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.expand_template(
        template = ctx.file._template,
        output = program,
        substitutions = {"{package}": ctx.label.package} | {
            "{%s}" % name: file.short_path
            for name, file in paths.items()
        },
        is_executable = True,
    )
    return [DefaultInfo(
        executable = program,
        files = depset([program]),
        runfiles = ctx.runfiles(transitive_files = files),
    )]

def _template(name):
    return attr.label(
        default = "//tools/bazel/testing:" + name,
        allow_single_file = True,
    )

def _offline_cargo_impl(ctx):
    rust = ctx.toolchains[_RUST]
    return _script(
        ctx,
        paths = {
            "cargo": rust.cargo,
            "crates": ctx.file._crates,
            "rustc": rust.rustc,
        },
        files = depset([ctx.file._crates], transitive = [rust.all_files]),
    )

offline_cargo = rule(
    implementation = _offline_cargo_impl,
    doc = "The toolchain's cargo, with the crates of Cargo.lock and no network.",
    attrs = {
        "_crates": attr.label(
            default = "@cargo_vendor//:crates_folder",
            allow_single_file = True,
        ),
        "_template": _template("cargo.sh"),
    },
    executable = True,
    toolchains = [_RUST],
)

def _zig_cc_impl(ctx):
    [zig] = [file for file in ctx.files.zig if file.basename == "zig"]
    return _script(ctx, paths = {"zig": zig}, files = depset(ctx.files.zig))

zig_cc = rule(
    implementation = _zig_cc_impl,
    doc = "zig as a C compiler for ELF files of the machine's processor.",
    attrs = {
        "zig": attr.label(mandatory = True, allow_files = True),
        "_template": _template("cc.sh"),
    },
    executable = True,
)
