"""Bazel knows every crate and platform, and compiles each crate of a wheel as cargo does.

cargo says in its unit graph how it compiles. The rules hand `rustc.sh` the features that
`cargo tree` names and the opt-levels that `manifest.bzl` reads in Cargo.toml; where Bazel has
built, its own actions are asked too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from facts import Crate, Facts, Platform
from repository import ROOT, read

#: The crate that is the extension module.
EXTENSION = "daggerml-python"

#: Where the hashes of the compiler's archives are.
PINS = "tools/bazel/rust/toolchains.MODULE.bazel"

FACTS = Facts(ROOT)

#: What decides over the bytes of each crate of a wheel, by `NAME-VERSION`.
Flags = dict[str, dict[str, object]]


def run(program: str, *arguments: str, **env: str) -> str:
    """Returns what a program prints, which must succeed."""
    pipe = subprocess.PIPE
    command = [program, *arguments]
    environment = {**os.environ, **env}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=pipe)
    return done.stdout.decode()


def tree(*options: str) -> str:
    """Returns cargo's list of the crates that the extension links."""
    edges = "--edges=normal,no-proc-macro"
    options = ("tree", "--locked", f"--package={EXTENSION}", edges, "--prefix=none", *options)
    return run(os.environ.get("CARGO", "cargo"), *options)


def lacking(member: Crate, build: str) -> list[str]:
    """Finds what the BUILD file of a crate lacks."""
    calls = set(re.findall(r"^(\w+)\(", build, re.MULTILINE))
    # What ships is compiled as wheels hold it, with the features that it has there.
    built = {"shipped_library", "crate_extension"} if member.ships else {"crate_library"}
    built |= set() if member.ships else {"crate_program"}
    found = [] if calls & built else [f"builds the crate by none of {sorted(built)}"]
    return found + (["has no crate_tests"] if member.tested and "crate_tests" not in calls else [])


def twice(listing: str) -> dict[str, set[str]]:
    """Finds crates that are linked in more than one version."""
    versions = defaultdict(set)
    for name, version in re.findall(r"^(\S+) (v\S+)", listing, re.MULTILINE):
        versions[name].add(version)
    return {name: found for name, found in versions.items() if len(found) > 1}


def units(graph: Any, target: str) -> Flags:
    """Returns how cargo's unit graph says that crates are compiled for a target."""
    found: Flags = {}
    for unit in graph["units"]:
        linked = unit["platform"] == target and unit["mode"] == "build"
        if not linked or unit["target"]["kind"] == ["custom-build"]:
            continue
        # An identifier leaves a name out that is also the folder's.
        place, _, rest = unit["pkg_id"].rpartition("#")
        name, _, version = rest.rpartition("@")
        profile = unit["profile"]
        found[f"{name or place.rpartition('/')[2]}-{version}"] = {
            "features": sorted(unit["features"]),
            "opt-level": profile["opt_level"],
            "edition": unit["target"]["edition"],
            "lto": profile["lto"],
            "codegen-units": profile["codegen_units"],
            "panic": profile["panic"],
            "debuginfo": profile["debuginfo"],
        }
    return found


def rules(listing: str, manifest: Any, cargo: Flags) -> Flags:
    """Returns what `rustc.sh` would be told of each crate without Bazel.

    Features are by the tree, opt-levels by the whole name in Cargo.toml. All else is the same
    for each crate, and `release.bzl` refuses another profile than the one it builds.
    """
    release = manifest["profile"]["release"]
    found: Flags = {}
    for line in re.findall(r"^(\S+) v(\S+).*?\|(\S*)", listing, re.MULTILINE):
        name, version, features = line
        own = release.get("package", {}).get(name, {})
        key = f"{name}-{version}"
        found[key] = {
            **cargo.get(key, {}),
            "features": sorted(filter(None, features.split(","))),
            "opt-level": str(own.get("opt-level", release["opt-level"])),
        }
    return found


def actions(answer: Any, platform: str) -> Flags:
    """Returns what Bazel's actions compile for a platform's wheel, as rustc.sh passes it on."""
    # Tools of the build are compiled by the same compiler, but not through rustc.sh.
    rustc = f"/tools/bazel/rust/wheel/impl-{platform}/rustc"
    listed = {}
    for action in answer["actions"]:
        if action["mnemonic"] == "FileWrite":
            # The toolchain's list: `NAME-VERSION OPT-LEVEL FEATURES...`. An action names a
            # crate as Rust code does, with `_` for each `-`.
            for line in action.get("fileContents", "").splitlines():
                name, *told = line.split(" ")
                listed[name.replace("-", "_")] = (name, told)
    found: Flags = {}
    for action in answer["actions"]:
        files = [line for file in action.get("paramFiles", ()) for line in file["arguments"]]
        words = files + action.get("arguments", [])
        if action["mnemonic"] != "Rustc" or not any(word.endswith(rustc) for word in words):
            continue
        flags = dict(
            re.findall(r"^-(?:C|-codegen=|-)([\w-]+)=?(.*)$", "\n".join(words), re.MULTILINE)
        )
        env = {pair["key"]: pair.get("value", "") for pair in action["environmentVariables"]}
        key = f"{env['CARGO_PKG_NAME']}-{env['CARGO_PKG_VERSION']}"
        name, told = listed.get(key.replace("-", "_"), (key, [""]))
        # Bitcode for the linker, as cargo makes it when all is linked with fat LTO.
        rlib = flags.get("crate-type") == "rlib"
        lto = "linker-plugin-lto" in flags if rlib else flags.get("lto") == "fat"
        found[name] = {
            "features": sorted(told[1:]),
            "opt-level": told[0],
            "edition": flags.get("edition", "2015"),
            "lto": "fat" if lto else "off",
            "codegen-units": int(flags.get("codegen-units", 16)),
            "panic": flags.get("panic", "unwind"),
            "debuginfo": int(flags.get("debuginfo", 0)),
        }
    return found


