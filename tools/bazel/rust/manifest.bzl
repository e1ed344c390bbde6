"""cargo_workspace: what Cargo.toml says once, for BUILD files to load.

`@workspace//:facts.bzl` has the version and the other shared fields of the
packages, and which of them the release profile makes small instead of fast.
"""

_SMALL = ['opt-level = "s"', 'opt-level = "z"']
_FIELDS = ["version", "rust-version", "repository"]

def _value(line):
    _, _, value = line.partition("=")
    return value.partition(" #")[0].strip().strip('"')

def _cargo_workspace_impl(rctx):
    shared, profile, small = {}, {}, {}
    section = ""
    for line in rctx.read(rctx.path(rctx.attr.manifest)).splitlines():
        line = line.strip()
        if line.startswith("#"):
            continue
        key = line.partition("=")[0].strip()
        if line.startswith("["):
            section = line.strip("[]")
        elif section == "workspace.package" and key in _FIELDS:
            shared[key] = _value(line)
        elif section == "profile.release" and "=" in line:
            profile[key] = _value(line)
        elif section.startswith("profile.release.package."):
            if line and line not in _SMALL:
                fail("Cargo.toml: [{}]: tools/bazel/rust/manifest.bzl does not know {}".format(section, line))
            if line:
                small[section.removeprefix("profile.release.package.")] = _value(line)
    missing = [field for field in _FIELDS if field not in shared]
    if missing:
        fail("Cargo.toml: [workspace.package] has no {}".format(", ".join(missing)))
    rctx.file("BUILD.bazel")
    rctx.file("facts.bzl", "\n".join([
        "VERSION = " + repr(shared["version"]),
        "RUST_VERSION = " + repr(shared["rust-version"]),
        "REPOSITORY = " + repr(shared["repository"]),
        "RELEASE_PROFILE = " + repr(profile),
        "SMALL_PACKAGES = " + repr(small),
        "",
    ]))

cargo_workspace = repository_rule(
    implementation = _cargo_workspace_impl,
    attrs = {
        "manifest": attr.label(mandatory = True, allow_single_file = True),
    },
)
