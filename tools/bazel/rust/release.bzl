"""for_release: the configuration that wheels are built in.

Its flags are those of [profile.release] in Cargo.toml and of
`wheelwright build` (tools/wheelwright/src/build), so that both build systems
ask rustc for the same thing.
"""

load("@workspace//:facts.bzl", "RELEASE_PROFILE", "SMALL_PACKAGES")

_RUST = "@rules_rust//rust/settings:"
_MODE = "//command_line_option:compilation_mode"
_PLATFORMS = "//command_line_option:platforms"
_LTO = _RUST + "lto"
_UNITS = _RUST + "codegen_units"
_FLAG = _RUST + "extra_rustc_flag"
_CRATE_FLAG = _RUST + "per_crate_rustc_flag"

# [profile.release], as the transition below sets it (opt-level 3 and unwinding
# are what rules_rust does when it optimises).
_KNOWN_PROFILE = {
    "codegen-units": "1",
    "lto": "fat",
    "opt-level": "3",
    "panic": "unwind",
    "strip": "symbols",
}

def _small():
    """The crates that are made small: found by the folder they are in."""
    hub = Label("@crates//:defs.bzl").repo_name
    found = []
    for name, level in SMALL_PACKAGES.items():
        if name.startswith("daggerml"):
            found.append("crates/{}/@-Copt-level={}".format(name, level))
        else:
            found.append("external/{}__{}-@-Copt-level={}".format(hub, name, level))
    return found

def _for_release_impl(_settings, attr):
    if RELEASE_PROFILE != _KNOWN_PROFILE:
        fail("Cargo.toml: [profile.release] is {}; tools/bazel/rust/release.bzl builds {}".format(
            RELEASE_PROFILE,
            _KNOWN_PROFILE,
        ))
    return {
        _CRATE_FLAG: _small(),
        _FLAG: [
            "-Cstrip=symbols",
            # As everywhere else: only musl's targets would do otherwise, and
            # then could make no dynamic library.
            "-Ctarget-feature=-crt-static",
        ],
        _LTO: "fat",
        _MODE: "opt",
        _PLATFORMS: str(Label("//tools/bazel/platforms:" + attr.platform)),
        _UNITS: 1,
    }

for_release = transition(
    implementation = _for_release_impl,
    inputs = [],
    outputs = [_CRATE_FLAG, _FLAG, _LTO, _MODE, _PLATFORMS, _UNITS],
)
