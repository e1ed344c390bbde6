"""Every copy of a fact: the file, the region in it, and the lines that belong there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from facts import BESIDE, RELEASE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facts import Facts, Package

#: The region of a file that is nothing else: `sync --write` makes such a file.
WHOLE = "package"

#: The oldest Python for which Bazel resolves the tools of the tests: `rules_python`
#: has no interpreter of an older one to try them with.
OLDEST_OF_BAZEL = 11


def copies(facts: Facts) -> dict[str, dict[str, list[str]]]:
    """Returns the lines of each region of each file, without the region's indent."""
    targets = [platform.rust_target for platform in facts.platforms]
    sources = [f"{package.folder}/src" for package in facts.packages]
    members = [member.folder for member in facts.crates]
    shipped = [member.folder for member in facts.crates if member.ships]
    native = [package for package in facts.packages if package.compiled]
    pure = [package for package in facts.packages if not package.compiled]
    # Python code that is in no package: tests, and the programs of studies.
    others = ["python/tests", "tools/checks/tests", "tools/wheelwright/study"]
    found = {
        "rust-toolchain.toml": {
            "rust": [f'channel = "{facts.rust}"'],
            "platforms": listed("targets", targets),
        },
        "deny.toml": {"platforms": listed("targets", targets)},
        "BUILD.bazel": {"crates": items(f"//{folder}:crate" for folder in members)},
        "MODULE.bazel": {
            "crates": items(f"//{folder}:Cargo.toml" for folder in shipped),
            "platforms": items(sorted(targets)),
            "pythons": items(p for p in facts.pythons if minor(p) >= OLDEST_OF_BAZEL),
        },
        "python/BUILD.bazel": {
            "packages": [
                "NATIVE = {",
                *(f"    {line}" for package in native for line in kinds(package)),
                "}",
                "",
                *listed("PURE", (package.folder[len("python/") :] for package in pure)),
            ]
        },
        "tools/bazel/platforms/table.bzl": {"platforms": structs(facts)},
        "tools/bazel/python/BUILD.bazel": {"oldest": [f'oldest = "{facts.pythons[0]}",']},
        "tools/bazel/rust/toolchains.MODULE.bazel": {
            "rust": [f'RUST_VERSION = "{facts.rust}"'],
            "platforms": constraints(targets),
        },
        ".github/workflows/ci.yml": {
            "rust": [f'RUSTUP_TOOLCHAIN: "{facts.oldest_rust}"'],
            "pythons": [f"python: {json.dumps([*facts.pythons, *facts.free_threaded])}"],
        },
        RELEASE: {
            "platforms": machines(facts, musl=False),
            "musl-platforms": machines(facts, musl=True),
            "free-threaded": [f'python-version: "{name}"' for name in facts.free_threaded[-1:]],
            "newest": [f'python-version: "{name}"' for name in facts.newest[-1:]],
            "publish-test": publish(facts, "attestations: false"),
            "publish": publish(facts),
        },
        BESIDE: {
            "platforms": machines(facts, musl=False),
            "musl-platforms": machines(facts, musl=True),
        },
        "ruff.toml": {
            "pythons": [f'target-version = "py3{minor(facts.pythons[0])}"'],
            "packages": listed("src", sources),
        },
        "mypy.ini": {
            "packages": [
                f"mypy_path = {':'.join([*others, *sources])}",
                f"files = {', '.join([*sources, *others])}",
            ]
        },
        "docs/guide/building.md": {"platforms": recipe(facts)},
        "docs/guide/install.md": {"platforms": systems(facts)},
    }
    for package in facts.packages:
        found[f"{package.folder}/BUILD.bazel"] = {WHOLE: package_of_bazel(package)}
    for member in facts.crates:
        if member.needs:
            found[f"{member.folder}/BUILD.bazel"] = {"needs": deps(member.needs)}
    return found


def minor(python: str) -> int:
    """Returns 9 for `3.9`."""
    return int(python.partition(".")[2])


def items(names: Iterable[str]) -> list[str]:
    """Returns the items of a list, one a line."""
    return [f'"{name}",' for name in names]


def listed(key: str, names: Iterable[str]) -> list[str]:
    """Returns a list of a TOML or Starlark file, one item a line."""
    return [f"{key} = [", *(f"    {item}" for item in items(names)), "]"]


