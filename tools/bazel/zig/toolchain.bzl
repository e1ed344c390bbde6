"""zig_toolchain: zig as the C toolchain for one target, on one kind of machine."""

load("@rules_cc//cc:defs.bzl", "cc_toolchain")
load("//tools/bazel/rust:once.bzl", "once")
load(":config.bzl", "zig_toolchain_config")
load(":warm.bzl", "zig_cache")

# buildifier: disable=unnamed-macro
def zig_toolchain(zig_target, wheelwright):
    """Defines `cc-wheel-TARGET` and `cc-anything-TARGET` in a repository made by `zig_repository`.

    Args:
      zig_target: what zig calls the target
      wheelwright: the program, which itself is linked by `cc-anything-TARGET`
    """
    zig_cache(
        name = "runtime-" + zig_target,
        files = ":files",
        zig = "ziglang/zig",
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

    # The same for whatever CPython a wheel is.
    runtime, order = "once-runtime-" + zig_target, "once-wheelwright-" + zig_target
    once(name = runtime, tool = ":runtime-" + zig_target)
    once(name = order, tool = wheelwright)
    for purpose, tools in {"anything": [], "wheel": [order]}.items():
        name = "{}-{}".format(purpose, zig_target)
        zig_toolchain_config(
            name = "config-" + name,
            cache = runtime,
            section_order = order if tools else None,
            zig_target = zig_target,
        )
        native.filegroup(
            name = "link-" + name,
            srcs = [
                ":compile-" + zig_target,
                runtime,
            ] + tools,
        )
        cc_toolchain(
            name = "cc-" + name,
            all_files = ":link-" + name,
            ar_files = ":compile-" + zig_target,
            as_files = ":compile-" + zig_target,
            compiler_files = ":compile-" + zig_target,
            dwp_files = ":none",
            linker_files = ":link-" + name,
            objcopy_files = ":none",
            strip_files = ":none",
            supports_param_files = 1,
            toolchain_config = ":config-" + name,
            visibility = ["//visibility:public"],
        )
