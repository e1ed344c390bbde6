"""zig_toolchain: zig as the C toolchain for one target, on one kind of machine."""

load("@rules_cc//cc:defs.bzl", "cc_toolchain")
load(":config.bzl", "zig_toolchain_config")
load(":warm.bzl", "zig_cache")

# buildifier: disable=unnamed-macro
def zig_toolchain(zig_target):
    """Defines `cc-TARGET` in a repository made by `zig_repository`.

    Args:
      zig_target: what zig calls the target
    """
    zig_cache(
        name = "runtime-" + zig_target,
        files = ":files",
        zig = "ziglang/zig",
        zig_target = zig_target,
    )
    zig_toolchain_config(
        name = "config-" + zig_target,
        cache = ":runtime-" + zig_target,
        zig_target = zig_target,
    )
    native.filegroup(
        name = "compile-" + zig_target,
        srcs = [
            "bin/{}-ar".format(zig_target),
            "bin/{}-cc".format(zig_target),
            ":files",
        ],
    )
    native.filegroup(
        name = "link-" + zig_target,
        srcs = [
            ":compile-" + zig_target,
            ":runtime-" + zig_target,
        ],
    )
    cc_toolchain(
        name = "cc-" + zig_target,
        all_files = ":link-" + zig_target,
        ar_files = ":compile-" + zig_target,
        as_files = ":compile-" + zig_target,
        compiler_files = ":compile-" + zig_target,
        dwp_files = ":none",
        linker_files = ":link-" + zig_target,
        objcopy_files = ":none",
        strip_files = ":none",
        supports_param_files = 1,
        toolchain_config = ":config-" + zig_target,
        visibility = ["//visibility:public"],
    )