def deps(needs: list[str]) -> list[str]:
    """Returns the crates that a crate needs, as an argument of its rule."""
    if len(needs) == 1:
        return [f'deps = ["//{needs[0]}"],']
    return [*listed("deps", (f"//{folder}" for folder in needs))[:-1], "],"]


def package_of_bazel(package: Package) -> list[str]:
    """Returns the BUILD file of a package."""
    load = 'load("//tools/bazel/packaging:package.bzl", "python_package")'
    if not package.compiled:
        return [load, "", f'python_package(name = "{package.name}")']
    crate, abi = package.compiled
    beside = package.interpreters + package.of_releases
    lines = [
        f'    name = "{package.name}",',
        f'    extension = "{crate}",',
        *starlark_list("interpreters", beside),
        f'    python_abi = "{abi}",',
    ]
    return [load, "", "python_package(", *lines, ")"]


def starlark_list(name: str, items: list[str]) -> list[str]:
    """Returns the lines of an argument, as buildifier writes them."""
    if len(items) < 2:
        return [f"    {name} = {json.dumps(items)},"] * bool(items)
    return [f"    {name} = [", *(f"        {json.dumps(item)}," for item in items), "    ],"]


def kinds(package: Package) -> list[str]:
    """Returns what the names of the targets of a package's wheels end with."""
    beside = package.interpreters + package.of_releases
    ends = items(["", *(f"_{name}" for name in beside)])
    return [f'"{package.folder[len("python/") :]}": [', *(f"    {end}" for end in ends), "],"]


def structs(facts: Facts) -> list[str]:
    """Returns Bazel's table of how each platform is compiled."""
    found = []
    for platform in facts.platforms:
        columns = ("wheel_tag", "rust_target", "zig_target")
        lines = [f'    {column} = "{getattr(platform, column)}",' for column in columns]
        found += [f'"{platform.name}": struct(', *lines, "),"]
    return found


def constraints(targets: list[str]) -> list[str]:
    """Returns what Bazel must know of each target: its system, processor and C library."""
    found = []
    for target in sorted(targets):
        processor = target.partition("-")[0]
        system = "macos" if "-apple-" in target else "linux"
        system = "windows" if "-windows-" in target else system
        lines = [f'    "@platforms//os:{system}",', f'    "@platforms//cpu:{processor}",']
        if system == "linux":
            libc = "musl" if target.endswith("-musl") else "default"
            lines.append(f'    "//tools/bazel/platforms:{libc}",')
        found += [f'"{target}": [', *lines, "],"]
    return found


def machines(facts: Facts, *, musl: bool) -> list[str]:
    """Returns which machine of GitHub Actions tries the wheels of each platform."""
    return [
        f"- {{ platform: {platform.name}, os: {platform.runner} }}"
        for platform in facts.platforms
        if platform.rust_target.endswith("-musl") == musl
    ]


def publish(facts: Facts, *more: str) -> list[str]:
    """Returns one step for each package, in publish order, that uploads its files."""
    found = []
    for number, package in enumerate(facts.packages, 1):
        folder = f"upload/{number}-{package.name}"
        found += [
            f"- if: ${{{{ hashFiles('{folder}/*') != '' }}}}",
            f"  {facts.publisher}",
            "  with:",
            f"    packages-dir: {folder}/",
            "    repository-url: ${{ vars.UPLOAD_URL }}",
            *(f"    {line}" for line in more),
        ]
    return found


def recipe(facts: Facts) -> list[str]:
    """Returns the table of how each platform is compiled."""
    head = ["| platform | wheel tag | Rust target | zig target |", "|---|---|---|---|"]
    return head + [f"| {p[0]} | `{p[1]}` | {p[2]} | {p[3]} |" for p in facts.platforms]


def systems(facts: Facts) -> list[str]:
    """Returns the table of the systems that wheels run on."""
    head = ["| wheel | runs on |", "|---|---|"]
    return head + [
        f"| `{p.wheel_tag}` | {system(p.wheel_tag)}, {p.rust_target.partition('-')[0]} |"
        for p in facts.platforms
    ]


def system(tag: str) -> str:
    """Returns the systems that a platform tag promises, in words."""
    kind, major, minor, *_ = [*tag.split("_"), ""]
    return {
        "manylinux": f"Linux with glibc {major}.{minor} or newer",
        "musllinux": f"Linux with musl {major}.{minor} or newer",
        "macosx": f"macOS {major} or newer",
        "win": f"Windows {11 if major == 'arm64' else 10} or newer",
    }.get(kind, tag)
