"""for_release: the configuration that wheels are built in; for_tools: without its settings.

Its flags are those of [profile.release] in Cargo.toml and of
`wheelwright build` (tools/wheelwright/src/build), so that both build systems
ask rustc for the same thing.
"""

load("@workspace//:facts.bzl", "RELEASE_PROFILE")

_RUST = "@rules_rust//rust/settings:"
_MODE = "//command_line_option:compilation_mode"
_PLATFORMS = "//command_line_option:platforms"
_LTO = _RUST + "lto"
_UNITS = _RUST + "codegen_units"
_INTERPRETER = "//tools/bazel/python:interpreter"
_FLAG = _RUST + "extra_rustc_flag"

# [profile.release], as the transition below and wheel_toolchain.bzl set it
# (opt-level 3 and unwinding are what rules_rust does when it optimises).
_KNOWN_PROFILE = {
    "codegen-units": "1",
    "lto": "fat",
    "opt-level": "3",
    "panic": "unwind",
    "strip": "symbols",
}

def _for_release_impl(_settings, attr):
    if RELEASE_PROFILE != _KNOWN_PROFILE:
        fail("Cargo.toml: [profile.release] is {}; tools/bazel/rust/release.bzl builds {}".format(
            RELEASE_PROFILE,
            _KNOWN_PROFILE,
        ))
    return {
        _FLAG: [
            "-Cstrip=symbols",
            # As everywhere else: only musl's targets would do otherwise, and
            # then could make no dynamic library.
            "-Ctarget-feature=-crt-static",
            "-Cforce-frame-pointers=yes",
            "-Cllvm-args=-enable-machine-outliner=never",
        ],
        _INTERPRETER: attr.interpreter,
        _LTO: "manual",  # wheel_toolchain.bzl's
        _MODE: "opt",
        _PLATFORMS: str(Label("//tools/bazel/platforms:" + attr.platform)),
        _UNITS: 1,
    }

for_release = transition(
    implementation = _for_release_impl,
    inputs = [],
    outputs = [_FLAG, _INTERPRETER, _LTO, _MODE, _PLATFORMS, _UNITS],
)

# What rules_rust and this repository have as defaults.
def _for_tools_impl(_settings, _attr):
    return {_FLAG: [], _INTERPRETER: "", _LTO: "unspecified", _UNITS: -1}

for_tools = transition(
    implementation = _for_tools_impl,
    inputs = [],
    outputs = [_FLAG, _INTERPRETER, _LTO, _UNITS],
)
