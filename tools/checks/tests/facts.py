"""What the repository says about itself, each fact in one place.

| fact | place |
|---|---|
| packages, platforms and who tries them, Pythons, the compiler | `wheelwright.toml` |
| how a platform is compiled | `platforms.toml`, `[[platform]]` of `wheelwright.toml` |
| a package's name and compiled part | its `pyproject.toml` |
| crates and what they need of each other | `Cargo.toml` |
"""

from __future__ import annotations

import re
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from repository import files

if TYPE_CHECKING:
    from collections.abc import Iterable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: The workflow that publishes, where the publishing action's commit and version stand.
RELEASE = ".github/workflows/release-python.yml"
#: The workflow that publishes what is released by itself.
BESIDE = ".github/workflows/wheelwright.yml"
PUBLISHER = "uses: pypa/gh-action-pypi-publish@"


class WrongError(Exception):
    """Something that is not as it must be, and where."""


class Package(NamedTuple):
    """A Python package."""

    folder: str  # such as `python/adapters/dask`
    name: str
    compiled: Optional[tuple[str, str]]  # its module's crate, and the tag of its ABI
    interpreters: list[str]  # what has a wheel of its own beside that tag's, such as `cp314t`
    of_releases: list[str]  # the same, for what only a release has


class Platform(NamedTuple):
    """A platform that wheels are built for: a row of `platforms.toml`."""

    name: str
    wheel_tag: str
    rust_target: str
    zig_target: str
    runner: str  # the machine of GitHub Actions that tries its wheels


class Crate(NamedTuple):
    """A crate of the workspace."""

    folder: str
    ships: bool  # whether wheels hold it; the others are tools
    tested: bool  # `[lib] test = false` says that it has no tests of its own
    needs: list[str]  # the folders of the crates of this repository that it needs


def versions(names: Iterable[str]) -> list[str]:
    """Returns `3.14t` for `cp314t`, each once."""
    return sorted({f"3.{name[len('cp3') :]}" for name in names})


class Facts:
    """All facts of the repository in a folder."""

    def __init__(self, root: Path) -> None:
        """Read them."""
        self.root = root
        self.files = files(root=root)
        own = self.table("wheelwright.toml")
        #: In publish order; the platforms in the order of `wheelwright.toml`.
        self.packages = [self.package(folder) for folder in own["packages"]]
        self.platforms = self.rows(own)
        #: Oldest first, such as `3.9`; the compiler of every build, such as `1.95.0`.
        self.pythons: list[str] = own["facts"]["pythons"]
        #: Those without a global interpreter lock that have wheels, such as `3.14t`; those
        #: for which only a release has them.
        self.free_threaded = versions(
            name for package in self.packages for name in package.interpreters if name[-1] == "t"
        )
        self.newest = versions(name for package in self.packages for name in package.of_releases)
        self.rust: str = own["facts"]["rust"]
        workspace = self.table("Cargo.toml")["workspace"]
        #: The oldest compiler that we promise.
        self.oldest_rust: str = workspace["package"]["rust-version"]
        self.crates = self.members(workspace.get("dependencies", {}))
        workflow = (root / RELEASE).read_text(encoding="utf-8")
        publisher = re.search(f"{re.escape(PUBLISHER)}.*", workflow)
        if not publisher:
            raise WrongError(f"{RELEASE}: no step has `{PUBLISHER}...`")
        self.publisher = publisher[0]

    def table(self, path: str) -> dict[str, Any]:
        """Reads a TOML file; an error names the line."""
        try:
            return tomllib.loads((self.root / path).read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise WrongError(f"{path}: {error}") from error

    def package(self, folder: str) -> Package:
        """Reads a package's name, and what of it is compiled."""
        path = f"{folder}/pyproject.toml"
        table = self.table(path)
        tools = table.get("tool", {})
        if "maturin" not in tools:
            return Package(folder, table["project"]["name"], None, [], [])
        tags = tools.get("wheelwright", {})
        if not {"python-tag", "abi-tag"} <= tags.keys():
            what = "a compiled package needs python-tag and abi-tag in [tool.wheelwright]"
            raise WrongError(f"{path}: {what}")
        crate = PurePosixPath(tools["maturin"]["manifest-path"]).parent.name
        abi = f"{tags['python-tag']}-{tags['abi-tag']}"
        more = tags.get("interpreters", [])
        only = tags.get("release-interpreters", [])
        return Package(folder, table["project"]["name"], (crate, abi), more, only)

    def rows(self, own: dict[str, Any]) -> list[Platform]:
        """Reads how each platform of a release is compiled, and who tries it."""
        path = next(file for file in self.files if re.fullmatch(r"tools/.*/platforms\.toml", file))
        # A row of the repository's own takes the place of wheelwright's.
        listed = [*self.table(path)["platform"], *own.get("platform", [])]
        rows = {row["name"]: row for row in listed}
        found = []
        for name in own["platforms"]:
            what = f"wheelwright.toml: the platform {name!r}"
            if name not in rows:
                raise WrongError(f"{what} is named twice, or has no row in {path}")
            if name not in own["facts"]["runners"]:
                raise WrongError(f"{what} has no machine in [facts.runners]")
            row, runner = rows.pop(name), own["facts"]["runners"][name]
            targets = (row["rust-target"], row["zig-target"])
            found.append(Platform(name, row["wheel-tag"], *targets, runner))
        return found

    def members(self, shared: dict[str, Any]) -> list[Crate]:
        """Reads the crates of the workspace, sorted by their folders."""
        crate = re.compile(r"((crates|tools)/[^/]+)/Cargo\.toml")
        found = []
        for folder, group in sorted(m.group(1, 2) for m in map(crate.fullmatch, self.files) if m):
            table = self.table(f"{folder}/Cargo.toml")
            needs = []
            for name, own in table.get("dependencies", {}).items():
                # A tool names its neighbour by path, a crate by way of the workspace.
                if isinstance(own, dict) and "path" in own:
                    needs.append(own["path"].replace("..", group, 1))
                elif isinstance(shared.get(name), dict) and "path" in shared[name]:
                    needs.append(shared[name]["path"])
            tested = table.get("lib", {}).get("test", True)
            found.append(Crate(folder, group == "crates", tested, sorted(needs)))
        return found
