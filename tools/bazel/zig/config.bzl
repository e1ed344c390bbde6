"""zig_toolchain_config: what Bazel must know of zig as a C compiler."""

load("@rules_cc//cc:action_names.bzl", "ACTION_NAMES")
load("@rules_cc//cc:cc_toolchain_config_lib.bzl", "env_entry", "env_set", "feature", "tool_path")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/toolchains:cc_toolchain_config_info.bzl", "CcToolchainConfigInfo")

_LINK_ACTIONS = [
    ACTION_NAMES.cpp_link_dynamic_library,
    ACTION_NAMES.cpp_link_executable,
    ACTION_NAMES.cpp_link_nodeps_dynamic_library,
]

def _libc(zig_target):
    if "-macos" in zig_target:
        return "macosx"
    if "-gnu." in zig_target:
        return "glibc_" + zig_target.rpartition("-gnu.")[2]
    return zig_target.rpartition("-")[2]

def _zig_toolchain_config_impl(ctx):
    target = ctx.attr.zig_target
    tools = {
        "ar": "ar",
        "cpp": "cc",
        "gcc": "cc",
        "ld": "cc",
    }
    paths = [tool_path(name = name, path = "bin/{}-{}".format(target, tool)) for name, tool in tools.items()]

    # zig has none of these; nothing here asks for them.
    paths += [tool_path(name = name, path = "bin/none") for name in ["dwp", "gcov", "nm", "objcopy", "objdump", "strip"]]
    variables = {"ZIG_WARM_CACHE": ctx.file.cache.path}
    if ctx.file.section_order:
        variables["SECTION_ORDER"] = ctx.file.section_order.path
    link = env_set(
        actions = _LINK_ACTIONS,
        env_entries = [env_entry(name, path) for name, path in variables.items()],
    )
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        abi_libc_version = "unknown",
        abi_version = "unknown",
        compiler = "clang",
        cxx_builtin_include_directories = ["%package(@@{}//)%/ziglang/lib".format(ctx.label.repo_name)],
        features = [
            feature(name = "supports_pic", enabled = True),
            feature(name = "supports_dynamic_linker", enabled = True),
            feature(name = "zig_runtime", enabled = True, env_sets = [link]),
        ],
        host_system_name = "local",
        target_cpu = target.partition("-")[0],
        target_libc = _libc(target),
        target_system_name = target,
        tool_paths = paths,
        toolchain_identifier = "zig-" + target,
    )

zig_toolchain_config = rule(
    implementation = _zig_toolchain_config_impl,
    doc = "The configuration of one cc_toolchain of zig.",
    attrs = {
        "cache": attr.label(mandatory = True, allow_single_file = True, cfg = "exec"),
        "section_order": attr.label(allow_single_file = True, cfg = "exec", doc = "wheelwright, where wheels are linked."),
        "zig_target": attr.string(mandatory = True),
    },
    provides = [CcToolchainConfigInfo],
)
