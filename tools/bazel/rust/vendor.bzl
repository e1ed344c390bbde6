"""cargo_vendor: the crates of Cargo.lock as cargo itself reads them.

crate_universe compiles crates; this is for what asks cargo about them: the
bills of materials and the lock files of sdists. cargo fetches them (so its own
settings for mirrors work) and checks each against Cargo.lock.
"""

def _cargo_vendor_impl(rctx):
    manifest = rctx.path(rctx.attr.manifest)
    rctx.watch(rctx.path(rctx.attr.lockfile))
    result = rctx.execute([
        rctx.path(rctx.attr.cargo),
        "vendor",
        "--locked",
        "--quiet",
        "--versioned-dirs",
        "--manifest-path",
        manifest,
        "crates",
    ], timeout = 1200)
    if result.return_code:
        fail("cargo vendor: " + result.stderr)

    # One source directory: a file for each would be thousands of inputs.
    rctx.file("BUILD.bazel", 'filegroup(name = "crates_folder", srcs = ["crates"], visibility = ["//visibility:public"])\n')

cargo_vendor = repository_rule(
    implementation = _cargo_vendor_impl,
    attrs = {
        "cargo": attr.label(mandatory = True, allow_single_file = True),
        "lockfile": attr.label(mandatory = True, allow_single_file = True),
        "manifest": attr.label(mandatory = True, allow_single_file = True),
    },
    environ = ["CARGO_HOME"],
)
