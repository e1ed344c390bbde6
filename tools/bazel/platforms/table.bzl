"""The platform table, as Starlark needs it.

The rows are the platforms of wheelwright.toml, as wheelwright's platforms.toml has
them; `cargo checks sync --write` copies them.
"""

PLATFORMS = {
    # <sync:platforms>
    "linux-x86_64": struct(
        wheel_tag = "manylinux_2_28_x86_64",
        rust_target = "x86_64-unknown-linux-gnu",
        zig_target = "x86_64-linux-gnu.2.28",
    ),
    "linux-aarch64": struct(
        wheel_tag = "manylinux_2_28_aarch64",
        rust_target = "aarch64-unknown-linux-gnu",
        zig_target = "aarch64-linux-gnu.2.28",
    ),
    "macos-x86_64": struct(
        wheel_tag = "macosx_11_0_x86_64",
        rust_target = "x86_64-apple-darwin",
        zig_target = "x86_64-macos.11.0",
    ),
    "macos-arm64": struct(
        wheel_tag = "macosx_11_0_arm64",
        rust_target = "aarch64-apple-darwin",
        zig_target = "aarch64-macos.11.0",
    ),
    "windows-amd64": struct(
        wheel_tag = "win_amd64",
        rust_target = "x86_64-pc-windows-gnullvm",
        zig_target = "x86_64-windows-gnu",
    ),
    "musllinux-x86_64": struct(
        wheel_tag = "musllinux_1_2_x86_64",
        rust_target = "x86_64-unknown-linux-musl",
        zig_target = "x86_64-linux-musl",
    ),
    "musllinux-aarch64": struct(
        wheel_tag = "musllinux_1_2_aarch64",
        rust_target = "aarch64-unknown-linux-musl",
        zig_target = "aarch64-linux-musl",
    ),
    # </sync>
}

# The machines that can run the build; each is also a row above.
EXEC_PLATFORMS = ["linux-x86_64", "linux-aarch64", "macos-x86_64", "macos-arm64"]

_SYSTEMS = {
    "apple-darwin": "macos",
    "pc-windows-gnullvm": "windows",
    "unknown-linux-gnu": "linux",
    "unknown-linux-musl": "linux",
}

def machine_constraints(rust_target):
    """The operating system and processor of a Rust target.

    Args:
      rust_target: a target such as `aarch64-apple-darwin`

    Returns:
      labels of constraint values, as strings
    """
    cpu, _, system = rust_target.partition("-")
    return ["@platforms//os:" + _SYSTEMS[system], "@platforms//cpu:" + cpu]

def libc(rust_target):
    """Which value of `//tools/bazel/platforms:libc` a Rust target has."""
    return "musl" if rust_target.endswith("-musl") else "default"
