//! The steps, in the order they run: quick ones first.

mod artifacts;
mod container;
mod files;
mod fuzz;
mod house;
mod instructions;
mod nix;
mod oracle;
mod python;
mod remotes;
mod rust;
mod wheels;

use crate::context::Context;
use crate::error::Result;
use crate::log::Log;

/// One step.
pub struct Step {
    /// What people type.
    pub name: &'static str,
    /// What it checks, in one line.
    pub about: &'static str,
    /// The steps that must have passed before it.
    pub needs: &'static [&'static str],
    /// What it reads; when none of it changed, a step that passed is not run again.
    pub inputs: Inputs,
    /// What else it depends on, for its stamp.
    pub also: fn(&Context) -> Result<String>,
    /// Whether it writes `dist/`.
    pub makes_dist: bool,
    /// In which runs it is, unless it is named.
    pub when: When,
    /// Does it.
    pub run: fn(&Context, &mut Log) -> Result<Done>,
}

/// What a step reads. A path that ends in `/` is a folder; `""` is everything.
pub enum Inputs {
    /// It is quick, or reads what cannot be hashed: run it every time.
    Always,
    /// These paths of the repository.
    Files(&'static [&'static str]),
    /// These paths and the artifacts in `dist/`.
    FilesAndDist(&'static [&'static str]),
}

/// The runs that a step belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Every run.
    Both,
    /// Only a run for a change: another step of `--all` does the same, and more.
    Change,
    /// Only `--all`: it takes minutes, or a change rarely breaks it.
    All,
}

/// How a step ended that did not fail.
pub enum Done {
    /// It passed; a few words on what that covers.
    Passed(String),
    /// It could not run here, and why.
    Skipped(String),
}

/// Makes a step that needs nothing but what it reads.
const fn step(
    name: &'static str,
    about: &'static str,
    inputs: Inputs,
    run: fn(&Context, &mut Log) -> Result<Done>,
) -> Step {
    Step {
        name,
        about,
        needs: &[],
        inputs,
        also: |_| Ok(String::new()),
        makes_dist: false,
        when: When::Both,
        run,
    }
}

impl Step {
    const fn needing(mut self, needs: &'static [&'static str]) -> Self {
        self.needs = needs;
        self
    }

    const fn also(mut self, also: fn(&Context) -> Result<String>) -> Self {
        self.also = also;
        self
    }

    const fn only_in_all(mut self) -> Self {
        self.when = When::All;
        self
    }

    const fn not_in_all(mut self) -> Self {
        self.when = When::Change;
        self
    }

    const fn making_dist(mut self) -> Self {
        self.makes_dist = true;
        self
    }
}

impl Inputs {
    /// Returns the paths of the repository.
    pub fn paths(&self) -> &[&'static str] {
        match self {
            Self::Always => &[],
            Self::Files(paths) | Self::FilesAndDist(paths) => paths,
        }
    }
}

/// Returns the step of that name.
pub fn find(name: &str) -> Option<&'static Step> {
    ALL.iter().find(|step| step.name == name)
}

use Inputs::{Always, Files, FilesAndDist};

const RUST: &[&str] = &["toolchain"];
const WHEELS: &[&str] = &["wheels"];

