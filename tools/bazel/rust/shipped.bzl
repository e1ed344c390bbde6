"""shipped_workspace: the crates that ship, as a cargo workspace of their own.

crate_universe gives a crate the features that anything in a workspace asks for;
cargo, when it compiles one crate, those that this crate asks for. So the crates
that go into wheels have a workspace without tools and tests, and with it the
features, and the dependencies, that `cargo wheels` compiles. Versions are those of
the one Cargo.lock.

`crates.bzl` has, for each Rust target, what cargo says of this. crate_universe has
one target for a crate that is both linked into a wheel and run on the machine that
builds it (by a procedural macro), with the features of both; cargo has two.
"""

load("@toml.bzl", "toml")
load("//tools/bazel/platforms:table.bzl", "PLATFORMS")

# What only tests need, and profiles, which may speak of crates that are not here.
_LEFT_OUT = ["bench", "dev-dependencies", "example", "profile", "test"]

def _manifest(rctx, label):
    """A manifest without the tables that do not count."""
    manifest = toml.decode(rctx.read(rctx.path(label)))
    for table in [manifest] + manifest.get("target", {}).values():
        for name in _LEFT_OUT:
            table.pop(name, None)
    return manifest

def _cargo(rctx, arguments):
    """What cargo prints about the workspace, with the vendored crates only."""
    crates = rctx.path(rctx.attr.crates).dirname.get_child("crates")
    cargo = rctx.path(rctx.attr.cargo)
    result = rctx.execute([cargo] + arguments + [
        "--offline",
        "--quiet",
        "--config=source.crates-io.replace-with='vendored'",
        "--config=source.vendored.directory='{}'".format(crates),
        "--manifest-path",
        rctx.path("Cargo.toml"),
    ], environment = {
        "RUSTC": str(cargo.dirname.get_child("rustc")),
        "RUSTC_WRAPPER": "",
    })
    if result.return_code:
        fail("cargo {}: {}".format(arguments[0], result.stderr))
    return result.stdout

def _crates(rctx, target):
    """The crates that cargo links for a target, with their features."""
    crates = {}
    for line in _cargo(rctx, [
        "tree",
        "--edges=normal,no-proc-macro",
        "--format={p}|{f}",
        "--package=" + rctx.attr.package,
        "--prefix=none",
        "--target=" + target,
    ]).splitlines():
        crate, _, features = line.removesuffix(" (*)").partition("|")
        name, version = crate.split(" ")[:2]
        crates[crate] = "struct(name = {}, version = {}, features = {})".format(
            repr(name),
            repr(version.removeprefix("v")),
            repr([feature for feature in features.split(",") if feature]),
        )
    return "[{}]".format(", ".join(crates.values()))

def _shipped_workspace_impl(rctx):
    folders = []
    for member in rctx.attr.members:
        folders.append(member.package)
        rctx.file(member.package + "/Cargo.toml", toml.encode(_manifest(rctx, member)))

        # cargo wants to see that a crate has sources; which ones does not matter.
        for file in ["lib.rs", "main.rs"]:
            rctx.file("{}/src/{}".format(member.package, file))
    root = _manifest(rctx, rctx.attr.manifest)
    root["workspace"]["members"] = folders
    rctx.file("Cargo.toml", toml.encode(root))
    rctx.file("Cargo.lock", rctx.read(rctx.path(rctx.attr.lockfile)))

    # Cuts Cargo.lock down to this workspace; every version stays as it is locked.
    _cargo(rctx, ["metadata", "--format-version=1"])
    lines = ["{}: {},".format(repr(row.rust_target), _crates(rctx, row.rust_target)) for row in PLATFORMS.values()]
    rctx.file("crates.bzl", "CRATES = {{\n{}\n}}\n".format("\n".join(lines)))
    rctx.file("BUILD.bazel", 'exports_files(["Cargo.lock", "Cargo.toml"])\n')

shipped_workspace = repository_rule(
    implementation = _shipped_workspace_impl,
    attrs = {
        "cargo": attr.label(mandatory = True, allow_single_file = True),
        "crates": attr.label(mandatory = True, allow_single_file = True, doc = "A file beside the vendored crates."),
        "lockfile": attr.label(mandatory = True, allow_single_file = True),
        "manifest": attr.label(mandatory = True, allow_single_file = True),
        "members": attr.label_list(mandatory = True, doc = "The manifests of the crates that ship."),
        "package": attr.string(mandatory = True, doc = "The crate that is compiled; it needs the others."),
    },
)