def differences(found: Flags, cargo: Flags) -> dict[str, tuple[object, object]]:
    """Returns the crates that are compiled in two ways, or by one side only."""
    pairs = {key: (found.get(key), cargo.get(key)) for key in {*found, *cargo}}
    return {key: (one, other) for key, (one, other) in pairs.items() if one != other}


def scripts(graph: Any, target: str) -> dict[str, str]:
    """Returns the opt-levels that cargo tells build scripts which go by them.

    Those compile C with the crate `cc`, or read the variable themselves.
    """
    found = {}
    for unit in graph["units"]:
        if unit["mode"] != "run-custom-build" or unit["platform"] != target:
            continue
        used = [graph["units"][needed["index"]] for needed in unit["dependencies"]]
        # The others are what scripts of crates that it depends on have said.
        [script] = [one for one in used if one["mode"] == "build"]
        needs = [graph["units"][needed["index"]]["pkg_id"] for needed in script["dependencies"]]
        text = Path(script["target"]["src_path"]).read_text(encoding="utf-8")
        if "OPT_LEVEL" in text or any("#cc@" in name for name in needs):
            name = unit["pkg_id"].rpartition("#")[2].partition("@")[0]
            found[name] = unit["profile"]["opt_level"]
    return found


def untold(levels: dict[str, str], module: str) -> dict[str, str]:
    """Finds the build scripts to which Bazel would tell another opt-level than cargo.

    rules_rust tells 3 when it optimises, and what MODULE.bazel annotates in its place.
    """
    annotated = dict(re.findall(r'^ +"([\w-]+)": "([0-3sz])",$', module, re.MULTILINE))
    return {name: level for name, level in levels.items() if annotated.get(name, "3") != level}


def unit_graph(target: str) -> Any:
    """Asks cargo what it would compile for a wheel.

    It says so only by a flag that is not stable, which reads and writes nothing.
    """
    options = ["build", "--quiet", "--release", "--locked", f"--package={EXTENSION}"]
    options += ["--target", target, "--unit-graph", "-Zunstable-options"]
    return json.loads(run(os.environ.get("CARGO", "cargo"), *options, RUSTC_BOOTSTRAP="1"))


@pytest.mark.parametrize("member", FACTS.crates, ids=lambda member: member.folder)
def test_a_crate_is_built_as_it_ships_and_tested(member: Crate) -> None:
    assert lacking(member, read(f"{member.folder}/BUILD.bazel")) == []


@pytest.mark.parametrize("platform", FACTS.platforms, ids=lambda platform: platform.name)
def test_a_platform_has_its_compiler(platform: Platform) -> None:
    # Its value is `xz_hash` of the compiler's manifest.
    assert f'"rust-std-{{}}-{platform.rust_target}.tar.xz": ' in read(PINS)


def test_wheels_hold_each_crate_once() -> None:
    """Objects are linked in the order of names that end in each build system's own suffix.

    So two versions of a crate may be linked in another order by Bazel than by cargo, and give
    other bytes. Let all its users ask for one version (`cargo tree --invert NAME@VERSION`).
    """
    assert twice(tree("--target=all", "--format={p}")) == {}


@pytest.mark.parametrize("platform", FACTS.platforms, ids=lambda platform: platform.name)
def test_crates_are_compiled_as_cargo_does(platform: Platform) -> None:
    graph = unit_graph(platform.rust_target)
    cargo = units(graph, platform.rust_target)
    assert len(cargo) > 1
    levels = scripts(graph, platform.rust_target)
    assert "lmdb-master-sys" in levels
    assert untold(levels, read("MODULE.bazel")) == {}
    listing = tree(f"--target={platform.rust_target}", "--format={p}|{f}")
    assert differences(rules(listing, FACTS.table("Cargo.toml"), cargo), cargo) == {}
    if (ROOT / "bazel-out").exists():
        extension = f"//python/daggerml:extension_{platform.name.replace('-', '_')}"
        query = f'mnemonic("Rustc|FileWrite", deps({extension}))'
        quiet = ["--noshow_progress", "--ui_event_filters=-info", "--output=jsonproto"]
        whole = ["--include_param_files", "--include_file_write_contents"]
        answer = json.loads(run("bazel", "aquery", *quiet, *whole, query))
        assert differences(actions(answer, platform.name), cargo) == {}


