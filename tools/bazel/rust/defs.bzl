"""What every crate of this repository has in common.

Crates of other people come from Cargo.toml by crate_universe; those of this
repository are named in `deps`, as Bazel needs it.
"""

load("@crates//:defs.bzl", "aliases", "all_crate_deps")
load("@rules_rust//rust:defs.bzl", "rust_binary", "rust_library", "rust_shared_library", "rust_test")
load("@shipped//:defs.bzl", shipped_aliases = "aliases", shipped_crate_deps = "all_crate_deps")
load("@workspace//:facts.bzl", "REPOSITORY", "RUST_VERSION", "VERSION")

def _common(kwargs):
    """The arguments that all rules get, with those given."""
    package = native.package_name().rpartition("/")[2]
    environment = {
        "CARGO_PKG_NAME": package,
        "CARGO_PKG_REPOSITORY": REPOSITORY,
        "CARGO_PKG_RUST_VERSION": RUST_VERSION,
    }
    return dict(
        {
            "edition": "2024",
            "version": VERSION,
            "visibility": ["//visibility:public"],
        } | kwargs,
        rustc_env = environment | kwargs.get("rustc_env", {}),
    )

def _not_rust(folder):
    """What include_str! may read."""
    return native.glob([folder + "/**"], exclude = [folder + "/**/*.rs"], allow_empty = True)

# buildifier: disable=unnamed-macro
def crate_files():
    """Defines `crate`: everything that cargo and an sdist may read."""
    native.exports_files(["Cargo.toml"])
    native.filegroup(
        name = "crate",
        srcs = native.glob(
            ["**"],
            exclude = ["**/BUILD.bazel", "fuzz/**", "target/**", "study/**"],
        ),
        visibility = ["//visibility:public"],
    )

def _sources(compile_data):
    return {
        "srcs": native.glob(["src/**/*.rs"], exclude = ["src/main.rs"]),
        "compile_data": _not_rust("src") + compile_data,
    }

# buildifier: disable=function-docstring-args
def crate_library(name, deps = [], compile_data = [], **kwargs):
    """A crate's library, out of its src folder."""
    rust_library(
        name = name,
        aliases = aliases(),
        crate_name = name.replace("-", "_"),
        proc_macro_deps = all_crate_deps(proc_macro = True),
        deps = all_crate_deps(normal = True) + deps,
        **(_sources(compile_data) | _common(kwargs))
    )

def _shipped(deps):
    """The same crates, as wheels hold them."""
    return [dep + ":shipped" for dep in deps]

# buildifier: disable=function-docstring-args
def _shipped_crate(rule, name, crate_name, deps, compile_data, kwargs):
    rule(
        name = name,
        aliases = shipped_aliases(),
        crate_name = crate_name,
        proc_macro_deps = shipped_crate_deps(proc_macro = True),
        deps = shipped_crate_deps(normal = True) + _shipped(deps),
        **(_sources(compile_data) | _common(kwargs))
    )

# buildifier: disable=function-docstring-args
def shipped_library(name, deps = [], compile_data = [], **kwargs):
    """The library `name` as a crate_library, and as `shipped`: as it is in wheels.

    There it has other people's crates with the features that wheels have, not with
    those that tests and tools ask for.
    """
    crate_library(name, deps, compile_data, **kwargs)
    _shipped_crate(rust_library, "shipped", name.replace("-", "_"), deps, compile_data, kwargs)

# buildifier: disable=function-docstring-args
def crate_extension(name, crate_name, deps = [], compile_data = [], **kwargs):
    """A crate that is a Python extension module."""
    _shipped_crate(rust_shared_library, name, crate_name, deps, compile_data, kwargs)

# buildifier: disable=function-docstring-args
def crate_program(name, deps = [], srcs = ["src/main.rs"], **kwargs):
    """A crate's program. With a library beside it, only src/main.rs."""
    rust_binary(
        name = name,
        srcs = srcs,
        aliases = aliases(),
        crate_root = "src/main.rs",
        proc_macro_deps = all_crate_deps(proc_macro = True),
        deps = all_crate_deps(normal = True) + deps,
        **_common(kwargs)
    )

def crate_tests(name, crate, deps = [], data = [], env = {}, compile_data = []):
    """The unit tests of a crate, and each program in its tests folder.

    Args:
      name: of a test_suite with all of them
      crate: the target that has the unit tests
      deps: crates of this repository
      data: files of other packages that the tests in tests/ read
      env: for the tests in tests/
      compile_data: what include_str! reads in the tests
    """
    rust_test(
        name = name + "_unit",
        size = "medium",
        aliases = aliases(normal_dev = True, proc_macro_dev = True),
        crate = crate,
        proc_macro_deps = all_crate_deps(proc_macro_dev = True),
        deps = all_crate_deps(normal_dev = True),
    )
    tests = [name + "_unit"]
    roots = native.glob(["tests/*.rs", "tests/*/main.rs"], allow_empty = True)
    for root in roots:
        stem = root.removeprefix("tests/").removesuffix("/main.rs").removesuffix(".rs")
        own = ["tests/{}/**/*.rs".format(stem)] if root.endswith("/main.rs") else [root]
        shared = ["tests/{}/**/*.rs".format(folder) for folder in ["adapter", "common", "support"]]
        rust_test(
            name = "{}_{}".format(name, stem),
            size = "large",
            srcs = native.glob(own + shared, allow_empty = True),
            aliases = aliases(normal = True, normal_dev = True, proc_macro = True, proc_macro_dev = True),
            compile_data = compile_data,
            # As cargo calls it: snapshots have it in their names.
            crate_name = stem.replace("-", "_"),
            crate_root = root,
            # Cargo.toml marks the folder that CARGO_MANIFEST_DIR names.
            data = data + ["Cargo.toml"] + native.glob(["tests/**"], exclude = ["tests/**/*.rs"], allow_empty = True),
            env = {
                "INSTA_UPDATE": "no",
                "INSTA_WORKSPACE_ROOT": ".",
            } | env,
            proc_macro_deps = all_crate_deps(proc_macro = True, proc_macro_dev = True),
            # Tests find files by CARGO_MANIFEST_DIR: here, in their runfiles.
            deps = all_crate_deps(normal = True, normal_dev = True) + deps,
            **_common({"rustc_env": {"CARGO_MANIFEST_DIR": native.package_name()}})
        )
        tests.append("{}_{}".format(name, stem))
    native.test_suite(
        name = name,
        tests = tests,
    )