/// Every step. `.ci/run` reads the names out of what a run prints: letters and `-`.
#[rustfmt::skip] // a table: two lines for each step
pub static ALL: &[Step] = &[
    step("toolchain", "rustfmt, clippy and a CPython are there, or get installed",
        Always, rust::toolchain),
    step("files", "no registry hosts, machine paths, oversized or overlong files",
        Always, files::run),
    step("sync", "copies of facts are as wheelwright.toml says (`sync --write` makes them so)",
        Always, house::sync),
    step("links", "links between pages lead somewhere, and docs/README.md to every page",
        Always, house::links),
    step("fmt", "rustfmt finds nothing to change",
        Files(&["crates/", "tools/", "rustfmt.toml"]), rust::fmt).needing(RUST),
    step("ruff", "Python lint and format",
        Always, python::ruff),
    step("mypy", "mypy --strict over the Python packages, their tests, and the programs of a study",
        Files(&["python/", "tools/checks/tests/", "tools/wheelwright/study/", "mypy.ini"]),
        python::mypy),
    step("pyright", "pyright, strict, over a typed program of a user",
        Files(&["python/daggerml/", "python/tests/typed/"]), python::pyright).only_in_all(),
    step("workflows", "the house rules of .github/workflows, actionlint, zizmor",
        Files(&[".github/", "action.yml", "tools/wheelwright/data/release.yml"]),
        house::workflows),
    step("bazel", "Bazel knows every crate and platform; buildifier formats and lints its files",
        Always, house::bazel),
    step("nix", "nixfmt, deadnix, the hashes shared with wheelwright, flake.lock (asks Nix)",
        Files(&["flake.nix", "flake.lock", "nix/", "tools/wheelwright/src/toolchain/requirements/"]),
        nix::run).only_in_all(),
    step("deny", "licences, sources and bans of the crates we link",
        Files(&["crates/", "tools/", "deny.toml"]), rust::deny).only_in_all(),
    step("advisories", "known vulnerabilities of the crates we link",
        Always, rust::advisories).only_in_all(),
    step("pip-audit", "known vulnerabilities of the Python tools we lock",
        Always, python::audit).only_in_all(),
    step("container", "the house rules of the Containerfile, hadolint",
        Files(&["Containerfile"]), container::run).only_in_all(),
    step("clippy", "clippy, all targets, warnings are errors",
        Files(&["crates/", "tools/", "clippy.toml"]), rust::clippy).needing(RUST),
    step("test", "every Rust test, by cargo nextest",
        Files(&[""]), rust::test).needing(RUST),
    step("versions", "one version in Cargo.toml, the Python packages, their ranges, the changelog",
        Always, rust::versions).needing(RUST),
    step("fuzz", "every fuzz target, for ten seconds",
        Files(&["crates/daggerml/", "tools/wheelwright-artifacts/", "docs/spec/vectors/"]),
        fuzz::run).only_in_all().needing(RUST),
    step("instructions", "no hot path of the engine takes 5 % more instructions (`--write` accepts)",
        Files(&["crates/daggerml/", "bench/instructions.toml"]),
        instructions::run).only_in_all().needing(RUST),
    step("oracle", "independent tools and our audit agree on a corpus of broken artifacts",
        FilesAndDist(&["tools/wheelwright/", "tools/wheelwright-artifacts/", "docs/audit-study.md"]),
        oracle::run).only_in_all().needing(RUST),
    step("doctest", "the examples in Rust documentation",
        Files(&["crates/", "README.md", "docs/"]), rust::doctest).only_in_all().needing(RUST),
    step("rustdoc", "the Rust documentation builds without a warning",
        Files(&["crates/", "tools/", "README.md"]), rust::rustdoc).only_in_all().needing(RUST),
    step("python", "python/tests, less what needs a browser or servers, around a debug build of the engine",
        Files(&["crates/", "python/", "tools/wheelwright/", "docs/guide/from-0.1.md", "docs/spec/"]),
        python::quick).needing(RUST).not_in_all(),
    step("wheels", "cargo wheels --host: build, audit and smoke-test this machine's wheels",
        Files(&["crates/", "python/", "tools/", "wheelwright.toml", "README.md", "LICENSE"]),
        wheels::run).only_in_all().needing(RUST).making_dist(),
    step("real", "wheelwright builds the guide's project, and catches what is not reproducible",
        Files(&["tools/wheelwright/", "tools/wheelwright-artifacts/", "docs/guide/building.md"]),
        wheels::real).only_in_all().needing(WHEELS),
    step("stubtest", "_core.pyi says what the built daggerml._core is",
        FilesAndDist(&["python/", "mypy.ini"]), python::stubtest).only_in_all().needing(WHEELS),
    step("pytest", "python/tests against the installed wheels",
        FilesAndDist(&["python/tests/", "crates/"]), python::pytest).only_in_all().needing(WHEELS),
    step("pythons", "python/tests on every other CPython of this machine",
        FilesAndDist(&["python/tests/", "crates/"]),
        python::pythons).only_in_all().also(python::others_described).needing(WHEELS),
    step("remotes", "remotes on Azurite, a second S3 and sshd, against the installed wheels",
        FilesAndDist(&["python/tests/", "tools/checks/azurite/"]),
        remotes::run).only_in_all().needing(WHEELS),
    step("guides", "every shell and Python block of README.md and docs/",
        FilesAndDist(&["README.md", "CONTRIBUTING.md", "docs/", "python/"]),
        house::guides).only_in_all().needing(WHEELS),
    step("artifacts", "auditwheel, abi3audit, twine and check-wheel-contents on dist/",
        FilesAndDist(&[]), artifacts::tools).only_in_all().needing(WHEELS),
    step("sdists", "pip wheel from our sdists gives the wheels that we packed",
        FilesAndDist(&[]), artifacts::sdists).only_in_all().needing(WHEELS),
    step("vendored", "pip wheel from an sdist with its crates works offline, and gives our wheel",
        FilesAndDist(&["tools/wheelwright/src/pack/"]),
        artifacts::vendored).only_in_all().needing(WHEELS),
    step("rehearsal", "a whole release of dist/ to an index on this machine, broken off after each file",
        FilesAndDist(&["tools/wheelwright/src/", "trust.toml"]),
        house::rehearsal).only_in_all().needing(WHEELS),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_the_summary_of_ci_reads_them() {
        for step in ALL {
            let plain = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(step.name.chars().all(plain), "{}", step.name);
        }
    }
}