def test_what_a_build_file_lacks_is_found() -> None:
    library = '\ncrate_library(name = "x")\n\ncrate_tests(name = "tests")\n'
    shipped = '\nshipped_library(name = "x")\n'
    for ships, tested, build, count in [
        (False, True, library, 0),
        (True, True, library, 1),
        (True, True, shipped, 1),
        (True, False, shipped, 0),
        (False, True, "", 2),
    ]:
        assert len(lacking(Crate("x", ships, tested, []), build)) == count


def test_two_versions_of_a_crate_are_found_by_its_whole_name() -> None:
    listing = "one v1.0.0 (/src/one)\nheed v0.22.1\nheed-types v0.21.0\nheed v0.22.1 (*)\n"
    assert twice(listing) == {}
    assert twice(f"{listing}heed v0.23.0\n") == {"heed": {"v0.22.1", "v0.23.0"}}


def unit(
    name: str, level: str, features: str = "", platform: object = "t", kind: str = "lib"
) -> Any:
    profile = {"opt_level": level, "lto": "fat", "codegen_units": 1, "panic": "unwind"}
    return {
        "pkg_id": name, "mode": "build", "features": features.split(), "platform": platform,
        "target": {"kind": [kind], "edition": "2021"}, "profile": {**profile, "debuginfo": 0},
    }  # fmt: skip


CARGO = units(
    {
        "units": [
            unit("registry+https://x/index#heed@0.22.1", "s", "a"),
            unit("registry+https://x/index#heed-types@0.21.0", "3"),
            unit("path+file:///src/crates/one#0.2.0", "3"),
            unit("registry+https://x/index#syn@3.0.0", "0", platform=None),
            unit("registry+https://x/index#heed@0.22.1", "0", kind="custom-build"),
        ]
    },
    "t",
)


def test_the_rules_read_features_and_whole_names() -> None:
    assert list(CARGO) == ["heed-0.22.1", "heed-types-0.21.0", "one-0.2.0"]
    assert CARGO["heed-0.22.1"]["opt-level"] == "s"
    manifest = {"profile": {"release": {"opt-level": 3, "package": {"heed": {"opt-level": "s"}}}}}
    one = "one v0.2.0 (/src/crates/one)|\n"
    listing = f"heed v0.22.1|a\nheed-types v0.21.0|\n{one}heed v0.22.1|a (*)\n"
    assert differences(rules(listing, manifest, CARGO), CARGO) == {}
    listing = f"heed v0.22.1|a,b\nother v1.0.0|\n{one}"
    found = differences(rules(listing, manifest, CARGO), CARGO)
    assert set(found) == {"heed-0.22.1", "heed-types-0.21.0", "other-1.0.0"}
    assert found["heed-types-0.21.0"][0] is None


def test_build_scripts_that_are_told_another_level_are_found() -> None:
    module = '    for name, level in {\n        "lmdb": "s",\n        "zmij": "2",\n    }.items()\n'
    levels = {"blake3": "3", "lmdb": "s", "zmij": "z", "other": "s"}
    assert untold(levels, module) == {"zmij": "z", "other": "s"}


@pytest.mark.parametrize("count", [1, 4])
def test_actions_are_read_as_rustc_gets_them(count: int) -> None:
    def action(rustc: str, name: str, version: str, units: str) -> Any:
        variables = {"CARGO_PKG_NAME": name, "CARGO_PKG_VERSION": version}
        arguments = ["process_wrapper", "--", rustc, "--crate-type=rlib", "--edition=2021"]
        files = ["--codegen=opt-level=3", units, "-Clinker-plugin-lto"]
        return {
            "mnemonic": "Rustc",
            "environmentVariables": [{"key": k, "value": v} for k, v in variables.items()],
            "arguments": arguments,
            "paramFiles": [{"arguments": files}],
        }

    wheel = "bazel-out/bin/tools/bazel/rust/wheel/impl-p/rustc"
    contents = "heed-0.22.1 s a\nheed-types-0.21.0 3\none-0.2.0 3\n"
    answer = {
        "actions": [
            {"mnemonic": "FileWrite", "fileContents": contents},
            action(wheel, "heed", "0.22.1", f"-Ccodegen-units={count}"),
            action(wheel, "heed_types", "0.21.0", "--codegen=codegen-units=1"),
            action(wheel, "one", "0.2.0", "-Ccodegen-units=1"),
            # A build script: compiled for this machine, by its rustc.
            action("bin/rustc", "heed", "0.0.0", "-Ccodegen-units=1"),
        ]
    }
    found = differences(actions(answer, "p"), CARGO)
    assert set(found) == (set() if count == 1 else {"heed-0.22.1"})
