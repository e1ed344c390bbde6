"""system_rust: the rustc and cargo of this machine as Rust toolchains.

For `--config=system`: NixOS, air-gapped sites, `nix develop`. Every target of
the platform table for which a standard library is installed gets a toolchain.
"""

load("//tools/bazel/platforms:table.bzl", "PLATFORMS", "libc", "machine_constraints")

_TOOLS = ["rustc", "rustdoc", "cargo", "rustfmt", "clippy-driver", "cargo-clippy"]

_BUILD = """load("@rules_rust//rust:toolchain.bzl", "rust_stdlib_filegroup", "rust_toolchain")

filegroup(
    name = "rustc_lib",
    srcs = glob(["lib/*", "lib/rustlib/{host}/lib/*.so", "lib/rustlib/{host}/lib/*.dylib"], allow_empty = True),
)
"""

_TOOLCHAIN = """
rust_stdlib_filegroup(
    name = "std-{target}",
    srcs = glob(["lib/rustlib/{target}/lib/**"]),
)

rust_toolchain(
    name = "impl-{target}",
    binary_ext = "{binary_ext}",
    cargo = ":bin/cargo",
    cargo_clippy = {cargo_clippy},
    clippy_driver = {clippy_driver},
    default_edition = "2024",
    dylib_ext = "{dylib_ext}",
    exec_triple = "{host}",
    rust_doc = ":bin/rustdoc",
    rust_std = ":std-{target}",
    rustc = ":bin/rustc",
    rustc_lib = ":rustc_lib",
    rustfmt = {rustfmt},
    staticlib_ext = ".a",
    stdlib_linkflags = {linkflags},
    target_triple = "{target}",
    version = "{version}",
    visibility = ["//visibility:public"],
)

toolchain(
    name = "rust-{target}",
    exec_compatible_with = {exec},
    target_compatible_with = {constraints},
    toolchain = ":impl-{target}",
    toolchain_type = "@rules_rust//rust:toolchain",
)
"""

_LINKFLAGS = {
    "linux": ["-ldl", "-lpthread"],
    "macos": ["-lSystem"],
    "windows": [],
}

def _output(rctx, arguments):
    result = rctx.execute(arguments)
    if result.return_code:
        fail("{} failed: {}".format(" ".join([str(a) for a in arguments]), result.stderr))
    return result.stdout

def _sysroot(rctx):
    named = rctx.getenv("DAGGERML_RUSTC")
    if not named:
        rustc = rctx.which("rustc")
        if not rustc:
            fail("--config=system needs a rustc: there is none on the PATH, and no --repo_env=DAGGERML_RUSTC=/its/path names one")
    elif "/" in named:
        rustc = rctx.path(named)
        if not rustc.exists:
            fail("DAGGERML_RUSTC is {}, but no such file is there".format(named))
    else:
        rustc = rctx.which(named)
        if not rustc:
            fail("DAGGERML_RUSTC is {}, but no such program is on the PATH".format(named))
    return rctx.path(_output(rctx, [rustc, "--print", "sysroot"]).strip())

def _system_rust_impl(rctx):
    sysroot = _sysroot(rctx)
    rustc = sysroot.get_child("bin").get_child("rustc")
    facts = dict([line.split(": ", 1) for line in _output(rctx, [rustc, "-vV"]).splitlines() if ": " in line])
    host, version = facts["host"], facts["release"]
    if version != rctx.attr.version:
        fail("{} is Rust {}, but rust-toolchain.toml asks for {}; --repo_env=DAGGERML_RUSTC=/its/path names another".format(
            rustc,
            version,
            rctx.attr.version,
        ))

    tools = {}
    for tool in _TOOLS:
        path = sysroot.get_child("bin").get_child(tool)
        path = path if path.exists else rctx.which(tool)
        if path:
            rctx.symlink(path, "bin/" + tool)
        tools[tool] = repr(":bin/" + tool) if path else "None"
    for file in sysroot.get_child("lib").readdir():
        if file.basename.startswith(("librustc_driver", "libLLVM")):
            rctx.symlink(file, "lib/" + file.basename)

    build = _BUILD.format(host = host)
    for row in PLATFORMS.values():
        target = row.rust_target
        library = sysroot.get_child("lib").get_child("rustlib").get_child(target)
        if not library.exists:
            continue
        rctx.symlink(library, "lib/rustlib/" + target)
        constraints = machine_constraints(target)
        system = constraints[0].rpartition(":")[2]
        build += _TOOLCHAIN.format(
            binary_ext = ".exe" if system == "windows" else "",
            cargo_clippy = tools["cargo-clippy"],
            clippy_driver = tools["clippy-driver"],
            constraints = repr(constraints + [str(Label("//tools/bazel/platforms:" + libc(target)))]),
            dylib_ext = {"linux": ".so", "macos": ".dylib", "windows": ".dll"}[system],
            exec = repr(machine_constraints(host)),
            host = host,
            linkflags = repr(_LINKFLAGS[system]),
            rustfmt = tools["rustfmt"],
            target = target,
            version = version,
        )
    rctx.file("BUILD.bazel", build)

system_rust = repository_rule(
    implementation = _system_rust_impl,
    attrs = {
        "version": attr.string(mandatory = True, doc = "The version it must be."),
    },
    configure = True,
    environ = ["DAGGERML_RUSTC", "PATH"],
    local = True,
)

def _host_cargo_impl(rctx):
    if rctx.getenv("DAGGERML_SYSTEM_RUST"):
        tools = _sysroot(rctx).get_child("bin")
    else:
        tools = rctx.path(rctx.attr.downloaded).dirname.get_child("bin")
    for tool in ["cargo", "rustc"]:
        path = tools.get_child(tool)
        rctx.symlink(path if path.exists else rctx.which(tool), "bin/" + tool)
    rctx.file("BUILD.bazel")

host_cargo = repository_rule(
    implementation = _host_cargo_impl,
    doc = "The cargo that reads Cargo.toml before any build: the pinned one, or this machine's.",
    attrs = {
        "downloaded": attr.label(mandatory = True, doc = "A file beside the pinned one's bin folder."),
    },
    environ = ["DAGGERML_RUSTC", "DAGGERML_SYSTEM_RUST", "PATH"],
)
