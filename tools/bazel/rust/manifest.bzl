"""cargo_workspace: what Cargo.toml says once, for BUILD files to load.

`@workspace//:facts.bzl` has the version and the other shared fields of the
packages, and which of them the release profile makes small instead of fast.
"""

load("@toml.bzl", "toml")

_FIELDS = ["version", "rust-version", "repository"]

def _cargo_workspace_impl(rctx):
    manifest = toml.decode(rctx.read(rctx.attr.manifest))
    shared = manifest["workspace"]["package"]
    missing = [field for field in _FIELDS if field not in shared]
    if missing:
        fail("Cargo.toml: [workspace.package] has no {}".format(", ".join(missing)))
    profile = dict(manifest["profile"]["release"])
    small = profile.pop("package", {})
    for package, own in small.items():
        if own.keys() != ["opt-level"]:
            fail("Cargo.toml: [profile.release.package.{}] says more than its opt-level; tools/bazel/rust/manifest.bzl knows no more".format(package))
    rctx.file("BUILD.bazel")
    rctx.file("facts.bzl", "\n".join([
        "VERSION = " + repr(shared["version"]),
        "RUST_VERSION = " + repr(shared["rust-version"]),
        "REPOSITORY = " + repr(shared["repository"]),
        "RELEASE_PROFILE = " + repr({key: str(value) for key, value in profile.items()}),
        "SMALL_PACKAGES = " + repr({package: str(own["opt-level"]) for package, own in small.items()}),
        "",
    ]))

cargo_workspace = repository_rule(
    implementation = _cargo_workspace_impl,
    attrs = {
        "manifest": attr.label(mandatory = True, allow_single_file = True),
    },
)
