"""python_package: every artifact of one Python package, and their audits."""

load("//tools/bazel/platforms:table.bzl", "PLATFORMS")
load(":audit.bzl", "audit_test")
load(":wheel.bzl", "extension_module", "sbom", "sdist", "wheel")

def _target(name, platform, interpreter = ""):
    suffix = "_" + interpreter if interpreter else ""
    return "{}_{}{}".format(name, platform.replace("-", "_"), suffix)

# From this CPython on, the extension is for every later one, with a GIL or without, as the
# feature abi3t-py315 of its crate says.
_ABI3T = "cp315t"

def _abi(interpreter):
    """The first two parts of the tag of one CPython's wheel: cp314-cp314t."""
    python = interpreter.removesuffix("t")
    return "{}-{}".format(python, "abi3.abi3t" if interpreter == _ABI3T else interpreter)

def python_package(name, extension = None, python_abi = "py3-none", interpreters = []):
    """Targets for the package in this folder.

    With an extension: `wheel_PLATFORM` for each row of the platform table, and
    `wheel`, which is the one of the target platform; and for each of `interpreters`
    `wheel_PLATFORM_INTERPRETER`. Without: `wheel`. For both: `sdist`, and an audit of
    each artifact.

    Args:
      name: the distribution's name
      extension: the crate in //crates that is its extension module
      python_abi: the first two parts of its wheels' tags
      interpreters: what has a wheel of its own beside that, such as cp314t
    """
    native.filegroup(
        name = "project",
        srcs = native.glob(
            ["**"],
            exclude = ["**/__pycache__/**", "**/*.pyc", "**/BUILD.bazel"],
        ),
    )
    artifacts = ["sdist"]
    if extension:
        kinds = [(platform, one) for platform in PLATFORMS for one in [""] + interpreters]
        for platform, interpreter in kinds:
            sbom(
                name = _target("sbom", platform, interpreter),
                crate = extension,
                extension = "//crates/" + extension,
                interpreter = interpreter,
                platform = platform,
                project = name,
            )
            wheel(
                name = _target("wheel", platform, interpreter),
                srcs = [":project"],
                extension = "//crates/" + extension,
                interpreter = interpreter,
                manifests = ["//:Cargo.toml", "//crates/{}:Cargo.toml".format(extension)],
                platform = platform,
                project = name,
                python_abi = _abi(interpreter) if interpreter else python_abi,
                sbom = _target(":sbom", platform, interpreter),
                visibility = ["//visibility:public"],
            )
            extension_module(
                name = _target("extension", platform, interpreter),
                extension = "//crates/" + extension,
                interpreter = interpreter,
                platform = platform,
                visibility = ["//visibility:public"],
            )
            artifacts.append(_target("wheel", platform, interpreter))
        native.alias(
            name = "wheel",
            # The constraints that a platform says nothing about have defaults,
            # so a plain Linux or macOS machine is the row that one expects.
            actual = select({
                "//tools/bazel/platforms:" + row.rust_target: _target(":wheel", platform)
                for platform, row in PLATFORMS.items()
            }),
            visibility = ["//visibility:public"],
        )
    else:
        wheel(
            name = "wheel",
            srcs = [":project"],
            project = name,
            python_abi = python_abi,
            visibility = ["//visibility:public"],
        )
        artifacts.append("wheel")
    sdist(
        name = "sdist",
        srcs = [":project"],
        project = name,
        visibility = ["//visibility:public"],
    )
    for artifact in artifacts:
        audit_test(
            name = artifact + "_audit",
            artifact = ":" + artifact,
            pyproject = "pyproject.toml",
        )
