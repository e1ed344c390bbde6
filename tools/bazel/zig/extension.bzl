"""zig: C toolchains for every platform, out of the ziglang wheel.

Which wheel is said once, by hash, in wheelwright's requirements; pip fetches it
(so a mirror in pip's own settings works) for each kind of machine that may run
the build. Only the one that is used is fetched.
"""

load("//tools/bazel/platforms:table.bzl", "EXEC_PLATFORMS", "PLATFORMS", "libc", "machine_constraints")

# What pip calls the machines that zig runs on.
_PIP_PLATFORMS = {
    "linux-aarch64": "manylinux_2_17_aarch64",
    "linux-x86_64": "manylinux_2_12_x86_64",
    "macos-arm64": "macosx_12_0_arm64",
    "macos-x86_64": "macosx_12_0_x86_64",
}

def _run(rctx, arguments, **kwargs):
    result = rctx.execute(arguments, timeout = 1200, **kwargs)
    if result.return_code:
        fail("{} failed: {}{}".format(" ".join([str(a) for a in arguments]), result.stdout, result.stderr))

def _python(rctx):
    if not rctx.getenv("DAGGERML_SYSTEM_PYTHON"):
        return rctx.path(rctx.attr.python)
    named = rctx.getenv("DAGGERML_PYTHON") or "python3"
    found = rctx.path(named) if "/" in named else rctx.which(named)
    if not found:
        fail("--config=system needs a python: there is no {} on the PATH; --repo_env=DAGGERML_PYTHON=/its/path names another".format(named))
    return found

def _zig_repository_impl(rctx):
    # Beside the build, not in it: pip itself needs no pin, its hashes do.
    _run(rctx, [_python(rctx), "-I", "-m", "venv", "pip"])
    _run(rctx, [
        "pip/bin/python",
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--dest=wheel",
        "--no-deps",
        "--only-binary=:all:",
        "--platform=" + rctx.attr.pip_platform,
        "--require-hashes",
        "--requirement=" + str(rctx.path(rctx.attr.requirements)),
    ])
    rctx.symlink(rctx.path("wheel").readdir()[0], "wheel.zip")  # extract goes by the name
    rctx.extract("wheel.zip")
    _run(rctx, ["chmod", "+x", "ziglang/zig"])
    for name in ["pip", "wheel", "wheel.zip"]:
        rctx.delete(name)

    wrapper = rctx.read(rctx.attr._wrapper)
    build = [
        'load("@@{}//tools/bazel/zig:toolchain.bzl", "zig_toolchain")'.format(Label("//:none").repo_name),
        'package(default_visibility = ["//visibility:public"])',
        # One source directory: zig's 18 000 files as single inputs would make
        # every sandboxed action crawl.
        'filegroup(name = "files", srcs = ["bin/none", "ziglang/zig", "ziglang/lib"])',
        'filegroup(name = "none")',
    ]
    rctx.file("bin/none", "#!/bin/sh\necho >&2 \"$0: zig has no such tool\"\nexit 1\n", executable = True)
    for target in rctx.attr.zig_targets:
        for tool in ["ar", "cc"]:
            text = wrapper.replace("{tool}", tool).replace("{target}", target)
            rctx.file("bin/{}-{}".format(target, tool), text, executable = True)
        build.append('zig_toolchain("{}", "{}")'.format(target, Label("//tools/wheelwright:wheelwright_bin")))
    rctx.file("BUILD.bazel", "\n".join(build) + "\n")

_zig_repository = repository_rule(
    implementation = _zig_repository_impl,
    attrs = {
        "pip_platform": attr.string(mandatory = True),
        "python": attr.label(mandatory = True, allow_files = True),
        "requirements": attr.label(mandatory = True, allow_single_file = True),
        "zig_targets": attr.string_list(mandatory = True),
        "_wrapper": attr.label(default = "//tools/bazel/zig:wrapper.sh", allow_single_file = True),
    },
    environ = ["DAGGERML_PYTHON", "DAGGERML_SYSTEM_PYTHON"],
)

_TOOLCHAIN = """
toolchain(
    name = "{name}",
    exec_compatible_with = {exec},
    target_compatible_with = {target},
    toolchain = "@{repository}//:cc-{purpose}-{zig_target}",
    toolchain_type = "@bazel_tools//tools/cpp:toolchain_type",
)
"""

_PROGRAM = """
alias(
    name = "zig",
    actual = select({machines}),
    visibility = ["//visibility:public"],
)
"""

def _repository(machine):
    return "zig_" + machine.replace("-", "_")

def _zig_toolchains_impl(rctx):
    """A package for wheels, one for anything else, and zig itself for tests."""
    machines = {
        str(Label("//tools/bazel/platforms:" + PLATFORMS[machine].rust_target)): "@{}//:files".format(_repository(machine))
        for machine in EXEC_PLATFORMS
    }
    rctx.file("BUILD.bazel", _PROGRAM.format(machines = repr(machines)))
    for purpose in ["wheel", "anything"]:
        build = []
        for machine in EXEC_PLATFORMS:
            for name, row in PLATFORMS.items():
                constraints = machine_constraints(row.rust_target) + [
                    str(Label("//tools/bazel/platforms:" + value))
                    for value in [libc(row.rust_target), purpose]
                ]
                build.append(_TOOLCHAIN.format(
                    name = "{}-on-{}".format(name, machine),
                    exec = repr(machine_constraints(PLATFORMS[machine].rust_target)),
                    purpose = purpose,
                    repository = _repository(machine),
                    target = repr(constraints),
                    zig_target = row.zig_target,
                ))
        rctx.file(purpose + "/BUILD.bazel", "".join(build))

_zig_toolchains = repository_rule(implementation = _zig_toolchains_impl)

def _zig_impl(mctx):
    [settings] = mctx.modules[0].tags.toolchains
    for machine in EXEC_PLATFORMS:
        _zig_repository(
            name = _repository(machine),
            pip_platform = _PIP_PLATFORMS[machine],
            python = settings.python,
            requirements = settings.requirements,
            zig_targets = [row.zig_target for row in PLATFORMS.values()],
        )
    _zig_toolchains(name = "zig_toolchains")
    return mctx.extension_metadata(reproducible = True)

zig = module_extension(
    implementation = _zig_impl,
    tag_classes = {
        "toolchains": tag_class(attrs = {
            "python": attr.label(mandatory = True, doc = "A Python to fetch with."),
            "requirements": attr.label(mandatory = True, doc = "The pin of ziglang."),
        }),
    },
)
