"""wheel_rust_toolchains: the Rust toolchains of wheels.

Wheels are compiled with the toolchain that everything else has, downloaded or of
this machine, but through rustc.sh: so that a crate has the identity, the
features, the opt-level and the names of sources that `cargo wheels` gives it.
"""

load("@shipped_workspace//:crates.bzl", "CRATES")
load("@workspace//:facts.bzl", "RELEASE_PROFILE", "SMALL_PACKAGES")
load("//tools/bazel/platforms:table.bzl", "PLATFORMS", "libc", "machine_constraints")

_PLATFORM = "//command_line_option:platforms"
_TYPE = "@rules_rust//rust:toolchain_type"

# As cargo does for `lto = "fat"`: libraries are bitcode only.
_LTO = {
    "cdylib": ["-Clto=fat"],
    "rlib": ["-Clinker-plugin-lto"],
}

def _for_anything_impl(_settings, attr):
    return {_PLATFORM: str(Label("//tools/bazel/platforms:{}-anything".format(attr.platform)))}

_for_anything = transition(
    implementation = _for_anything_impl,
    inputs = [],
    outputs = [_PLATFORM],
)

def _crates(crates):
    """What rustc.sh reads: a line for each crate, with its opt-level and features."""
    lines = []
    for crate in crates:
        level = SMALL_PACKAGES.get(crate.name, RELEASE_PROFILE["opt-level"])
        lines.append(" ".join(["{}-{}".format(crate.name, crate.version), level] + crate.features))
    return "".join([line + "\n" for line in sorted(lines)])

def _wheel_rust_toolchain_impl(ctx):
    rust = ctx.attr._rust[0][platform_common.ToolchainInfo]
    crates = ctx.actions.declare_file(ctx.label.name + ".crates")
    ctx.actions.write(crates, _crates(CRATES[PLATFORMS[ctx.attr.platform].rust_target]))
    rustc = ctx.actions.declare_file(ctx.label.name + "/rustc")
    ctx.actions.expand_template(
        template = ctx.file._script,
        output = rustc,
        substitutions = {
            "{crates}": crates.path,
            "{rustc}": rust.rustc.path,
            "{self}": rustc.path,
        },
        is_executable = True,
    )
    fields = {name: getattr(rust, name) for name in dir(rust) if name not in ["to_json", "to_proto"]}
    fields["all_files"] = depset([rustc, crates], transitive = [rust.all_files])
    fields["extra_rustc_flags_for_crate_types"] = _LTO
    fields["rustc"] = rustc

    # An input of every action that runs rustc.
    fields["rustc_lib"] = depset([rust.rustc, crates], transitive = [rust.rustc_lib])
    return [platform_common.ToolchainInfo(**fields)]

_wheel_rust_toolchain = rule(
    implementation = _wheel_rust_toolchain_impl,
    attrs = {
        "platform": attr.string(mandatory = True, values = PLATFORMS.keys()),
        "_rust": attr.label(
            default = "@rules_rust//rust/toolchain:current_rust_toolchain",
            cfg = _for_anything,
        ),
        "_script": attr.label(
            default = "//tools/bazel/rust:rustc.sh",
            allow_single_file = True,
        ),
    },
)

# buildifier: disable=unnamed-macro
def wheel_rust_toolchains():
    """Defines `rust-PLATFORM` for each row of the platform table."""
    for platform, row in PLATFORMS.items():
        _wheel_rust_toolchain(
            name = "impl-" + platform,
            platform = platform,
            tags = ["manual"],
        )
        native.toolchain(
            name = "rust-" + platform,
            target_compatible_with = machine_constraints(row.rust_target) + [
                "//tools/bazel/platforms:" + libc(row.rust_target),
                "//tools/bazel/platforms:wheel",
            ],
            toolchain = ":impl-" + platform,
            toolchain_type = _TYPE,
        )
